// Activation functions, their derivatives, and exp.
//
// Every function has its right limit at both infinities and keeps NaN.
#include "vector.h"

INLINE f8 clamp(f8 x, float limit) { return larger(smaller(x, (f8)limit), (f8)-limit); }

// sigmoid(x) and 1 - sigmoid(x), each to 1e-7 relative.
typedef struct {
  f8 value, rest;
} Sigmoid;

INLINE Sigmoid sigmoid8(f8 x) {
  const f8 e = exp8(-absolute(x));
  const f8 near = 1.0f / (1.0f + e);
  const f8 far = e * near;
  const i8 negative = x < 0.0f;
  return (Sigmoid){.value = select8(negative, far, near), .rest = select8(negative, near, far)};
}

// The normal distribution at x: P(X <= x) and the density.
typedef struct {
  f8 cumulative, density;
} Normal;

// The upper tail at a = |x| is exp(-a²/2) g(a). g, a scaled erfcx, is a polynomial in 1 / (1 + 0.38 a) fitted
// to 1.1e-8 relative on [0, 15]; beyond 15 the tail is 0 in float32. a² is taken in two parts, so that the
// tail keeps its relative error down to the smallest numbers.
INLINE Normal normal8(f8 x) {
  const f8 a = smaller(absolute(x), (f8)15.0f);
  const f8 a_high = (f8)((i8)a & (int32_t)0xfffff000);
  const f8 e = exp_sum8(-0.5f * a_high * a_high, -0.5f * (a - a_high) * (a + a_high));
  const f8 t = 1.0f / madd(a, (f8)0.38f, (f8)1.0f);
  f8 g = madd(t, (f8)0.0236780602f, (f8)-0.146054941f);
  g = madd(g, t, (f8)0.361498337f);
  g = madd(g, t, (f8)-0.425569379f);
  g = madd(g, t, (f8)0.203254129f);
  g = madd(g, t, (f8)-0.0524515917f);
  g = madd(g, t, (f8)0.10537114f);
  g = madd(g, t, (f8)0.126850036f);
  g = madd(g, t, (f8)0.151834524f);
  g = madd(g, t, (f8)0.15158968f);
  const f8 tail = e * (g * t);
  return (Normal){.cumulative = select8(x > 0.0f, 1.0f - tail, tail), .density = e * 0.398942280401432678f};
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
  return larger(x, (f8)-20.0f) * sigmoid8(twice_u).value;
}

INLINE f8 gelu_tanh_slope8(f8 x) {
  x = clamp(x, 20.0f);
  const Sigmoid s = sigmoid8(x * madd(x * x, (f8)GELU_TANH_CUBIC, (f8)GELU_TANH_SLOPE));
  const f8 twice_du = madd(x * x, (f8)(3.0f * GELU_TANH_CUBIC), (f8)GELU_TANH_SLOPE);
  return madd(x * twice_du, s.value * s.rest, s.value);
}

INLINE f8 quick_gelu8(f8 x) { return larger(x, (f8)-200.0f) * sigmoid8(x * 1.702f).value; }

INLINE f8 quick_gelu_slope8(f8 x) {
  const Sigmoid s = sigmoid8(x * 1.702f);
  return madd(clamp(x, 200.0f) * 1.702f, s.value * s.rest, s.value);
}

INLINE f8 silu8(f8 x) { return larger(x, (f8)-200.0f) * sigmoid8(x).value; }

INLINE f8 silu_slope8(f8 x) {
  const Sigmoid s = sigmoid8(x);
  return madd(clamp(x, 200.0f), s.value * s.rest, s.value);
}

INLINE f8 relu8(f8 x) { return larger(x, (f8)0.0f); }
INLINE f8 relu_slope8(f8 x) { return select8(x > 0.0f, (f8)1.0f, (f8)0.0f); }

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
  return select8(a < 0.625f, p, large);
}

INLINE f8 tanh_slope8(f8 x) {
  const Sigmoid s = sigmoid8(2.0f * x);
  return 4.0f * s.value * s.rest;
}

INLINE f8 sigmoid_value8(f8 x) { return sigmoid8(x).value; }

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
    const f8 bounded = clamp(g, 200.0f);
    store(dgate + i, d * u * madd(bounded, s.value * s.rest, s.value), lanes);
    store(dup + i, d * (larger(g, (f8)-200.0f) * s.value), lanes);
  });
}

void KERNEL(dk_exp)(const float *x, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, exp8(load(x + i, lanes)), lanes); });
}
