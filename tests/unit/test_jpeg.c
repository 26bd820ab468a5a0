/* JPEG read: every way of coding gives the same bytes, colours come out as they went in, whatever is cut off or
 * damaged gives an error. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "lockstep/picture.h"
#include "picture_file.h"

/* --- files ------------------------------------------------------------------------------------ */

typedef struct jpeg_form {
    int rows, columns;
    J_COLOR_SPACE in, stored;
    int quality;
    int halved; /* bit 0: half the columns of colour, bit 1: half the rows */
    bool progressive, arithmetic, restarts, no_adobe;
    const jpeg_scan_info *scans; /* [n_scans], or NULL */
    int n_scans;
    const uint8_t *app1; /* [app1_bytes], or NULL */
    unsigned app1_bytes;
} jpeg_form;

static int channels_of(J_COLOR_SPACE space) {
    return space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK || space == JCS_YCCK ? 4 : 3;
}

static void set_form(j_compress_ptr c, const jpeg_form *form) {
    c->image_height = (JDIMENSION)form->rows;
    c->image_width = (JDIMENSION)form->columns;
    c->in_color_space = form->in;
    c->input_components = channels_of(form->in);
    jpeg_set_defaults(c);
    jpeg_set_colorspace(c, form->stored);
    jpeg_set_quality(c, form->quality ? form->quality : 90, TRUE);
    for (int i = 0; i < c->num_components; i++)
        c->comp_info[i].h_samp_factor = c->comp_info[i].v_samp_factor = 1;
    c->comp_info[0].h_samp_factor = form->halved & 1 ? 2 : 1;
    c->comp_info[0].v_samp_factor = form->halved & 2 ? 2 : 1;
    if (form->progressive)
        jpeg_simple_progression(c);
    if (form->scans) {
        c->scan_info = form->scans;
        c->num_scans = form->n_scans;
    }
    c->arith_code = form->arithmetic;
    c->restart_interval = form->restarts ? 1 : 0;
    c->dct_method = JDCT_ISLOW;
    if (form->no_adobe)
        c->write_Adobe_marker = FALSE;
}

/* Writes @p pixels; returns the file's size. */
static size_t write_jpeg(const char *name, const jpeg_form *form, const uint8_t *pixels) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &size);
    set_form(&c, form);
    jpeg_start_compress(&c, TRUE);
    if (form->app1)
        jpeg_write_marker(&c, JPEG_APP0 + 1, form->app1, form->app1_bytes);
    for (int y = 0; y < form->rows; y++) {
        uint8_t row[4096];
        const size_t stride = (size_t)(form->columns * channels_of(form->in));
        memcpy(row, pixels + (size_t)y * stride, stride);
        JSAMPROW rows[] = {row};
        jpeg_write_scanlines(&c, rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    write_file(name, bytes, size);
    free(bytes);
    return size;
}

/* Where a marker stands for the n-th time, or 0. */
static size_t find_marker(const uint8_t *bytes, size_t size, int marker, int n) {
    for (size_t i = 2; i + 1 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == marker && n-- == 0)
            return i;
    return 0;
}

static void write_changed(const char *name, const char *from, size_t at, int value) {
    uint8_t bytes[4096];
    const size_t size = load(from, bytes, sizeof bytes);
    bytes[at] = (uint8_t)value;
    write_file(name, bytes, size);
}

/* --- pixels ----------------------------------------------------------------------------------- */

enum { SIDE = 24, PIXELS = SIDE * SIDE };

/* Colours that change slowly, each in a direction of its own. */
static void make_slopes(uint8_t *pixels, int channels) {
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < channels; c++)
                pixels[(y * SIDE + x) * channels + c] = (uint8_t)(c == 0   ? 20 + 8 * x
                                                                  : c == 1 ? 230 - 8 * y
                                                                           : 90 + 3 * x + 3 * y);
}

/* The bytes that lks_picture_read() gives for a file, owned by the caller. */
static lks_picture read_good(const char *name) {
    lks_picture p;
    lks_error err;
    const lks_status status = lks_picture_read(&p, path_of(name), &err);
    if (status != LKS_OK)
        printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, LKS_OK);
    return p;
}

static void check_same(const char *name, const lks_picture *wanted) {
    check_bytes(name, wanted->rows, wanted->columns, wanted->channels, wanted->pixels);
}

static void colours_come_out_as_they_went_in(void) {
    uint8_t pixels[PIXELS * 3];
    make_slopes(pixels, 1);
    jpeg_form form = {SIDE, SIDE, JCS_GRAYSCALE, JCS_GRAYSCALE, .quality = 100};
    write_jpeg("grey.jpg", &form, pixels);
    check_close("grey.jpg", SIDE, SIDE, 1, pixels, 1);
    make_slopes(pixels, 3);
    form.in = JCS_RGB;
    form.stored = JCS_RGB;
    write_jpeg("rgb.jpg", &form, pixels);
    check_close("rgb.jpg", SIDE, SIDE, 3, pixels, 1);
    form.stored = JCS_YCbCr;
    write_jpeg("colour.jpg", &form, pixels);
    check_close("colour.jpg", SIDE, SIDE, 3, pixels, 3);
    form.halved = 3;
    form.progressive = true;
    write_jpeg("colour.jpg", &form, pixels);
    check_close("colour.jpg", SIDE, SIDE, 3, pixels, 12);
}

/* A block of one value is one coefficient, which is exact: so is what it is decoded to. */
static void even_blocks_are_exact(void) {
    uint8_t pixels[16 * 8 * 3], wanted[16 * 8 * 3];
    for (int i = 0; i < 16 * 8; i++)
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] = wanted[3 * i + c] = i % 16 < 8 ? 7 : 201;
    const jpeg_form form = {8, 16, JCS_RGB, JCS_YCbCr, .quality = 100};
    write_jpeg("even.jpg", &form, pixels);
    check_bytes("even.jpg", 8, 16, 3, wanted);
}

/* Each colour sample counts for all of its pixels, with no way from one to the next. */
static void samples_of_colour_are_repeated(void) {
    uint8_t pixels[32 * 16 * 3];
    for (int i = 0; i < 32 * 16; i++) { /* as light as each other: red, and blue after column 16 */
        static const uint8_t red[] = {150, 60, 60}, blue[] = {60, 83, 200};
        memcpy(pixels + 3 * i, i % 32 < 16 ? red : blue, 3);
    }
    for (int halved = 1; halved < 4; halved++) {
        const jpeg_form form = {16, 32, JCS_RGB, JCS_YCbCr, .quality = 100, .halved = halved};
        write_jpeg("halved.jpg", &form, pixels);
        check_close("halved.jpg", 16, 32, 3, pixels, 3);
    }
}

/* Sides that fill no block; all of it from the same coefficients. */
static void all_codings_give_the_same_bytes(void) {
    enum { ROWS = 37, COLUMNS = 29 };
    static const jpeg_scan_info one_by_one[] = {
        {1, {2}, 0, 63, 0, 0}, {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}};
    uint8_t pixels[ROWS * COLUMNS * 3];
    scramble(pixels, sizeof pixels);
    for (int halved = 0; halved < 4; halved++) {
        const jpeg_form plain = {ROWS, COLUMNS, JCS_RGB, JCS_YCbCr, .halved = halved};
        jpeg_form other = plain;
        write_jpeg("plain.jpg", &plain, pixels);
        lks_picture wanted = read_good("plain.jpg");
        other.progressive = true;
        write_jpeg("progressive.jpg", &other, pixels);
        check_same("progressive.jpg", &wanted);
        other.arithmetic = true;
        write_jpeg("arithmetic.jpg", &other, pixels);
        check_same("arithmetic.jpg", &wanted);
        other.progressive = false;
        write_jpeg("arithmetic.jpg", &other, pixels);
        check_same("arithmetic.jpg", &wanted);
        other.arithmetic = false;
        other.restarts = true;
        write_jpeg("restarts.jpg", &other, pixels);
        check_same("restarts.jpg", &wanted);
        other.scans = one_by_one;
        other.n_scans = 3;
        write_jpeg("scans.jpg", &other, pixels);
        check_same("scans.jpg", &wanted);
        lks_picture_free(&wanted);
    }
}

/* Adobe's files have 255 where no ink is, and say so; what does not say so is not guessed. */
static void inks_become_colours(void) {
    static const uint8_t blocks[][4] = {{255, 255, 255, 255}, {255, 255, 255, 0},
                                        {0, 255, 255, 255},   {255, 200, 100, 128},
                                        {10, 20, 30, 255},    {90, 90, 90, 90}};
    enum { BLOCKS = 6, COLUMNS = 8 * BLOCKS };
    uint8_t inks[8 * COLUMNS * 4], wanted[8 * COLUMNS * 3];
    for (int i = 0; i < 8 * COLUMNS; i++) {
        const uint8_t *b = blocks[i % COLUMNS / 8];
        memcpy(inks + 4 * i, b, 4);
        for (int c = 0; c < 3; c++)
            wanted[3 * i + c] = (uint8_t)((2 * b[c] * b[3] + 255) / 510);
    }
    jpeg_form form = {8, COLUMNS, JCS_CMYK, JCS_CMYK, .quality = 100};
    write_jpeg("inks.jpg", &form, inks);
    check_bytes("inks.jpg", 8, COLUMNS, 3, wanted);
    form.no_adobe = true;
    write_jpeg("inks.jpg", &form, inks);
    check_refused("inks.jpg", "does not say which value is full ink");
    form.no_adobe = false;
    form.stored = JCS_YCCK;
    write_jpeg("inks.jpg", &form, inks);
    check_close("inks.jpg", 8, COLUMNS, 3, wanted, 2);
}

/* --- what phones and cameras add -------------------------------------------------------------- */

static void what_follows_the_end_is_another_matter(void) {
    uint8_t pixels[PIXELS], bytes[4096];
    make_slopes(pixels, 1);
    const jpeg_form form = {SIDE, SIDE, JCS_GRAYSCALE, JCS_GRAYSCALE, .quality = 90};
    size_t size = write_jpeg("plain.jpg", &form, pixels);
    lks_picture wanted = read_good("plain.jpg");
    load("plain.jpg", bytes, sizeof bytes);
    memcpy(bytes + size, "a video, or a second JPEG", 25);
    write_file("more.jpg", bytes, size + 25);
    check_same("more.jpg", &wanted);
    /* bytes that are no code, between the last code and the end */
    memset(bytes + size - 2, 0x55, 40);
    memcpy(bytes + size + 2, "\xff\xd9", 2);
    write_file("stray.jpg", bytes, size + 4);
    check_same("stray.jpg", &wanted);
    memcpy(bytes + size + 2, "\x55\x55", 2);
    memcpy(bytes + size + 30, "\xff\xd9", 2);
    write_file("stray.jpg", bytes, size + 32);
    check_refused("stray.jpg", "extraneous bytes before marker 0xd9");
    lks_picture_free(&wanted);
}

/* --- damage ----------------------------------------------------------------------------------- */

static void damage_is_found(void) {
    uint8_t pixels[PIXELS * 4];
    make_slopes(pixels, 4);
    jpeg_form form = {SIDE, SIDE, JCS_GRAYSCALE, JCS_GRAYSCALE, .quality = 30};
    write_jpeg("good.jpg", &form, pixels);
    damage_everywhere("good.jpg", false);
    form = (jpeg_form){12, 12, JCS_RGB, JCS_YCbCr, .quality = 30, .progressive = true, .halved = 3};
    write_jpeg("good.jpg", &form, pixels);
    damage_everywhere("good.jpg", false);
    form = (jpeg_form){8, 8, JCS_CMYK, JCS_YCCK, .quality = 30, .arithmetic = true};
    write_jpeg("good.jpg", &form, pixels);
    damage_everywhere("good.jpg", false);
}

static void a_colour_without_a_scan_is_missed(void) {
    static const jpeg_scan_info one_by_one[] = {
        {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    uint8_t pixels[PIXELS * 3], bytes[4096];
    make_slopes(pixels, 3);
    jpeg_form form = {SIDE, SIDE, JCS_RGB, JCS_YCbCr, .scans = one_by_one, .n_scans = 3};
    size_t size = write_jpeg("scans.jpg", &form, pixels);
    load("scans.jpg", bytes, sizeof bytes);
    size_t last = find_marker(bytes, size, 0xda, 2);
    CU_ASSERT_NOT_EQUAL_FATAL(last, 0);
    memcpy(bytes + last, "\xff\xd9", 2);
    write_file("scans.jpg", bytes, last + 2);
    check_refused("scans.jpg", "a colour has no scan");
    /* a progressive file may end early: what it has of all colours is shown */
    form = (jpeg_form){SIDE, SIDE, JCS_RGB, JCS_YCbCr, .progressive = true};
    size = write_jpeg("early.jpg", &form, pixels);
    load("early.jpg", bytes, sizeof bytes);
    last = find_marker(bytes, size, 0xda, 1);
    memcpy(bytes + last, "\xff\xd9", 2);
    write_file("early.jpg", bytes, last + 2);
    check_close("early.jpg", SIDE, SIDE, 3, pixels, 60);
}

/* One scan a coefficient is odd, but legal; two are a bomb. */
static void scans_are_counted(void) {
    jpeg_scan_info scans[1 + 2 * 63] = {{1, {0}, 0, 0, 0, 0}};
    uint8_t pixels[PIXELS];
    make_slopes(pixels, 1);
    jpeg_form form = {SIDE, SIDE, JCS_GRAYSCALE, JCS_GRAYSCALE, .scans = scans};
    for (int i = 1; i < 64; i++)
        scans[i] = (jpeg_scan_info){1, {0}, i, i, 0, 0};
    form.n_scans = 64;
    write_jpeg("scans.jpg", &form, pixels);
    form.scans = NULL;
    write_jpeg("plain.jpg", &form, pixels);
    lks_picture wanted = read_good("plain.jpg");
    check_same("scans.jpg", &wanted);
    lks_picture_free(&wanted);
    for (int i = 1; i < 64; i++) {
        scans[2 * i - 1] = (jpeg_scan_info){1, {0}, i, i, 0, 1};
        scans[2 * i] = (jpeg_scan_info){1, {0}, i, i, 1, 0};
    }
    form.scans = scans;
    form.n_scans = 127;
    write_jpeg("scans.jpg", &form, pixels);
    check_refused("scans.jpg", "more than 100 scans");
}

/* Headers that say what they should not: found out before memory is asked for. */
static void headers_are_checked(void) {
    enum { PRECISION = 4, HIGH_ROWS = 5, HIGH_COLUMNS = 7 };
    uint8_t pixels[PIXELS * 3], bytes[4096];
    make_slopes(pixels, 3);
    jpeg_form form = {SIDE, SIDE, JCS_RGB, JCS_YCbCr, .quality = 90};
    size_t size = write_jpeg("plain.jpg", &form, pixels);
    load("plain.jpg", bytes, sizeof bytes);
    const size_t frame = find_marker(bytes, size, 0xc0, 0);
    CU_ASSERT_NOT_EQUAL_FATAL(frame, 0);
    write_changed("bad.jpg", "plain.jpg", frame + PRECISION, 12);
    check_refused("bad.jpg", "is a JPEG of 12 bits a sample, which is not read");
    write_changed("bad.jpg", "plain.jpg", frame + 1, 0xc3);
    check_refused("bad.jpg", "is a JPEG of the lossless or hierarchical kind, which is not read");
    write_changed("bad.jpg", "plain.jpg", frame + HIGH_ROWS, 200);
    write_changed("bad.jpg", "bad.jpg", frame + HIGH_COLUMNS, 200);
    check_refused("bad.jpg", "at most 67108864 pixels");
    write_changed("bad.jpg", "plain.jpg", frame + HIGH_ROWS, 31);
    write_changed("bad.jpg", "bad.jpg", frame + HIGH_COLUMNS, 31);
    check_refused("bad.jpg", "are too few");
    form.progressive = true;
    size = write_jpeg("plain.jpg", &form, pixels);
    load("plain.jpg", bytes, sizeof bytes);
    const size_t progressive = find_marker(bytes, size, 0xc2, 0);
    write_changed("bad.jpg", "plain.jpg", progressive + HIGH_ROWS, 31);
    write_changed("bad.jpg", "bad.jpg", progressive + HIGH_COLUMNS, 31);
    check_refused("bad.jpg", "MiB of memory; at most 240 are given");
}

int main(void) {
    const lks_test tests[] = {
        {"colours come out as they went in", colours_come_out_as_they_went_in},
        {"even blocks are exact", even_blocks_are_exact},
        {"samples of colour are repeated", samples_of_colour_are_repeated},
        {"all codings give the same bytes", all_codings_give_the_same_bytes},
        {"inks become colours", inks_become_colours},
        {"what follows the end is another matter", what_follows_the_end_is_another_matter},
        {"damage is found", damage_is_found},
        {"a colour without a scan is missed", a_colour_without_a_scan_is_missed},
        {"scans are counted", scans_are_counted},
        {"headers are checked", headers_are_checked},
        {NULL, NULL},
    };
    return lks_test_main("jpeg", tests);
}
