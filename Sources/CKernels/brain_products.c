// Products with few rows on the left in bfloat16, with float32 sums: generation, which reads every weight for
// each token, is as fast as its weights are small.
#include "vector.h"

#if defined(DK_AVX512_BF16)
#define BRAIN_KERNEL(name) name##_avx512_bf16
#else
#define BRAIN_KERNEL(name) KERNEL(name)
#endif

#if LANES == 16
#define BLOCK_ROWS 4
#else
#define BLOCK_ROWS 3
#endif

// y (+)= x wᵀ, the matrices at their row strides in elements.
typedef struct {
  const uint16_t *x, *w;
  float *y;
  size_t ldx, ldw, ldy, inputs;
  int accumulate;
} BrainProduct;

INLINE BrainProduct brain_from_row(BrainProduct p, size_t r) {
  p.x += r * p.ldx;
  p.y += r * p.ldy;
  return p;
}

// `count` numbers at x, two a lane, the others 0.
INLINE words load_pairs(const uint16_t *x, size_t count) {
  words v = 0;
  if (count == 2 * LANES) {
    memcpy(&v, x, sizeof v);
    return v;
  }
#if defined(DK_AVX512)
  return (words)_mm512_maskz_loadu_epi16((__mmask32)((1ull << count) - 1), x);
#else
  memcpy(&v, x, count * sizeof *x);
  return v;
#endif
}

// A lane's sum and the products of its two pairs.
INLINE floats add_pairs(floats sum, words left, words right) {
#if defined(DK_AVX512_BF16)
  return (floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
#else
  // A bfloat16 is the upper half of a float32.
  sum = madd((floats)(left << 16), (floats)(right << 16), sum);
  return madd((floats)(left & 0xffff0000), (floats)(right & 0xffff0000), sum);
#endif
}

// Adds the products of `count` inputs from the i-th on to the sums of `m` by `n` rows.
INLINE void add_brain_dots(const BrainProduct p, size_t i, size_t count, floats sums[BLOCK_ROWS][4],
                           const size_t m, const size_t n) {
  words left[BLOCK_ROWS];
  _Pragma("clang loop unroll(full)") for (size_t r = 0; r < m; r++) {
    left[r] = load_pairs(p.x + r * p.ldx + i, count);
  }
  _Pragma("clang loop unroll(full)") for (size_t c = 0; c < n; c++) {
    const words right = load_pairs(p.w + c * p.ldw + i, count);
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < m; r++) {
      sums[r][c] = add_pairs(sums[r][c], left[r], right);
    }
  }
}

// As `dots` and `dots_of_rows` of products.c.
INLINE void brain_dots(const BrainProduct p, const uint16_t *next, size_t fetched, const size_t m,
                        const size_t n) {
  floats sums[BLOCK_ROWS][4] = {{0}};
  size_t i = 0;
  for (; i + 2 * LANES <= p.inputs; i += 2 * LANES) {
    for (size_t k = 0; k < fetched; k++) __builtin_prefetch(next + k * p.ldw + i);
    add_brain_dots(p, i, 2 * LANES, sums, m, n);
  }
  if (i < p.inputs) add_brain_dots(p, i, p.inputs - i, sums, m, n);
  for (size_t r = 0; r < m; r++) put_sums(p.y + r * p.ldy, sums[r], n, p.accumulate);
}

INLINE void brain_dots_of_rows(const BrainProduct p, size_t rows, size_t left, const size_t n) {
  const size_t passes = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
  size_t fetched = 0;
  for (size_t pass = 0; pass < passes; pass++) {
    const BrainProduct block = brain_from_row(p, pass * BLOCK_ROWS);
    const uint16_t *next = p.w + (n + fetched) * p.ldw;
    const size_t end = left > n ? n * (pass + 1) / passes : 0;
    switch (rows - pass * BLOCK_ROWS) {
    case 1: brain_dots(block, next, end - fetched, 1, n); break;
    case 2: brain_dots(block, next, end - fetched, 2, n); break;
#if BLOCK_ROWS > 3
    case 3: brain_dots(block, next, end - fetched, 3, n); break;
#endif
    default: brain_dots(block, next, end - fetched, BLOCK_ROWS, n);
    }
    fetched = end;
  }
}

void BRAIN_KERNEL(dk_few_rows_transposed_bf16)(const uint16_t *x, size_t ldx, const uint16_t *w, size_t ldw,
                                               float *y, size_t ldy, size_t rows, size_t inputs,
                                               size_t outputs, int accumulate) {
  BrainProduct p = {x, w, y, ldx, ldw, ldy, inputs, accumulate};
  size_t c = 0;
  for (; c + 4 <= outputs; c += 4, p.w += 4 * ldw, p.y += 4) brain_dots_of_rows(p, rows, outputs - c, 4);
  for (; c < outputs; c++, p.w += ldw, p.y++) brain_dots_of_rows(p, rows, outputs - c, 1);
}
