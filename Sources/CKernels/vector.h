// Some float lanes and what the kernels do with them, for whichever instruction set is being compiled: 16
// lanes of AVX-512 when DK_AVX512 is defined (avx512.c), 8 of AVX2 + FMA when DK_AVX2 is (avx2.c), else 8
// of the target's baseline.
#pragma once

#include <math.h>
#include <string.h>

#include "forms.h"

// Lanes cross no function boundary that is not inlined, so their calling convention doesn't matter.
#pragma clang diagnostic ignored "-Wpsabi"

#if defined(DK_AVX512)
#define LANES 16
#define KERNEL(name) name##_avx512
#elif defined(DK_AVX2)
#define LANES 8
#define KERNEL(name) name##_avx2
#else
#define LANES 8
#define KERNEL(name) name##_portable
#endif

typedef float f2 __attribute__((ext_vector_type(2)));
typedef float f4 __attribute__((ext_vector_type(4)));
typedef float f8 __attribute__((ext_vector_type(8)));
typedef double d4 __attribute__((ext_vector_type(4)));
typedef double d8 __attribute__((ext_vector_type(8)));
typedef float floats __attribute__((ext_vector_type(LANES)));
typedef double doubles __attribute__((ext_vector_type(LANES)));
typedef int32_t ints __attribute__((ext_vector_type(LANES)));
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef uint16_t halves __attribute__((ext_vector_type(LANES)));

#define INLINE static inline __attribute__((always_inline))

// Runs the body for i = 0, LANES, 2 LANES, … below n with `lanes` = LANES, and once more for what is left.
// `lanes` is a constant in the first copy, so its loads and stores are whole; a lane's arithmetic is the
// same in both.
#define FOR_LANES(n, ...)                                 \
  do {                                                    \
    const size_t count_ = (n);                            \
    const size_t whole_ = count_ & ~(size_t)(LANES - 1);  \
    for (size_t i = 0; i < whole_; i += LANES) {          \
      const size_t lanes = LANES;                         \
      __VA_ARGS__                                         \
    }                                                     \
    if (whole_ < count_) {                                \
      const size_t i = whole_;                            \
      const size_t lanes = count_ - whole_;               \
      __VA_ARGS__                                         \
    }                                                     \
  } while (0)

// Where the first `lanes` lanes are true.
INLINE ints lane_mask(size_t lanes) {
#if LANES == 16
  const ints index = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#else
  const ints index = {0, 1, 2, 3, 4, 5, 6, 7};
#endif
  return index < (int32_t)lanes;
}

// The first `lanes` floats at x; the other lanes are `fill`.
INLINE floats load_or(const float *x, size_t lanes, float fill) {
  floats v;
  if (lanes == LANES) {
    memcpy(&v, x, sizeof v);
    return v;
  }
#if defined(DK_AVX512)
  return (floats)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << lanes) - 1), x);
#elif defined(DK_AVX2)
  v = __builtin_ia32_maskloadps256((const void *)x, lane_mask(lanes));
  return fill == 0.0f ? v : lane_mask(lanes) ? v : (floats)fill;
#else
  v = fill;
  for (size_t k = 0; k < lanes; k++) v[k] = x[k];
  return v;
#endif
}

// The first `lanes` floats at x; the other lanes are 0.
INLINE floats load(const float *x, size_t lanes) { return load_or(x, lanes, 0.0f); }

// Writes the first `lanes` lanes to y.
INLINE void store(float *y, floats v, size_t lanes) {
  if (lanes == LANES) {
    memcpy(y, &v, sizeof v);
    return;
  }
  // In pieces of 8, 4, 2 and 1: masked stores are slow on some CPUs.
#if LANES == 16
  f8 eight = v.lo;
  if (lanes & 8) {
    memcpy(y, &eight, sizeof eight);
    eight = v.hi;
    y += 8;
  }
#else
  const f8 eight = v;
#endif
  f4 four = eight.lo;
  if (lanes & 4) {
    memcpy(y, &four, sizeof four);
    four = eight.hi;
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
INLINE void put(float *y, floats v, size_t lanes, int accumulate) {
  store(y, accumulate ? load(y, lanes) + v : v, lanes);
}

// a * b + c, fused where the hardware can; FUSED says so.
#if defined(DK_AVX512) || defined(DK_AVX2) || defined(__aarch64__)
#define FUSED 1
INLINE floats madd(floats a, floats b, floats c) { return __builtin_elementwise_fma(a, b, c); }
INLINE doubles madd_double(doubles a, doubles b, doubles c) { return __builtin_elementwise_fma(a, b, c); }
#else
#define FUSED 0
INLINE floats madd(floats a, floats b, floats c) { return a * b + c; }
INLINE doubles madd_double(doubles a, doubles b, doubles c) { return a * b + c; }
#endif

// The larger and the smaller; a when a or b is NaN.
INLINE floats larger(floats a, floats b) { return b > a ? b : a; }
INLINE floats smaller(floats a, floats b) { return b < a ? b : a; }

INLINE floats absolute(floats v) { return (floats)((ints)v & 0x7fffffff); }
INLINE floats with_sign_of(floats magnitude, floats sign) {
  return (floats)(((ints)magnitude & 0x7fffffff) | ((ints)sign & (int32_t)0x80000000));
}

INLINE doubles to_double(floats v) { return __builtin_convertvector(v, doubles); }

// Folds a vector to eight lanes, the upper half added to the lower one or compared with it.
#if LANES == 16
INLINE f8 fold(floats v) { return v.lo + v.hi; }
INLINE d8 fold_double(doubles v) { return v.lo + v.hi; }
INLINE f8 fold_larger(floats v) { return v.lo > v.hi ? v.lo : v.hi; }
#else
INLINE f8 fold(floats v) { return v; }
INLINE d8 fold_double(doubles v) { return v; }
INLINE f8 fold_larger(floats v) { return v; }
#endif

INLINE float sum_lanes(floats v) {
  const f8 eight = fold(v);
  const f4 four = eight.lo + eight.hi;
  const f2 two = four.lo + four.hi;
  return two.x + two.y;
}

// The sums of the lanes of four vectors, each added in the order of sum_lanes.
INLINE f4 sum_lanes_of_four(const floats v[4]) {
  const f8 a = fold(v[0]), b = fold(v[1]), c = fold(v[2]), d = fold(v[3]);
  const f8 ab = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
                __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  const f8 cd = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11) +
                __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15);
  // a and c in the lower half, b and d in the upper one: two sums of each.
  const f8 acbd = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13) +
                  __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
  const f4 first = __builtin_shufflevector(acbd, acbd, 0, 4, 2, 6);
  const f4 second = __builtin_shufflevector(acbd, acbd, 1, 5, 3, 7);
  return first + second;
}

// y[c] = the sum of the lanes of sums[c], or y[c] += it, for `n` (4 or 1) of them.
INLINE void put_sums(float *y, const floats sums[4], const size_t n, int accumulate) {
  if (n == 1) {
    const float sum = sum_lanes(sums[0]);
    *y = accumulate ? *y + sum : sum;
    return;
  }
  f4 before = 0;
  if (accumulate) memcpy(&before, y, sizeof before);
  const f4 sum = sum_lanes_of_four(sums);
  const f4 after = accumulate ? before + sum : sum;
  memcpy(y, &after, sizeof after);
}

INLINE double sum_lanes_double(doubles v) {
  const d8 eight = fold_double(v);
  const d4 four = eight.lo + eight.hi;
  return (four.x + four.z) + (four.y + four.w);
}

INLINE float largest_lane(floats v) {
  const f8 eight = fold_larger(v);
  const f4 four = eight.lo > eight.hi ? eight.lo : eight.hi;
  const f2 two = four.lo > four.hi ? four.lo : four.hi;
  return two.x > two.y ? two.x : two.y;
}

// exp(x + low) for x from -87.3 to 89 and a `low` far smaller than 1, to 1e-7 relative: x = n ln 2 + r, and
// exp(r) = 1 + r + r² q(r) with q fitted to 3e-9. Below -87, where it would leave the normal range, it is 0.
INLINE floats bounded_exp_of(floats x, floats low) {
  // 1.5 * 2^23 + 126: adding it rounds to an integer n and leaves n + 126 in the low bits, which are the
  // exponent of 2^(n - 1). The last doubling reaches results that 2^n itself would overflow.
  const float rounder = 12582912.0f + 126.0f;
  const floats shifted = madd(x, (floats)1.44269504088896341f, (floats)rounder);
  const floats half_power = (floats)((words)shifted << 23);
  const floats n = shifted - rounder;
  floats r = madd(n, (floats)-0.693359375f, x);
  r = madd(n, (floats)2.12194440e-4f, r) + low;
  const floats r2 = r * r;
  floats q = madd(r, (floats)0.00836890059f, (floats)0.0416684059f);
  q = madd(r2, (floats)0.00138142185f, q);
  q = madd(r2, q, madd(r, (floats)0.166665191f, (floats)0.499999933f));
  const floats half = madd(madd(r2, q, r), half_power, half_power);
  return half + half;
}

// exp(x) to 1e-7 relative. NaN stays NaN; from 88.73 on the result is infinity, below -87 it is 0.
INLINE floats exp_of(floats x) {
  // Adding -0 is nothing, and is left out.
  const floats e = bounded_exp_of(smaller(x, (floats)89.0f), (floats)-0.0f);
  return (floats)((ints)e & ~(x < -87.0f));
}
