/* Pictures are as they are shown: turned as Exif says, as light as they were meant, the first of several. */
#include "support/test.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <zlib.h>

#include "base/memory.h"
#include "lockstep/picture.h"
#include "picture_file.h"

/* --- files ------------------------------------------------------------------------------------ */

/* A PNG of 8 or 16 bits a value. */
static void write_png(const char *name, int rows, int columns, int type, int depth,
                      const uint8_t *pixels, size_t stride) {
    FILE *f = fopen(path_of(name), "w");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    CU_ASSERT_FATAL(f && png && info && !setjmp(png_jmpbuf(png)));
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)columns, (png_uint_32)rows, depth, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < rows; y++)
        png_write_row(png, pixels + (size_t)y * stride);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

enum { AFTER_IHDR = 33, IEND_BYTES = 12, ROOM = 4096 };

/* A chunk at @p to; returns its size. */
static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t count) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(count >> (24 - 8 * i));
    memcpy(to + 4, type, 4);
    if (count)
        memcpy(to + 8, data, count);
    const uint32_t sum = (uint32_t)crc32(0, to + 4, (unsigned)count + 4);
    for (int i = 0; i < 4; i++)
        to[8 + count + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    return count + 12;
}

/* Puts a chunk into file @p name at @p at, or, where that is 0, before the end. */
static void add_chunk(const char *name, size_t at, const char *type, const uint8_t *data,
                      size_t count) {
    uint8_t bytes[ROOM], chunk[ROOM];
    const size_t size = load(name, bytes, sizeof bytes);
    const size_t place = at ? at : size - IEND_BYTES, more = put_chunk(chunk, type, data, count);
    memmove(bytes + place + more, bytes + place, size - place);
    memcpy(bytes + place, chunk, more);
    write_file(name, bytes, size + more);
}

/* --- orientation ------------------------------------------------------------------------------ */

/* Rows of what is shown of ABC above DEF; Exif 2.32, 4.6.4 A. */
static const char *const shown[9][3] = {{"ABC", "DEF"},     {"ABC", "DEF"},     {"CBA", "FED"},
                                        {"FED", "CBA"},     {"DEF", "ABC"},     {"AD", "BE", "CF"},
                                        {"DA", "EB", "FC"}, {"FC", "EB", "DA"}, {"CF", "BE", "AD"}};

/* Each letter as a square of @p side pixels of @p channels values that only this letter has. */
static size_t paint(const char *const letters[3], int side, int channels, uint8_t *out) {
    uint8_t *at = out;
    for (int row = 0; row < 3 && letters[row]; row++)
        for (int y = 0; y < side; y++)
            for (const char *letter = letters[row]; *letter; letter++)
                for (int i = 0; i < side * channels; i++)
                    *at++ = (uint8_t)((*letter - '@') * 40);
    return (size_t)(at - out);
}

static void check_shown(const char *name, int orientation, int side, int channels) {
    uint8_t wanted[6 * 64 * 4];
    const bool turned = orientation >= 5;
    paint(shown[orientation], side, channels, wanted);
    check_bytes(name, (turned ? 3 : 2) * side, (turned ? 2 : 3) * side, channels, wanted);
}

static void write_letters_png(const char *name, int type, int channels) {
    uint8_t pixels[6 * 4];
    paint(shown[1], 1, channels, pixels);
    write_png(name, 2, 3, type, 8, pixels, 3 * (size_t)channels);
}

static void png_is_turned(void) {
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    uint8_t exif[EXIF_BYTES];
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int channels = 1; channels <= 4; channels++)
            for (int variant = 0; variant < 4; variant++) {
                make_exif(exif, variant % 2, variant % 2 ? 4 : 3, orientation);
                write_letters_png("turned.png", types[channels - 1], channels);
                add_chunk("turned.png", variant / 2 ? AFTER_IHDR : 0, "eXIf", exif, EXIF_BYTES);
                check_shown("turned.png", orientation, 1, channels);
            }
}

/* Writes a grey JPEG of letters of 8 x 8 pixels, with up to two APP1 segments. */
static void write_letters_jpeg(const char *name, const void *first, size_t first_bytes,
                               const void *second, size_t second_bytes) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    uint8_t pixels[6 * 64];
    paint(shown[1], 8, 1, pixels);
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &size);
    c.image_height = 16;
    c.image_width = 24;
    c.in_color_space = JCS_GRAYSCALE;
    c.input_components = 1;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 100, TRUE);
    jpeg_start_compress(&c, TRUE);
    if (first_bytes)
        jpeg_write_marker(&c, JPEG_APP0 + 1, first, (unsigned)first_bytes);
    if (second_bytes)
        jpeg_write_marker(&c, JPEG_APP0 + 1, second, (unsigned)second_bytes);
    for (int y = 0; y < 16; y++) {
        JSAMPROW row = pixels + 24 * y;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    write_file(name, bytes, size);
    free(bytes);
}

enum { NAME = 6, SEGMENT = NAME + EXIF_BYTES };

static void make_segment(uint8_t segment[SEGMENT], bool big_endian, int type, int orientation) {
    memcpy(segment, "Exif\0", NAME);
    make_exif(segment + NAME, big_endian, type, orientation);
}

static void jpeg_is_turned(void) {
    uint8_t segment[SEGMENT], other[SEGMENT];
    for (int orientation = 1; orientation <= 8; orientation++) {
        make_segment(segment, orientation % 2, 3, orientation);
        write_letters_jpeg("turned.jpg", segment, SEGMENT, NULL, 0);
        check_shown("turned.jpg", orientation, 8, 1);
        /* another program's segment, and a second one of Exif, change nothing */
        write_letters_jpeg("turned.jpg", "http://ns.adobe.com/xap/1.0/\0<x/>", 33, segment,
                           SEGMENT);
        check_shown("turned.jpg", orientation, 8, 1);
        make_segment(other, false, 3, 9 - orientation);
        write_letters_jpeg("turned.jpg", segment, SEGMENT, other, SEGMENT);
        check_shown("turned.jpg", orientation, 8, 1);
    }
}

/* Exif data that are cut, wrong or odd do no harm: the picture is read as it is stored. */
static void bad_exif_says_nothing(void) {
    uint8_t segment[SEGMENT];
    static const int odd[][2] = {{3, 0}, {3, 9}, {3, 255}, {2, 6}, {5, 6}, {0, 6}, {255, 6}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        make_segment(segment, true, odd[i][0], odd[i][1]);
        write_letters_jpeg("odd.jpg", segment, SEGMENT, NULL, 0);
        check_shown("odd.jpg", 1, 8, 1);
    }
    make_segment(segment, false, 3, 6);
    for (size_t cut = 0; cut < NAME + 8 + 2 + 12; cut++) {
        write_letters_jpeg("odd.jpg", segment, cut, NULL, 0);
        check_shown("odd.jpg", 1, 8, 1);
    }
    for (size_t i = 0; i < SEGMENT; i++)
        for (int bit = 0; bit < 8; bit++) {
            lks_picture p;
            lks_error err;
            segment[i] ^= (uint8_t)(1 << bit);
            write_letters_jpeg("odd.jpg", segment, SEGMENT, NULL, 0);
            CU_ASSERT_EQUAL(lks_picture_read(&p, path_of("odd.jpg"), &err), LKS_OK);
            CU_ASSERT_EQUAL(p.rows * p.columns, 16 * 24);
            lks_picture_free(&p);
            segment[i] ^= (uint8_t)(1 << bit);
        }
}

/* The directory after the first is that of the small picture within. */
static void thumbnails_are_another_matter(void) {
    uint8_t segment[NAME + EXIF_BYTES + 18];
    memset(segment, 0, sizeof segment);
    make_segment(segment, false, 3, 1);
    segment[NAME + 10] = 0x13; /* another tag, in the first directory */
    segment[NAME + 22] = EXIF_BYTES;
    segment[NAME + EXIF_BYTES] = 1;
    memcpy(segment + NAME + EXIF_BYTES + 2, "\x12\1\3\0\1\0\0\0\6", 9);
    write_letters_jpeg("small.jpg", segment, sizeof segment, NULL, 0);
    check_shown("small.jpg", 1, 8, 1);
}

/* --- 16 bits ---------------------------------------------------------------------------------- */

/* The same values as PNG, PGM and plain PGM. */
static void check_range(const unsigned *values, int n, unsigned white) {
    uint8_t wide[64], wanted[32], file[128];
    char text[400];
    int header = sprintf((char *)file, "P5 %d 1 65535\n", n),
        length = sprintf(text, "P2 %d 1 65535", n);
    for (int i = 0; i < n; i++) {
        wide[2 * i] = file[header + 2 * i] = (uint8_t)(values[i] >> 8);
        wide[2 * i + 1] = file[header + 2 * i + 1] = (uint8_t)values[i];
        wanted[i] = (uint8_t)((510L * values[i] + white) / (2 * white));
        length += sprintf(text + length, " %u", values[i]);
    }
    write_png("16.png", 1, n, PNG_COLOR_TYPE_GRAY, 16, wide, 0);
    check_bytes("16.png", 1, n, 1, wanted);
    write_file("16.pgm", file, (size_t)(header + 2 * n));
    check_bytes("16.pgm", 1, n, 1, wanted);
    write_text("16.pgm", text);
    check_bytes("16.pgm", 1, n, 1, wanted);
}

static void bits_that_are_not_used_do_not_count(void) {
    check_range((unsigned[]){0, 1, 9, 2048, 4000, 4095}, 6, 4095);
    check_range((unsigned[]){0, 1, 9, 2048, 4000, 4096}, 6, 65535);
    check_range((unsigned[]){1024, 7}, 2, 4095);
    check_range((unsigned[]){1023, 7}, 2, 1023);
    check_range((unsigned[]){256, 7}, 2, 1023);
    check_range((unsigned[]){255, 7}, 2, 255);
    check_range((unsigned[]){0, 0}, 2, 65535);
}

static void alpha_uses_all_bits(void) {
    static const uint8_t grey[] = {0x0f, 0xff, 0xff, 0xff, 0x07, 0xff, 0x80, 0x00},
                         wanted[] = {255, 255, 127, 128};
    write_png("alpha.png", 1, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 16, grey, 0);
    check_bytes("alpha.png", 1, 2, 2, wanted);
}

/* A header that says 4095 is believed. */
static void a_largest_value_that_is_said_counts(void) {
    static const uint8_t wanted[] = {255, 62};
    write_text("said.pgm", "P2 2 1 4095 4095 1000");
    check_bytes("said.pgm", 1, 2, 1, wanted);
    write_text("said.pgm", "P2 2 1 65534 65534 16000");
    check_bytes("said.pgm", 1, 2, 1, wanted);
    static const uint8_t dark[] = {4, 1};
    write_text("said.pgm", "P2 2 1 65534 1000 200");
    check_bytes("said.pgm", 1, 2, 1, dark);
}

/* --- other PNGs ------------------------------------------------------------------------------- */

static void the_first_picture_of_an_animation_is_read(void) {
    static const uint8_t control[8] = {0, 0, 0, 2};
    write_letters_png("several.png", PNG_COLOR_TYPE_GRAY, 1);
    add_chunk("several.png", AFTER_IHDR, "acTL", control, sizeof control);
    check_shown("several.png", 1, 1, 1);
}

static void pngs_for_ios_are_named(void) {
    uint8_t bytes[ROOM];
    write_letters_png("phone.png", PNG_COLOR_TYPE_GRAY, 1);
    const size_t size = load("phone.png", bytes, sizeof bytes);
    memmove(bytes + 24, bytes + 8, size - 8);
    memcpy(bytes + 8, "\0\0\0\4CgBI\x50\0\x20\2\x2b\xd5\xb3\x7f", 16);
    write_file("phone.png", bytes, size + 16);
    check_refused("phone.png", "is a PNG made for Apple's iOS (CgBI), not");
}

/* Texts and profiles are passed over, damaged ones too; but not what says so of all of the file. */
static void chunks_without_pixels_do_not_matter(void) {
    static const uint8_t text[] = "Comment\0\0no zlib data", many[300] = {1};
    write_letters_png("text.png", PNG_COLOR_TYPE_RGB, 3);
    add_chunk("text.png", AFTER_IHDR, "zTXt", text, sizeof text);
    add_chunk("text.png", AFTER_IHDR, "iCCP", many, sizeof many);
    add_chunk("text.png", AFTER_IHDR, "eXIf", text, 7);
    add_chunk("text.png", 0, "tEXt", text, sizeof text);
    check_shown("text.png", 1, 1, 3);
    add_chunk("text.png", AFTER_IHDR, "IWHT", many, sizeof many);
    check_refused("text.png", "damaged PNG");
}

/* Texts of 7 MB each, zipped to some KB: nothing of them is kept. */
static void texts_take_no_memory(void) {
    enum { TEXTS = 40, TEXT = 7000000, ZIPPED = 8192, NAME_BYTES = 3 };
    uint8_t *bytes = malloc(ROOM + TEXTS * ZIPPED), *text = malloc(TEXT), zipped[ZIPPED] = "a\0";
    uLongf size = ZIPPED - NAME_BYTES;
    memset(text, 'x', TEXT);
    CU_ASSERT_EQUAL_FATAL(compress(zipped + NAME_BYTES, &size, text, TEXT), Z_OK);
    free(text);
    write_letters_png("texts.png", PNG_COLOR_TYPE_GRAY, 1);
    const size_t plain = load("texts.png", bytes, ROOM);
    uint8_t rest[ROOM], *at = bytes + AFTER_IHDR;
    memcpy(rest, at, plain - AFTER_IHDR);
    for (int i = 0; i < TEXTS; i++)
        at += put_chunk(at, "zTXt", zipped, size + NAME_BYTES);
    memcpy(at, rest, plain - AFTER_IHDR);
    write_file("texts.png", bytes, (size_t)(at - bytes) + plain - AFTER_IHDR);
    free(bytes);
    const size_t before = lks_peak_resident();
    check_shown("texts.png", 1, 1, 1);
    CU_ASSERT_TRUE(lks_peak_resident() - before < 100000000);
}

int main(void) {
    const lks_test tests[] = {
        {"PNG is turned", png_is_turned},
        {"JPEG is turned", jpeg_is_turned},
        {"bad Exif says nothing", bad_exif_says_nothing},
        {"thumbnails are another matter", thumbnails_are_another_matter},
        {"bits that are not used do not count", bits_that_are_not_used_do_not_count},
        {"alpha uses all bits", alpha_uses_all_bits},
        {"a largest value that is said counts", a_largest_value_that_is_said_counts},
        {"the first picture of an animation is read", the_first_picture_of_an_animation_is_read},
        {"PNGs for iOS are named", pngs_for_ios_are_named},
        {"chunks without pixels do not matter", chunks_without_pixels_do_not_matter},
        {"texts take no memory", texts_take_no_memory},
        {NULL, NULL},
    };
    return lks_test_main("picture_shown", tests);
}
