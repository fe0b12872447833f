// Sums, products and reductions of arrays.
#include "vector.h"

void KERNEL(dk_fill)(float *y, float value, size_t n) {
  FOR_LANES(n, { store(y + i, (floats)value, lanes); });
}

void KERNEL(dk_copy)(const float *x, float *y, size_t n, int accumulate) {
  FOR_LANES(n, { put(y + i, load(x + i, lanes), lanes, accumulate); });
}

void KERNEL(dk_add)(const float *a, const float *b, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, load(a + i, lanes) + load(b + i, lanes), lanes); });
}

void KERNEL(dk_scale)(const float *x, float factor, float *y, size_t n, int accumulate) {
  FOR_LANES(n, { put(y + i, load(x + i, lanes) * factor, lanes, accumulate); });
}

void KERNEL(dk_multiply)(const float *a, const float *b, float *y, size_t n, int accumulate) {
  FOR_LANES(n, { put(y + i, load(a + i, lanes) * load(b + i, lanes), lanes, accumulate); });
}

void KERNEL(dk_add_bias)(const float *x, const float *bias, float *y, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++) KERNEL(dk_add)(x + r * width, bias, y + r * width, width);
}

void KERNEL(dk_scale_columns)(const float *x, const float *scale, float *y, size_t rows, size_t width,
                              int accumulate) {
  for (size_t r = 0; r < rows; r++)
    KERNEL(dk_multiply)(x + r * width, scale, y + r * width, width, accumulate);
}

// Four rows at a time, to load and store the sums once for the four; the order of additions is that of the
// rows.
void KERNEL(dk_sum_rows)(const float *x, float *sums, size_t rows, size_t width, int accumulate) {
  if (!accumulate) KERNEL(dk_fill)(sums, 0.0f, width);
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *row = x + r * width;
    FOR_LANES(width, {
      floats sum = load(sums + i, lanes);
      for (int k = 0; k < 4; k++) sum += load(row + k * width + i, lanes);
      store(sums + i, sum, lanes);
    });
  }
  for (; r < rows; r++) KERNEL(dk_add)(sums, x + r * width, sums, width);
}

void KERNEL(dk_sum_rows_product)(const float *a, const float *b, float *sums, size_t rows, size_t width,
                                 int accumulate) {
  if (!accumulate) KERNEL(dk_fill)(sums, 0.0f, width);
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *first = a + r * width;
    const float *second = b + r * width;
    FOR_LANES(width, {
      floats sum = load(sums + i, lanes);
      for (int k = 0; k < 4; k++)
        sum += load(first + k * width + i, lanes) * load(second + k * width + i, lanes);
      store(sums + i, sum, lanes);
    });
  }
  for (; r < rows; r++) KERNEL(dk_multiply)(a + r * width, b + r * width, sums, width, 1);
}

double KERNEL(dk_sum)(const float *x, size_t n) {
  doubles sum = 0;
  FOR_LANES(n, { sum += to_double(load(x + i, lanes)); });
  return sum_lanes_double(sum);
}

double KERNEL(dk_sum_squares)(const float *x, size_t n) { return KERNEL(dk_dot)(x, x, n); }

#if !defined(DK_AVX512)
INLINE doubles add_products(doubles sum, const float *a, const float *b, size_t lanes) {
  return madd_double(to_double(load(a, lanes)), to_double(load(b, lanes)), sum);
}
#endif

// Two chains of additions, to have more of them in flight.
double KERNEL(dk_dot)(const float *a, const float *b, size_t n) {
#if defined(DK_AVX512)
  // Zen 4 converts 8 lanes to double at 0.65 of the speed of twice 4.
  return dk_dot_avx2(a, b, n);
#else
  doubles even = 0;
  doubles odd = 0;
  const size_t pairs = n & ~(size_t)(2 * LANES - 1);
  for (size_t i = 0; i < pairs; i += 2 * LANES) {
    even = add_products(even, a + i, b + i, LANES);
    odd = add_products(odd, a + i + LANES, b + i + LANES, LANES);
  }
  FOR_LANES(n - pairs, { even = add_products(even, a + pairs + i, b + pairs + i, lanes); });
  return sum_lanes_double(even + odd);
#endif
}

// The largest value first, then where it stands: both passes stream. NaN never wins; 0 if nothing does.
size_t KERNEL(dk_argmax)(const float *x, size_t n) {
  floats best = -INFINITY;
  FOR_LANES(n, { best = larger(best, load_or(x + i, lanes, -INFINITY)); });
  const float largest = largest_lane(best);
  for (size_t i = 0; i < n; i++)
    if (x[i] == largest) return i;
  return 0;
}
