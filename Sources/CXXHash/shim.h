#pragma once
#include <xxhash.h>

// Where the library has several forms of the digest, the one for this CPU: the plain one is compiled for
// any x86-64.
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
XXH_PUBLIC_API XXH_errorcode XXH3_128bits_update_dispatch(XXH3_state_t *state, const void *input, size_t length);
static inline XXH_errorcode cxxhash_update(XXH3_state_t *state, const void *input, size_t length) {
  return XXH3_128bits_update_dispatch(state, input, length);
}
#else
static inline XXH_errorcode cxxhash_update(XXH3_state_t *state, const void *input, size_t length) {
  return XXH3_128bits_update(state, input, length);
}
#endif
