// Chooses a form of each kernel by what the CPU can do.
#include "forms.h"

#if defined(__x86_64__)

static inline int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

#define DISPATCH(result, name, parameters, arguments) \
  result name parameters { return has_avx2() ? name##_avx2 arguments : name##_portable arguments; }

const char *dk_instruction_set(void) { return has_avx2() ? "avx2+fma" : "portable"; }

#else

#define DISPATCH(result, name, parameters, arguments) \
  result name parameters { return name##_portable arguments; }

const char *dk_instruction_set(void) { return "portable"; }

#endif

DK_KERNELS(DISPATCH)
