// Every kernel a second time, compiled for AVX2 + FMA. System headers come first: only our own functions
// may get the attribute.
#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "forms.h"

#define DK_AVX2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
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
