// Activation functions, their derivatives, and exp.
//
// Every function has its right limit at both infinities and keeps NaN. Slopes that vanish there end at 1e-32
// or less.
#include "vector.h"

INLINE f8 clamp(f8 x, float limit) { return larger(smaller(x, (f8)limit), (f8)-limit); }

// sigmoid(x) and 1 - sigmoid(x), each to 2e-7 relative; beyond ±80 as there, where one of them is 2e-35.
typedef struct {
  f8 value, rest;
} Sigmoid;

INLINE Sigmoid sigmoid8(f8 x) {
  const f8 e = bounded_exp8(-clamp(x, 80.0f), (f8)-0.0f);
  const f8 value = 1.0f / (1.0f + e);
  return (Sigmoid){.value = value, .rest = e * value};
}

// The normal distribution at x: P(X <= x) and the density.
typedef struct {
  f8 cumulative, density;
} Normal;

// -a²/2 as the sum of two floats, exact to 2^-40 or better.
INLINE void half_square(f8 a, f8 *high, f8 *low) {
#if FUSED
  const f8 half = -0.5f * a;
  *high = half * a;
  *low = madd(half, a, -*high);
#else
  const f8 top = (f8)((i8)a & (int32_t)0xfffff000);  // 12 bits: its square is exact
  *high = -0.5f * top * top;
  *low = -0.5f * (a - top) * (a + top);
#endif
}

// The upper tail at a = |x| is exp(-a²/2) g(a). g is 0.5 erfcx(a / sqrt(2)), here a quotient of polynomials
// fitted to 6.3e-9 relative on [0, 15]; from 13.19 on the tail is 0. The two parts of a² let the tail keep
// its relative error wherever it is not 0.
INLINE Normal normal8(f8 x) {
  const f8 a = smaller(absolute(x), (f8)13.2f);
  f8 high, low;
  half_square(a, &high, &low);
  const f8 e = bounded_exp8(high, low);
  f8 p = madd(a, (f8)0.00415318594f, (f8)0.0408808462f);
  p = madd(a, p, (f8)0.183968323f);
  p = madd(a, p, (f8)0.439282362f);
  p = madd(a, p, (f8)0.5f);
  f8 q = madd(a, (f8)0.0104103816f, (f8)0.102479202f);
  q = madd(a, q, (f8)0.47140654f);
  q = madd(a, q, (f8)1.20554495f);
  q = madd(a, q, (f8)1.67644973f);
  q = madd(a, q, (f8)1.0f);
  const f8 tail = e * p / q;
  return (Normal){.cumulative = x > 0.0f ? 1.0f - tail : tail, .density = e * 0.398942280401432678f};
}

// GELU (Hendrycks & Gimpel 2016, arXiv:1606.08415), x P(X <= x).
INLINE f8 gelu_erf8(f8 x) { return larger(x, (f8)-20.0f) * normal8(x).cumulative; }

INLINE f8 gelu_erf_slope8(f8 x) {
  const Normal normal = normal8(x);
  return madd(clamp(x, 20.0f), normal.density, normal.cumulative);
}

// Its tanh form: 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x³).
#define GELU_TANH_SLOPE 1.59576912160573071f /* 2 sqrt(2/pi) */
#define GELU_TANH_CUBIC 0.0713548162726f     /* 0.044715 of the same */

INLINE f8 gelu_tanh8(f8 x) {
  const f8 twice_u = x * madd(x * x, (f8)GELU_TANH_CUBIC, (f8)GELU_TANH_SLOPE);
  return larger(x, (f8)-20.0f) / (1.0f + exp8(-twice_u));
}

INLINE f8 gelu_tanh_slope8(f8 x) {
  x = clamp(x, 20.0f);
  const Sigmoid s = sigmoid8(x * madd(x * x, (f8)GELU_TANH_CUBIC, (f8)GELU_TANH_SLOPE));
  const f8 twice_du = madd(x * x, (f8)(3.0f * GELU_TANH_CUBIC), (f8)GELU_TANH_SLOPE);
  return madd(x * twice_du, s.value * s.rest, s.value);
}

INLINE f8 quick_gelu8(f8 x) { return larger(x, (f8)-100.0f) / (1.0f + exp8(x * -1.702f)); }

INLINE f8 quick_gelu_slope8(f8 x) {
  const Sigmoid s = sigmoid8(x * 1.702f);
  return madd(clamp(x * 1.702f, 80.0f), s.value * s.rest, s.value);
}

INLINE f8 silu8(f8 x) { return larger(x, (f8)-100.0f) / (1.0f + exp8(-x)); }

INLINE f8 silu_slope8(f8 x) {
  const Sigmoid s = sigmoid8(x);
  return madd(clamp(x, 80.0f), s.value * s.rest, s.value);
}

INLINE f8 relu8(f8 x) { return larger(x, (f8)0.0f); }
INLINE f8 relu_slope8(f8 x) { return x > 0.0f ? (f8)1.0f : (f8)0.0f; }

// Cephes, tanhf.c: a polynomial below 0.625, 1 - 2 / (exp(2|x|) + 1) above.
INLINE f8 tanh8(f8 x) {
  const f8 z = x * x;
  f8 p = madd(z, (f8)-5.70498872745e-3f, (f8)2.06390887954e-2f);
  p = madd(p, z, (f8)-5.37397155531e-2f);
  p = madd(p, z, (f8)1.33314422036e-1f);
  p = madd(p, z, (f8)-3.33332819422e-1f);
  p = madd(p, z * x, x);
  const f8 a = absolute(x);
  const f8 large = with_sign_of(1.0f - 2.0f / (exp8(2.0f * a) + 1.0f), x);
  return a < 0.625f ? p : large;
}

INLINE f8 tanh_slope8(f8 x) {
  const Sigmoid s = sigmoid8(2.0f * x);
  return 4.0f * s.value * s.rest;
}

INLINE f8 sigmoid_value8(f8 x) { return 1.0f / (1.0f + exp8(-x)); }

INLINE f8 sigmoid_slope8(f8 x) {
  const Sigmoid s = sigmoid8(x);
  return s.value * s.rest;
}

void KERNEL(dk_activation)(int kind, const float *x, float *y, size_t n) {
#define VALUES(function)                                             \
  FOR_LANES(n, { store(y + i, function(load(x + i, lanes)), lanes); }); \
  break

  switch (kind) {
  case DK_GELU_ERF: VALUES(gelu_erf8);
  case DK_GELU_TANH: VALUES(gelu_tanh8);
  case DK_QUICK_GELU: VALUES(quick_gelu8);
  case DK_SILU: VALUES(silu8);
  case DK_RELU: VALUES(relu8);
  case DK_TANH: VALUES(tanh8);
  case DK_SIGMOID: VALUES(sigmoid_value8);
  }
#undef VALUES
}

void KERNEL(dk_activation_backward)(int kind, const float *x, const float *dy, float *dx, size_t n,
                                    int accumulate) {
#define GRADIENTS(slope)                                                                           \
  FOR_LANES(n, { put(dx + i, load(dy + i, lanes) * slope(load(x + i, lanes)), lanes, accumulate); }); \
  break

  switch (kind) {
  case DK_GELU_ERF: GRADIENTS(gelu_erf_slope8);
  case DK_GELU_TANH: GRADIENTS(gelu_tanh_slope8);
  case DK_QUICK_GELU: GRADIENTS(quick_gelu_slope8);
  case DK_SILU: GRADIENTS(silu_slope8);
  case DK_RELU: GRADIENTS(relu_slope8);
  case DK_TANH: GRADIENTS(tanh_slope8);
  case DK_SIGMOID: GRADIENTS(sigmoid_slope8);
  }
#undef GRADIENTS
}

void KERNEL(dk_swiglu)(const float *gate, const float *up, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, silu8(load(gate + i, lanes)) * load(up + i, lanes), lanes); });
}

void KERNEL(dk_swiglu_backward)(const float *gate, const float *up, const float *dy, float *dgate,
                                float *dup, size_t n) {
  FOR_LANES(n, {
    const f8 g = load(gate + i, lanes);
    const f8 u = load(up + i, lanes);
    const f8 d = load(dy + i, lanes);
    const Sigmoid s = sigmoid8(g);
    store(dgate + i, d * u * madd(clamp(g, 80.0f), s.value * s.rest, s.value), lanes);
    store(dup + i, d * (larger(g, (f8)-80.0f) * s.value), lanes);
  });
}

void KERNEL(dk_exp)(const float *x, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, exp8(load(x + i, lanes)), lanes); });
}
