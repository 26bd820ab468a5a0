/* Pictures of digits prepared as MNIST's images were: these come out as they went in, also inverted,
 * moved, enlarged or drawn on glass; and each step on pictures made by hand. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/data.h"
#include "lockstep/memory.h"
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

static void dark_on_light_is_the_same(void) {
    for (int i = 0; i < n_images; i++) {
        lks_picture p = picture_of(SIDE, SIDE, 1);
        for (int k = 0; k < BYTES; k++)
            p.pixels[k] = (uint8_t)(255 - images[i * BYTES + k]);
        check(&p, images + i * BYTES);
    }
}

static void black_ink_on_glass_is_the_same(void) {
    for (int i = 0; i < n_images; i++) {
        lks_picture p = picture_of(SIDE, SIDE, 4);
        for (int k = 0; k < BYTES; k++)
            p.pixels[4 * k + 3] = images[i * BYTES + k];
        check(&p, images + i * BYTES);
    }
}

/* Anywhere on a larger sheet. */
static void the_place_on_the_sheet_is_lost(void) {
    enum { ROWS = 90, COLUMNS = 61 };
    for (int i = 0; i < n_images; i++) {
        lks_picture p = picture_of(ROWS, COLUMNS, 1);
        const int top = i * 7 % (ROWS - SIDE), left = i * 11 % (COLUMNS - SIDE);
        for (int y = 0; y < SIDE; y++)
            memcpy(p.pixels + (top + y) * COLUMNS + left, images + i * BYTES + y * SIDE, SIDE);
        check(&p, images + i * BYTES);
    }
}

/* Three times as large, brought back by averages of equal values, and as bright as can be. */
static void the_size_is_lost(void) {
    enum { TIMES = 3, LONG = TIMES * SIDE };
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
        check(&p, bright);
    }
}

/* --- step by step ----------------------------------------------------------------------------- */

static void fill(uint8_t *image, int top, int left, int rows, int columns, int value) {
    for (int y = top; y < top + rows; y++)
        memset(image + y * SIDE + left, value, (size_t)columns);
}

/* 127 is not above 127: as it is, the middle is ink; inverted, nothing is above the ground. */
static void inverted_above_127(void) {
    static const uint8_t bytes[9] = {88, 88, 88, 244, 255, 244, 88, 88, 88};
    uint8_t out[BYTES];
    lks_picture p = picture_of(3, 3, 1);
    memcpy(p.pixels, bytes, 9);
    CU_ASSERT_FALSE(center(&p, out));
    CU_ASSERT_EQUAL(largest(out), 255);
    p = picture_of(3, 3, 1);
    memcpy(p.pixels, bytes, 9);
    p.pixels[0]++;
    CU_ASSERT_TRUE(center(&p, out));
    CU_ASSERT_EQUAL(largest(out), 0);
}

/* A sheet of @p rows x @p columns of one value has no ink, nor with one pixel 15 brighter: 16 is ink. */
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
        lks_picture p = picture_of(9, 9, 1);
        memset(p.pixels, 60, 81);
        p.pixels[40] = (uint8_t)(60 + contrast);
        CU_ASSERT_EQUAL(center(&p, out), contrast == 15);
    }
}

/* Ground 40, though a quarter of the border is ink; from 40 to 240 a quarter is 90, which is black. */
static void the_ground_becomes_black(void) {
    uint8_t wanted[BYTES] = {0};
    lks_picture p = picture_of(SIDE, SIDE, 1);
    memset(p.pixels, 40, BYTES);
    fill(p.pixels, 0, 4, 20, 20, 240); /* 20 of the 108 pixels of the border */
    fill(p.pixels, 3, 6, 1, 1, 90);
    fill(p.pixels, 4, 6, 1, 1, 91);
    fill(p.pixels, 5, 6, 1, 1, 165);
    fill(wanted, 4, 4, 20, 20, 255); /* its centre of mass lies below and right of the middle */
    fill(wanted, 7, 6, 1, 1, 0);
    fill(wanted, 8, 6, 1, 1, 2);   /* 1.7 */
    fill(wanted, 9, 6, 1, 1, 128); /* 127.5 */
    check(&p, wanted);
    p = picture_of(8, 8,
                   1); /* 8 of 28: more than a quarter, so that the ground is taken for bright */
    memset(p.pixels, 200, 8);
    uint8_t out[BYTES];
    CU_ASSERT_TRUE(center(&p, out));
}

/* 40 rows x 11 columns: 20 x 6 (5.5, up); their middles are 10 and 3, so that 4.5 becomes 5 and 11.5
 * becomes 12. */
static void sides_keep_their_ratio(void) {
    uint8_t wanted[BYTES] = {0};
    lks_picture p = picture_of(60, 40, 1);
    for (int y = 10; y < 50; y++)
        memset(p.pixels + y * 40 + 3, 77, 11);
    fill(wanted, 5, 12, 20, 6, 255);
    check(&p, wanted);
}

/* One pixel grows to 20 x 20, a hair of 400 pixels becomes one of 20 x 1. */
static void dots_and_hairs(void) {
    uint8_t wanted[BYTES] = {0};
    lks_picture p = picture_of(5, 5, 1);
    p.pixels[7] = 30;
    fill(wanted, 5, 5, 20, 20, 255);
    check(&p, wanted);
    memset(wanted, 0, BYTES);
    p = picture_of(3, 500, 1);
    memset(p.pixels + 500 + 50, 30, 400);
    fill(wanted, 14, 5, 1, 20, 255);
    check(&p, wanted);
}

/* Nearly all mass in the first column: the centre would lie at 14.5, and the last column outside. */
static void all_stays_inside(void) {
    uint8_t wanted[BYTES] = {0};
    lks_picture p = picture_of(SIDE, SIDE, 1);
    fill(p.pixels, 4, 4, 20, 1, 200);
    fill(p.pixels, 4, 23, 1, 1, 20);
    fill(wanted, 5, 8, 20, 1, 200);
    fill(wanted, 5, 27, 1, 1, 20);
    check(&p, wanted);
}

int main(void) {
    const lks_test tests[] = {
        {"images are read", read_images},
        {"each image is its own", each_image_is_its_own},
        {"dark on light is the same", dark_on_light_is_the_same},
        {"black ink on glass is the same", black_ink_on_glass_is_the_same},
        {"the place on the sheet is lost", the_place_on_the_sheet_is_lost},
        {"the size is lost", the_size_is_lost},
        {"inverted above 127", inverted_above_127},
        {"little contrast is blank", little_contrast_is_blank},
        {"the ground becomes black", the_ground_becomes_black},
        {"sides keep their ratio", sides_keep_their_ratio},
        {"dots and hairs", dots_and_hairs},
        {"all stays inside", all_stays_inside},
        {NULL, NULL},
    };
    const int status = lks_test_main("picture center", tests);
    free(images);
    return status;
}
