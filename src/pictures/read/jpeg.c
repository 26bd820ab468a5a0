/* JPEG by libjpeg-turbo. The same file gives the same bytes on every machine: JDCT_ISLOW is exact integer
 * arithmetic, also in the library's code for each instruction set; a colour sample that stands for several
 * pixels is repeated for them, because how one interpolates between such samples depends on the library's
 * version; coefficients that a file leaves out stay zero, and are not guessed from their neighbours. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "lockstep/log.h"
#include "base/memory.h"
#include "pictures/read/picture_stream.h"

/* Programs write 1 to about 20; each costs a walk over all blocks, and 10 bytes of a file. */
enum { SCANS_MAX = 100 };

/* Of pixels, and of the coefficients that wait for the last scan. */
enum { MEMORY_MAX = 240 << 20, ARITHMETIC_PIXELS_MAX = 1 << 24 };

/* Some cameras put a few bytes in front of the end marker. */
enum { STRAY_BYTES_MAX = 4 };

enum { SEGMENT_MAX = 65535 - 2, EXIF_NAME = 6 };

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    lks_picture *picture;
    lks_picture_stream *stream;
    lks_status status;
    lks_error *err;
    uint8_t *inks;       /* a row of cyan, magenta, yellow and black, or NULL */
    unsigned components; /* one bit each: those that a scan had */
    uint8_t segment[SEGMENT_MAX];
} reader;

/* --- errors ----------------------------------------------------------------------------------- */

_Noreturn static void give_up(reader *r) {
    longjmp(r->back, 1);
}

static lks_status cannot_read(const reader *r, const char *what) {
    return lks_fail(r->err, LKS_ERR_DATA,
                    "%s: is a JPEG %s, which is not read: save it as a PNG with the program that "
                    "made it",
                    r->stream->source.path, what);
}

/* The kinds of JPEG that the library has no decoder for, or a message about damage. */
static lks_status explain(reader *r) {
    char text[JMSG_LENGTH_MAX], what[64];
    switch (r->errors.msg_code) {
    case JERR_BAD_PRECISION:
        snprintf(what, sizeof what, "of %d bits a sample", r->errors.msg_parm.i[0]);
        return cannot_read(r, what);
    case JERR_SOF_UNSUPPORTED:
        return cannot_read(r, "of the lossless or hierarchical kind");
    case JERR_ARITH_NOTIMPL:
        return cannot_read(r, "with arithmetic coding");
    case JERR_OUT_OF_MEMORY:
        return lks_fail(r->err, LKS_ERR_MEMORY, "%s: out of memory for decoding it",
                        r->stream->source.path);
    default:
        r->errors.format_message((j_common_ptr)&r->jpeg, text);
        return lks_fail(r->err, LKS_ERR_DATA, "%s: damaged JPEG: %s", r->stream->source.path, text);
    }
}

static void on_error(j_common_ptr jpeg) {
    reader *r = jpeg->client_data;
    if (r->status == LKS_OK)
        r->status = explain(r);
    give_up(r);
}

/* Warnings are about damage, but for some that no pixel depends on. */
static void on_message(j_common_ptr jpeg, int level) {
    const reader *r = jpeg->client_data;
    const int code = r->errors.msg_code, *values = r->errors.msg_parm.i;
    if (level >= 0 || code == JWRN_NOT_SEQUENTIAL || code == JWRN_JFIF_MAJOR)
        return;
    if (code != JWRN_EXTRANEOUS_DATA || values[0] > STRAY_BYTES_MAX || values[1] != JPEG_EOI)
        on_error(jpeg);
    lks_warn(
        "%s: bytes before the end of the JPEG (%d) are not used: some cameras put them there, or "
        "it is damaged",
        r->stream->source.path, values[0]);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void nothing_to_do(j_decompress_ptr jpeg) {
    (void)jpeg;
}

/* The library would make up an end where the file has none. */
static boolean fill(j_decompress_ptr jpeg) {
    reader *r = jpeg->client_data;
    lks_picture_stream *s = r->stream;
    if (!lks_picture_stream_fill(s)) {
        r->status = s->status != LKS_OK
                        ? s->status
                        : lks_fail(r->err, LKS_ERR_DATA,
                                   "%s: truncated: the file ends within the JPEG", s->source.path);
        give_up(r);
    }
    r->source.next_input_byte = s->buffer;
    r->source.bytes_in_buffer = s->count;
    return TRUE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    struct jpeg_source_mgr *source = jpeg->src;
    while (count > 0) {
        if (source->bytes_in_buffer == 0)
            fill(jpeg);
        const size_t have = source->bytes_in_buffer, left = (size_t)count;
        const size_t n = have < left ? have : left;
        source->next_input_byte += n;
        source->bytes_in_buffer -= n;
        count -= (long)n;
    }
}

static int next_byte(j_decompress_ptr jpeg) {
    if (jpeg->src->bytes_in_buffer == 0)
        fill(jpeg);
    jpeg->src->bytes_in_buffer--;
    return *jpeg->src->next_input_byte++;
}

/* An APP1 segment: Exif data (Exif 2.32, 4.7.2), or another program's. */
static boolean on_app1(j_decompress_ptr jpeg) {
    reader *r = jpeg->client_data;
    int length = next_byte(jpeg) << 8;
    length += next_byte(jpeg);
    if (length < 2)
        ERREXIT(jpeg, JERR_BAD_LENGTH);
    const size_t count = (size_t)length - 2;
    for (size_t i = 0; i < count; i++)
        r->segment[i] = (uint8_t)next_byte(jpeg);
    if (count > EXIF_NAME && memcmp(r->segment, "Exif\0", EXIF_NAME) == 0)
        lks_picture_note_exif(r->stream, r->segment + EXIF_NAME, count - EXIF_NAME);
    return TRUE;
}

static void start_source(reader *r) {
    lks_picture_stream *s = r->stream;
    r->source = (struct jpeg_source_mgr){.next_input_byte = s->buffer + s->at,
                                         .bytes_in_buffer = s->count - s->at,
                                         .init_source = nothing_to_do,
                                         .fill_input_buffer = fill,
                                         .skip_input_data = skip,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = nothing_to_do};
    r->jpeg.src = &r->source;
}

/* --- scans ------------------------------------------------------------------------------------ */

/* Called again and again while a file of several scans is read. */
static void on_progress(j_common_ptr jpeg) {
    reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number > SCANS_MAX) {
        r->status = lks_fail(r->err, LKS_ERR_DATA, "%s: is a JPEG of more than %d scans",
                             r->stream->source.path, SCANS_MAX);
        give_up(r);
    }
    for (int i = 0; i < r->jpeg.comps_in_scan; i++)
        r->components |= 1u << r->jpeg.cur_comp_info[i]->component_index;
}

/* Bits that no scan of a progressive file has brought: the format allows it (ITU-T T.81, G.1). */
static bool lacks_details(const reader *r) {
    for (int c = 0; r->jpeg.coef_bits && c < r->jpeg.num_components; c++)
        for (int i = 0; i < DCTSIZE2; i++)
            if (r->jpeg.coef_bits[c][i] != 0)
                return true;
    return false;
}

static lks_status check_scans(const reader *r) {
    const char *path = r->stream->source.path;
    bool whole = !jpeg_has_multiple_scans((j_decompress_ptr)&r->jpeg) ||
                 r->components == (1u << r->jpeg.num_components) - 1;
    for (int c = 0; whole && r->jpeg.coef_bits && c < r->jpeg.num_components; c++)
        whole = r->jpeg.coef_bits[c][0] >= 0;
    if (!whole)
        return lks_fail(r->err, LKS_ERR_DATA,
                        "%s: damaged JPEG: a colour has no scan, though its end is there", path);
    if (lacks_details(r))
        lks_warn("%s: the last scans of the JPEG are missing: it is read without its details",
                 path);
    return LKS_OK;
}

/* --- pixels ----------------------------------------------------------------------------------- */

/* Of inks only Adobe's files say which way round their values are. */
static lks_status choose_colours(reader *r) {
    switch (r->jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE:
        r->jpeg.out_color_space = JCS_GRAYSCALE;
        return LKS_OK;
    case JCS_YCbCr:
    case JCS_RGB:
        r->jpeg.out_color_space = JCS_RGB;
        return LKS_OK;
    case JCS_CMYK:
    case JCS_YCCK:
        if (!r->jpeg.saw_Adobe_marker)
            return cannot_read(r, "of four inks (CMYK) that does not say which value is full ink");
        r->jpeg.out_color_space = JCS_CMYK;
        return LKS_OK;
    default:
        return cannot_read(r, "of colours that are neither grey, nor RGB, nor CMYK");
    }
}

static int channels_of(const reader *r) {
    return r->jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3;
}

static int64_t count_blocks(const reader *r) {
    int64_t blocks = 0;
    for (int c = 0; c < r->jpeg.num_components; c++)
        blocks += (int64_t)r->jpeg.comp_info[c].width_in_blocks *
                  (int64_t)r->jpeg.comp_info[c].height_in_blocks;
    return blocks;
}

static lks_status check_memory(const reader *r, int64_t blocks) {
    const bool waits = jpeg_has_multiple_scans((j_decompress_ptr)&r->jpeg);
    const int64_t pixels = (int64_t)r->jpeg.image_height * r->jpeg.image_width;
    const int64_t needed =
        pixels * channels_of(r) + (waits ? blocks * DCTSIZE2 * (int64_t)sizeof(JCOEF) : 0);
    if (needed <= MEMORY_MAX)
        return LKS_OK;
    return lks_fail(r->err, LKS_ERR_DATA,
                    "%s: is a progressive JPEG of %u x %u pixels, which takes %" PRId64
                    " MiB of memory; at most %d are given: make it smaller",
                    r->stream->source.path, r->jpeg.image_height, r->jpeg.image_width, needed >> 20,
                    MEMORY_MAX >> 20);
}

/* So that a small file that claims to be a large picture is found out: a block takes at least a bit of Huffman
 * codes. Arithmetic ones may take next to nothing. */
static int64_t least_bytes(const reader *r, int64_t blocks) {
    return r->jpeg.arith_code ? 1 : blocks / 8;
}

static lks_status prepare(reader *r) {
    const int64_t rows = r->jpeg.image_height, columns = r->jpeg.image_width;
    lks_picture_stream *s = r->stream;
    if (r->jpeg.data_precision != 8)
        return cannot_read(r, "of more than 8 bits a sample");
    LKS_TRY(choose_colours(r));
    s->at = s->count - r->source.bytes_in_buffer;
    LKS_TRY(lks_picture_check_size(s, rows, columns, r->err));
    if (r->jpeg.arith_code && rows * columns > ARITHMETIC_PIXELS_MAX)
        return cannot_read(r, "with arithmetic coding and very many pixels");
    const int64_t blocks = count_blocks(r);
    LKS_TRY(check_memory(r, blocks));
    LKS_TRY(lks_picture_allocate(r->picture, s, rows, columns, channels_of(r), 8,
                                 least_bytes(r, blocks), r->err));
    if (r->jpeg.out_color_space == JCS_CMYK)
        r->inks = lks_alloc((size_t)columns, 4, s->source.path, r->err);
    r->jpeg.dct_method = JDCT_ISLOW;
    r->jpeg.do_fancy_upsampling = FALSE;
    r->jpeg.do_block_smoothing = FALSE;
    return r->jpeg.out_color_space == JCS_CMYK && !r->inks ? LKS_ERR_MEMORY : LKS_OK;
}

/* Adobe's inks: 255 is none. */
static void mix_inks(const uint8_t *inks, int columns, uint8_t *out) {
    for (int x = 0; x < columns; x++)
        for (int c = 0; c < 3; c++)
            out[3 * x + c] = (uint8_t)((inks[4 * x + c] * inks[4 * x + 3] + 127) / 255);
}

static void read_rows(reader *r) {
    const lks_picture *p = r->picture;
    for (int y = 0; y < p->rows; y++) {
        uint8_t *out = p->pixels + (size_t)y * (size_t)p->columns * (size_t)p->channels;
        JSAMPROW row = r->inks ? r->inks : out;
        jpeg_read_scanlines(&r->jpeg, &row, 1);
        if (r->inks)
            mix_inks(r->inks, p->columns, out);
    }
}

/* Errors come back through setjmp(); what must outlive them is in @p r. */
static lks_status decode(reader *r) {
    if (setjmp(r->back))
        return r->status;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.client_data = r;
    r->jpeg.progress = &r->progress;
    start_source(r);
    jpeg_set_marker_processor(&r->jpeg, JPEG_APP0 + 1, on_app1);
    jpeg_read_header(&r->jpeg, TRUE);
    LKS_TRY(prepare(r));
    jpeg_start_decompress(&r->jpeg);
    LKS_TRY(check_scans(r));
    read_rows(r);
    jpeg_finish_decompress(&r->jpeg);
    return LKS_OK;
}

lks_status lks_jpeg_decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    reader r = {.picture = p, .stream = s, .err = err};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    r.progress.progress_monitor = on_progress;
    const lks_status status = decode(&r);
    jpeg_destroy_decompress(&r.jpeg);
    lks_free(r.inks);
    return status;
}
