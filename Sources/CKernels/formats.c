// IEEE half precision and bfloat16, by integer arithmetic on the bits.
#include "vector.h"

INLINE h8 load_half(const uint16_t *x, size_t lanes) {
  h8 v = 0;
  if (lanes == 8)
    memcpy(&v, x, sizeof v);
  else
    for (size_t k = 0; k < lanes; k++) v[k] = x[k];
  return v;
}

INLINE void store_half(uint16_t *y, h8 v, size_t lanes) {
  if (lanes == 8)
    memcpy(y, &v, sizeof v);
  else
    for (size_t k = 0; k < lanes; k++) y[k] = v[k];
}

INLINE u8 widen(h8 v) { return __builtin_convertvector(v, u8); }
INLINE h8 narrow(u8 v) { return __builtin_convertvector(v, h8); }
INLINE u8 choose(u8 mask, u8 yes, u8 no) { return (mask & yes) | (~mask & no); }

void KERNEL(dk_f16_to_f32)(const uint16_t *x, float *y, size_t n) {
  FOR_LANES(n, {
    const u8 bits = widen(load_half(x + i, lanes));
    const u8 magnitude = (bits & 0x7fff) << 13;
    const u8 exponent = magnitude & 0x0f800000;
    const u8 normal = magnitude + ((127 - 15) << 23);
    const u8 special = magnitude + ((255 - 31) << 23);
    // A subnormal's bits as the fraction of 2^-14, less 2^-14: the subtraction normalises.
    const u8 subnormal = (u8)((f8)(magnitude + (113 << 23)) - 0x1p-14f);
    u8 result = choose((u8)(exponent == 0x0f800000), special, normal);
    result = choose((u8)(exponent == 0), subnormal, result);
    store(y + i, (f8)(result | (bits & 0x8000) << 16), lanes);
  });
}

void KERNEL(dk_bf16_to_f32)(const uint16_t *x, float *y, size_t n) {
  FOR_LANES(n, { store(y + i, (f8)(widen(load_half(x + i, lanes)) << 16), lanes); });
}

void KERNEL(dk_f32_to_f16)(const float *x, uint16_t *y, size_t n) {
  FOR_LANES(n, {
    const u8 bits = (u8)load(x + i, lanes);
    const u8 magnitude = bits & 0x7fffffff;
    // Half of the last kept bit, less one, plus that bit: a carry rounds to nearest, ties to even.
    const u8 normal = (magnitude - ((127 - 15) << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    // Below 2^-14: adding 0.5 leaves the value in units of 2^-24 in the low bits, rounded by the adder.
    const u8 subnormal = (u8)((f8)magnitude + 0.5f) - 0x3f000000;
    const u8 nan = 0x7e00 | ((magnitude >> 13) & 0x3ff);
    u8 result = choose((u8)(magnitude < (113 << 23)), subnormal, normal);
    result = choose((u8)(magnitude >= (143 << 23)), (u8)0x7c00, result);
    result = choose((u8)(magnitude > 0x7f800000), nan, result);
    store_half(y + i, narrow(result | (bits >> 16 & 0x8000)), lanes);
  });
}

void KERNEL(dk_f32_to_bf16)(const float *x, uint16_t *y, size_t n) {
  FOR_LANES(n, {
    const u8 bits = (u8)load(x + i, lanes);
    const u8 rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const u8 nan = bits >> 16 | 0x40;
    store_half(y + i, narrow(choose((u8)((bits & 0x7fffffff) > 0x7f800000), nan, rounded)), lanes);
  });
}
