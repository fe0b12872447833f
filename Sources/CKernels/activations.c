// Activation functions, their derivatives, and exp.
//
// Every function has its right limit at both infinities and keeps NaN. Slopes that vanish there end at 1e-32
// or less.
#include "vector.h"

INLINE floats clamp(floats x, float limit) { return larger(smaller(x, (floats)limit), (floats)-limit); }

// sigmoid(x) and 1 - sigmoid(x), each to 2e-7 relative; beyond ±80 as there, where one of them is 2e-35.
typedef struct {
  floats value, rest;
} Sigmoid;

INLINE Sigmoid sigmoid_of(floats x) {
  const floats e = bounded_exp_of(-clamp(x, 80.0f), (floats)-0.0f);
  const floats value = 1.0f / (1.0f + e);
  return (Sigmoid){.value = value, .rest = e * value};
}

// The normal distribution at x: P(X <= x) and the density.
typedef struct {
  floats cumulative, density;
} Normal;

// -a²/2 as the sum of two floats, exact to 2^-40 or better.
INLINE void half_square(floats a, floats *high, floats *low) {
#if FUSED
  const floats half = -0.5f * a;
  *high = half * a;
  *low = madd(half, a, -*high);
#else
  const floats top = (floats)((ints)a & (int32_t)0xfffff000);  // 12 bits: its square is exact
  *high = -0.5f * top * top;
  *low = -0.5f * (a - top) * (a + top);
#endif
}

// The upper tail at a = |x| is exp(-a²/2) g(a). g is 0.5 erfcx(a / sqrt(2)), here a quotient of polynomials
// fitted to 6.3e-9 relative on [0, 15]; from 13.19 on the tail is 0. The two parts of a² let the tail keep
// its relative error wherever it is not 0.
INLINE Normal normal_of(floats x) {
  const floats a = smaller(absolute(x), (floats)13.2f);
  floats high, low;
  half_square(a, &high, &low);
  const floats e = bounded_exp_of(high, low);
  floats p = madd(a, (floats)0.00415318594f, (floats)0.0408808462f);
  p = madd(a, p, (floats)0.183968323f);
  p = madd(a, p, (floats)0.439282362f);
  p = madd(a, p, (floats)0.5f);
  floats q = madd(a, (floats)0.0104103816f, (floats)0.102479202f);
  q = madd(a, q, (floats)0.47140654f);
  q = madd(a, q, (floats)1.20554495f);
  q = madd(a, q, (floats)1.67644973f);
  q = madd(a, q, (floats)1.0f);
  const floats tail = e * p / q;
  return (Normal){.cumulative = x > 0.0f ? 1.0f - tail : tail, .density = e * 0.398942280401432678f};
}

// GELU (Hendrycks & Gimpel 2016, arXiv:1606.08415), x P(X <= x).
INLINE floats gelu_erf_of(floats x) { return larger(x, (floats)-20.0f) * normal_of(x).cumulative; }

INLINE floats gelu_erf_slope_of(floats x) {
  const Normal normal = normal_of(x);
  return madd(clamp(x, 20.0f), normal.density, normal.cumulative);
}

// Its tanh form: 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x³).
#define GELU_TANH_SLOPE 1.59576912160573071f /* 2 sqrt(2/pi) */
#define GELU_TANH_CUBIC 0.0713548162726f     /* 0.044715 of the same */

INLINE floats gelu_tanh_of(floats x) {
  const floats twice_u = x * madd(x * x, (floats)GELU_TANH_CUBIC, (floats)GELU_TANH_SLOPE);
  return larger(x, (floats)-20.0f) / (1.0f + exp_of(-twice_u));
}

INLINE floats gelu_tanh_slope_of(floats x) {
  x = clamp(x, 20.0f);
  const Sigmoid s = sigmoid_of(x * madd(x * x, (floats)GELU_TANH_CUBIC, (floats)GELU_TANH_SLOPE));
  const floats twice_du = madd(x * x, (floats)(3.0f * GELU_TANH_CUBIC), (floats)GELU_TANH_SLOPE);
  return madd(x * twice_du, s.value * s.rest, s.value);
}

INLINE floats quick_gelu_of(floats x) { return larger(x, (floats)-100.0f) / (1.0f + exp_of(x * -1.702f)); }

INLINE floats quick_gelu_slope_of(floats x) {
  const Sigmoid s = sigmoid_of(x * 1.702f);
  return madd(clamp(x * 1.702f, 80.0f), s.value * s.rest, s.value);
}

INLINE floats silu_of(floats x) { return larger(x, (floats)-100.0f) / (1.0f + exp_of(-x)); }

INLINE floats silu_slope_of(floats x) {
  const Sigmoid s = sigmoid_of(x);
  return madd(clamp(x, 80.0f), s.value * s.rest, s.value);
}

INLINE floats relu_of(floats x) { return larger(x, (floats)0.0f); }
INLINE floats relu_slope_of(floats x) { return x > 0.0f ? (floats)1.0f : (floats)0.0f; }

// Cephes, tanhf.c: a polynomial below 0.625, 1 - 2 / (exp(2|x|) + 1) above.
INLINE floats tanh_of(floats x) {
  const floats z = x * x;
  floats p = madd(z, (floats)-5.70498872745e-3f, (floats)2.06390887954e-2f);
  p = madd(p, z, (floats)-5.37397155531e-2f);
  p = madd(p, z, (floats)1.33314422036e-1f);
  p = madd(p, z, (floats)-3.33332819422e-1f);
  p = madd(p, z * x, x);
  const floats a = absolute(x);
  const floats large = with_sign_of(1.0f - 2.0f / (exp_of(2.0f * a) + 1.0f), x);
  return a < 0.625f ? p : large;
}

INLINE floats tanh_slope_of(floats x) {
  const Sigmoid s = sigmoid_of(2.0f * x);
  return 4.0f * s.value * s.rest;
}

INLINE floats sigmoid_value_of(floats x) { return 1.0f / (1.0f + exp_of(-x)); }

INLINE floats sigmoid_slope_of(floats x) {
  const Sigmoid s = sigmoid_of(x);
  return s.value * s.rest;
}

void KERNEL(dk_activation)(int kind, const float *x, float *y, size_t n) {
#define VALUES(function)                                             \
  FOR_LANES(n, { store(y + i, function(load(x + i, lanes)), lanes); }); \
  break

  switch (kind) {
  case DK_GELU_ERF: VALUES(gelu_erf_of);
  case DK_GELU_TANH: VALUES(gelu_tanh_of);
  case DK_QUICK_GELU: VALUES(quick_gelu_of);
  case DK_SILU: VALUES(silu_of);
  case DK_RELU: VALUES(relu_of);
  case DK_TANH: VALUES(tanh_of);
  case DK_SIGMOID: VALUES(sigmoid_value_of);
  }
#undef VALUES
}

void KERNEL(dk_activation_backward)(int kind, const float *x, const float *dy, float *dx, size_t n,
                                    int accumulate) {
#define GRADIENTS(slope)                                                                           \
  FOR_LANES(n, { put(dx + i, load(dy + i, lanes) * slope(load(x + i, lanes)), lanes, accumulate); }); \
  break

  switch (kind) {
  case DK_GELU_ERF: GRADIENTS(gelu_erf_slope_of);
  case DK_GELU_TANH: GRADIENTS(gelu_tanh_slope_of);
  case DK_QUICK_GELU: GRADIENTS(quick_gelu_slope_of);
  case DK_SILU: GRADIENTS(silu_slope_of);
  case DK_RELU: GRADIENTS(relu_slope_of);
  case DK_TANH: GRADIENTS(tanh_slope_of);
  case DK_SIGMOID: GRADIENTS(sigmoid_slope_of);
  }
#undef GRADIENTS
}

void KERNEL(dk_swiglu)(const float *gate, const float *up, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, silu_of(load(gate + i, lanes)) * load(up + i, lanes), lanes); });
}

void KERNEL(dk_swiglu_backward)(const float *gate, const float *up, const float *dy, float *dgate,
                                float *dup, size_t n) {
  FOR_LANES(n, {
    const floats g = load(gate + i, lanes);
    const floats u = load(up + i, lanes);
    const floats d = load(dy + i, lanes);
    const Sigmoid s = sigmoid_of(g);
    store(dgate + i, d * u * madd(clamp(g, 80.0f), s.value * s.rest, s.value), lanes);
    store(dup + i, d * (larger(g, (floats)-80.0f) * s.value), lanes);
  });
}

void KERNEL(dk_exp)(const float *x, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, exp_of(load(x + i, lanes)), lanes); });
}
