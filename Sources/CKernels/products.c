// Products with few rows on the left, where a general GEMM spends its time packing the right matrix.
#include "vector.h"

// Rows of x that one block holds sums of: 4 × 4 sums and what they are made of fill AVX-512's 32 registers
// by half, 3 × 4 the 16 of AVX2.
#if LANES == 16
#define BLOCK_ROWS 4
#else
#define BLOCK_ROWS 3
#endif

// y (+)= x wᵀ or x w, the matrices at their row strides.
typedef struct {
  const float *x, *w;
  float *y;
  size_t ldx, ldw, ldy, inputs;
  int accumulate;
} Product;

// The same from row `r` of x and y on.
INLINE Product from_row(Product p, size_t r) {
  p.x += r * p.ldx;
  p.y += r * p.ldy;
  return p;
}

// y[m][n] = x[m] · w[n] for `m` (at most BLOCK_ROWS) by `n` (4 or 1) rows, both constants where it is inlined.
// The first `fetched` rows at `next`, of the next block of w, come into the cache meanwhile.
INLINE void dots(const Product p, const float *next, size_t fetched, const size_t m, const size_t n) {
  floats sums[BLOCK_ROWS][4] = {{0}};
  FOR_LANES(p.inputs, {
    for (size_t k = 0; k < fetched; k++) __builtin_prefetch(next + k * p.ldw + i);
    floats left[BLOCK_ROWS];
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < m; r++) {
      left[r] = load(p.x + r * p.ldx + i, lanes);
    }
    _Pragma("clang loop unroll(full)") for (size_t c = 0; c < n; c++) {
      const floats right = load(p.w + c * p.ldw + i, lanes);
      _Pragma("clang loop unroll(full)") for (size_t r = 0; r < m; r++) {
        sums[r][c] = madd(left[r], right, sums[r][c]);
      }
    }
  });
  for (size_t r = 0; r < m; r++) put_sums(p.y + r * p.ldy, sums[r], n, p.accumulate);
}

// All rows of x with `n` rows of w, of which `left` are still to come: each pass over rows of x fetches its
// share of the next block.
INLINE void dots_of_rows(const Product p, size_t rows, size_t left, const size_t n) {
  const size_t passes = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
  size_t fetched = 0;
  for (size_t pass = 0; pass < passes; pass++) {
    const Product block = from_row(p, pass * BLOCK_ROWS);
    const float *next = p.w + (n + fetched) * p.ldw;
    const size_t end = left > n ? n * (pass + 1) / passes : 0;
    switch (rows - pass * BLOCK_ROWS) {
    case 1: dots(block, next, end - fetched, 1, n); break;
    case 2: dots(block, next, end - fetched, 2, n); break;
#if BLOCK_ROWS > 3
    case 3: dots(block, next, end - fetched, 3, n); break;
#endif
    default: dots(block, next, end - fetched, BLOCK_ROWS, n);
    }
    fetched = end;
  }
}

void KERNEL(dk_few_rows_transposed)(const float *x, size_t ldx, const float *w, size_t ldw, float *y,
                                    size_t ldy, size_t rows, size_t inputs, size_t outputs, int accumulate) {
  Product p = {x, w, y, ldx, ldw, ldy, inputs, accumulate};
  size_t c = 0;
  for (; c + 4 <= outputs; c += 4, p.w += 4 * ldw, p.y += 4) dots_of_rows(p, rows, outputs - c, 4);
  for (; c < outputs; c++, p.w += ldw, p.y++) dots_of_rows(p, rows, outputs - c, 1);
}

// y[m] = Σ over j of x[m][j] w[j] for `m` rows and the columns of `vectors` whole vectors, or `lanes` of one.
INLINE void sums(const Product p, const size_t m, const size_t vectors, const size_t lanes) {
  floats sums[BLOCK_ROWS][4] = {{0}};
  for (size_t j = 0; j < p.inputs; j++) {
    _Pragma("clang loop unroll(full)") for (size_t v = 0; v < vectors; v++) {
      const floats right = load(p.w + j * p.ldw + LANES * v, lanes);
      _Pragma("clang loop unroll(full)") for (size_t r = 0; r < m; r++) {
        sums[r][v] = madd((floats)p.x[r * p.ldx + j], right, sums[r][v]);
      }
    }
  }
  for (size_t r = 0; r < m; r++) {
    for (size_t v = 0; v < vectors; v++) {
      put(p.y + r * p.ldy + LANES * v, sums[r][v], lanes, p.accumulate);
    }
  }
}

INLINE void sums_of_columns(Product p, size_t outputs, const size_t m) {
  size_t c = 0;
  for (; c + 4 * LANES <= outputs; c += 4 * LANES, p.w += 4 * LANES, p.y += 4 * LANES) sums(p, m, 4, LANES);
  for (; c + LANES <= outputs; c += LANES, p.w += LANES, p.y += LANES) sums(p, m, 1, LANES);
  if (c < outputs) sums(p, m, 1, outputs - c);
}

void KERNEL(dk_few_rows)(const float *x, size_t ldx, const float *w, size_t ldw, float *y, size_t ldy,
                         size_t rows, size_t inputs, size_t outputs, int accumulate) {
  const Product p = {x, w, y, ldx, ldw, ldy, inputs, accumulate};
  size_t r = 0;
  for (; r + BLOCK_ROWS <= rows; r += BLOCK_ROWS) sums_of_columns(from_row(p, r), outputs, BLOCK_ROWS);
  if (BLOCK_ROWS > 3 && rows - r == 3) sums_of_columns(from_row(p, r), outputs, 3);
  if (rows - r == 2) sums_of_columns(from_row(p, r), outputs, 2);
  if (rows - r == 1) sums_of_columns(from_row(p, r), outputs, 1);
}
