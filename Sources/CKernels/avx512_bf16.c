// The products in bfloat16 once more, with AVX-512's own instruction for them.
#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "forms.h"

#define DK_AVX512
#define DK_AVX512_BF16
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"))), apply_to = function)
#include "brain_products.c"
#undef BRAIN_KERNEL
#include "brain_rows.c"
#pragma clang attribute pop

#endif
