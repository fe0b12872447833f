// The forms of every kernel of kernels.h: NAME_portable, NAME_avx2 and NAME_avx512, the same source compiled
// for the baseline instruction set, for AVX2 + FMA and for AVX-512. dispatch.c chooses one; tests compare
// them. Users call kernels.h. All but the portable ones exist on x86-64 only.
#pragma once

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// FORM(result, name, parameters, arguments) for each kernel.
#define DK_KERNELS(FORM)                                                                                   \
  FORM(void, dk_fill, (float *y, float value, size_t n), (y, value, n))                                    \
  FORM(void, dk_copy, (const float *x, float *y, size_t n, int accumulate), (x, y, n, accumulate))         \
  FORM(void, dk_add, (const float *a, const float *b, float *y, size_t n), (a, b, y, n))                   \
  FORM(void, dk_scale, (const float *x, float factor, float *y, size_t n, int accumulate),                 \
       (x, factor, y, n, accumulate))                                                                      \
  FORM(void, dk_multiply, (const float *a, const float *b, float *y, size_t n, int accumulate),            \
       (a, b, y, n, accumulate))                                                                           \
  FORM(void, dk_add_bias, (const float *x, const float *bias, float *y, size_t rows, size_t width),        \
       (x, bias, y, rows, width))                                                                          \
  FORM(void, dk_scale_columns,                                                                             \
       (const float *x, const float *scale, float *y, size_t rows, size_t width, int accumulate),          \
       (x, scale, y, rows, width, accumulate))                                                             \
  FORM(void, dk_sum_rows, (const float *x, float *sums, size_t rows, size_t width, int accumulate),        \
       (x, sums, rows, width, accumulate))                                                                 \
  FORM(void, dk_sum_rows_product,                                                                          \
       (const float *a, const float *b, float *sums, size_t rows, size_t width, int accumulate),           \
       (a, b, sums, rows, width, accumulate))                                                              \
  FORM(double, dk_sum, (const float *x, size_t n), (x, n))                                                 \
  FORM(double, dk_sum_squares, (const float *x, size_t n), (x, n))                                         \
  FORM(double, dk_dot, (const float *a, const float *b, size_t n), (a, b, n))                              \
  FORM(size_t, dk_argmax, (const float *x, size_t n), (x, n))                                              \
  FORM(void, dk_activation, (int kind, const float *x, float *y, size_t n), (kind, x, y, n))               \
  FORM(void, dk_activation_backward,                                                                       \
       (int kind, const float *x, const float *dy, float *dx, size_t n, int accumulate),                   \
       (kind, x, dy, dx, n, accumulate))                                                                   \
  FORM(void, dk_swiglu, (const float *gate, const float *up, float *y, size_t n), (gate, up, y, n))        \
  FORM(void, dk_swiglu_backward,                                                                           \
       (const float *gate, const float *up, const float *dy, float *dgate, float *dup, size_t n),          \
       (gate, up, dy, dgate, dup, n))                                                                      \
  FORM(void, dk_exp, (const float *x, float *y, size_t n), (x, y, n))                                      \
  FORM(void, dk_layer_norm,                                                                                \
       (const float *x, const float *gamma, const float *beta, float eps, float *y, float *mean,           \
        float *rstd, size_t rows, size_t width),                                                           \
       (x, gamma, beta, eps, y, mean, rstd, rows, width))                                                  \
  FORM(void, dk_layer_norm_backward,                                                                       \
       (const float *x, const float *gamma, const float *mean, const float *rstd, const float *dy,         \
        float *dx, float *dgamma, float *dbeta, size_t rows, size_t width, int accumulate),                \
       (x, gamma, mean, rstd, dy, dx, dgamma, dbeta, rows, width, accumulate))                             \
  FORM(void, dk_rms_norm,                                                                                  \
       (const float *x, const float *gamma, float eps, float *y, float *rstd, size_t rows, size_t width),  \
       (x, gamma, eps, y, rstd, rows, width))                                                              \
  FORM(void, dk_rms_norm_backward,                                                                         \
       (const float *x, const float *gamma, const float *rstd, const float *dy, float *dx, float *dgamma,  \
        size_t rows, size_t width, int accumulate),                                                        \
       (x, gamma, rstd, dy, dx, dgamma, rows, width, accumulate))                                          \
  FORM(void, dk_l2_normalize,                                                                              \
       (const float *x, float eps, float *y, float *norms, size_t rows, size_t width),                     \
       (x, eps, y, norms, rows, width))                                                                    \
  FORM(void, dk_l2_normalize_backward,                                                                     \
       (const float *y, const float *norms, float eps, const float *dy, float *dx, size_t rows,            \
        size_t width, int accumulate),                                                                     \
       (y, norms, eps, dy, dx, rows, width, accumulate))                                                   \
  FORM(void, dk_softmax_tile,                                                                              \
       (float *scores, size_t rows, size_t columns, size_t ld, const int32_t *visible, float scale,        \
        float *log_sum_exp),                                                                               \
       (scores, rows, columns, ld, visible, scale, log_sum_exp))                                           \
  FORM(void, dk_softmax_tile_again,                                                                        \
       (float *scores, size_t rows, size_t columns, size_t ld, const int32_t *visible, float scale,        \
        const float *log_sum_exp),                                                                         \
       (scores, rows, columns, ld, visible, scale, log_sum_exp))                                           \
  FORM(void, dk_softmax_tile_backward,                                                                     \
       (const float *p, float *dp, size_t rows, size_t columns, size_t ld, const int32_t *visible,         \
        const float *delta, float scale),                                                                  \
       (p, dp, rows, columns, ld, visible, delta, scale))                                                  \
  FORM(void, dk_row_dots,                                                                                  \
       (const float *a, size_t lda, const float *b, size_t ldb, float *delta, size_t rows, size_t width),  \
       (a, lda, b, ldb, delta, rows, width))                                                               \
  FORM(double, dk_cross_entropy_row,                                                                       \
       (float *logits, size_t n, int32_t target, float scale, int gradient),                               \
       (logits, n, target, scale, gradient))                                                               \
  FORM(void, dk_few_rows_transposed,                                                                       \
       (const float *x, size_t ldx, const float *w, size_t ldw, float *y, size_t ldy, size_t rows,         \
        size_t inputs, size_t outputs, int accumulate),                                                    \
       (x, ldx, w, ldw, y, ldy, rows, inputs, outputs, accumulate))                                        \
  FORM(void, dk_few_rows,                                                                                  \
       (const float *x, size_t ldx, const float *w, size_t ldw, float *y, size_t ldy, size_t rows,         \
        size_t inputs, size_t outputs, int accumulate),                                                    \
       (x, ldx, w, ldw, y, ldy, rows, inputs, outputs, accumulate))                                        \
  FORM(void, dk_rotary,                                                                                    \
       (const float *x, float *y, size_t rows, size_t heads, size_t head_dim, const int32_t *positions,    \
        const float *cosines, const float *sines, int direction, int accumulate),                          \
       (x, y, rows, heads, head_dim, positions, cosines, sines, direction, accumulate))                    \
  FORM(void, dk_adamw,                                                                                     \
       (float *parameter, const float *gradient, float *m, float *v, size_t n, float gradient_scale,       \
        double learning_rate, double beta1, double beta2, float eps, double weight_decay, double bias1,    \
        double bias2),                                                                                     \
       (parameter, gradient, m, v, n, gradient_scale, learning_rate, beta1, beta2, eps, weight_decay,      \
        bias1, bias2))                                                                                     \
  FORM(void, dk_adam,                                                                                      \
       (float *parameter, const float *gradient, float *m, float *v, size_t n, float gradient_scale,       \
        double learning_rate, double beta1, double beta2, float eps, double weight_decay, double bias1,    \
        double bias2),                                                                                     \
       (parameter, gradient, m, v, n, gradient_scale, learning_rate, beta1, beta2, eps, weight_decay,      \
        bias1, bias2))                                                                                     \
  FORM(void, dk_f16_to_f32, (const uint16_t *x, float *y, size_t n), (x, y, n))                            \
  FORM(void, dk_bf16_to_f32, (const uint16_t *x, float *y, size_t n), (x, y, n))                           \
  FORM(void, dk_f32_to_f16, (const float *x, uint16_t *y, size_t n), (x, y, n))                            \
  FORM(void, dk_f32_to_bf16, (const float *x, uint16_t *y, size_t n), (x, y, n))

// The kernels that have a fourth form, for AVX-512 with its instructions on bfloat16.
#define DK_BRAIN_KERNELS(FORM)                                                                             \
  FORM(void, dk_few_rows_transposed_bf16,                                                                  \
       (const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw, float *y, size_t ldy, size_t rows,   \
        size_t inputs, size_t outputs, int accumulate),                                                    \
       (x, ldx, w, ldw, y, ldy, rows, inputs, outputs, accumulate))                                        \
  FORM(void, dk_rows_bf16,                                                                                 \
       (const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw, float *y, size_t ldy, size_t rows,   \
        size_t inputs, size_t outputs, int accumulate),                                                    \
       (x, ldx, w, ldw, y, ldy, rows, inputs, outputs, accumulate))

// Forms are numbered in the order of what they need of the CPU: 0 portable, 1 AVX2, 2 AVX-512, 3 AVX-512 with
// bfloat16. This CPU has those below dk_form_count(), whatever the environment says.
int dk_form_count(void);
// As dk_instruction_set() calls it.
const char *dk_form_name(int form);

// NAME_form(form): the kernel in that form, NULL if it has none of its own.
#define DK_DECLARE(result, name, parameters, arguments) \
  result name##_portable parameters;                    \
  result name##_avx2 parameters;                        \
  result name##_avx512 parameters;                      \
  typedef result(*name##_kernel) parameters;            \
  name##_kernel name##_form(int form);
#define DK_DECLARE_BRAIN(result, name, parameters, arguments) \
  DK_DECLARE(result, name, parameters, arguments)             \
  result name##_avx512_bf16 parameters;
DK_KERNELS(DK_DECLARE)
DK_BRAIN_KERNELS(DK_DECLARE_BRAIN)
#undef DK_DECLARE
#undef DK_DECLARE_BRAIN

#ifdef __cplusplus
}
#endif
