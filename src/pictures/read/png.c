/* PNG by libpng's row-by-row interface. Its simplified one (png_image) would take 16-bit files for
 * linear light and follow a gAMA chunk, through tables made with pow(): other values than those in
 * the file, and not the same ones everywhere. */
#include <png.h>
#include <setjmp.h>

#include <string.h>

#include "lockstep/log.h"
#include "pictures/read/picture_stream.h"

/* DEFLATE's best case: 258 bytes for one bit of length and one of distance. */
enum { MAX_DEFLATE_RATIO = 1032 };

typedef struct reader {
    lks_picture *picture;
    lks_picture_stream *stream;
    lks_status status;
    lks_error *err;
    png_structp png;
    png_infop info;
} reader;

static void on_error(png_structp png, png_const_charp text) {
    reader *r = png_get_error_ptr(png);
    if (r->status == LKS_OK)
        r->status =
            lks_fail(r->err, LKS_ERR_DATA, "%s: damaged PNG: %s", r->stream->source.path, text);
    png_longjmp(png, 1);
}

/* Warnings are about chunks that no pixel depends on, like unusual colour profiles. */
static void on_warning(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    reader *r = png_get_io_ptr(png);
    if (lks_picture_stream_read(r->stream, out, count) == count)
        return;
    r->status = r->stream->status != LKS_OK
                    ? r->stream->status
                    : lks_fail(r->err, LKS_ERR_DATA, "%s: truncated: the file ends within the PNG",
                               r->stream->source.path);
    png_error(png, "end of file");
}

/* Of the chunks that no pixel depends on, which are read one at a time and forgotten: how the picture is
 * turned (eXIf), and whether it is one of several (acTL, of animations). */
static int on_chunk(png_structp png, png_unknown_chunkp chunk) {
    reader *r = png_get_user_chunk_ptr(png);
    if (memcmp(chunk->name, "eXIf", 4) == 0)
        lks_picture_note_exif(r->stream, chunk->data, chunk->size);
    if (memcmp(chunk->name, "acTL", 4) == 0)
        lks_warn("%s: is an animation; only its first picture is read", r->stream->source.path);
    const bool may_be_left_out = chunk->name[0] & 0x20;
    return may_be_left_out ? 1 : 0; /* 0: libpng refuses it */
}

/* Palette and fewer bits to 8 bits, transparent colours to alpha; 16 bits stay. */
static int set_transformations(reader *r) {
    png_set_expand(r->png);
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    return passes;
}

static lks_status prepare(reader *r, int *passes) {
    const int64_t rows = png_get_image_height(r->png, r->info);
    const int64_t columns = png_get_image_width(r->png, r->info);
    LKS_TRY(lks_picture_check_size(r->stream, rows, columns, r->err));
    const int64_t stored = rows * (int64_t)png_get_rowbytes(r->png, r->info);
    *passes = set_transformations(r);
    return lks_picture_allocate(
        r->picture, r->stream, rows, columns, png_get_channels(r->png, r->info),
        png_get_bit_depth(r->png, r->info), stored / MAX_DEFLATE_RATIO, r->err);
}

/* Errors come back through setjmp(); what must outlive them is in @p r. */
static lks_status decode(reader *r) {
    if (setjmp(png_jmpbuf(r->png)))
        return r->status;
    png_set_read_fn(r->png, r, read_bytes);
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* prepare() has its own */
    png_set_read_user_chunk_fn(r->png, r, on_chunk);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* goes to on_chunk() */
    png_read_info(r->png, r->info);
    int passes;
    LKS_TRY(prepare(r, &passes));
    const lks_picture *p = r->picture;
    const size_t row_bytes = png_get_rowbytes(r->png, r->info);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < p->rows; y++)
            png_read_row(r->png, p->pixels + (size_t)y * row_bytes, NULL);
    png_read_end(r->png, r->info);
    if (png_get_bit_depth(r->png, r->info) == 16)
        lks_picture_narrow(r->picture, r->stream);
    return LKS_OK;
}

lks_status lks_png_decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    reader r = {.picture = p, .stream = s, .err = err};
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    lks_status status =
        r.info ? decode(&r)
               : lks_fail(err, LKS_ERR_MEMORY, "%s: libpng could not be started", s->source.path);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return status;
}
