/* What is written on a picture: the same digit is found, whatever paper, lines and dirt there are beside it. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "pictures/ink.h"
#include "base/memory.h"

enum { SHEET = 160, TIMES = 4, AT = 24, BYTES = LKS_MNIST_SIDE * LKS_MNIST_SIDE };

static lks_error err;
static uint8_t digit[BYTES], wanted[BYTES];

static lks_picture sheet_of(int rows, int columns, int value) {
    lks_picture p = {rows, columns, 1, lks_alloc((size_t)rows, (size_t)columns, "a sheet", &err)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(p.pixels);
    memset(p.pixels, value, (size_t)rows * (size_t)columns);
    return p;
}

/* The digit in black on white, large, at a place of a sheet. */
static lks_picture written_on(int rows, int columns, int top, int left) {
    lks_picture p = sheet_of(rows, columns, 255);
    for (int y = 0; y < TIMES * LKS_MNIST_SIDE; y++)
        for (int x = 0; x < TIMES * LKS_MNIST_SIDE; x++)
            p.pixels[(top + y) * columns + left + x] =
                (uint8_t)(255 - digit[y / TIMES * LKS_MNIST_SIDE + x / TIMES]);
    return p;
}

static lks_picture written(void) {
    return written_on(SHEET, SHEET, AT, AT);
}

static void fill(lks_picture *p, int top, int left, int rows, int columns, int value) {
    for (int y = top; y < top + rows; y++)
        memset(p->pixels + y * p->columns + left, value, (size_t)columns);
}

/* Centres @p p and frees it. */
static lks_picture_info center(lks_picture *p, uint8_t *out) {
    lks_picture_info info;
    CU_ASSERT_EQUAL_FATAL(lks_picture_center(p, out, &info, &err), LKS_OK);
    lks_picture_free(p);
    return info;
}

/* How far the picture's image is from that of the clean sheet: the mean of all values. */
static double off(lks_picture *p, lks_picture_info *info) {
    uint8_t out[BYTES];
    int64_t sum = 0;
    *info = center(p, out);
    for (int i = 0; i < BYTES; i++)
        sum += abs(out[i] - wanted[i]);
    return (double)sum / BYTES;
}

static void read_digit(void) {
    lks_idx_info info;
    CU_ASSERT_EQUAL_FATAL(lks_idx_open(&info, LKS_GOLDEN_DIR, "t10k-images-idx3-ubyte", 3, &err),
                          LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_idx_read(&info, 0, 1, digit, &err), LKS_OK); /* a seven */
    lks_picture p = written();
    const lks_picture_info found = center(&p, wanted);
    CU_ASSERT_FALSE(found.blank);
    CU_ASSERT_EQUAL(found.lines + found.specks, 0);
    CU_ASSERT_EQUAL(found.parts, 1);
}

static void a_frame_goes(void) {
    lks_picture_info info;
    for (int in = 0; in <= 8; in += 4) {
        lks_picture p = written();
        const int side = SHEET - 2 * in;
        fill(&p, in, in, 5, side, 0);
        fill(&p, SHEET - in - 5, in, 5, side, 0);
        fill(&p, in, in, side, 5, 0);
        fill(&p, in, SHEET - in - 5, side, 5, 0);
        CU_ASSERT_EQUAL(off(&p, &info), 0);
    }
}

/* Two of the rules cross the digit. */
static void rules_go_and_strokes_stay(void) {
    lks_picture_info info;
    lks_picture p = written();
    for (int y = 16; y < SHEET; y += 30)
        for (int x = 0; x < SHEET; x++)
            for (int k = 0; k < 2; k++)
                if (p.pixels[(y + k) * SHEET + x] > 90)
                    p.pixels[(y + k) * SHEET + x] = 90;
    CU_ASSERT(off(&p, &info) < 4);
    CU_ASSERT_EQUAL(info.lines, 5);
}

/* They are nine times as long as the digit, which is no speck. */
static void rules_that_end_within_the_picture_go(void) {
    lks_picture_info info;
    lks_picture p = written_on(400, 1000, 140, 400);
    for (int k = 0; k < 2; k++)
        for (int x = 120; x < 880; x++)
            fill(&p, 80 + k * 240 + x / 60, x, 3, 1, 0);
    CU_ASSERT_EQUAL(off(&p, &info), 0);
    CU_ASSERT_EQUAL(info.lines, 2);
    CU_ASSERT_EQUAL(info.specks, 0);
}

/* Two fields in a row, as a camera held askew sees them. */
static void leaning_fields_go(void) {
    lks_picture_info info;
    lks_picture p = written_on(320, 900, 110, 150);
    for (int x = 100; x <= 800; x++) {
        fill(&p, 70 + x / 20, x, 3, 1, 0);
        fill(&p, 210 + x / 20, x, 3, 1, 0);
        if (x % 350 == 100)
            fill(&p, 70 + x / 20, x, 143, 3, 0);
    }
    CU_ASSERT_EQUAL(off(&p, &info), 0);
}

static void an_upright_stroke_from_edge_to_edge_is_a_one(void) {
    uint8_t out[BYTES];
    lks_picture p = sheet_of(60, 40, 255);
    fill(&p, 0, 18, 60, 3, 0);
    const lks_picture_info info = center(&p, out);
    CU_ASSERT_FALSE(info.blank);
    CU_ASSERT_EQUAL(info.lines, 0);
    CU_ASSERT(out[14 * LKS_MNIST_SIDE + 14] > 200);
}

static void an_underline_goes(void) {
    lks_picture_info info;
    lks_picture p = written();
    fill(&p, 140, 20, 8, 110, 0);
    CU_ASSERT_EQUAL(off(&p, &info), 0);
    CU_ASSERT_EQUAL(info.lines, 1);
}

static void specks_go(void) {
    lks_picture_info info;
    lks_picture p = written();
    for (int k = 0; k < 12; k++)
        fill(&p, 3 + k % 2 * 148, 3 + k * 13 % 150, 4, 4, 0);
    CU_ASSERT_EQUAL(off(&p, &info), 0);
    CU_ASSERT(info.specks >= 10);
}

/* The left half lies in the shadow. */
static void a_shadow_goes(void) {
    lks_picture_info info;
    lks_picture p = written();
    for (int y = 0; y < SHEET; y++)
        for (int x = 0; x < SHEET / 2; x++)
            p.pixels[y * SHEET + x] = (uint8_t)(p.pixels[y * SHEET + x] * 6 / 10);
    CU_ASSERT(off(&p, &info) < 4);
}

static uint32_t next(uint32_t *state) {
    return *state = *state * 1664525 + 1013904223;
}

/* A sheet on a dark table: its noise is faint ink, and one pixel in 64 as dark as a pen's. */
static void the_table_around_a_sheet_goes(void) {
    uint32_t state = 1;
    lks_picture p = written_on(400, 400, 144, 144);
    for (int y = 0; y < 400; y++)
        for (int x = 0; x < 400; x++) {
            const uint32_t grain = next(&state) >> 26;
            if (y < 20 || y >= 380 || x < 20 || x >= 380)
                p.pixels[y * 400 + x] = (uint8_t)(grain == 0 ? 10 : 40 + grain / 4);
            else
                p.pixels[y * 400 + x] -= p.pixels[y * 400 + x] / 128 * (uint8_t)(grain / 4);
        }
    lks_ink ink;
    lks_ink_parts parts;
    CU_ASSERT_EQUAL_FATAL(lks_ink_separate(&ink, &p, 1024, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_ink_parts_find(&parts, &ink, &err), LKS_OK);
    CU_ASSERT_EQUAL(parts.n, 1);
    lks_ink_parts_free(&parts);
    lks_ink_free(&ink);
    lks_picture_free(&p);
}

/* But for a corner: what light is left there is the rarer, and no ink. */
static void a_deep_shadow_is_no_night(void) {
    lks_picture_info info;
    lks_picture p = written();
    for (int y = 0; y < SHEET; y++)
        for (int x = 0; x < SHEET; x++)
            if (x + y > 50)
                p.pixels[y * SHEET + x] = (uint8_t)(p.pixels[y * SHEET + x] / 5);
    CU_ASSERT(off(&p, &info) < 4);
}

static void faint_ink_is_ink(void) {
    lks_picture_info info;
    lks_picture p = written();
    for (int i = 0; i < SHEET * SHEET; i++)
        p.pixels[i] = (uint8_t)(215 + p.pixels[i] * 40 / 255);
    CU_ASSERT(off(&p, &info) < 4);
}

static void grain_is_blank(void) {
    uint8_t out[BYTES];
    lks_picture p = sheet_of(SHEET, SHEET, 0);
    uint32_t state = 1;
    for (int i = 0; i < SHEET * SHEET; i++)
        p.pixels[i] = (uint8_t)(220 + (next(&state) >> 28));
    CU_ASSERT_TRUE(center(&p, out).blank);
}

/* Two squares that meet at a corner are one part, one away from them another; soft edges belong to theirs. */
static void parts_touch_by_corners(void) {
    lks_picture p = sheet_of(40, 60, 0);
    fill(&p, 5, 5, 4, 4, 255);
    fill(&p, 9, 9, 4, 4, 255);
    fill(&p, 20, 30, 10, 10, 40);
    fill(&p, 21, 31, 8, 8, 255);
    lks_ink ink;
    lks_ink_parts parts;
    CU_ASSERT_EQUAL_FATAL(lks_ink_separate(&ink, &p, 1024, &err), LKS_OK);
    CU_ASSERT_TRUE(ink.exact);
    CU_ASSERT_FALSE(ink.dark_on_light);
    CU_ASSERT_EQUAL_FATAL(lks_ink_parts_find(&parts, &ink, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(parts.n, 2);
    CU_ASSERT_EQUAL(parts.parts[0].pixels, 32);
    CU_ASSERT_EQUAL(parts.parts[1].top, 20);
    CU_ASSERT_EQUAL(parts.parts[1].left, 30);
    CU_ASSERT_EQUAL(parts.parts[1].rows, 10);
    CU_ASSERT_EQUAL(parts.parts[1].columns, 10);
    CU_ASSERT_EQUAL(parts.parts[1].mass, 64 * 255 + 36 * 40);
    lks_ink_parts_free(&parts);
    lks_ink_free(&ink);
    lks_picture_free(&p);
}

/* A bar that stands off a 5 is as long as half of it, but has less ink than half of another digit. */
static void a_loose_bar_is_no_other_digit(void) {
    for (int rows = 4; rows <= 16; rows += 12) {
        uint8_t out[BYTES];
        lks_picture p = sheet_of(120, 80, 0);
        fill(&p, 30, 30, 40, 20, 255);
        fill(&p, 26 - rows, 25, rows, 30, 255);
        const lks_picture_info info = center(&p, out);
        CU_ASSERT_EQUAL(info.lines + info.specks, 0);
        CU_ASSERT_EQUAL(info.parts, rows == 4 ? 1 : 2);
    }
}

/* Pairs of its quarter of a million parts would take longer than any test may. */
static void a_pattern_is_answered(void) {
    enum { SIDE = 1024 };
    lks_picture p = sheet_of(SIDE, SIDE, 255);
    uint8_t out[BYTES];
    for (int y = 1; y < SIDE; y += 2)
        for (int x = 1; x < SIDE; x += 2)
            fill(&p, y, x, 1, 1, 0);
    CU_ASSERT_FALSE(center(&p, out).blank);
}

int main(void) {
    const lks_test tests[] = {
        {"a digit is read", read_digit},
        {"a frame goes", a_frame_goes},
        {"rules go and strokes stay", rules_go_and_strokes_stay},
        {"rules that end within the picture go", rules_that_end_within_the_picture_go},
        {"leaning fields go", leaning_fields_go},
        {"an upright stroke from edge to edge is a one",
         an_upright_stroke_from_edge_to_edge_is_a_one},
        {"an underline goes", an_underline_goes},
        {"specks go", specks_go},
        {"a shadow goes", a_shadow_goes},
        {"a deep shadow is no night", a_deep_shadow_is_no_night},
        {"the table around a sheet goes", the_table_around_a_sheet_goes},
        {"faint ink is ink", faint_ink_is_ink},
        {"grain is blank", grain_is_blank},
        {"parts touch by corners", parts_touch_by_corners},
        {"a loose bar is no other digit", a_loose_bar_is_no_other_digit},
        {"a pattern is answered", a_pattern_is_answered},
        {NULL, NULL},
    };
    return lks_test_main("ink", tests);
}
