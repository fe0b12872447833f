#pragma once
#include <hdf5.h>
#include <stdio.h>

// Swift does not import HDF5's macros: constants and types that are macros stand here as functions.

// Error printing is per-thread state in a thread-safe build, so it is switched off before every use.
static inline void chdf5_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
static inline void chdf5_clear_errors(void) { H5Eclear2(H5E_DEFAULT); }

typedef struct {
  char *text;
  size_t size;
} chdf5_message;

static inline herr_t chdf5_keep_first(unsigned n, const H5E_error2_t *error, void *data) {
  chdf5_message *message = (chdf5_message *)data;
  if (n == 0) snprintf(message->text, message->size, "%s", error->desc ? error->desc : "");
  return 0;
}

// The innermost entry of this thread's error stack: what went wrong first. Empty if there is none.
static inline void chdf5_first_error(char *text, size_t size) {
  chdf5_message message = {text, size};
  text[0] = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, chdf5_keep_first, &message);
}

static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline unsigned chdf5_exclusive(void) { return H5F_ACC_EXCL; }
static inline unsigned chdf5_read_only(void) { return H5F_ACC_RDONLY; }
static inline hid_t chdf5_dataset_creation(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t chdf5_link_creation(void) { return H5P_LINK_CREATE; }
static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline size_t chdf5_variable(void) { return H5T_VARIABLE; }
static inline hid_t chdf5_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_int64(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }
