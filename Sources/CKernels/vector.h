// Eight float lanes and what the kernels do with them, for whichever instruction set is being compiled:
// AVX2 + FMA when DK_AVX2 is defined (avx2.c), else the target's baseline.
#pragma once

#include <math.h>
#include <string.h>

#include "forms.h"

// Eight lanes cross no function boundary that is not inlined, so their calling convention doesn't matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float f2 __attribute__((ext_vector_type(2)));
typedef float f4 __attribute__((ext_vector_type(4)));
typedef float f8 __attribute__((ext_vector_type(8)));
typedef double d4 __attribute__((ext_vector_type(4)));
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
    const size_t count_ = (n);                  \
    const size_t whole_ = count_ & ~(size_t)7;  \
    for (size_t i = 0; i < whole_; i += 8) {    \
      const size_t lanes = 8;                   \
      __VA_ARGS__                               \
    }                                           \
    if (whole_ < count_) {                      \
      const size_t i = whole_;                  \
      const size_t lanes = count_ - whole_;     \
      __VA_ARGS__                               \
    }                                           \
  } while (0)

INLINE i8 lane_mask(size_t lanes) {
  const i8 index = {0, 1, 2, 3, 4, 5, 6, 7};
  return index < (int32_t)lanes;
}

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
  if (lanes == 8) return v;
  return lane_mask(lanes) ? v : (f8)fill;
}

// Writes the first `lanes` lanes to y, in pieces of 4, 2 and 1: AVX2's masked store is slow on some CPUs.
INLINE void store(float *y, f8 v, size_t lanes) {
  if (lanes == 8) {
    memcpy(y, &v, sizeof v);
    return;
  }
  f4 four = v.lo;
  if (lanes & 4) {
    memcpy(y, &four, sizeof four);
    four = v.hi;
    y += 4;
  }
  f2 two = four.lo;
  if (lanes & 2) {
    memcpy(y, &two, sizeof two);
    two = four.hi;
    y += 2;
  }
  if (lanes & 1) *y = two.x;
}

// y = v, or y += v.
INLINE void put(float *y, f8 v, size_t lanes, int accumulate) {
  store(y, accumulate ? load(y, lanes) + v : v, lanes);
}

// a * b + c, fused where the hardware can; FUSED says so.
#if defined(DK_AVX2) || defined(__aarch64__)
#define FUSED 1
INLINE f8 madd(f8 a, f8 b, f8 c) { return __builtin_elementwise_fma(a, b, c); }
INLINE d8 madd_double(d8 a, d8 b, d8 c) { return __builtin_elementwise_fma(a, b, c); }
#else
#define FUSED 0
INLINE f8 madd(f8 a, f8 b, f8 c) { return a * b + c; }
INLINE d8 madd_double(d8 a, d8 b, d8 c) { return a * b + c; }
#endif

// The larger and the smaller; a when a or b is NaN.
INLINE f8 larger(f8 a, f8 b) { return b > a ? b : a; }
INLINE f8 smaller(f8 a, f8 b) { return b < a ? b : a; }

INLINE f8 absolute(f8 v) { return (f8)((i8)v & 0x7fffffff); }
INLINE f8 with_sign_of(f8 magnitude, f8 sign) {
  return (f8)(((i8)magnitude & 0x7fffffff) | ((i8)sign & (int32_t)0x80000000));
}

INLINE d8 to_double(f8 v) { return __builtin_convertvector(v, d8); }

INLINE float sum_lanes(f8 v) {
  const f4 four = v.lo + v.hi;
  const f2 two = four.lo + four.hi;
  return two.x + two.y;
}

INLINE double sum_lanes_double(d8 v) {
  const d4 four = v.lo + v.hi;
  return (four.x + four.z) + (four.y + four.w);
}

INLINE float largest_lane(f8 v) {
  const f4 four = v.lo > v.hi ? v.lo : v.hi;
  const f2 two = four.lo > four.hi ? four.lo : four.hi;
  return two.x > two.y ? two.x : two.y;
}

// exp(x + low) for x from -87.3 to 89 and a `low` far smaller than 1, to 1e-7 relative: x = n ln 2 + r, and
// exp(r) = 1 + r + r² q(r) with q fitted to 3e-9. Below -87, where it would leave the normal range, it is 0.
INLINE f8 bounded_exp8(f8 x, f8 low) {
  // 1.5 * 2^23 + 126: adding it rounds to an integer n and leaves n + 126 in the low bits, which are the
  // exponent of 2^(n - 1). The last doubling reaches results that 2^n itself would overflow.
  const float rounder = 12582912.0f + 126.0f;
  const f8 shifted = madd(x, (f8)1.44269504088896341f, (f8)rounder);
  const f8 half_power = (f8)((u8)shifted << 23);
  const f8 n = shifted - rounder;
  f8 r = madd(n, (f8)-0.693359375f, x);
  r = madd(n, (f8)2.12194440e-4f, r) + low;
  const f8 r2 = r * r;
  f8 q = madd(r, (f8)0.00836890059f, (f8)0.0416684059f);
  q = madd(r2, (f8)0.00138142185f, q);
  q = madd(r2, q, madd(r, (f8)0.166665191f, (f8)0.499999933f));
  const f8 half = madd(madd(r2, q, r), half_power, half_power);
  return half + half;
}

// exp(x) to 1e-7 relative. NaN stays NaN; from 88.73 on the result is infinity, below -87 it is 0.
INLINE f8 exp8(f8 x) {
  const f8 e = bounded_exp8(smaller(x, (f8)89.0f), (f8)-0.0f);  // adding -0 is nothing, and is left out
  return (f8)((i8)e & ~(x < -87.0f));
}
