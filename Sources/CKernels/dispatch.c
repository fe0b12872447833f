// Chooses a form of each kernel by what the CPU can do, once, before main.
#include <stdlib.h>
#include <string.h>

#include "forms.h"

enum { PORTABLE, AVX2, AVX512, AVX512_BF16, FORMS };

static const char *const names[FORMS] = {"portable", "avx2+fma", "avx512", "avx512+bf16"};

static int best = PORTABLE;
static int chosen = PORTABLE;

static int best_form(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return PORTABLE;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return AVX2;
  return __builtin_cpu_supports("avx512bf16") ? AVX512_BF16 : AVX512;
#else
  return PORTABLE;
#endif
}

static int wanted_form(void) {
  const char *wanted = getenv("DRAGOMAN_KERNELS");
  if (wanted && strcmp(wanted, "portable") == 0) return PORTABLE;
  if (wanted && strcmp(wanted, "avx2") == 0) return AVX2;
  if (wanted && strcmp(wanted, "avx512") == 0) return AVX512;
  return AVX512_BF16;
}

__attribute__((constructor)) static void choose_form(void) {
  best = best_form();
  const int wanted = wanted_form();
  chosen = wanted < best ? wanted : best;
}

int dk_form_count(void) { return best + 1; }
const char *dk_form_name(int form) { return names[form]; }
const char *dk_instruction_set(void) { return names[chosen]; }

#if defined(__x86_64__)

#define DISPATCH(result, name, parameters, arguments)                                  \
  result name parameters {                                                             \
    switch (chosen) {                                                                  \
    case PORTABLE: return name##_portable arguments;                                   \
    case AVX2: return name##_avx2 arguments;                                           \
    default: return name##_avx512 arguments;                                           \
    }                                                                                  \
  }                                                                                    \
  name##_kernel name##_form(int form) {                                                \
    const name##_kernel forms[FORMS] = {name##_portable, name##_avx2, name##_avx512};  \
    return forms[form];                                                                \
  }

#define DISPATCH_BRAIN(result, name, parameters, arguments)                           \
  result name parameters {                                                            \
    switch (chosen) {                                                                 \
    case PORTABLE: return name##_portable arguments;                                  \
    case AVX2: return name##_avx2 arguments;                                          \
    case AVX512: return name##_avx512 arguments;                                      \
    default: return name##_avx512_bf16 arguments;                                     \
    }                                                                                 \
  }                                                                                   \
  name##_kernel name##_form(int form) {                                               \
    const name##_kernel forms[FORMS] = {name##_portable, name##_avx2, name##_avx512,  \
                                        name##_avx512_bf16};                          \
    return forms[form];                                                               \
  }

#else

#define DISPATCH(result, name, parameters, arguments)           \
  result name parameters { return name##_portable arguments; }  \
  name##_kernel name##_form(int form) { return form == PORTABLE ? name##_portable : NULL; }
#define DISPATCH_BRAIN DISPATCH

#endif

DK_KERNELS(DISPATCH)
DK_BRAIN_KERNELS(DISPATCH_BRAIN)
