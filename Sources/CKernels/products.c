// Products with few rows on the left, where a general GEMM spends its time packing the right matrix.
#include "vector.h"

// Rows of x that one block holds sums of: 4 × 4 sums and what they are made of fill AVX-512's 32 registers
// by half, 3 × 4 the 16 of AVX2.
#define BLOCK_ROWS (LANES == 16 ? 4 : 3)

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
// `next` is a row of w that is needed soon and is fetched meanwhile; past the last one nothing is read.
INLINE void dots(const Product p, const float *next, const size_t m, const size_t n) {
  floats sums[BLOCK_ROWS][4] = {{0}};
  FOR_LANES(p.inputs, {
    __builtin_prefetch(next + i);
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
  for (size_t r = 0; r < m; r++) {
    put_sums(p.y + r * p.ldy, sums[r], n, p.accumulate);
  }
}

// All rows of x with `n` rows of w. Each pass over the left rows fetches one row of the next block of w.
INLINE void dots_of_rows(const Product p, size_t rows, const size_t n) {
  size_t r = 0;
  for (size_t pass = 0; r + BLOCK_ROWS <= rows; r += BLOCK_ROWS, pass++) {
    dots(from_row(p, r), p.w + (pass < n ? n + pass : 0) * p.ldw, BLOCK_ROWS, n);
  }
  if (BLOCK_ROWS > 3 && rows - r == 3) dots(from_row(p, r), p.w, 3, n);
  if (rows - r == 2) dots(from_row(p, r), p.w, 2, n);
  if (rows - r == 1) dots(from_row(p, r), p.w, 1, n);
}

void KERNEL(dk_few_rows_transposed)(const float *x, size_t ldx, const float *w, size_t ldw, float *y,
                                    size_t ldy, size_t rows, size_t inputs, size_t outputs, int accumulate) {
  Product p = {x, w, y, ldx, ldw, ldy, inputs, accumulate};
  size_t c = 0;
  for (; c + 4 <= outputs; c += 4, p.w += 4 * ldw, p.y += 4) dots_of_rows(p, rows, 4);
  for (; c < outputs; c++, p.w += ldw, p.y++) dots_of_rows(p, rows, 1);
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
