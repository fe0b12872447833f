#pragma once
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

// libjpeg reports errors by a callback that must not return, which Swift cannot express: each function
// here sets its own jump target, works from memory to memory, and returns 0 or leaves a message.

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  int in_scans;
  char *message;  // JMSG_LENGTH_MAX bytes
} cjpeg_errors;

typedef struct {
  uint32_t width, height;
  int channels;  // of the decoded rows: 1 gray, 3 RGB, 4 CMYK as stored
} cjpeg_header;

// Bytes between scans that no marker explains: some cameras leave a few; more than this, after the
// entropy-coded data began, means that the decoder lost its place in a damaged scan.
enum { cjpeg_stray_bytes = 32, cjpeg_scan_limit = 1000, cjpeg_message_size = JMSG_LENGTH_MAX };

static inline void cjpeg_fail(j_common_ptr info) {
  cjpeg_errors *errors = (cjpeg_errors *)info->err;
  info->err->format_message(info, errors->message);
  longjmp(errors->jump, 1);
}

// libjpeg goes on after a warning with invented pixels. Here those warnings are errors.
static inline void cjpeg_warn(j_common_ptr info, int level) {
  if (level >= 0) return;
  cjpeg_errors *errors = (cjpeg_errors *)info->err;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
      return;
    case JWRN_EXTRANEOUS_DATA:
      if (!errors->in_scans || info->err->msg_parm.i[0] <= cjpeg_stray_bytes) return;
  }
  cjpeg_fail(info);
}

static inline void cjpeg_progress(j_common_ptr info) {
  j_decompress_ptr decompress = (j_decompress_ptr)info;
  if (decompress->input_scan_number > cjpeg_scan_limit) ERREXIT(decompress, JERR_BAD_PROGRESSION);
}

// Reads the header (samples == NULL), or header and all rows into `samples` of `capacity` bytes:
// height x width x channels. `message` has cjpeg_message_size bytes.
static inline int cjpeg_read(
    const uint8_t *bytes, size_t size, cjpeg_header *header, uint8_t *samples, size_t capacity,
    char *message) {
  struct jpeg_decompress_struct info;
  struct jpeg_progress_mgr progress;
  cjpeg_errors errors;
  memset(&info, 0, sizeof info);
  memset(&progress, 0, sizeof progress);
  errors.message = message;
  errors.in_scans = 0;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = cjpeg_fail;
  errors.base.emit_message = cjpeg_warn;
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&info);
    return -1;
  }
  jpeg_create_decompress(&info);
  progress.progress_monitor = cjpeg_progress;
  info.progress = &progress;
  jpeg_mem_src(&info, (unsigned char *)bytes, (unsigned long)size);
  jpeg_read_header(&info, TRUE);
  switch (info.num_components) {
    case 1: info.out_color_space = JCS_GRAYSCALE; break;
    case 3: info.out_color_space = JCS_RGB; break;
    case 4: info.out_color_space = JCS_CMYK; break;
    default: ERREXIT2(&info, JERR_COMPONENT_COUNT, info.num_components, 4);
  }
  header->width = info.image_width;
  header->height = info.image_height;
  header->channels = info.num_components;
  if (samples) {
    size_t stride = (size_t)info.image_width * (size_t)info.num_components;
    if (stride * (size_t)info.image_height > capacity) ERREXIT1(&info, JERR_OUT_OF_MEMORY, 0);
    errors.in_scans = 1;
    info.dct_method = JDCT_ISLOW;
    info.do_fancy_upsampling = TRUE;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = samples + (size_t)info.output_scanline * stride;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return 0;
}
