// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in Hugging Face's rotate-half form.
#include "vector.h"

void KERNEL(dk_rotary)(const float *x, float *y, size_t rows, size_t heads, size_t head_dim,
                       const int32_t *positions, const float *cosines, const float *sines, int direction,
                       int accumulate) {
  const size_t half = head_dim / 2;
  const float sign = direction < 0 ? -1.0f : 1.0f;
  for (size_t r = 0; r < rows; r++) {
    const float *cosine = cosines + (size_t)positions[r] * half;
    const float *sine = sines + (size_t)positions[r] * half;
    for (size_t h = 0; h < heads; h++) {
      const size_t head = (r * heads + h) * head_dim;
      const float *x1 = x + head;
      const float *x2 = x1 + half;
      float *y1 = y + head;
      float *y2 = y1 + half;
      FOR_LANES(half, {
        const floats c = load(cosine + i, lanes);
        const floats s = load(sine + i, lanes) * sign;
        const floats a = load(x1 + i, lanes);
        const floats b = load(x2 + i, lanes);
        put(y1 + i, a * c - b * s, lanes, accumulate);
        put(y2 + i, b * c + a * s, lanes, accumulate);
      });
    }
  }
}
