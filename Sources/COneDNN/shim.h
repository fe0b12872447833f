// oneDNN, and the one call of its OpenMP runtime that we need: a lane is one thread.
#pragma once

#include <dnnl.h>

#ifdef __cplusplus
extern "C" {
#endif

// OpenMP's: products that this thread starts use `threads` threads.
void omp_set_num_threads(int threads);

#ifdef __cplusplus
}
#endif
