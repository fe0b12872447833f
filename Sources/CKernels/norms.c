// Layer norm, RMS norm and L2 normalisation of rows. Means and variances are summed in double; sums
// of gradients, which are as exact as their terms, in float lanes.
#include "vector.h"

// Layer norm (Ba et al. 2016, arXiv:1607.06450).
void KERNEL(dk_layer_norm)(const float *x, const float *gamma, const float *beta, float eps, float *y,
                           float *mean, float *rstd, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++, x += width, y += width) {
    const float m = (float)(KERNEL(dk_sum)(x, width) / (double)width);
    doubles squares = 0;
    FOR_LANES(width, {
      const floats centred = load_or(x + i, lanes, m) - m;
      squares += to_double(centred * centred);
    });
    const double variance = sum_lanes_double(squares) / (double)width;
    const float scale = (float)(1.0 / sqrt(variance + (double)eps));
    mean[r] = m;
    rstd[r] = scale;
    FOR_LANES(width, {
      floats v = (load(x + i, lanes) - m) * scale;
      if (gamma) v *= load(gamma + i, lanes);
      if (beta) v += load(beta + i, lanes);
      store(y + i, v, lanes);
    });
  }
}

// With g = dy gamma and n = (x - mean) rstd: dx = rstd (g - mean(g) - n mean(g n)).
void KERNEL(dk_layer_norm_backward)(const float *x, const float *gamma, const float *mean,
                                    const float *rstd, const float *dy, float *dx, float *dgamma,
                                    float *dbeta, size_t rows, size_t width, int accumulate) {
  for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
    const float m = mean[r];
    const float scale = rstd[r];
    floats sum = 0;
    floats projection = 0;
    FOR_LANES(width, {
      const floats d = load(dy + i, lanes);
      const floats normal = (load(x + i, lanes) - m) * scale;
      const floats g = gamma ? d * load(gamma + i, lanes) : d;
      sum += g;
      projection += g * normal;
      if (dgamma) put(dgamma + i, d * normal, lanes, 1);
      if (dbeta) put(dbeta + i, d, lanes, 1);
    });
    const float mean_g = sum_lanes(sum) / (float)width;
    const float mean_gn = sum_lanes(projection) / (float)width;
    FOR_LANES(width, {
      const floats d = load(dy + i, lanes);
      const floats normal = (load(x + i, lanes) - m) * scale;
      const floats g = gamma ? d * load(gamma + i, lanes) : d;
      put(dx + i, (g - mean_g - normal * mean_gn) * scale, lanes, accumulate);
    });
  }
}

// RMSNorm (Zhang & Sennrich 2019, arXiv:1910.07467), as in transformers' LlamaRMSNorm.
void KERNEL(dk_rms_norm)(const float *x, const float *gamma, float eps, float *y, float *rstd, size_t rows,
                         size_t width) {
  for (size_t r = 0; r < rows; r++, x += width, y += width) {
    const double mean_square = KERNEL(dk_sum_squares)(x, width) / (double)width;
    const float scale = (float)(1.0 / sqrt(mean_square + (double)eps));
    rstd[r] = scale;
    FOR_LANES(width, { store(y + i, load(x + i, lanes) * scale * load(gamma + i, lanes), lanes); });
  }
}

// With g = dy gamma and n = x rstd: dx = rstd (g - n mean(g n)).
void KERNEL(dk_rms_norm_backward)(const float *x, const float *gamma, const float *rstd, const float *dy,
                                  float *dx, float *dgamma, size_t rows, size_t width, int accumulate) {
  for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
    const float scale = rstd[r];
    floats projection = 0;
    FOR_LANES(width, {
      const floats product = load(dy + i, lanes) * (load(x + i, lanes) * scale);
      projection += product * load(gamma + i, lanes);
      if (dgamma) put(dgamma + i, product, lanes, 1);
    });
    const float mean_gn = sum_lanes(projection) / (float)width;
    FOR_LANES(width, {
      const floats g = load(dy + i, lanes) * load(gamma + i, lanes);
      const floats normal = load(x + i, lanes) * scale;
      put(dx + i, (g - normal * mean_gn) * scale, lanes, accumulate);
    });
  }
}

void KERNEL(dk_l2_normalize)(const float *x, float eps, float *y, float *norms, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++, x += width, y += width) {
    const float norm = (float)sqrt(KERNEL(dk_sum_squares)(x, width));
    norms[r] = norm;
    KERNEL(dk_scale)(x, 1.0f / (norm > eps ? norm : eps), y, width, 0);
  }
}

// dx = (dy - y (y · dy)) / |x|, and dy / eps where |x| <= eps: there the divisor is a constant.
void KERNEL(dk_l2_normalize_backward)(const float *y, const float *norms, float eps, const float *dy,
                                      float *dx, size_t rows, size_t width, int accumulate) {
  for (size_t r = 0; r < rows; r++, y += width, dy += width, dx += width) {
    const int free = norms[r] > eps;
    const float scale = 1.0f / (free ? norms[r] : eps);
    const float along = free ? (float)KERNEL(dk_dot)(y, dy, width) : 0.0f;
    FOR_LANES(width, {
      put(dx + i, (load(dy + i, lanes) - load(y + i, lanes) * along) * scale, lanes, accumulate);
    });
  }
}
