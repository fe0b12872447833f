// SIMD kernels of Dragoman. One file a family in Sources/CKernels; this header is the whole interface.
//
// Conventions: float32; row-major; `rows` × `width` matrices are contiguous unless a stride (`ld`, in
// floats) is given. No allocation, no global state, no threads: a kernel's result depends on its
// arguments only and is the same bits for a row wherever that row stands. `accumulate` != 0 adds to the
// output instead of overwriting it. In-place use (output == input) is allowed where said.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The instruction set the kernels run with here: "avx512+bf16", "avx512" (F, BW, DQ, VL), "avx2+fma" or
// "portable". The best that the CPU has, unless the environment asks for a lesser one when the program starts:
// DRAGOMAN_KERNELS=avx512, avx2 or portable. Other values change nothing.
const char *dk_instruction_set(void);

// ---- elementwise (elementwise.c) ----
void dk_fill(float *y, float value, size_t n);
void dk_copy(const float *x, float *y, size_t n, int accumulate);          // y (+)= x
void dk_add(const float *a, const float *b, float *y, size_t n);           // y = a + b; in place allowed
void dk_scale(const float *x, float factor, float *y, size_t n, int accumulate);
void dk_multiply(const float *a, const float *b, float *y, size_t n, int accumulate);
// y[r][c] = x[r][c] + bias[c]; in place allowed.
void dk_add_bias(const float *x, const float *bias, float *y, size_t rows, size_t width);
// y[r][c] (+)= x[r][c] * scale[c] (LayerScale).
void dk_scale_columns(const float *x, const float *scale, float *y, size_t rows, size_t width, int accumulate);
// sums[c] (+)= sum over rows of x[r][c], rows added in order (bias gradients).
void dk_sum_rows(const float *x, float *sums, size_t rows, size_t width, int accumulate);
// sums[c] (+)= sum over rows of a[r][c] * b[r][c].
void dk_sum_rows_product(const float *a, const float *b, float *sums, size_t rows, size_t width, int accumulate);
double dk_sum(const float *x, size_t n);                                    // in double, fixed order
double dk_sum_squares(const float *x, size_t n);                            // in double, fixed order
double dk_dot(const float *a, const float *b, size_t n);                    // in double, fixed order
size_t dk_argmax(const float *x, size_t n);                                 // first of equals

// ---- activations (activations.c) ----
// Values of `kind`. gelu_erf: exact; gelu_tanh: the tanh form; quick_gelu: x*sigmoid(1.702x).
enum { DK_GELU_ERF = 0, DK_GELU_TANH = 1, DK_QUICK_GELU = 2, DK_SILU = 3, DK_RELU = 4, DK_TANH = 5, DK_SIGMOID = 6 };
// Relative error to the double-precision function about 1e-6 or better, absolute near zero 1e-7.
void dk_activation(int kind, const float *x, float *y, size_t n);           // in place allowed
void dk_activation_backward(int kind, const float *x, const float *dy, float *dx, size_t n, int accumulate);
// SwiGLU: y = silu(gate) * up.
void dk_swiglu(const float *gate, const float *up, float *y, size_t n);
// dgate and dup are overwritten; dgate == gate or dup == up (in place) allowed.
void dk_swiglu_backward(const float *gate, const float *up, const float *dy, float *dgate, float *dup, size_t n);
void dk_exp(const float *x, float *y, size_t n);                            // in place allowed; exp(-inf) = 0

// ---- norms (norms.c) ----
// y = (x - mean) * rstd * gamma + beta, per row; gamma and beta may be NULL. mean, rstd: [rows].
// Variance is the biased one; accumulate mean and variance in double or in a way as exact (two passes).
void dk_layer_norm(const float *x, const float *gamma, const float *beta, float eps, float *y,
                   float *mean, float *rstd, size_t rows, size_t width);
// dx (+)= gradient for x. dgamma, dbeta: [width], added to (never overwritten); NULL when not wanted.
void dk_layer_norm_backward(const float *x, const float *gamma, const float *mean, const float *rstd,
                            const float *dy, float *dx, float *dgamma, float *dbeta,
                            size_t rows, size_t width, int accumulate);
// y = x * rstd * gamma, rstd = 1/sqrt(mean(x^2) + eps) (Llama's RMSNorm).
void dk_rms_norm(const float *x, const float *gamma, float eps, float *y, float *rstd, size_t rows, size_t width);
void dk_rms_norm_backward(const float *x, const float *gamma, const float *rstd, const float *dy,
                          float *dx, float *dgamma, size_t rows, size_t width, int accumulate);
// y = x / max(|x|_2, eps), norms: [rows] keeps |x|_2.
void dk_l2_normalize(const float *x, float eps, float *y, float *norms, size_t rows, size_t width);
void dk_l2_normalize_backward(const float *y, const float *norms, float eps, const float *dy, float *dx,
                              size_t rows, size_t width, int accumulate);

// ---- softmax (softmax.c) ----
// A tile of attention scores [rows, ld]. In row r the first `visible[r]` columns count (visible NULL: all
// `columns`); s = softmax(scale * s) over these, the remaining columns up to `columns` become 0.
// log_sum_exp[r] (may be NULL) = log of the sum of exp(scale * s). A row with visible 0 becomes all 0.
void dk_softmax_tile(float *scores, size_t rows, size_t columns, size_t ld, const int32_t *visible,
                     float scale, float *log_sum_exp);
// The same probabilities again from the saved log_sum_exp: s = exp(scale * s - log_sum_exp[r]).
void dk_softmax_tile_again(float *scores, size_t rows, size_t columns, size_t ld, const int32_t *visible,
                           float scale, const float *log_sum_exp);
// ds = p * (dp - delta[r]) * scale, written over dp. Columns beyond visible become 0.
void dk_softmax_tile_backward(const float *p, float *dp, size_t rows, size_t columns, size_t ld,
                              const int32_t *visible, const float *delta, float scale);
// delta[r] = sum over c of a[r][c] * b[r][c], rows of `width` floats at strides lda, ldb (in float lanes).
void dk_row_dots(const float *a, size_t lda, const float *b, size_t ldb, float *delta, size_t rows, size_t width);
// Cross-entropy of one row of logits [n] against `target`. Returns -log softmax(logits)[target] (in double).
// When `gradient` != 0 the row becomes (softmax - onehot(target)) * scale in place; else it is left alone.
double dk_cross_entropy_row(float *logits, size_t n, int32_t target, float scale, int gradient);

// ---- products with few rows (products.c) ----
// y[r][o] (+)= sum over i of x[r][i] * w[o][i]: [rows, inputs] times [outputs, inputs] transposed, row strides
// in floats. Up to about 64 rows faster than a general GEMM; a row's bits do not depend on the other rows.
void dk_few_rows_transposed(const float *x, size_t ldx, const float *w, size_t ldw, float *y, size_t ldy,
                            size_t rows, size_t inputs, size_t outputs, int accumulate);
// y[r][o] (+)= sum over i of x[r][i] * w[i][o]: [rows, inputs] times [inputs, outputs].
void dk_few_rows(const float *x, size_t ldx, const float *w, size_t ldw, float *y, size_t ldy, size_t rows,
                 size_t inputs, size_t outputs, int accumulate);

// ---- products with few rows in bfloat16 (brain_products.c) ----
// The same from bfloat16 numbers (dk_f32_to_bf16 makes them of x): float32 products and sums of the rounded
// inputs. On a CPU with AVX512_BF16, whose instruction takes subnormal numbers as 0, in its way.
void dk_few_rows_transposed_bf16(const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw, float *y,
                                 size_t ldy, size_t rows, size_t inputs, size_t outputs, int accumulate);

// ---- products of any number of rows in bfloat16 (brain_rows.c) ----
// y[r][o] (+)= sum over i of x[r][i] * w[i][o] from bfloat16 numbers, as above; a row's bits do not depend on the
// other rows. Fast in the form with AVX512_BF16 only.
void dk_rows_bf16(const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw, float *y, size_t ldy, size_t rows,
                  size_t inputs, size_t outputs, int accumulate);

// ---- rotary (rotary.c) ----
// Rotate-half (Hugging Face) form on [rows, heads * head_dim]: pairs (i, i + head_dim/2) of each head.
// cosines, sines: [positions, head_dim/2]. direction +1 forward, -1 backward (the transpose). In place allowed.
void dk_rotary(const float *x, float *y, size_t rows, size_t heads, size_t head_dim, const int32_t *positions,
               const float *cosines, const float *sines, int direction, int accumulate);

// ---- optimisers (adam.c) ----
// One AdamW update (Loshchilov & Hutter, decoupled decay; torch.optim.AdamW's order):
// p *= 1 - lr*decay; g = gradient*gradient_scale; m, v updated; p -= lr/bias1 * m / (sqrt(v)/sqrt(bias2) + eps)
// with bias1 = 1 - beta1^t, bias2 = 1 - beta2^t given by the caller.
void dk_adamw(float *parameter, const float *gradient, float *m, float *v, size_t n, float gradient_scale,
              double learning_rate, double beta1, double beta2, float eps, double weight_decay,
              double bias1, double bias2);
// One Adam update with the decay in the gradient (torch.optim.Adam's order): g = gradient*gradient_scale +
// decay*p; m, v and p as above, without the first step.
void dk_adam(float *parameter, const float *gradient, float *m, float *v, size_t n, float gradient_scale,
             double learning_rate, double beta1, double beta2, float eps, double weight_decay,
             double bias1, double bias2);

// ---- number formats (formats.c) ----
void dk_f16_to_f32(const uint16_t *x, float *y, size_t n);   // subnormals, infinities, NaN kept
void dk_bf16_to_f32(const uint16_t *x, float *y, size_t n);
void dk_f32_to_f16(const float *x, uint16_t *y, size_t n);   // round to nearest even, overflow to infinity
void dk_f32_to_bf16(const float *x, uint16_t *y, size_t n);  // round to nearest even, NaN stays NaN

#ifdef __cplusplus
}
#endif
