#pragma once
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libpng reports errors by longjmp, which Swift cannot express: each function here sets its own jump
// target, works from memory to memory, and returns 0 or leaves a message.

typedef struct {
  const uint8_t *bytes;
  size_t size, position;
} cpng_source;

typedef struct {
  uint32_t width, height;
  int bit_depth, color_type;
  int palette_count;
  uint8_t palette[768];
} cpng_header;

typedef struct {
  uint8_t *bytes;
  size_t size, capacity;
} cpng_sink;

static inline void cpng_fail(png_structp png, png_const_charp text) {
  char *message = (char *)png_get_error_ptr(png);
  snprintf(message, 128, "%s", text);
  png_longjmp(png, 1);
}

static inline void cpng_ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static inline void cpng_pull(png_structp png, png_bytep out, size_t count) {
  cpng_source *source = (cpng_source *)png_get_io_ptr(png);
  if (count > source->size - source->position) png_error(png, "the file ends too early (truncated)");
  memcpy(out, source->bytes + source->position, count);
  source->position += count;
}

static inline void cpng_push(png_structp png, png_bytep in, size_t count) {
  cpng_sink *sink = (cpng_sink *)png_get_io_ptr(png);
  if (count > sink->capacity - sink->size) {
    size_t capacity = sink->capacity * 2 > sink->size + count ? sink->capacity * 2 : sink->size + count;
    uint8_t *bytes = (uint8_t *)realloc(sink->bytes, capacity);
    if (!bytes) png_error(png, "out of memory");
    sink->bytes = bytes;
    sink->capacity = capacity;
  }
  memcpy(sink->bytes + sink->size, in, count);
  sink->size += count;
}

static inline void cpng_flush(png_structp png) { (void)png; }

static inline int cpng_is_palette(const cpng_header *h) { return h->color_type == PNG_COLOR_TYPE_PALETTE; }
static inline int cpng_is_gray(const cpng_header *h) { return h->color_type == PNG_COLOR_TYPE_GRAY; }

// Samples in a pixel of the file: 1 gray or palette, 2 gray + alpha, 3 RGB, 4 RGBA.
static inline int cpng_channels(const cpng_header *h) {
  switch (h->color_type) {
    case PNG_COLOR_TYPE_GRAY_ALPHA: return 2;
    case PNG_COLOR_TYPE_RGB: return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA: return 4;
    default: return 1;
  }
}

// Bytes of one unpacked row: samples under 8 bits take a byte each, 16-bit samples two, big-endian.
static inline size_t cpng_row_bytes(const cpng_header *h) {
  return (size_t)h->width * (size_t)cpng_channels(h) * (h->bit_depth == 16 ? 2 : 1);
}

// Reads the header (samples == NULL), or the header and all rows into `samples`, which holds
// height x cpng_row_bytes. `message` has 128 bytes.
static inline int cpng_read(
    const uint8_t *bytes, size_t size, cpng_header *header, uint8_t *samples, char *message) {
  cpng_source source = {bytes, size, 0};
  png_bytep *volatile rows = NULL;  // changes after setjmp and is read after longjmp
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, cpng_fail, cpng_ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    snprintf(message, 128, "out of memory");
    return -1;
  }
  if (setjmp(png_jmpbuf(png))) {
    free(rows);
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  // Profiles, text and the like are skipped unread: nothing in them changes the samples.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_chunk_malloc_max(png, 1 << 20);
  png_set_chunk_cache_max(png, 64);
  png_set_read_fn(png, &source, cpng_pull);
  png_read_info(png, info);
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->bit_depth = png_get_bit_depth(png, info);
  header->color_type = png_get_color_type(png, info);
  header->palette_count = 0;
  memset(header->palette, 0, sizeof header->palette);
  png_colorp palette;
  int count;
  if (cpng_is_palette(header) && png_get_PLTE(png, info, &palette, &count) == PNG_INFO_PLTE) {
    header->palette_count = count;
    for (int i = 0; i < count && i < 256; i++) {
      header->palette[3 * i] = palette[i].red;
      header->palette[3 * i + 1] = palette[i].green;
      header->palette[3 * i + 2] = palette[i].blue;
    }
  }
  if (samples) {
    png_set_packing(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = cpng_row_bytes(header);
    if (png_get_rowbytes(png, info) != stride) png_error(png, "unexpected row size");
    rows = (png_bytep *)malloc((size_t)header->height * sizeof(png_bytep));
    if (!rows) png_error(png, "out of memory");
    for (uint32_t y = 0; y < header->height; y++) rows[y] = samples + (size_t)y * stride;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    free(rows);
  }
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

// Encodes interleaved 8-bit RGB rows. On success the caller frees sink->bytes; on failure it is freed here.
static inline int cpng_write_rgb(
    const uint8_t *pixels, uint32_t width, uint32_t height, cpng_sink *sink, char *message) {
  sink->size = 0;
  sink->capacity = 1 << 16;
  sink->bytes = (uint8_t *)malloc(sink->capacity);
  png_structp png = sink->bytes
      ? png_create_write_struct(PNG_LIBPNG_VER_STRING, message, cpng_fail, cpng_ignore) : NULL;
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    free(sink->bytes);
    sink->bytes = NULL;
    snprintf(message, 128, "out of memory");
    return -1;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    free(sink->bytes);
    sink->bytes = NULL;
    return -1;
  }
  png_set_write_fn(png, sink, cpng_push, cpng_flush);
  png_set_IHDR(
      png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) {
    png_write_row(png, pixels + (size_t)y * width * 3);
  }
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  return 0;
}
