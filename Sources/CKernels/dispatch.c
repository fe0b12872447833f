// Chooses a form of each kernel by what the CPU can do, once, before main.
#include "forms.h"

#if defined(__x86_64__)

#include <stdlib.h>
#include <string.h>

static int uses_avx2 = 0;

__attribute__((constructor)) static void choose_form(void) {
  const char *wanted = getenv("DRAGOMAN_KERNELS");
  __builtin_cpu_init();
  uses_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              !(wanted && strcmp(wanted, "portable") == 0);
}

#define DISPATCH(result, name, parameters, arguments) \
  result name parameters { return uses_avx2 ? name##_avx2 arguments : name##_portable arguments; }

const char *dk_instruction_set(void) { return uses_avx2 ? "avx2+fma" : "portable"; }

#else

#define DISPATCH(result, name, parameters, arguments) \
  result name parameters { return name##_portable arguments; }

const char *dk_instruction_set(void) { return "portable"; }

#endif

DK_KERNELS(DISPATCH)
