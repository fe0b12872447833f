// Every kernel once more, compiled for AVX-512 (F, BW, DQ, VL) with 16 lanes, as avx2.c is for AVX2.
#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "forms.h"

#define DK_AVX512
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#include "activations.c"
#include "adam.c"
#include "brain_products.c"
#undef BRAIN_KERNEL
#include "brain_rows.c"
#include "elementwise.c"
#include "formats.c"
#include "norms.c"
#include "products.c"
#include "rotary.c"
#include "softmax.c"
#pragma clang attribute pop

#endif
