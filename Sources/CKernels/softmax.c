// Softmax over rows of attention scores, its gradient, and the cross-entropy of a row of logits.
#include "vector.h"

INLINE size_t visible_columns(const int32_t *visible, size_t row, size_t columns) {
  if (!visible) return columns;
  if (visible[row] <= 0) return 0;
  return (size_t)visible[row] < columns ? (size_t)visible[row] : columns;
}

// scale * s in the first lanes, -inf in the others: these add nothing to a maximum or a sum of exponentials.
INLINE floats load_scaled(const float *s, size_t lanes, float scale) {
  const floats v = load(s, lanes) * scale;
  if (lanes == LANES) return v;
  return lane_mask(lanes) ? v : (floats)-INFINITY;
}

INLINE float largest_scaled(const float *s, size_t n, float scale) {
  floats largest = -INFINITY;
  FOR_LANES(n, { largest = larger(largest, load_scaled(s + i, lanes, scale)); });
  return largest_lane(largest);
}

void KERNEL(dk_softmax_tile)(float *scores, size_t rows, size_t columns, size_t ld, const int32_t *visible,
                             float scale, float *log_sum_exp) {
  for (size_t r = 0; r < rows; r++) {
    float *s = scores + r * ld;
    const size_t seen = visible_columns(visible, r, columns);
    const float largest = largest_scaled(s, seen, scale);
    floats sum = 0;
    FOR_LANES(seen, {
      const floats e = exp_of(load_scaled(s + i, lanes, scale) - largest);
      sum += e;
      store(s + i, e, lanes);
    });
    const float total = sum_lanes(sum);
    KERNEL(dk_scale)(s, 1.0f / total, s, seen, 0);
    KERNEL(dk_fill)(s + seen, 0.0f, columns - seen);
    if (log_sum_exp) log_sum_exp[r] = (float)((double)largest + log((double)total));
  }
}

void KERNEL(dk_softmax_tile_again)(float *scores, size_t rows, size_t columns, size_t ld,
                                   const int32_t *visible, float scale, const float *log_sum_exp) {
  for (size_t r = 0; r < rows; r++) {
    float *s = scores + r * ld;
    const size_t seen = visible_columns(visible, r, columns);
    const float shift = log_sum_exp[r];
    FOR_LANES(seen, { store(s + i, exp_of(load(s + i, lanes) * scale - shift), lanes); });
    KERNEL(dk_fill)(s + seen, 0.0f, columns - seen);
  }
}

void KERNEL(dk_softmax_tile_backward)(const float *p, float *dp, size_t rows, size_t columns, size_t ld,
                                      const int32_t *visible, const float *delta, float scale) {
  for (size_t r = 0; r < rows; r++) {
    const float *probability = p + r * ld;
    float *d = dp + r * ld;
    const size_t seen = visible_columns(visible, r, columns);
    const float shift = delta[r];
    FOR_LANES(seen, {
      store(d + i, load(probability + i, lanes) * (load(d + i, lanes) - shift) * scale, lanes);
    });
    KERNEL(dk_fill)(d + seen, 0.0f, columns - seen);
  }
}

void KERNEL(dk_row_dots)(const float *a, size_t lda, const float *b, size_t ldb, float *delta, size_t rows,
                         size_t width) {
  for (size_t r = 0; r < rows; r++) {
    floats sum = 0;
    FOR_LANES(width, { sum = madd(load(a + r * lda + i, lanes), load(b + r * ldb + i, lanes), sum); });
    delta[r] = sum_lanes(sum);
  }
}

double KERNEL(dk_cross_entropy_row)(float *logits, size_t n, int32_t target, float scale, int gradient) {
  const float largest = largest_scaled(logits, n, 1.0f);
  const double logit = (double)logits[target];
  // A run is short enough to be summed in float lanes; the runs are added in double.
  const size_t run = 256;
  doubles sum = 0;
  for (size_t start = 0; start < n; start += run) {
    float *x = logits + start;
    const size_t count = n - start < run ? n - start : run;
    floats part = 0;
    FOR_LANES(count, {
      const floats e = exp_of(load_scaled(x + i, lanes, 1.0f) - largest);
      part += e;
      if (gradient) store(x + i, e, lanes);
    });
    sum += to_double(part);
  }
  const double total = sum_lanes_double(sum);
  if (gradient) {
    const double probability = (double)logits[target] / total;
    KERNEL(dk_scale)(logits, (float)((double)scale / total), logits, n, 0);
    logits[target] = (float)((probability - 1.0) * (double)scale);
  }
  return (double)largest + log(total) - logit;
}
