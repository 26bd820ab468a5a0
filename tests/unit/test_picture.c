/* Pictures read: every kind of PNG and PNM gives the values in the file, whatever is damaged gives an
 * error. */
#include "support/test.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockstep/picture.h"
#include "picture_file.h"

static lks_error err;

/* --- PNG -------------------------------------------------------------------------------------- */

typedef struct png_form {
    int rows, columns, depth, type, interlace;
    int gamma;                /* gAMA in 1/100,000; 0: none */
    const png_color *palette; /* [n_palette] */
    int n_palette;
    const uint8_t *alphas; /* of the palette, [n_alphas] */
    int n_alphas;
    const png_color_16 *transparent; /* a colour that is */
} png_form;

/* Writes the header's chunks, and the rows (packed as PNG has them, @p stride bytes each) unless
 * there are none. */
static void write_png(const char *name, const png_form *form, const uint8_t *rows, size_t stride) {
    FILE *f = fopen(path_of(name), "w");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    CU_ASSERT_FATAL(f && png && info && !setjmp(png_jmpbuf(png)));
    png_init_io(png, f);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, info, (png_uint_32)form->columns, (png_uint_32)form->rows, form->depth,
                 form->type, form->interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (form->gamma)
        png_set_gAMA_fixed(png, info, form->gamma);
    if (form->palette)
        png_set_PLTE(png, info, form->palette, form->n_palette);
    if (form->n_alphas || form->transparent)
        png_set_tRNS(png, info, form->alphas, form->n_alphas, form->transparent);
    png_write_info(png, info);
    if (rows) {
        const int passes = png_set_interlace_handling(png);
        for (int pass = 0; pass < passes; pass++)
            for (int y = 0; y < form->rows; y++)
                png_write_row(png, rows + (size_t)y * stride);
        png_write_end(png, info);
    }
    png_destroy_write_struct(&png, &info);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

/* 8 bits a channel, sides that are no multiple of an interlacing block: the bytes as they are. */
static void bytes_are_taken_as_they_are(void) {
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    enum { ROWS = 19, COLUMNS = 13 };
    for (int t = 0; t < 4; t++)
        for (int variant = 0; variant < 4; variant++) {
            uint8_t bytes[ROWS * COLUMNS * 4];
            const int channels = t + 1;
            scramble(bytes, sizeof bytes);
            png_form form = {.rows = ROWS, .columns = COLUMNS, .depth = 8, .type = types[t]};
            form.interlace = variant % 2 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE;
            form.gamma = variant / 2 ? 100000 : 0;
            write_png("bytes.png", &form, bytes, COLUMNS * (size_t)channels);
            check_bytes("bytes.png", ROWS, COLUMNS, channels, bytes);
        }
}

/* One row with every value of 1, 2 and 4 bits. */
static void few_bits_fill_the_range(void) {
    static const uint8_t row1[] = {0x60}, row2[] = {0x1b},
                         row4[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    static const uint8_t wanted1[] = {0, 255, 255}, wanted2[] = {0, 85, 170, 255};
    uint8_t wanted4[16];
    for (int i = 0; i < 16; i++)
        wanted4[i] = (uint8_t)(17 * i);
    png_form form = {.rows = 1, .columns = 3, .depth = 1, .type = PNG_COLOR_TYPE_GRAY};
    write_png("1.png", &form, row1, 1);
    check_bytes("1.png", 1, 3, 1, wanted1);
    form.columns = 4, form.depth = 2;
    write_png("2.png", &form, row2, 1);
    check_bytes("2.png", 1, 4, 1, wanted2);
    form.columns = 16, form.depth = 4;
    write_png("4.png", &form, row4, 8);
    check_bytes("4.png", 1, 16, 1, wanted4);
}

/* All 65,536 values, as PNG and as PGM: v / 65,535 of 255, rounded. */
static void sixteen_bits_are_rounded(void) {
    static uint8_t bytes[131072 + 32], wanted[65536];
    int header = sprintf((char *)bytes, "P5 256 256 65535\n");
    uint8_t *values = bytes + header;
    for (int v = 0; v < 65536; v++) {
        values[2 * v] = (uint8_t)(v >> 8);
        values[2 * v + 1] = (uint8_t)v;
        wanted[v] = (uint8_t)((510L * v + 65535) / 131070);
    }
    write_file("16.pgm", bytes, (size_t)header + 131072);
    check_bytes("16.pgm", 256, 256, 1, wanted);
    png_form form = {.rows = 256, .columns = 256, .depth = 16, .type = PNG_COLOR_TYPE_GRAY};
    write_png("16.png", &form, values, 512);
    check_bytes("16.png", 256, 256, 1, wanted);
}

static void palettes_become_colours(void) {
    static const png_color palette[] = {{1, 2, 3}, {40, 50, 60}, {7, 7, 7}};
    static const uint8_t alphas[] = {255, 9}, rows[] = {0x18, 0x80}; /* 0 1 2, 2 0 0 */
    static const uint8_t wanted[] = {1, 2, 3, 40, 50, 60, 7, 7, 7, 7, 7, 7, 1, 2, 3, 1, 2, 3};
    static const uint8_t with_alpha[] = {1, 2, 3, 255, 40, 50, 60, 9,   7, 7, 7, 255,
                                         7, 7, 7, 255, 1,  2,  3,  255, 1, 2, 3, 255};
    png_form form = {.rows = 2, .columns = 3, .depth = 2, .type = PNG_COLOR_TYPE_PALETTE};
    form.palette = palette, form.n_palette = 3;
    write_png("palette.png", &form, rows, 1);
    check_bytes("palette.png", 2, 3, 3, wanted);
    form.alphas = alphas, form.n_alphas = 2;
    write_png("palette.png", &form, rows, 1);
    check_bytes("palette.png", 2, 3, 4, with_alpha);
}

static void a_transparent_value_becomes_alpha(void) {
    static const png_color_16 transparent = {.gray = 2};
    static const uint8_t rows[] = {0x1b}, wanted[] = {0, 255, 85, 255, 170, 0, 255, 255};
    png_form form = {.rows = 1, .columns = 4, .depth = 2, .type = PNG_COLOR_TYPE_GRAY};
    form.transparent = &transparent;
    write_png("clear.png", &form, rows, 1);
    check_bytes("clear.png", 1, 4, 2, wanted);
}

/* --- Netpbm ----------------------------------------------------------------------------------- */

static void all_netpbm_formats_are_read(void) {
    static const uint8_t bits[] = {255, 0, 255, 0, 0, 0}, grey[] = {0, 128, 255, 9, 10, 11};
    write_text("a.pbm", "P1\n3 2\n0 1 0\n1 1 1\n");
    check_bytes("a.pbm", 2, 3, 1, bits);
    write_text("a.pbm", "P1 3 2 010111");
    check_bytes("a.pbm", 2, 3, 1, bits);
    write_text("a.pbm", "P4\n3 2\n\x5f\xe0"); /* the last five bits of a row mean nothing */
    check_bytes("a.pbm", 2, 3, 1, bits);
    write_text("a.pgm", "P2\n3 2\n255\n0 128 255\n9\t10\r\n11");
    check_bytes("a.pgm", 2, 3, 1, grey);
    write_file("a.pgm", "P5\n3 2\n255\n\000\200\377\t\n\013", 17);
    check_bytes("a.pgm", 2, 3, 1, grey);
    write_text("a.ppm", "P3 1 2 255 0 128 255 9 10 11 \n");
    check_bytes("a.ppm", 2, 1, 3, grey);
    write_file("a.ppm", "P6 1 2 255 \000\200\377\t\n\013", 17);
    check_bytes("a.ppm", 2, 1, 3, grey);
}

static void comments_are_passed_over(void) {
    static const uint8_t wanted[] = {'#', 7};
    write_text("c.pgm", "P5# made by hand\n2 # columns\n#\n1\r\n# 99\n255\n#\007");
    check_bytes("c.pgm", 1, 2, 1, wanted);
    write_text("c.pgm", "P5 2 1 255# the raster follows\n#\007");
    check_bytes("c.pgm", 1, 2, 1, wanted);
    write_text("c.pgm", "P2 2 1 255\n# first\n35# second\n7# end");
    check_bytes("c.pgm", 1, 2, 1, wanted);
}

static void the_largest_value_is_255(void) {
    static const uint8_t thirds[] = {0, 85, 170, 255}, hundreds[] = {0, 3, 128, 255};
    write_text("m.pgm", "P2 4 1 3 0 1 2 3");
    check_bytes("m.pgm", 1, 4, 1, thirds);
    write_file("m.pgm", "P5 4 1 3\n\000\001\002\003", 13);
    check_bytes("m.pgm", 1, 4, 1, thirds);
    write_text("m.pgm", "P2 4 1 100 0 1 50 100"); /* 2.55 and 127.5 */
    check_bytes("m.pgm", 1, 4, 1, hundreds);
    write_file("m.pgm", "P5 4 1 1000\n\000\000\000\012\001\364\003\350", 20);
    check_bytes("m.pgm", 1, 4, 1, hundreds);
}

/* --- damage ----------------------------------------------------------------------------------- */

static void damage_is_found(void) {
    uint8_t bytes[9 * 7 * 4];
    scramble(bytes, sizeof bytes);
    png_form form = {.rows = 9, .columns = 7, .depth = 8, .type = PNG_COLOR_TYPE_RGB_ALPHA};
    write_png("good.png", &form, bytes, 28);
    damage_everywhere("good.png", true);
    form.type = PNG_COLOR_TYPE_GRAY, form.interlace = PNG_INTERLACE_ADAM7;
    write_png("good.png", &form, bytes, 7);
    damage_everywhere("good.png", true);
    write_file("good.pgm", "P5\n3 2\n255\n\000\200\377\t\n\013", 17);
    damage_everywhere("good.pgm", false);
    write_file("good.ppm", "P6 # two\n1 1 999\n\000\200\001\t\003\013", 23);
    damage_everywhere("good.ppm", false);
    write_text("good.pbm", "P4\n3 2\n\x5f\xe0");
    damage_everywhere("good.pbm", false);
    write_text("good.pbm", "P1 3 2\n010\n111");
    damage_everywhere("good.pbm", false);
}

static void wrong_rasters_are_refused(void) {
    static const struct {
        const char *text, *why;
    } wrong[] = {{"P5\n3 2\n255\n1234567", "goes on at byte 17"},
                 {"P2 1 1 255 7 8", "goes on at byte 13"},
                 {"P1 1 1 02", "goes on at byte 8"},
                 {"P5\n1 1\n100\ne", "a value of 101"},
                 {"P2 1 1 100 101", "a value of 101"},
                 {"P2 1 1 255 7x", "0x78 at byte 12"},
                 {"P2 2 1 255 7 -1", "0x2d at byte 13"},
                 {"P1 2 1 0 2", "0x32 at byte 9, where 0 or 1 should be"},
                 {"P2 2 2 255 1 2 3", "too few"},
                 {"P2 2 2 255 11 22 33 ", "truncated"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_text("wrong", wrong[i].text);
        check_refused("wrong", wrong[i].why);
    }
}

static void wrong_headers_are_refused(void) {
    static const struct {
        const char *text, *why;
    } wrong[] = {{"P5 0 4 255 ", "4 rows x 0 columns"},
                 {"P5 4 0 255 ", "0 rows x 4 columns"},
                 {"P5 65536 65536 255 ", "at most 67108864 pixels"},
                 {"P5 1 67108865 255 ", "at most 67108864 pixels"},
                 {"P5 99999999999999999999 1 255 ", "at most 67108864 pixels"},
                 {"P6 8192 8192 255 abc", "3 bytes are too few"},
                 {"P1 8192 8192 0101", "4 bytes are too few"},
                 {"P5 4 4 0 ", "the largest value is 0"},
                 {"P5 4 4 65536 ", "the largest value is 65536"},
                 {"P5 4x4 255 ", "0x78 at byte 4"},
                 {"P5 -4 4 255 ", "0x2d at byte 3"},
                 {"P5 4 4", "truncated"},
                 {"P5", "truncated"},
                 {"P5\n# for ever", "truncated"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_text("wrong", wrong[i].text);
        check_refused("wrong", wrong[i].why);
    }
}

/* A header, an empty IDAT chunk and zeros: who believed it would ask for gigabytes. */
static void write_png_header(const char *name, int rows, int columns) {
    static const char idat[12] = "\0\0\0\0IDAT\x35\xaf\x06\x1e";
    enum { SIGNATURE = 8, IHDR = 25, SIZE = 200 };
    uint8_t bytes[SIZE + 1] = {0};
    const png_form form = {.rows = rows, .columns = columns, .depth = 8};
    write_png(name, &form, NULL, 0);
    CU_ASSERT_EQUAL_FATAL(load(name, bytes, SIZE), SIGNATURE + IHDR);
    memcpy(bytes + SIGNATURE + IHDR, idat, sizeof idat);
    write_file(name, bytes, SIZE);
}

static void absurd_png_headers_are_refused(void) {
    write_png_header("huge.png", 60000, 60000);
    check_refused("huge.png", "at most 67108864 pixels");
    write_png_header("huge.png", 1, 2147483647);
    check_refused("huge.png", "at most 67108864 pixels");
    write_png_header("large.png", 8192, 8192);
    check_refused("large.png", "are too few");
}

static void other_files_are_named(void) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *why;
    } others[] = {{"\xff\xd8\xff\xe0..JFIF", 10, "truncated"},
                  {"GIF89a", 6, "a GIF picture"},
                  {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18, "a BMP picture"},
                  {"P7\nWIDTH 1\n", 11, "a PAM picture"},
                  {"hello\n", 6, "is a text file, not a picture"},
                  {"P", 1, "not a picture that can be read"},
                  {"", 0, "empty"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        write_file("other.png", others[i].bytes, others[i].size);
        check_refused("other.png", others[i].why);
    }
    check_refused("missing.png", "no such file");
    CU_ASSERT_EQUAL(mkdir(path_of("folder.png"), 0777), 0);
    check_refused("folder.png", "is a folder; expected a picture");
    CU_ASSERT_EQUAL(mkfifo(path_of("pipe.png"), 0666), 0);
    check_refused("pipe.png", "is a device or pipe; expected a picture");
}

static void links_are_followed(void) {
    static const uint8_t wanted[] = {7};
    write_text("target", "P2 1 1 255 7");
    CU_ASSERT_EQUAL(symlink("target", path_of("link.pgm")), 0);
    check_bytes("link.pgm", 1, 1, 1, wanted);
    CU_ASSERT_EQUAL(symlink("nowhere", path_of("dangling.pgm")), 0);
    check_refused("dangling.pgm", "no such file");
}

/* What is written is read back, with one to four channels. */
static void png_in_memory_is_exact(void) {
    uint8_t pixels[5 * 3 * 4];
    for (int i = 0; i < (int)sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37 + 1);
    for (int channels = 1; channels <= 4; channels++) {
        unsigned char *bytes;
        size_t size;
        CU_ASSERT_EQUAL_FATAL(lks_png_encode(pixels, 5, 3, channels, &bytes, &size, &err), LKS_OK);
        write_file("made.png", bytes, size);
        check_bytes("made.png", 5, 3, channels, pixels);
        free(bytes);
    }
}

int main(void) {
    const lks_test tests[] = {
        {"bytes are taken as they are", bytes_are_taken_as_they_are},
        {"few bits fill the range", few_bits_fill_the_range},
        {"sixteen bits are rounded", sixteen_bits_are_rounded},
        {"palettes become colours", palettes_become_colours},
        {"a transparent value becomes alpha", a_transparent_value_becomes_alpha},
        {"all Netpbm formats are read", all_netpbm_formats_are_read},
        {"comments are passed over", comments_are_passed_over},
        {"the largest value is 255", the_largest_value_is_255},
        {"damage is found", damage_is_found},
        {"wrong rasters are refused", wrong_rasters_are_refused},
        {"wrong headers are refused", wrong_headers_are_refused},
        {"absurd PNG headers are refused", absurd_png_headers_are_refused},
        {"other files are named", other_files_are_named},
        {"links are followed", links_are_followed},
        {"PNG in memory is exact", png_in_memory_is_exact},
        {NULL, NULL},
    };
    return lks_test_main("picture", tests);
}
