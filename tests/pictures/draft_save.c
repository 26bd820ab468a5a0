/* A draft as PNG or JPEG, turned as its EXIF orientation tells readers to turn it back. libpng and libjpeg are used
 * directly: the program's own writer has no 16 bits and no EXIF. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <png.h>

#include "draft.h"

/* What is stored: values in 16 bits, whatever the file has. */
typedef struct stored {
    int rows, columns, channels;
    uint16_t *values;
} stored;

/* A TIFF header and one directory with one entry, Orientation (Exif 2.3, 4.6.2; tag 0x0112, type SHORT). */
static void orientation_block(unsigned char block[26], int orientation) {
    static const unsigned char form[26] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1};
    memcpy(block, form, sizeof form);
    block[18] = (unsigned char)orientation;
}

/* Where the pixel that is seen at (y, x) is stored, for what a reader does with each orientation. */
static size_t place(const draft *d, int y, int x) {
    const int last_y = d->rows - 1, last_x = d->columns - 1;
    const bool lying = d->orientation >= 5;
    const size_t columns = (size_t)(lying ? d->rows : d->columns);
    int sy = y, sx = x;
    switch (d->orientation) {
    case 2:
        sx = last_x - x;
        break;
    case 3:
        sy = last_y - y, sx = last_x - x;
        break;
    case 4:
        sy = last_y - y;
        break;
    case 5:
        sy = x, sx = y;
        break;
    case 6:
        sy = last_x - x, sx = y;
        break;
    case 7:
        sy = last_x - x, sx = last_y - y;
        break;
    case 8:
        sy = x, sx = last_y - y;
        break;
    default:
        break;
    }
    return (size_t)sy * columns + (size_t)sx;
}

static bool is_grey(const draft *d) {
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    for (size_t i = 0; i < n; i++)
        if (d->light[3 * i] != d->light[3 * i + 1] || d->light[3 * i] != d->light[3 * i + 2])
            return false;
    return true;
}

static void store(stored *s, const draft *d) {
    const bool lying = d->orientation >= 5;
    s->rows = lying ? d->columns : d->rows;
    s->columns = lying ? d->rows : d->columns;
    s->channels = d->alpha != ALPHA_NONE ? 4 : is_grey(d) ? 1 : 3;
    s->values =
        calloc((size_t)s->rows * (size_t)s->columns * (size_t)s->channels, sizeof *s->values);
    if (!s->values)
        abort();
    for (int y = 0; y < d->rows; y++)
        for (int x = 0; x < d->columns; x++) {
            const size_t from = (size_t)y * (size_t)d->columns + (size_t)x;
            uint16_t *to = s->values + place(d, y, x) * (size_t)s->channels;
            if (d->alpha == ALPHA_NONE) {
                for (int c = 0; c < s->channels; c++)
                    to[c] = (uint16_t)(d->light[3 * from + (size_t)c] * (float)d->most + 0.5F);
                continue;
            }
            to[0] = to[1] = to[2] = d->alpha == ALPHA_WHITE ? 255 : 0;
            to[3] = (uint16_t)(d->covered[from] * 255 + 0.5F);
        }
}

static bool write_png(FILE *file, const stored *s, const draft *d) {
    static const int types[5] = {0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    const size_t each = d->most > 255 ? 2 : 1, n = (size_t)(s->columns * s->channels);
    unsigned char *row = malloc(n * each), block[26];
    if (!info || !row)
        abort();
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_compression_level(png, 1);
    png_set_IHDR(png, info, (png_uint_32)s->columns, (png_uint_32)s->rows, (int)each * 8,
                 types[s->channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (d->orientation) {
        orientation_block(block, d->orientation);
        png_set_eXIf_1(png, info, sizeof block, block);
    }
    png_write_info(png, info);
    for (int y = 0; y < s->rows; y++) {
        const uint16_t *v = s->values + (size_t)y * n;
        for (size_t i = 0; i < n; i++)
            if (each == 2)
                row[2 * i] = (unsigned char)(v[i] >> 8), row[2 * i + 1] = (unsigned char)v[i];
            else
                row[i] = (unsigned char)v[i];
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    return true;
}

static bool write_jpeg(FILE *file, const stored *s, const draft *d) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors); /* ends the program */
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)s->columns;
    jpeg.image_height = (JDIMENSION)s->rows;
    jpeg.input_components = s->channels;
    jpeg.in_color_space = s->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, d->quality, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    if (d->orientation) {
        unsigned char exif[6 + 26] = "Exif\0";
        orientation_block(exif + 6, d->orientation);
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, exif, sizeof exif);
    }
    const size_t n = (size_t)(s->columns * s->channels);
    JSAMPLE *row = malloc(n);
    if (!row)
        abort();
    for (int y = 0; y < s->rows; y++) {
        for (size_t i = 0; i < n; i++)
            row[i] = (JSAMPLE)s->values[(size_t)y * n + i];
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    return true;
}

bool draft_save(const draft *d, const char *stem, char *path, int size) {
    snprintf(path, (size_t)size, "%s.%s", stem, d->form == FORM_JPEG ? "jpg" : "png");
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    stored s;
    store(&s, d);
    const bool written = d->form == FORM_JPEG ? write_jpeg(file, &s, d) : write_png(file, &s, d);
    free(s.values);
    return (fclose(file) == 0) && written;
}
