#include "picture_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/picture.h"
#include "support/test.h"

const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", lks_test_folder(), name);
    return path;
}

/* A new file each time: ext4 waits for the disk where one is cut to nothing and written anew. */
void write_file(const char *name, const void *bytes, size_t size) {
    remove(path_of(name));
    FILE *f = fopen(path_of(name), "w");
    CU_ASSERT_FATAL(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

void write_text(const char *name, const char *text) {
    write_file(name, text, strlen(text));
}

size_t load(const char *name, uint8_t *bytes, size_t room) {
    FILE *f = fopen(path_of(name), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t size = fread(bytes, 1, room, f);
    CU_ASSERT_FATAL(size < room && fclose(f) == 0);
    return size;
}

void check_close(const char *name, int rows, int columns, int channels, const uint8_t *wanted,
                 int tolerance) {
    lks_picture p;
    lks_error err = {.text = ""};
    lks_status status = lks_picture_read(&p, path_of(name), &err);
    if (status != LKS_OK)
        printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, LKS_OK);
    CU_ASSERT_EQUAL(p.rows, rows);
    CU_ASSERT_EQUAL(p.columns, columns);
    CU_ASSERT_EQUAL_FATAL(p.channels, channels);
    int far = 0;
    for (int i = 0; i < rows * columns * channels; i++)
        far += abs(p.pixels[i] - wanted[i]) > tolerance;
    CU_ASSERT_EQUAL(far, 0);
    lks_picture_free(&p);
    CU_ASSERT_PTR_NULL(p.pixels);
}

void check_bytes(const char *name, int rows, int columns, int channels, const uint8_t *wanted) {
    check_close(name, rows, columns, channels, wanted, 0);
}

void check_refused(const char *name, const char *why) {
    lks_picture p;
    lks_error err = {.text = ""};
    CU_ASSERT_EQUAL(lks_picture_read(&p, path_of(name), &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NULL(p.pixels);
    bool good = strstr(err.text, path_of(name)) && strstr(err.text, why);
    if (!good)
        printf("\n  %s: wanted \"%s\", got: %s\n", name, why, err.text);
    CU_ASSERT_TRUE(good);
}

void scramble(uint8_t *at, size_t count) {
    uint32_t seed = 7;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (uint8_t)(seed >> 24);
    }
}

void damage_everywhere(const char *name, bool check_sums) {
    uint8_t bytes[4096];
    lks_error err;
    const size_t size = load(name, bytes, sizeof bytes);
    for (size_t cut = 0; cut < size; cut++) {
        write_file("cut", bytes, cut);
        check_refused("cut", cut ? "" : "empty");
    }
    for (size_t i = 0; i < size; i++) {
        lks_picture p;
        const uint8_t good = bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (uint8_t)(good ^ 1 << bit);
            write_file("changed", bytes, size);
            lks_status status = lks_picture_read(&p, path_of("changed"), &err);
            CU_ASSERT_TRUE(status == LKS_ERR_DATA || (status == LKS_OK && !check_sums));
            lks_picture_free(&p);
        }
        bytes[i] = good;
    }
}

void make_exif(uint8_t exif[EXIF_BYTES], bool big_endian, int type, int orientation) {
    static const uint8_t big[EXIF_BYTES] = {'M', 'M', 0,    42, 0, 0, 0, 8, 0,
                                            1,   1,   0x12, 0,  0, 0, 0, 0, 1},
                         little[EXIF_BYTES] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 0, 0, 1};
    const int width = type == 1 ? 1 : type == 3 ? 2 : 4;
    memcpy(exif, big_endian ? big : little, EXIF_BYTES);
    exif[big_endian ? 13 : 12] = (uint8_t)type;
    exif[18 + (big_endian ? width - 1 : 0)] = (uint8_t)orientation;
}
