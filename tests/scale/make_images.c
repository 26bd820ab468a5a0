/* make_images DIR COUNT: a data set of so many scribbles, which stand in for digits, in ten equal classes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/dataset.h"
#include "feed/names.h"

static void put_32(FILE *f, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        putc((int)(value >> shift & 255), f);
}

/* An IDX file with its header written; NULL: told. */
static FILE *create(const char *dir, const char *name, uint32_t dimensions, uint32_t count) {
    char path[LKS_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return NULL;
    }
    put_32(f, 0x800 | dimensions);
    put_32(f, count);
    for (uint32_t i = 1; i < dimensions; i++)
        put_32(f, LKS_SCRIBBLE_SIDE);
    return f;
}

int main(int argc, char **argv) {
    const uint32_t count = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: make_images DIR COUNT\n");
        return 2;
    }
    FILE *images = create(argv[1], LKS_TRAIN_IMAGES, 3, count);
    FILE *labels = images ? create(argv[1], LKS_TRAIN_LABELS, 1, count) : NULL;
    if (!labels)
        return 1;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t image[LKS_SCRIBBLE_SIDE * LKS_SCRIBBLE_SIDE];
        lks_scribble(image, i);
        fwrite(image, 1, sizeof image, images);
        putc((int)(i % 10), labels);
    }
    const bool failed = ferror(images) || ferror(labels);
    if (fclose(images) || fclose(labels) || failed) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
