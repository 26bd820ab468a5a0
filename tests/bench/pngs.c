/* Pictures for `lockstep predict`, and what it takes to decode them and nothing else.
 *
 *   bench_pngs write DATA FOLDER   MNIST's test images, each a PNG
 *   bench_pngs decode FILE...      decodes them with libpng, one after the other, and prints the seconds */
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/timer.h"

static int fail(const char *what) {
    lks_error_print(what);
    return 1;
}

static bool write_one(const char *folder, int i, const uint8_t *image, int rows, int columns) {
    char path[4096];
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)columns,
                     .height = (png_uint_32)rows,
                     .format = PNG_FORMAT_GRAY};
    snprintf(path, sizeof path, "%s/%05d.png", folder, i);
    return png_image_write_to_file(&png, path, 0, image, 0, NULL) != 0;
}

static int write_all(const char *data, const char *folder) {
    lks_error err;
    lks_idx_info info;
    if (lks_idx_open(&info, data, "t10k-images-idx3-ubyte", 3, &err) != LKS_OK)
        return fail(err.text);
    const size_t each = (size_t)info.rows * (size_t)info.columns;
    uint8_t *images = lks_alloc((size_t)info.count, each, "images", &err);
    lks_status status = images ? lks_idx_read(&info, 0, info.count, images, &err) : err.status;
    mkdir(folder, 0777);
    for (int i = 0; i < info.count && status == LKS_OK; i++)
        if (!write_one(folder, i, images + (size_t)i * each, info.rows, info.columns))
            status = lks_fail(&err, LKS_ERR_IO, "%s: a picture cannot be written", folder);
    lks_free(images);
    return status == LKS_OK ? 0 : fail(err.text);
}

static bool decode(const char *path) {
    static uint8_t file[65536], pixels[65536];
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(file, 1, sizeof file, f) : 0;
    if (f)
        fclose(f);
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (n == 0 || !png_image_begin_read_from_memory(&png, file, n))
        return false;
    png.format = PNG_FORMAT_GRAY;
    if (PNG_IMAGE_SIZE(png) <= sizeof pixels)
        return png_image_finish_read(&png, NULL, pixels, 0, NULL) != 0;
    png_image_free(&png);
    return false;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write_all(argv[2], argv[3]);
    if (argc < 3 || strcmp(argv[1], "decode") != 0)
        return fail("write DATA FOLDER, or decode FILE...");
    const double started = lks_now();
    for (int i = 2; i < argc; i++)
        if (!decode(argv[i]))
            return fail(argv[i]);
    printf("%.3f\n", lks_now() - started);
    return 0;
}
