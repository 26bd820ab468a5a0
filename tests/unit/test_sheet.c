/* Contact sheets: where pixels and numbers come to stand, and the PNG of the worst images. */
#include "pictures/sheet.h"

#include <stdio.h>
#include <string.h>

#include "infer/worst.h"
#include "lockstep/picture.h"
#include "support/test.h"

static void images_are_enlarged_and_cut_at_the_edge(void) {
    static const uint8_t image[2][3] = {{1, 2, 3}, {4, 5, 6}};
    lks_sheet s;
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_sheet_open(&s, 5, 6, 1, &err), LKS_OK);
    const uint8_t ground = s.pixels[0];
    lks_sheet_image(&s, 1, 2, image[0], 2, 3, 2);
    lks_sheet_image(&s, 4, -1, image[0], 2, 3, 1);
    const uint8_t wanted[5][6] = {{ground, ground, ground, ground, ground, ground},
                                  {ground, ground, 1, 1, 2, 2},
                                  {ground, ground, 1, 1, 2, 2},
                                  {ground, ground, 4, 4, 5, 5},
                                  {2, 3, 4, 4, 5, 5}};
    CU_ASSERT_EQUAL(memcmp(s.pixels, wanted, sizeof wanted), 0);
    lks_sheet_free(&s);
}

/* A 1 as it looks: dots of 2 x 2 pixels, the space before it moves it by 8. */
static void numbers_are_drawn(void) {
    static const char *const one[] = {" # ", "## ", " # ", " # ", "###"};
    lks_sheet s;
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_sheet_open(&s, 12, 18, 3, &err), LKS_OK);
    const uint8_t ground = s.pixels[0];
    lks_sheet_text(&s, 1, 1, " 1");
    for (int r = 0; r < 12; r++)
        for (int c = 0; c < 18; c++) {
            const int row = (r - 1) / 2, column = (c - 9) / 2;
            const bool inside = r > 0 && row < 5 && c > 8 && column < 3;
            const uint8_t value = inside && one[row][column] == '#' ? 255 : ground;
            for (int k = 0; k < 3; k++)
                CU_ASSERT_EQUAL(s.pixels[(r * 18 + c) * 3 + k], value);
        }
    lks_sheet_free(&s);
}

static void the_highest_loss_is_the_worst(void) {
    lks_worst list[] = {{7, 0, 0, 0, 1.5}, {9, 0, 0, 0, 3}, {4, 0, 0, 0, 1.5}, {5, 0, 0, 0, 0}};
    static const uint32_t wanted[] = {9, 4, 7, 5};
    lks_worst_sort(list, 4);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(list[i].id, wanted[i]);
}

enum { SIDE = 28, IMAGES = 11 };

/* The eleventh begins a second row. */
static void each_of_the_worst_stands_in_its_place(void) {
    static uint8_t pixels[IMAGES][SIDE][SIDE];
    lks_worst list[IMAGES];
    lks_picture read;
    lks_error err;
    char path[512];
    for (int i = 0; i < IMAGES; i++) {
        list[i] = (lks_worst){(uint32_t)(1000 + i), 3, 5, 0.5f, 1};
        for (int p = 0; p < SIDE * SIDE; p++)
            pixels[i][p / SIDE][p % SIDE] = (uint8_t)(i * 20 + p % 13);
    }
    snprintf(path, sizeof path, "%s/worst.png", lks_test_folder());
    CU_ASSERT_EQUAL_FATAL(
        lks_worst_sheet(list, IMAGES, pixels[0][0], (lks_shape){SIDE, SIDE, 1}, path, &err),
        LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_picture_read(&read, path, &err), LKS_OK);
    CU_ASSERT_EQUAL(read.channels, 1);
    CU_ASSERT_EQUAL(read.columns, 8 + 10 * (84 + 8));
    CU_ASSERT_EQUAL(read.rows, 8 + 2 * (84 + 24 + 8));
    for (int i = 0; i < IMAGES; i++)
        for (int r = 0; r < 84; r++)
            for (int c = 0; c < 84; c++) {
                const int row = 8 + i / 10 * 116 + r, column = 8 + i % 10 * 92 + c;
                CU_ASSERT_EQUAL(read.pixels[row * read.columns + column], pixels[i][r / 3][c / 3]);
            }
    lks_picture_free(&read);
}

/* Two channels have no PNG: the first is shown. Large images are made smaller. */
static void images_of_any_shape_are_drawn(void) {
    static uint8_t pixels[300][200][4];
    static const lks_shape shapes[] = {{300, 200, 3}, {1, 300, 1}, {5, 4, 2}, {9, 9, 4}};
    const lks_worst one = {4000000000U, 200, 255, 0, 1};
    char path[512];
    lks_error err;
    lks_picture read;
    memset(pixels, 200, sizeof pixels);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        snprintf(path, sizeof path, "%s/shape.png", lks_test_folder());
        CU_ASSERT_EQUAL_FATAL(lks_worst_sheet(&one, 1, pixels[0][0], shapes[i], path, &err),
                              LKS_OK);
        CU_ASSERT_EQUAL_FATAL(lks_picture_read(&read, path, &err), LKS_OK);
        CU_ASSERT_EQUAL(read.channels, shapes[i].channels == 3 ? 3 : 1);
        CU_ASSERT_TRUE(read.rows < 200 && read.columns < 200);
        CU_ASSERT_EQUAL(read.pixels[(8 * read.columns + 8) * read.channels], 200);
        lks_picture_free(&read);
    }
}

int main(void) {
    const lks_test tests[] = {
        {"images are enlarged and cut at the edge", images_are_enlarged_and_cut_at_the_edge},
        {"numbers are drawn", numbers_are_drawn},
        {"the highest loss is the worst", the_highest_loss_is_the_worst},
        {"each of the worst stands in its place", each_of_the_worst_stands_in_its_place},
        {"images of any shape are drawn", images_of_any_shape_are_drawn},
        {NULL, NULL},
    };
    return lks_test_main("sheet", tests);
}
