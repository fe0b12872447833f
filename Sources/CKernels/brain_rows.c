// Products of bfloat16 numbers with the weight as it lies, inputs down its rows: what carries a gradient back
// through a frozen layer.
#include "vector.h"

#if defined(DK_AVX512_BF16)
#define BRAIN_KERNEL(name) name##_avx512_bf16
#else
#define BRAIN_KERNEL(name) KERNEL(name)
#endif

#if defined(DK_AVX512_BF16)

// The weights of a tile, PANEL columns by DEPTH rows, are repacked into 16 KB: they stay in the first-level
// cache while all rows of x pass.
enum { TILE_ROWS = 6, PANEL = 64, DEPTH = 128 };

INLINE __m512i load_brain(const uint16_t *x, size_t count) {
  return _mm512_maskz_loadu_epi16(count >= 32 ? ~(__mmask32)0 : (__mmask32)((1u << count) - 1), x);
}

// Pairs of rows, column by column: of each 32 columns first those of the lower halves of 8, then the others.
INLINE void pack_pairs(const uint16_t *w, size_t ldw, size_t depth, size_t columns, uint16_t *packed) {
  for (size_t i = 0; i < depth; i += 2, packed += 2 * PANEL) {
    for (size_t c = 0; c < PANEL; c += 32) {
      const size_t count = columns > c ? columns - c : 0;
      const __m512i upper = load_brain(w + i * ldw + c, count);
      const __m512i lower = i + 1 < depth ? load_brain(w + (i + 1) * ldw + c, count) : _mm512_setzero_si512();
      _mm512_store_si512(packed + 2 * c, _mm512_unpacklo_epi16(upper, lower));
      _mm512_store_si512(packed + 2 * c + 32, _mm512_unpackhi_epi16(upper, lower));
    }
  }
}

// `rows` sums of PANEL columns; x has `depth` inputs.
INLINE void add_tile(const uint16_t *x, size_t ldx, const uint16_t *packed, size_t depth, float *y, size_t ldy,
                     size_t columns, int accumulate, const size_t rows) {
  __m512 sums[TILE_ROWS][4] = {{{0}}};
  for (size_t i = 0; i < depth; i += 2, packed += 2 * PANEL) {
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {
      int32_t pair = 0;
      if (i + 1 < depth)
        memcpy(&pair, x + r * ldx + i, sizeof pair);
      else
        pair = x[r * ldx + i];
      const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
      _Pragma("clang loop unroll(full)") for (size_t c = 0; c < 4; c++) {
        sums[r][c] = _mm512_dpbf16_ps(sums[r][c], left, (__m512bh)_mm512_load_si512(packed + 32 * c));
      }
    }
  }
  const __m512i halves_of[2] = {_mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                                _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15)};
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < 4 && 16 * c < columns; c++) {
      const size_t count = columns - 16 * c;
      const __mmask16 mask = count >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << count) - 1);
      float *to = y + r * ldy + 16 * c;
      __m512 sum = (__m512)_mm512_permutex2var_epi64((__m512i)sums[r][c & 2], halves_of[c & 1],
                                                     (__m512i)sums[r][(c & 2) + 1]);
      if (accumulate) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, sum);
    }
  }
}

INLINE void add_tiles(const uint16_t *x, size_t ldx, const uint16_t *packed, size_t depth, float *y, size_t ldy,
                      size_t rows, size_t columns, int accumulate) {
  for (; rows >= TILE_ROWS; rows -= TILE_ROWS, x += TILE_ROWS * ldx, y += TILE_ROWS * ldy)
    add_tile(x, ldx, packed, depth, y, ldy, columns, accumulate, TILE_ROWS);
  switch (rows) {
  case 1: add_tile(x, ldx, packed, depth, y, ldy, columns, accumulate, 1); break;
  case 2: add_tile(x, ldx, packed, depth, y, ldy, columns, accumulate, 2); break;
  case 3: add_tile(x, ldx, packed, depth, y, ldy, columns, accumulate, 3); break;
  case 4: add_tile(x, ldx, packed, depth, y, ldy, columns, accumulate, 4); break;
  case 5: add_tile(x, ldx, packed, depth, y, ldy, columns, accumulate, 5); break;
  default: break;
  }
}

void BRAIN_KERNEL(dk_rows_bf16)(const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw, float *y, size_t ldy,
                                size_t rows, size_t inputs, size_t outputs, int accumulate) {
  _Alignas(64) uint16_t packed[DEPTH * PANEL];
  for (size_t c = 0; c < outputs; c += PANEL) {
    const size_t columns = outputs - c < PANEL ? outputs - c : PANEL;
    size_t i = 0;
    do {  // once without inputs: the sums are 0
      const size_t depth = inputs - i < DEPTH ? inputs - i : DEPTH;
      pack_pairs(w + i * ldw + c, ldw, depth, columns, packed);
      add_tiles(x + i, ldx, packed, depth, y + c, ldy, rows, columns, accumulate || i > 0);
      i += DEPTH;
    } while (i < inputs);
  }
}

#else

INLINE float widened(uint16_t bits) {
  const uint32_t word = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

// Plain: where the CPU has no such instruction, wide products widen the weights for float32 ones.
void BRAIN_KERNEL(dk_rows_bf16)(const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw, float *y, size_t ldy,
                                size_t rows, size_t inputs, size_t outputs, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    float *sums = y + r * ldy;
    if (!accumulate) memset(sums, 0, outputs * sizeof *sums);
    for (size_t i = 0; i < inputs; i++) {
      const float left = widened(x[r * ldx + i]);
      for (size_t c = 0; c < outputs; c++) sums[c] += left * widened(w[i * ldw + c]);
    }
  }
}

#endif
