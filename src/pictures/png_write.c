/* PNG by libpng's simplified interface: for 8 bits it stores the values as they are. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/picture.h"

lks_status lks_png_encode(const uint8_t *pixels, int rows, int columns, int channels,
                          unsigned char **bytes, size_t *size, lks_error *err) {
    static const png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB,
                                          PNG_FORMAT_RGBA};
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)columns;
    image.height = (png_uint_32)rows;
    image.format = formats[channels - 1];
    png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(image);
    *bytes = malloc(room);
    if (*bytes && png_image_write_to_memory(&image, *bytes, &room, 0, pixels, 0, NULL)) {
        *size = room;
        return LKS_OK;
    }
    free(*bytes);
    *bytes = NULL;
    return lks_fail(err, LKS_ERR_MEMORY, "no memory for a picture of %dx%d pixels: %s", rows,
                    columns, image.message);
}
