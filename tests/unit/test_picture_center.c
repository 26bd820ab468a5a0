/* Pictures of digits prepared as MNIST's images were: these come out as they went in, also inverted,
 * moved, enlarged or drawn on glass; and each step on pictures made by hand. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "base/memory.h"
#include "lockstep/picture.h"

enum { SIDE = LKS_MNIST_SIDE, BYTES = SIDE * SIDE };

static lks_error err;

static lks_picture picture_of(int rows, int columns, int channels) {
    const size_t size = (size_t)rows * (size_t)columns * (size_t)channels;
    lks_picture p = {rows, columns, channels, lks_alloc(size, 1, "a picture", &err)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(p.pixels);
    return p;
}

/* Centres @p p and frees it; returns whether it was blank. */
static bool center(lks_picture *p, uint8_t *out) {
    lks_picture_info info;
    uint8_t guarded[BYTES + 1];
    memset(guarded, 0xa5, sizeof guarded);
    CU_ASSERT_EQUAL(lks_picture_center(p, guarded, &info, &err), LKS_OK);
    CU_ASSERT_EQUAL(guarded[BYTES], 0xa5);
    memcpy(out, guarded, BYTES);
    lks_picture_free(p);
    return info.blank;
}

/* Picture @p p has ink: what it is made of is @p wanted. */
static void check(lks_picture *p, const uint8_t *wanted) {
    uint8_t out[BYTES];
    CU_ASSERT_FALSE(center(p, out));
    for (int i = 0; i < BYTES; i++)
        if (out[i] != wanted[i]) {
            printf("\n  row %d, column %d: wanted %d, got %d\n", i / SIDE, i % SIDE, wanted[i],
                   out[i]);
            CU_FAIL("another picture");
            break;
        }
}

/* --- MNIST's own images ----------------------------------------------------------------------- */

static uint8_t *images;
static int n_images;

static void read_images(void) {
    lks_idx_info info;
    CU_ASSERT_EQUAL_FATAL(lks_idx_open(&info, LKS_GOLDEN_DIR, "t10k-images-idx3-ubyte", 3, &err),
                          LKS_OK);
    n_images = (int)info.count;
    images = malloc((size_t)n_images * BYTES);
    CU_ASSERT_EQUAL_FATAL(lks_idx_read(&info, 0, n_images, images, &err), LKS_OK);
}

static int largest(const uint8_t *v) {
    int most = 0;
    for (int i = 0; i < BYTES; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

static void each_image_is_its_own(void) {
    for (int i = 0; i < n_images; i++) {
        lks_picture p = picture_of(SIDE, SIDE, 1);
        memcpy(p.pixels, images + i * BYTES, BYTES);
        check(&p, images + i * BYTES);
    }
}

/* Of pictures that have to be prepared nearly all come out as the image they were made of: strokes are moved to a
 * breadth that 98 of 100 training images have, and what is small and far away is left out. */
static void nearly_all(int same, int percent) {
    CU_ASSERT(100 * same >= percent * n_images);
    if (100 * same < percent * n_images)
        printf("\n  %d of %d are the same\n", same, n_images);
}

static bool becomes(lks_picture *p, const uint8_t *wanted) {
    uint8_t out[BYTES];
    CU_ASSERT_FALSE(center(p, out));
    return memcmp(out, wanted, BYTES) == 0;
}

static void dark_on_light_is_the_same(void) {
    int same = 0;
    for (int i = 0; i < n_images; i++) {
        lks_picture p = picture_of(SIDE, SIDE, 1);
        for (int k = 0; k < BYTES; k++)
            p.pixels[k] = (uint8_t)(255 - images[i * BYTES + k]);
        same += becomes(&p, images + i * BYTES);
    }
    nearly_all(same, 94);
}

/* Strokes of one colour on glass, black or white: what hides the ground is the ink. */
static void ink_on_glass_is_the_same(void) {
    for (int colour = 0; colour <= 255; colour += 255) {
        int same = 0;
        for (int i = 0; i < n_images; i++) {
            lks_picture p = picture_of(SIDE, SIDE, 4);
            memset(p.pixels, colour, 4 * BYTES);
            for (int k = 0; k < BYTES; k++)
                p.pixels[4 * k + 3] = images[i * BYTES + k];
            same += becomes(&p, images + i * BYTES);
        }
        nearly_all(same, 94);
    }
}

static void one_pixel_off_is_prepared(void) {
    lks_picture_info info;
    uint8_t out[BYTES];
    for (int by = 0; by <= 3; by += 3) {
        lks_picture p = picture_of(SIDE, SIDE, 1);
        memcpy(p.pixels + by, images, (size_t)(BYTES - by));
        CU_ASSERT_EQUAL(lks_picture_center(&p, out, &info, &err), LKS_OK);
        CU_ASSERT_EQUAL(info.unchanged, by == 0);
        CU_ASSERT_EQUAL(memcmp(out, images, BYTES), 0); /* moved back */
        lks_picture_free(&p);
    }
}

/* Anywhere on a larger sheet. */
static void the_place_on_the_sheet_is_lost(void) {
    enum { ROWS = 90, COLUMNS = 61 };
    int same = 0;
    for (int i = 0; i < n_images; i++) {
        lks_picture p = picture_of(ROWS, COLUMNS, 1);
        const int top = i * 7 % (ROWS - SIDE), left = i * 11 % (COLUMNS - SIDE);
        for (int y = 0; y < SIDE; y++)
            memcpy(p.pixels + (top + y) * COLUMNS + left, images + i * BYTES + y * SIDE, SIDE);
        same += becomes(&p, images + i * BYTES);
    }
    nearly_all(same, 94);
}

/* Three times as large, brought back by averages of equal values, and as bright as can be. */
static void the_size_is_lost(void) {
    enum { TIMES = 3, LONG = TIMES * SIDE };
    int same = 0;
    for (int i = 0; i < n_images; i++) {
        const uint8_t *image = images + i * BYTES;
        const int top = largest(image);
        uint8_t bright[BYTES];
        lks_picture p = picture_of(LONG, LONG, 1);
        for (int y = 0; y < LONG; y++)
            for (int x = 0; x < LONG; x++)
                p.pixels[y * LONG + x] = image[y / TIMES * SIDE + x / TIMES];
        for (int k = 0; k < BYTES; k++)
            bright[k] = (uint8_t)((image[k] * 255 + top / 2) / top);
        same += becomes(&p, bright);
    }
    nearly_all(same, 85);
}

/* --- step by step ----------------------------------------------------------------------------- */

static void fill(uint8_t *image, int top, int left, int rows, int columns, int value) {
    for (int y = top; y < top + rows; y++)
        memset(image + y * SIDE + left, value, (size_t)columns);
}

/* A sheet of one value has no ink, nor with a square in it that is 15 brighter: 16 is ink. */
static void little_contrast_is_blank(void) {
    static const int values[] = {0, 1, 100, 127, 128, 254, 255},
                     sizes[][2] = {{1, 1}, {1, 9}, {7, 1}, {9, 9}};
    uint8_t out[BYTES];
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            lks_picture p = picture_of(sizes[s][0], sizes[s][1], 1);
            memset(p.pixels, values[v], (size_t)(p.rows * p.columns));
            CU_ASSERT_TRUE(center(&p, out));
            CU_ASSERT_EQUAL(largest(out), 0);
        }
    for (int contrast = 15; contrast <= 16; contrast++) {
        lks_picture p = picture_of(SIDE, SIDE, 1);
        fill(p.pixels, 8, 12, 12, 3, contrast);
        CU_ASSERT_EQUAL(center(&p, out), contrast == 15);
    }
}

/* 40 rows x 7 columns: 20 x 4 (3.5, up). */
static void sides_keep_their_ratio(void) {
    lks_picture p = picture_of(60, 40, 1);
    for (int y = 10; y < 50; y++)
        memset(p.pixels + y * 40 + 13, 77, 7);
    uint8_t out[BYTES];
    CU_ASSERT_FALSE(center(&p, out));
    int rows = 0, columns = 0;
    for (int k = 0; k < SIDE; k++) {
        rows += out[k * SIDE + 14] > 0;
        columns += out[14 * SIDE + k] > 0;
    }
    CU_ASSERT_EQUAL(rows, 20);
    CU_ASSERT_EQUAL(columns, 4);
}

/* A hair of 200 pixels becomes a stroke as pens draw them: about 2 of 28 pixels, and 20 long. */
static void hairs_become_strokes(void) {
    uint8_t out[BYTES];
    lks_picture p = picture_of(60, 240, 1);
    memset(p.pixels + 30 * 240 + 20, 200, 200);
    CU_ASSERT_FALSE(center(&p, out));
    int long_enough = 0, wide = 0;
    for (int k = 0; k < SIDE; k++) {
        long_enough += out[14 * SIDE + k] > 0;
        wide += out[k * SIDE + 14] > 127;
    }
    CU_ASSERT_EQUAL(long_enough, 20);
    CU_ASSERT(wide >= 2 && wide <= 3);
    CU_ASSERT_EQUAL(largest(out), 255);
}

int main(void) {
    const lks_test tests[] = {
        {"images are read", read_images},
        {"each image is its own", each_image_is_its_own},
        {"dark on light is the same", dark_on_light_is_the_same},
        {"ink on glass is the same", ink_on_glass_is_the_same},
        {"one pixel off is prepared", one_pixel_off_is_prepared},
        {"the place on the sheet is lost", the_place_on_the_sheet_is_lost},
        {"the size is lost", the_size_is_lost},
        {"little contrast is blank", little_contrast_is_blank},
        {"sides keep their ratio", sides_keep_their_ratio},
        {"hairs become strokes", hairs_become_strokes},
        {NULL, NULL},
    };
    const int status = lks_test_main("picture center", tests);
    free(images);
    return status;
}
