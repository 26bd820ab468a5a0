/* Pictures brought to a form: alpha, grey, resizing, the place in the middle. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lockstep/picture.h"

static lks_error err;

static lks_picture picture_of(int rows, int columns, int channels, const uint8_t *bytes) {
    const size_t size = (size_t)(rows * columns * channels);
    lks_picture p = {rows, columns, channels, lks_alloc(size, 1, "a picture", &err)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(p.pixels);
    memcpy(p.pixels, bytes, size);
    return p;
}

/* @p bytes, of the given shape, in that form are @p wanted. */
static void check(int rows, int columns, int channels, const uint8_t *bytes, lks_picture_form form,
                  const uint8_t *wanted) {
    const size_t size = (size_t)(form.rows * form.columns * form.channels);
    lks_picture p = picture_of(rows, columns, channels, bytes);
    uint8_t *out = malloc(size + 1);
    out[size] = 0xa5;
    CU_ASSERT_EQUAL(lks_picture_fit(&p, &form, out, &err), LKS_OK);
    for (size_t i = 0; i < size; i++)
        if (out[i] != wanted[i]) {
            printf("\n  byte %zu: wanted %d, got %d\n", i, wanted[i], out[i]);
            CU_FAIL("another picture");
            break;
        }
    CU_ASSERT_EQUAL(out[size], 0xa5);
    free(out);
    lks_picture_free(&p);
}

static lks_picture_form form_of(int rows, int columns, int channels) {
    return (lks_picture_form){.rows = rows, .columns = columns, .channels = channels};
}

/* --- colours ---------------------------------------------------------------------------------- */

static void alpha_is_put_on_the_background(void) {
    static const uint8_t grey[] = {200, 255, 200, 0, 200, 128}, flat[] = {200, 50, 125};
    lks_picture p = picture_of(1, 3, 2, grey);
    lks_picture_flatten(&p, 50); /* the last one: (200 * 128 + 50 * 127) / 255 = 125.29 */
    CU_ASSERT_EQUAL(p.channels, 1);
    CU_ASSERT_EQUAL(memcmp(p.pixels, flat, 3), 0);
    lks_picture_flatten(&p, 99); /* nothing left to do */
    CU_ASSERT_EQUAL(memcmp(p.pixels, flat, 3), 0);
    lks_picture_free(&p);
    static const uint8_t colour[] = {10, 20, 30, 255, 1, 2, 3, 0}, three[] = {10, 20, 30, 7, 7, 7};
    p = picture_of(2, 1, 4, colour);
    lks_picture_flatten(&p, 7);
    CU_ASSERT_EQUAL(p.channels, 3);
    CU_ASSERT_EQUAL(memcmp(p.pixels, three, 6), 0);
    lks_picture_free(&p);
}

static void grey_is_told_from_colour(void) {
    static const uint8_t bytes[] = {5, 5, 5, 9, 9, 9, 8, 8, 7};
    lks_picture p = picture_of(1, 3, 3, bytes);
    CU_ASSERT_FALSE(lks_picture_is_grey(&p));
    p.columns = 2;
    CU_ASSERT_TRUE(lks_picture_is_grey(&p));
    p.channels = 1;
    CU_ASSERT_TRUE(lks_picture_is_grey(&p));
    lks_picture_free(&p);
}

/* One pixel of 254 is enough; without alpha nothing lets the ground through. */
static void glass_is_told_from_paper(void) {
    static const uint8_t bytes[] = {5, 255, 0, 255, 0, 254};
    lks_picture p = picture_of(1, 3, 2, bytes);
    CU_ASSERT_FALSE(lks_picture_is_opaque(&p));
    p.columns = 2;
    CU_ASSERT_TRUE(lks_picture_is_opaque(&p));
    p.columns = 1;
    p.channels = 4;
    CU_ASSERT_TRUE(lks_picture_is_opaque(&p));
    p.pixels[3] = 0;
    CU_ASSERT_FALSE(lks_picture_is_opaque(&p));
    p.channels = 3;
    CU_ASSERT_TRUE(lks_picture_is_opaque(&p));
    lks_picture_free(&p);
}

/* 0.299, 0.587 and 0.114, rounded, also just below a half (195.499, 127.4999, 95.498); grey stays. */
static void luma_is_rec_601(void) {
    static const uint8_t bytes[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 77};
    static const uint8_t wanted[] = {76, 150, 29, 129};
    static const uint8_t halves[] = {56, 255, 255, 199, 77, 200, 71, 77, 255};
    check(2, 2, 3, bytes, form_of(2, 2, 1), wanted);
    check(1, 3, 3, halves, form_of(1, 3, 1), (uint8_t[]){195, 127, 95});
    uint8_t greys[768], same[256];
    for (int i = 0; i < 256; i++)
        same[i] = greys[3 * i] = greys[3 * i + 1] = greys[3 * i + 2] = (uint8_t)i;
    check(16, 16, 3, greys, form_of(16, 16, 1), same);
    check(16, 16, 1, same, form_of(16, 16, 3), greys);
}

/* The background too, behind alpha (round((0 * 200 + 50 * 55) / 255) = 11) and beside the picture. */
static void inverted_is_255_minus(void) {
    lks_picture_form form = form_of(1, 4, 1);
    form.invert = true;
    form.background = 50;
    check(1, 1, 1, (uint8_t[]){200}, form, (uint8_t[]){205, 55, 205, 205});
    check(1, 1, 2, (uint8_t[]){0, 200}, form, (uint8_t[]){205, 244, 205, 205});
}

/* --- resizing --------------------------------------------------------------------------------- */

static void the_same_size_is_copied(void) {
    uint8_t bytes[7 * 5 * 3];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 89);
    check(7, 5, 3, bytes, form_of(7, 5, 3), bytes);
    check(21, 5, 1, bytes, form_of(21, 5, 1), bytes);
}

static void areas_are_averaged(void) {
    static const uint8_t bytes[] = {1, 2, 30, 30, 3, 4, 30, 31, 0, 0, 255, 255, 0, 1, 255, 255};
    check(4, 4, 1, bytes, form_of(2, 2, 1), (uint8_t[]){3, 30, 0, 255}); /* 2.5, 30.25, 0.25 */
    /* three to two: two thirds of the first and one of the second, one of it and two of the third */
    check(3, 3, 1, (uint8_t[]){90, 0, 0, 0, 0, 0, 0, 0, 180}, form_of(2, 2, 1),
          (uint8_t[]){40, 0, 0, 80});
    check(1, 3, 3, (uint8_t[]){90, 0, 3, 30, 0, 3, 60, 9, 3}, form_of(1, 1, 3),
          (uint8_t[]){60, 3, 3});
}

/* Two to four: at -1/4, 1/4, 3/4 and 5/4 of the way; outside the centres the value goes on. */
static void growing_is_linear(void) {
    static const uint8_t wanted[] = {0,  10, 30, 40,  20, 30, 50,  60,
                                     60, 70, 90, 100, 80, 90, 110, 120};
    check(2, 2, 1, (uint8_t[]){0, 40, 80, 120}, form_of(4, 4, 1), wanted);
    check(1, 1, 1, (uint8_t[]){77}, form_of(3, 3, 1),
          (uint8_t[]){77, 77, 77, 77, 77, 77, 77, 77, 77});
}

/* The share of input i in output j, in double: the overlap of areas, or a tent around the centre. */
static double share(int n, int m, int j, int i) {
    if (m <= n) {
        const double low = (double)j * n / m, high = (double)(j + 1) * n / m;
        return fmax(0, fmin(high, i + 1) - fmax(low, i)) * m / n;
    }
    double centre = (j + 0.5) * n / m - 0.5;
    centre = fmin(fmax(centre, 0), n - 1);
    return fmax(0, 1 - fabs(centre - i));
}

/* Any two sides, against sums in double; where these are at a half, either neighbour will do. */
static void sizes_agree_with_the_definition(void) {
    enum { MOST = 9 };
    uint8_t bytes[MOST * MOST], out[MOST * MOST];
    for (int i = 0; i < MOST * MOST; i++)
        bytes[i] = (uint8_t)(i * i * 37 + i * 11);
    int wrong = 0;
    for (int n = 1; n <= MOST; n++)
        for (int m = 1; m <= MOST; m++) {
            lks_picture p = picture_of(n, n, 1, bytes);
            const lks_picture_form form = form_of(m, m, 1);
            CU_ASSERT_EQUAL(lks_picture_fit(&p, &form, out, &err), LKS_OK);
            for (int y = 0; y < m; y++)
                for (int x = 0; x < m; x++) {
                    double sum = 0;
                    for (int k = 0; k < n * n; k++)
                        sum += share(n, m, y, k / n) * share(n, m, x, k % n) * bytes[k];
                    wrong += fabs(out[y * m + x] - sum) > 0.5 + 1e-9;
                }
            lks_picture_free(&p);
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void a_constant_stays(void) {
    uint8_t bytes[40 * 40], wanted[61 * 61];
    for (int v = 0; v < 256; v += 51)
        for (int side = 1; side <= 61; side += 4) {
            memset(bytes, v, sizeof bytes);
            memset(wanted, v, sizeof wanted);
            lks_picture_form form = form_of(side, side, 1);
            check(40, 40, 1, bytes, form, wanted);
            form.background = v;
            check(40, 23, 1, bytes, form, wanted);
            check(3, 40, 1, bytes, form, wanted);
        }
}

/* --- the place in the form -------------------------------------------------------------------- */

static void the_ratio_of_sides_is_kept(void) {
    lks_picture_form form = form_of(4, 4, 1);
    form.background = 9;
    check(4, 2, 1, (uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8}, form,
          (uint8_t[]){9, 1, 2, 9, 9, 3, 4, 9, 9, 5, 6, 9, 9, 7, 8, 9});
    check(1, 4, 1, (uint8_t[]){1, 2, 3, 4}, form,
          (uint8_t[]){9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 9, 9});
    form = form_of(2, 6, 3); /* 4 x 4 shrinks to 2 x 2 */
    uint8_t white[48], wanted[36] = {0};
    memset(white, 255, sizeof white);
    for (int y = 0; y < 2; y++)
        memset(wanted + 18 * y + 6, 255, 6);
    check(4, 4, 3, white, form, wanted);
}

/* A side that would round to nothing is one pixel. */
static void a_hair_stays_visible(void) {
    uint8_t hair[1000], wanted[28 * 28] = {0};
    memset(hair, 200, sizeof hair);
    for (int y = 0; y < 28; y++)
        wanted[28 * y + 13] = 200;
    check(1000, 1, 1, hair, form_of(28, 28, 1), wanted);
}

int main(void) {
    const lks_test tests[] = {
        {"alpha is put on the background", alpha_is_put_on_the_background},
        {"grey is told from colour", grey_is_told_from_colour},
        {"glass is told from paper", glass_is_told_from_paper},
        {"luma is Rec. 601", luma_is_rec_601},
        {"inverted is 255 minus", inverted_is_255_minus},
        {"the same size is copied", the_same_size_is_copied},
        {"areas are averaged", areas_are_averaged},
        {"growing is linear", growing_is_linear},
        {"sizes agree with the definition", sizes_agree_with_the_definition},
        {"a constant stays", a_constant_stays},
        {"the ratio of sides is kept", the_ratio_of_sides_is_kept},
        {"a hair stays visible", a_hair_stays_visible},
        {NULL, NULL},
    };
    return lks_test_main("picture fit", tests);
}
