// Eight float lanes and what the kernels do with them, for whichever instruction set is being compiled:
// AVX2 + FMA when DK_AVX2 is defined (avx2.c), else the target's baseline.
#pragma once

#include <math.h>
#include <string.h>

#include "forms.h"

// Eight lanes cross no function boundary that is not inlined, so their calling convention doesn't matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float f8 __attribute__((ext_vector_type(8)));
typedef double d8 __attribute__((ext_vector_type(8)));
typedef int32_t i8 __attribute__((ext_vector_type(8)));
typedef uint32_t u8 __attribute__((ext_vector_type(8)));
typedef uint16_t h8 __attribute__((ext_vector_type(8)));

#define INLINE static inline __attribute__((always_inline))

#if defined(DK_AVX2)
#define KERNEL(name) name##_avx2
#else
#define KERNEL(name) name##_portable
#endif

// Runs the body for i = 0, 8, 16, … below n with `lanes` = 8, and once more for what is left. `lanes` is a
// constant in the first copy, so its loads and stores are whole; a lane's arithmetic is the same in both.
#define FOR_LANES(n, ...)                       \
  do {                                          \
    const size_t whole_ = (n) & ~(size_t)7;     \
    for (size_t i = 0; i < whole_; i += 8) {    \
      const size_t lanes = 8;                   \
      __VA_ARGS__                               \
    }                                           \
    if (whole_ < (n)) {                         \
      const size_t i = whole_;                  \
      const size_t lanes = (n)-whole_;          \
      __VA_ARGS__                               \
    }                                           \
  } while (0)

INLINE i8 lane_mask(size_t lanes) {
  const i8 index = {0, 1, 2, 3, 4, 5, 6, 7};
  return index < (int32_t)lanes;
}

INLINE f8 select8(i8 mask, f8 yes, f8 no) { return (f8)(((i8)yes & mask) | ((i8)no & ~mask)); }

// The first `lanes` floats at x; the other lanes are 0.
INLINE f8 load(const float *x, size_t lanes) {
  f8 v = 0;
  if (lanes == 8) {
    memcpy(&v, x, sizeof v);
  } else {
#if defined(DK_AVX2)
    v = __builtin_ia32_maskloadps256((const void *)x, lane_mask(lanes));
#else
    for (size_t k = 0; k < lanes; k++) v[k] = x[k];
#endif
  }
  return v;
}

// The first `lanes` floats at x; the other lanes are `fill`.
INLINE f8 load_or(const float *x, size_t lanes, float fill) {
  const f8 v = load(x, lanes);
  return lanes == 8 ? v : select8(lane_mask(lanes), v, (f8)fill);
}

// Writes the first `lanes` lanes to y.
INLINE void store(float *y, f8 v, size_t lanes) {
  if (lanes == 8) {
    memcpy(y, &v, sizeof v);
  } else {
#if defined(DK_AVX2)
    __builtin_ia32_maskstoreps256((void *)y, lane_mask(lanes), v);
#else
    for (size_t k = 0; k < lanes; k++) y[k] = v[k];
#endif
  }
}

// y = v, or y += v.
INLINE void put(float *y, f8 v, size_t lanes, int accumulate) {
  store(y, accumulate ? load(y, lanes) + v : v, lanes);
}

// a * b + c, fused where the hardware can.
INLINE f8 madd(f8 a, f8 b, f8 c) {
#if defined(DK_AVX2) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// The larger and the smaller; a when b is NaN or not comparable.
INLINE f8 larger(f8 a, f8 b) { return select8(b > a, b, a); }
INLINE f8 smaller(f8 a, f8 b) { return select8(b < a, b, a); }

INLINE f8 absolute(f8 v) { return (f8)((i8)v & 0x7fffffff); }
INLINE f8 with_sign_of(f8 magnitude, f8 sign) {
  return (f8)(((i8)magnitude & 0x7fffffff) | ((i8)sign & (int32_t)0x80000000));
}

INLINE d8 to_double(f8 v) { return __builtin_convertvector(v, d8); }

INLINE float sum_lanes(f8 v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}
INLINE double sum_lanes_double(d8 v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}
INLINE float largest_lane(f8 v) {
  float m = v[0];
  for (int k = 1; k < 8; k++) m = v[k] > m ? v[k] : m;
  return m;
}

// exp(x + low) for a `low` far smaller than 1, to 1e-7 relative: x = n ln 2 + r, a polynomial for exp(r)
// (Cephes, expf.c), and 2^n in two factors so that results below the normal range lose bits gradually.
// exp(-inf) = 0, exp(x > 88.73) = inf, NaN stays NaN.
INLINE f8 exp_sum8(f8 x, f8 low) {
  const float round_to_integer = 12582912.0f;  // 1.5 * 2^23: adding it leaves the integer in the low bits
  x = smaller(larger(x, (f8)-104.0f), (f8)89.0f);
  const f8 shifted = madd(x, (f8)1.44269504088896341f, (f8)round_to_integer);
  const f8 n = shifted - round_to_integer;
  f8 r = madd(n, (f8)-0.693359375f, x);
  r = madd(n, (f8)2.12194440e-4f, r) + low;
  f8 p = madd((f8)1.9875691500e-4f, r, (f8)1.3981999507e-3f);
  p = madd(p, r, (f8)8.3334519073e-3f);
  p = madd(p, r, (f8)4.1665795894e-2f);
  p = madd(p, r, (f8)1.6666665459e-1f);
  p = madd(p, r, (f8)5.0000001201e-1f);
  p = madd(p, r * r, r) + 1.0f;
  const i8 exponent = (i8)shifted - 0x4b400000;  // 0x4b400000: the bits of round_to_integer
  const i8 half = exponent >> 1;
  const f8 first = (f8)((half + 127) << 23);
  const f8 second = (f8)((exponent - half + 127) << 23);
  return p * first * second;
}

INLINE f8 exp8(f8 x) { return exp_sum8(x, (f8)0.0f); }
