// IEEE half precision and bfloat16, by integer arithmetic on the bits.
#include "vector.h"

INLINE halves load_half(const uint16_t *x, size_t lanes) {
  halves v = 0;
  if (lanes == LANES) {
    memcpy(&v, x, sizeof v);
    return v;
  }
#if defined(DK_AVX512)
  return (halves)_mm256_maskz_loadu_epi16((__mmask16)((1u << lanes) - 1), x);
#else
  for (size_t k = 0; k < lanes; k++) v[k] = x[k];
  return v;
#endif
}

INLINE void store_half(uint16_t *y, halves v, size_t lanes) {
  if (lanes == LANES) {
    memcpy(y, &v, sizeof v);
    return;
  }
#if defined(DK_AVX512)
  _mm256_mask_storeu_epi16(y, (__mmask16)((1u << lanes) - 1), (__m256i)v);
#else
  for (size_t k = 0; k < lanes; k++) y[k] = v[k];
#endif
}

INLINE words widen(halves v) { return __builtin_convertvector(v, words); }
INLINE halves narrow(words v) { return __builtin_convertvector(v, halves); }
INLINE words choose(words mask, words yes, words no) { return (mask & yes) | (~mask & no); }

void KERNEL(dk_f16_to_f32)(const uint16_t *x, float *y, size_t n) {
  FOR_LANES(n, {
    const words bits = widen(load_half(x + i, lanes));
    const words magnitude = (bits & 0x7fff) << 13;
    const words exponent = magnitude & 0x0f800000;
    const words normal = magnitude + ((127 - 15) << 23);
    const words special = magnitude + ((255 - 31) << 23);
    // A subnormal's bits as the fraction of 2^-14, less 2^-14: the subtraction normalises.
    const words subnormal = (words)((floats)(magnitude + (113 << 23)) - 0x1p-14f);
    words result = choose((words)(exponent == 0x0f800000), special, normal);
    result = choose((words)(exponent == 0), subnormal, result);
    store(y + i, (floats)(result | (bits & 0x8000) << 16), lanes);
  });
}

void KERNEL(dk_bf16_to_f32)(const uint16_t *x, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, (floats)(widen(load_half(x + i, lanes)) << 16), lanes); });
}

void KERNEL(dk_f32_to_f16)(const float *x, uint16_t *y, size_t n) {
  FOR_LANES(n, {
    const words bits = (words)load(x + i, lanes);
    const words magnitude = bits & 0x7fffffff;
    // Half of the last kept bit, less one, plus that bit: a carry rounds to nearest, ties to even.
    const words normal = (magnitude - ((127 - 15) << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    // Below 2^-14: adding 0.5 leaves the value in units of 2^-24 in the low bits, rounded by the adder.
    const words subnormal = (words)((floats)magnitude + 0.5f) - 0x3f000000;
    const words nan = 0x7e00 | ((magnitude >> 13) & 0x3ff);
    words result = choose((words)(magnitude < (113 << 23)), subnormal, normal);
    result = choose((words)(magnitude >= (143 << 23)), (words)0x7c00, result);
    result = choose((words)(magnitude > 0x7f800000), nan, result);
    store_half(y + i, narrow(result | (bits >> 16 & 0x8000)), lanes);
  });
}

void KERNEL(dk_f32_to_bf16)(const float *x, uint16_t *y, size_t n) {
  FOR_LANES(n, {
    const words bits = (words)load(x + i, lanes);
    const words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const words nan = bits >> 16 | 0x40;
    store_half(y + i, narrow(choose((words)((bits & 0x7fffffff) > 0x7f800000), nan, rounded)), lanes);
  });
}
