/* What is measured of drawn images, and the bounds that follow. */
#include "data/traits.h"

#include <string.h>
#include "support/test.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE };

/* A bar of value v: rows x columns pixels from (top, left) on. */
static void bar(uint8_t image[PIXELS], int top, int left, int rows, int columns, int v) {
    for (int y = top; y < top + rows; y++)
        memset(image + y * SIDE + left, v, (size_t)columns);
}

static void check_values(const uint8_t *image, int ink, int extent, int stroke) {
    int values[LKS_TRAITS];
    lks_traits_measure(image, SIDE, SIDE, values);
    CU_ASSERT_EQUAL(values[LKS_TRAIT_INK], ink);
    CU_ASSERT_EQUAL(values[LKS_TRAIT_EXTENT], extent);
    CU_ASSERT_EQUAL(values[LKS_TRAIT_STROKE], stroke);
}

static void test_measure(void) {
    uint8_t image[PIXELS] = {0};
    check_values(image, 0, 0, 0);
    bar(image, 4, 12, 20, 3, 255); /* 60 of 784 pixels; outline 46: 2 * 60 / 46 pixels */
    check_values(image, 76, 714, 41);
    bar(image, 10, 15, 2, 10, 127); /* beside it; not ink, but light */
    check_values(image, 89, 714, 41);
}

static void test_edge(void) {
    uint8_t image[PIXELS];
    memset(image, 255, sizeof image); /* an outline along the image's edge: 2 * 784 / 112 pixels */
    check_values(image, 1000, 1000, 224);
}

/* 4,000 images with bars of 2 to 4 columns, 2 of 1 column and 3 of 9: two of either end are left out. */
static void test_bounds(void) {
    static lks_trait_counts counts;
    lks_traits traits;
    uint8_t image[PIXELS];
    int values[3][LKS_TRAITS];
    static const int widths[] = {2, 3, 4};
    memset(&counts, 0, sizeof counts);
    for (int i = 0; i < 4005; i++) {
        const int width = i < 2 ? 1 : i < 5 ? 9 : widths[i % 3];
        memset(image, 0, sizeof image);
        bar(image, 4, 10, 20, width, 255);
        lks_traits_count(&counts, image, SIDE, SIDE);
    }
    lks_traits_conclude(&traits, &counts);
    CU_ASSERT_EQUAL(traits.images, 4005);
    for (int i = 0; i < 3; i++) {
        static const int tried[] = {1, 2, 9};
        memset(image, 0, sizeof image);
        bar(image, 4, 10, 20, tried[i], 255);
        lks_traits_measure(image, SIDE, SIDE, values[i]);
    }
    CU_ASSERT_EQUAL(traits.low[LKS_TRAIT_STROKE], values[1][LKS_TRAIT_STROKE]);
    CU_ASSERT_EQUAL(traits.high[LKS_TRAIT_STROKE], values[2][LKS_TRAIT_STROKE]);
    CU_ASSERT_EQUAL(lks_traits_beyond(&traits, values[1]), 0);
    CU_ASSERT_EQUAL(lks_traits_beyond(&traits, values[2]), 0);
    CU_ASSERT_EQUAL(lks_traits_beyond(&traits, values[0]),
                    1U << (2 * LKS_TRAIT_INK) | 1U << (2 * LKS_TRAIT_STROKE));
    values[2][LKS_TRAIT_INK]++;
    CU_ASSERT_EQUAL(lks_traits_beyond(&traits, values[2]), 1U << (2 * LKS_TRAIT_INK + 1));
}

/* A checkpoint of an earlier version knows nothing, and finds no fault. */
static void test_none(void) {
    const lks_traits none = {0};
    const int values[LKS_TRAITS] = {1000, 1000, 1000};
    CU_ASSERT_EQUAL(lks_traits_beyond(&none, values), 0);
    CU_ASSERT_FALSE(lks_traits_are_centred(&none));
    CU_ASSERT_TRUE(lks_traits_are_centred(&(lks_traits){.looked = 500, .centred = 450}));
    CU_ASSERT_FALSE(lks_traits_are_centred(&(lks_traits){.looked = 500, .centred = 449}));
}

int main(void) {
    const lks_test tests[] = {
        {"what is measured", test_measure},
        {"ink up to the edge", test_edge},
        {"bounds", test_bounds},
        {"nothing known", test_none},
        {NULL, NULL},
    };
    return lks_test_main("traits", tests);
}
