/* Digits on a picture: pieces of its ink in lines, and which of them are digits. Pictures are drawn by hand: a letter
 * stands for 4 x 4 pixels, so sizes in the tests are in blocks. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "infer/predict/runs.h"
#include "base/memory.h"
#include "pictures/ink/digits.h"

enum { BLOCK = 4 };

static lks_error err;

/* Rows of text, all of one length: '#' is ink. */
static lks_ink draw(const char *const *rows, int n) {
    const int columns = (int)strlen(rows[0]);
    lks_ink ink = {.rows = n * BLOCK, .columns = columns * BLOCK, .core = 64};
    ink.source_rows = ink.rows;
    ink.source_columns = ink.columns;
    ink.values = lks_alloc((size_t)ink.rows, (size_t)ink.columns, "ink", &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ink.values);
    for (int y = 0; y < ink.rows; y++)
        for (int x = 0; x < ink.columns; x++)
            ink.values[y * ink.columns + x] = rows[y / BLOCK][x / BLOCK] == '#' ? 255 : 0;
    return ink;
}

static lks_digits find(lks_ink *ink) {
    lks_digits d;
    CU_ASSERT_EQUAL_FATAL(lks_digits_find(&d, ink, &err), LKS_OK);
    return d;
}

static void done(lks_ink *ink, lks_digits *d) {
    lks_digits_free(d);
    lks_ink_free(ink);
}

#define DRAW(rows) draw(rows, (int)(sizeof(rows) / sizeof *(rows)))

static void nothing_gives_nothing(void) {
    static const char *const rows[] = {"......", "......"};
    lks_ink ink = DRAW(rows);
    lks_digits d = find(&ink);
    CU_ASSERT_EQUAL(d.ink.n, 0);
    done(&ink, &d);
}

/* Two lines that go up to the right; the second begins left of the first. */
static void lines_are_read_from_top_to_bottom(void) {
    static const char *const rows[] = {
        "...................#....", "..............#....#....", ".........#....#....#....",
        ".........#....#....#....", ".........#....#....#....", ".........#....#.........",
        ".........#..............", "........................", "..............#.........",
        "....#....#....#.........", "....#....#....#.........", "....#....#....#.........",
        "....#....#....#.........", "....#....#....#........."};
    static const int lefts[] = {9, 14, 19, 4, 9, 14};
    lks_ink ink = DRAW(rows);
    lks_digits d = find(&ink);
    CU_ASSERT_EQUAL(d.lines, 2);
    CU_ASSERT_EQUAL_FATAL(d.ink.n, 6);
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(d.pieces[i].line, i / 3);
        CU_ASSERT_EQUAL(d.ink.parts[i].left, lefts[i] * BLOCK);
        CU_ASSERT_EQUAL(d.ink.parts[i].columns, BLOCK);
    }
    done(&ink, &d);
}

/* The bar of a 5 has moved off: it belongs to the line, as does a comma; a speck, and a dash far from
 * everything, belong to none. */
static void small_parts_go_to_what_is_next(void) {
    static const char *const rows[] = {
        "..###......#.........", "...........#.........", "..#........#.........",
        "..###......#.........", "....#......#.....##..", "....#......#.........",
        "..###......#.........", ".....................", ".........#..........."};
    lks_ink ink = DRAW(rows);
    ink.values[0] = 255; /* a speck */
    lks_digits d = find(&ink);
    CU_ASSERT_EQUAL(d.lines, 1);
    int small[2] = {-1, -1}, n = 0;
    for (int i = 0; i < d.ink.n; i++)
        if (d.pieces[i].small && n++ < 2)
            small[n - 1] = i;
    CU_ASSERT_EQUAL_FATAL(n, 2);
    CU_ASSERT_EQUAL(d.ink.parts[small[0]].top, 0);
    CU_ASSERT_EQUAL(d.ink.parts[small[0]].left, 2 * BLOCK);
    CU_ASSERT_EQUAL(d.ink.parts[small[1]].top, 8 * BLOCK);
    CU_ASSERT_EQUAL(d.ink.parts[small[1]].left, 9 * BLOCK);
    done(&ink, &d);
}

/* Two rings that touch in a point: one cut there, through one stroke, and through both rings cuts through two. */
static void touching_strokes_are_cut_where_they_touch(void) {
    static const char *const rows[] = {".####...####.", ".#..#...#..#.", ".#..#...#..#.",
                                       ".#..#####..#.", ".#..#...#..#.", ".#..#...#..#.",
                                       ".####...####."};
    lks_ink ink = DRAW(rows);
    lks_digits d = find(&ink);
    int cuts = 0, middle = -1;
    for (int i = 0; i < d.ink.n; i++) {
        cuts += d.pieces[i].cuts;
        CU_ASSERT_EQUAL(d.pieces[i].part, d.pieces[0].part);
        if (d.pieces[i].cuts == 1 && d.pieces[i].strokes == 1)
            middle = i;
    }
    CU_ASSERT_EQUAL(cuts, d.ink.n - 1);
    CU_ASSERT_TRUE_FATAL(middle > 0);
    CU_ASSERT_EQUAL(d.pieces[middle].cut, 255 * BLOCK);
    /* each pixel of ink is of one piece, and of its box */
    int64_t pixels = 0;
    for (int i = 0; i < d.ink.n; i++)
        pixels += d.ink.parts[i].pixels;
    int64_t all = 0;
    for (int i = 0; i < ink.rows * ink.columns; i++) {
        const int32_t label = d.ink.labels[i];
        CU_ASSERT_EQUAL(label > 0, ink.values[i] > 0);
        all += label > 0;
        const lks_ink_part *p = &d.ink.parts[label > 0 ? label - 1 : 0];
        const int y = i / ink.columns, x = i % ink.columns;
        CU_ASSERT_TRUE(label == 0 || (y >= p->top && y < p->top + p->rows && x >= p->left &&
                                      x < p->left + p->columns));
    }
    CU_ASSERT_EQUAL(pixels, all);
    done(&ink, &d);
}

/* Two strokes that lean by half a column a row, with a bridge between them: any upright way goes through one of them. */
static void leaning_strokes_are_cut_along_their_lean(void) {
    enum { ROWS = 16, COLUMNS = 11 };
    char text[ROWS][COLUMNS + 1];
    const char *rows[ROWS];
    for (int y = 0; y < ROWS; y++) {
        const int left = (ROWS - 1 - y) / 2, right = left + 3;
        for (int x = 0; x < COLUMNS; x++)
            text[y][x] = x == left || x == right || (y == 7 && x > left && x < right) ? '#' : '.';
        text[y][COLUMNS] = 0;
        rows[y] = text[y];
    }
    lks_ink ink = draw(rows, ROWS);
    lks_digits d = find(&ink);
    bool between = false;
    for (int i = 0; i < d.ink.n; i++)
        between |=
            d.pieces[i].cuts == 1 && d.pieces[i].strokes == 1 && d.pieces[i].cut == 255 * BLOCK;
    CU_ASSERT(between);
    done(&ink, &d);
}

/* Marks all over: no end of work, an answer. */
static void too_many_marks_are_refused(void) {
    lks_ink ink = {.rows = 512, .columns = 512, .core = 64};
    ink.values = lks_alloc(512, 512, "ink", &err);
    for (int y = 0; y < 512; y++)
        for (int x = 0; x < 512; x++)
            ink.values[y * 512 + x] = y % 4 < 2 && x % 4 < 2 ? 255 : 0;
    lks_digits d;
    CU_ASSERT_EQUAL(lks_digits_find(&d, &ink, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no digits can be found"));
    lks_ink_free(&ink);
}

/* Frames in frames: few parts, but boxes that cover the picture again and again. */
static void marks_in_each_other_are_refused(void) {
    lks_ink ink = {.rows = 256, .columns = 256, .core = 64};
    ink.values = lks_alloc(256, 256, "ink", &err);
    for (int y = 0; y < 256; y++)
        for (int x = 0; x < 256; x++) {
            const int down = y < 255 - y ? y : 255 - y, across = x < 255 - x ? x : 255 - x;
            ink.values[y * 256 + x] = (down < across ? down : across) % 2 ? 0 : 255;
        }
    lks_digits d;
    CU_ASSERT_EQUAL(lks_digits_find(&d, &ink, &err), LKS_ERR_DATA);
    lks_ink_free(&ink);
}

/* --- which runs are digits -------------------------------------------------------------------- */

/* The rings once more: a network that knows each ring and takes both together for hardly anything, or the other way
 * round; its logits are as far apart as its temperature says. */
static int digits_of(lks_ink *ink, const lks_digits *d, double each, double together,
                     double temperature, double *certainty) {
    static lks_run runs[64 * LKS_RUN_MOST];
    const int n = lks_runs_list(runs, ink, d, 0, d->ink.n);
    for (int i = 0; i < n; i++) {
        int left = ink->columns, right = 0;
        for (int k = runs[i].first; k < runs[i].first + runs[i].count; k++) {
            const lks_ink_part *p = &d->ink.parts[k];
            left = p->left < left ? p->left : left;
            right = p->left + p->columns > right ? p->left + p->columns : right;
        }
        const int wide = (right - left) / BLOCK;
        const double sure = wide >= 10 ? together : wide >= 4 && wide <= 6 ? each : 0.2;
        const double odds = pow(9 * sure / (1 - sure), temperature);
        double p[10];
        for (int k = 0; k < 10; k++)
            p[k] = (k == 0 ? odds : 1) / (odds + 9);
        if (runs[i].digit)
            lks_run_judge(&runs[i], p, 10, 0, temperature);
    }
    int chosen, digits = 0, next = 0;
    CU_ASSERT_EQUAL_FATAL(lks_runs_choose(runs, n, 0, d->ink.n, &chosen, &err), LKS_OK);
    *certainty = 1;
    for (int i = 0; i < chosen; i++) {
        CU_ASSERT_EQUAL(runs[i].first, next); /* all pieces, each once */
        next += runs[i].count;
        digits += runs[i].digit;
        CU_ASSERT_TRUE(runs[i].certainty > 0 && runs[i].certainty < 1 + 1e-9);
        *certainty = runs[i].certainty < *certainty ? runs[i].certainty : *certainty;
    }
    CU_ASSERT_EQUAL(next, d->ink.n);
    return digits;
}

static void the_network_decides_among_cuts(void) {
    static const char *const rows[] = {".####...####.", ".#..#...#..#.", ".#..#...#..#.",
                                       ".#..#####..#.", ".#..#...#..#.", ".#..#...#..#.",
                                       ".####...####."};
    lks_ink ink = DRAW(rows);
    lks_digits d = find(&ink);
    double sure, unsure, held_down;
    CU_ASSERT_EQUAL(digits_of(&ink, &d, 1 - 1e-12, 0.2, 1, &sure), 2);
    CU_ASSERT_EQUAL(digits_of(&ink, &d, 0.2, 1 - 1e-12, 1, &unsure), 1);
    CU_ASSERT_EQUAL(digits_of(&ink, &d, 1 - 1e-6, 1 - 1e-6, 1, &unsure), 2);
    CU_ASSERT_TRUE(unsure < sure);
    CU_ASSERT_EQUAL(digits_of(&ink, &d, 1 - 1e-6, 1 - 1e-6, 0.5, &held_down), 2);
    CU_ASSERT_DOUBLE_EQUAL(held_down, unsure, 1e-6);
    done(&ink, &d);
}

int main(void) {
    const lks_test tests[] = {
        {"nothing gives nothing", nothing_gives_nothing},
        {"lines are read from top to bottom", lines_are_read_from_top_to_bottom},
        {"small parts go to what is next", small_parts_go_to_what_is_next},
        {"touching strokes are cut where they touch", touching_strokes_are_cut_where_they_touch},
        {"too many marks are refused", too_many_marks_are_refused},
        {"marks in each other are refused", marks_in_each_other_are_refused},
        {"leaning strokes are cut along their lean", leaning_strokes_are_cut_along_their_lean},
        {"the network decides among cuts", the_network_decides_among_cuts},
        {NULL, NULL}};
    return lks_test_main("digits", tests);
}
