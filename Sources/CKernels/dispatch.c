// Chooses a form of each kernel by what the CPU can do, once, before main.
#include "forms.h"

#if defined(__x86_64__)

#include <stdlib.h>
#include <string.h>

// In the order of what they need of the CPU: each one runs where the next does.
enum Form { PORTABLE, AVX2, AVX512, AVX512_BF16 };

static enum Form form = PORTABLE;

static enum Form best_form(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return PORTABLE;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return AVX2;
  return __builtin_cpu_supports("avx512bf16") ? AVX512_BF16 : AVX512;
}

static enum Form wanted_form(void) {
  const char *wanted = getenv("DRAGOMAN_KERNELS");
  if (wanted && strcmp(wanted, "portable") == 0) return PORTABLE;
  if (wanted && strcmp(wanted, "avx2") == 0) return AVX2;
  if (wanted && strcmp(wanted, "avx512") == 0) return AVX512;
  return AVX512_BF16;
}

__attribute__((constructor)) static void choose_form(void) {
  const enum Form best = best_form();
  const enum Form wanted = wanted_form();
  form = wanted < best ? wanted : best;
}

#define DISPATCH(result, name, parameters, arguments)     \
  result name parameters {                                \
    switch (form) {                                       \
    case AVX512_BF16:                                     \
    case AVX512: return name##_avx512 arguments;          \
    case AVX2: return name##_avx2 arguments;              \
    case PORTABLE: return name##_portable arguments;      \
    }                                                     \
  }

#define DISPATCH_BRAIN(result, name, parameters, arguments)   \
  result name parameters {                                    \
    switch (form) {                                           \
    case AVX512_BF16: return name##_avx512_bf16 arguments;    \
    case AVX512: return name##_avx512 arguments;              \
    case AVX2: return name##_avx2 arguments;                  \
    case PORTABLE: return name##_portable arguments;          \
    }                                                         \
  }

const char *dk_instruction_set(void) {
  switch (form) {
  case AVX512_BF16: return "avx512+bf16";
  case AVX512: return "avx512";
  case AVX2: return "avx2+fma";
  case PORTABLE: return "portable";
  }
}

#else

#define DISPATCH(result, name, parameters, arguments) \
  result name parameters { return name##_portable arguments; }
#define DISPATCH_BRAIN DISPATCH

const char *dk_instruction_set(void) { return "portable"; }

#endif

DK_KERNELS(DISPATCH)
DK_BRAIN_KERNELS(DISPATCH_BRAIN)
