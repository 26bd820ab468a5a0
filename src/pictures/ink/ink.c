/* Ink from paper: the steps in turn, as src/pictures/ink.h tells them. */
#include "pictures/ink.h"

#include <string.h>

#include "base/memory.h"
#include "pictures/ink/steps.h"
#include "pictures/picture_resize.h"

enum { LEAST_CONTRAST = 16, CORNER = 9, LEANING = 20, STRETCHED_CORE = 64, BAR = 12, GRAIN = 4 };

/* Frames, rules and underlines are found by what lies in or beside them, pair by pair. More parts than these are a
 * pattern, not writing, and their pairs would take minutes. */
enum { PARTS_MOST = 8192 };

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* --- what is ink ------------------------------------------------------------------------------ */

/* What the histogram of the contrast tells. */
typedef struct levels {
    int low; /* below is paper */
    bool exact;
} levels;

/* Where values are cut best in two, paper and ink: N. Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9 (1979),
 * p. 62. The mean of the two means, which is where its rule comes to. */
static int middle_of(const uint8_t *v, int64_t n) {
    int64_t counts[256] = {0}, sum = 0, below = 0, below_sum = 0, best = -1;
    int cut = 1;
    for (int64_t i = 0; i < n; i++)
        counts[v[i]]++;
    for (int k = 0; k < 256; k++)
        sum += k * counts[k];
    for (int k = 1; k < 256; k++) {
        below += counts[k - 1];
        below_sum += (k - 1) * counts[k - 1];
        const int64_t above = n - below;
        if (below == 0 || above == 0)
            continue;
        /* means in 1/16; the variance between in what fits into 2^53 */
        const int64_t apart = 16 * (sum - below_sum) / above - 16 * below_sum / below;
        const int64_t between = (below * 256 / n) * (above * 65536 / n) * apart / 256 * apart;
        if (between > best) {
            best = between;
            cut = k;
        }
    }
    return cut;
}

/* The value that @p percent of those below @p cut do not exceed. */
static int quantile(const int64_t counts[256], int cut, int percent) {
    int64_t n = 0, below = 0;
    int k = 0;
    for (int i = 0; i < cut; i++)
        n += counts[i];
    while (k < 255 && (below += counts[k]) * 100 < percent * n)
        k++;
    return k;
}

/* True if what is below @p cut and what is not are two things, paper and much ink. */
static bool parts_well(const int64_t counts[256], int cut) {
    int64_t below = 0, below_sum = 0, above = 0, above_sum = 0;
    for (int k = 0; k < 256; k++) {
        *(k < cut ? &below : &above) += counts[k];
        *(k < cut ? &below_sum : &above_sum) += k * counts[k];
    }
    return below > 0 && 5 * above >= below &&
           above_sum * below > 4 * (below_sum + 4 * below) * above;
}

/* How the grain of the paper stands out: of all pixels, as most are paper, or where a thick digit fills the picture of
 * what is no ink. Its strongest is four times as far above the median as its weakest sixth is below. Where the median
 * is 0, and few values are faint, the paper has one value, and all that differs is ink. */
static levels levels_of(const uint8_t *v, int64_t n) {
    int64_t counts[256] = {0}, faint = 0, strong = 0;
    for (int64_t i = 0; i < n; i++)
        counts[v[i]]++;
    for (int k = 1; k < LEAST_CONTRAST; k++)
        faint += counts[k];
    for (int k = LEAST_CONTRAST; k < 256; k++)
        strong += counts[k];
    const int cut = middle_of(v, n), paper = parts_well(counts, cut) ? cut : 256;
    const int median = quantile(counts, paper, 50), weak = quantile(counts, paper, 16);
    levels l = {.exact = median == 0 && faint * 2 <= strong};
    l.low = l.exact ? 1 : larger(LEAST_CONTRAST / 2, median + 4 * (median - weak) + 4);
    return l;
}

/* Means of 3 x 3, of fewer at the border, in place; @p rows of before are kept in @p room [2][columns]. */
static void soften(lks_ink *ink, uint8_t *room) {
    const int rows = ink->rows, columns = ink->columns;
    for (int y = 0; y < rows; y++) {
        uint8_t *row = ink->values + (int64_t)y * columns;
        uint8_t *above = room + (int64_t)(y % 2) * columns,
                *own = room + (int64_t)(1 - y % 2) * columns;
        memcpy(own, row, (size_t)columns);
        for (int x = 0; x < columns; x++) {
            int sum = 0, n = 0;
            for (int i = x > 0 ? x - 1 : 0; i <= x + 1 && i < columns; i++) {
                sum += own[i] + (y > 0 ? above[i] : 0) + (y + 1 < rows ? row[columns + i] : 0);
                n += 1 + (y > 0) + (y + 1 < rows);
            }
            row[x] = (uint8_t)((sum + n / 2) / n);
        }
    }
}

/* Grain that comes near the ink is averaged away. @p room [2][columns] at least. */
static void soften_grain(lks_ink *ink, levels *l, uint8_t *room) {
    const int64_t n = (int64_t)ink->rows * ink->columns;
    for (int k = 0; k < 2 && !l->exact && 3 * l->low > 2 * middle_of(ink->values, n); k++) {
        soften(ink, room);
        *l = levels_of(ink->values, n);
    }
}

/* The value that a quarter of those of @p low or more reaches. */
static int top_of(const uint8_t *v, int64_t n, int low) {
    int64_t counts[256] = {0}, all = 0, above = 0;
    int top = 255;
    for (int64_t i = 0; i < n; i++)
        if (v[i] >= low) {
            counts[v[i]]++;
            all++;
        }
    while (top > 0 && (above += counts[top]) * 4 < all)
        top--;
    return all > 0 ? top : 0;
}

static void stretch(uint8_t *v, int64_t n, int low, int high) {
    const int range = high - low;
    for (int64_t i = 0; i < n; i++)
        v[i] = v[i] <= low    ? 0
               : v[i] >= high ? 255
                              : (uint8_t)(((v[i] - low) * 255 + range / 2) / range);
}

static lks_status shrink(lks_picture *p, int longest, lks_error *err) {
    const int side = larger(p->rows, p->columns);
    if (side <= longest)
        return LKS_OK;
    const int rows = lks_picture_scaled(p->rows, longest, side, longest);
    const int columns = lks_picture_scaled(p->columns, longest, side, longest);
    lks_picture small = {rows, columns, p->channels, NULL};
    const size_t row = (size_t)columns * (size_t)p->channels;
    small.pixels = lks_alloc((size_t)rows, row, "a picture", err);
    if (!small.pixels)
        return LKS_ERR_MEMORY;
    const lks_status status =
        lks_picture_resize(p, rows, columns, p->channels, small.pixels, row, err);
    lks_picture_free(p);
    *p = small;
    return status;
}

/* --- what is no writing ----------------------------------------------------------------------- */

static int longest(const lks_ink_part *p) {
    return larger(p->rows, p->columns);
}

static bool touches_edge(const lks_ink *ink, const lks_ink_part *p) {
    return p->top == 0 || p->left == 0 || p->top + p->rows == ink->rows ||
           p->left + p->columns == ink->columns;
}

static bool encloses(const lks_ink_part *p, const lks_ink_part *q) {
    return q->top > p->top && q->left > p->left && q->top + q->rows < p->top + p->rows &&
           q->left + q->columns < p->left + p->columns;
}

/* Straight, nearly level or upright, and as long as BAR times its breadth. */
static bool is_bar(const lks_ink_part *p) {
    const int narrow = p->rows < p->columns ? p->rows : p->columns;
    return 8 * narrow <= longest(p) && BAR * p->pixels <= (int64_t)longest(p) * longest(p);
}

typedef struct sieve {
    lks_ink *ink;
    const lks_ink_parts *parts;
    bool *gone; /* [parts->n] */
} sieve;

/* The longest side of what is left, of what touches the picture's edge or not; 0: nothing is. */
static int longest_left(const sieve *s, bool inside_only) {
    int most = 0;
    for (int i = 0; i < s->parts->n; i++)
        if (!s->gone[i] && !(inside_only && touches_edge(s->ink, &s->parts->parts[i])))
            most = larger(most, longest(&s->parts->parts[i]));
    return most;
}

/* How much of a side of @p side pixels is a corner, where the other side has @p other: more of a long rectangle's
 * short sides, as it leans. */
static int corner_of(int side, int other) {
    const int corner = larger(side / CORNER, larger(other / LEANING, 1));
    return 2 * corner > side ? (side + 1) / 2 : corner;
}

/* True if part @p i comes near all four corners of its box: a rectangle does, also one that leans; a round zero stays
 * away by a seventh of each side. */
static bool is_rectangle(const sieve *s, int i) {
    const lks_ink_part *p = &s->parts->parts[i];
    const int rows = corner_of(p->rows, p->columns), columns = corner_of(p->columns, p->rows);
    for (int corner = 0; corner < 4; corner++) {
        const int top = p->top + (corner / 2) * (p->rows - rows),
                  left = p->left + (corner % 2) * (p->columns - columns);
        bool near = false;
        for (int y = top; y < top + rows; y++)
            for (int x = left; x < left + columns; x++)
                near = near || s->parts->labels[(int64_t)y * s->ink->columns + x] == i + 1;
        if (!near)
            return false;
    }
    return true;
}

/* A rectangle around something that is large enough to be a digit; fields in a row are one. */
static bool is_frame(const sieve *s, int i) {
    const lks_ink_part *p = &s->parts->parts[i];
    const int shorter = p->rows < p->columns ? p->rows : p->columns;
    bool around = false;
    for (int k = 0; k < s->parts->n && !around; k++)
        around = encloses(p, &s->parts->parts[k]) && 5 * longest(&s->parts->parts[k]) >= shorter;
    return around && is_rectangle(s, i);
}

/* How many of the part's pixels are the picture's outermost ones. */
static int64_t contact(const sieve *s, int i) {
    const lks_ink *ink = s->ink;
    int64_t n = 0;
    for (int y = 0; y < ink->rows; y++) {
        const int step = y == 0 || y == ink->rows - 1 || ink->columns == 1 ? 1 : ink->columns - 1;
        for (int x = 0; x < ink->columns; x += step)
            n += s->parts->labels[(int64_t)y * ink->columns + x] == i + 1;
    }
    return n;
}

/* Grain of a table around the sheet: here and there it is as dark as ink, and hangs together by what is fainter. */
static lks_status drop_grain(sieve *s, lks_error *err) {
    int32_t *cores = lks_alloc((size_t)s->parts->n, sizeof *cores, "parts", err);
    if (!cores)
        return LKS_ERR_MEMORY;
    const int64_t n = (int64_t)s->ink->rows * s->ink->columns;
    for (int64_t i = 0; i < n; i++)
        if (s->parts->labels[i] > 0)
            cores[s->parts->labels[i] - 1] += s->ink->values[i] >= s->ink->core;
    for (int i = 0; i < s->parts->n; i++)
        if ((int64_t)GRAIN * cores[i] < s->parts->parts[i].pixels) {
            s->gone[i] = true;
            s->ink->specks++;
        }
    lks_free(cores);
    return LKS_OK;
}

static void drop_frames(sieve *s) {
    for (int i = 0; i < s->parts->n; i++)
        if (!s->gone[i] && is_frame(s, i)) {
            s->gone[i] = true;
            s->ink->lines++;
        }
}

/* True if bar @p i is a rule: something stands in the picture that is no speck, four times as long as the bar is broad,
 * and at most a third as long as the bar, as a one is not beside other digits. */
static bool is_rule(const sieve *s, int i) {
    const lks_ink_part *bar = &s->parts->parts[i];
    const int64_t least = 4 * bar->pixels, length = longest(bar);
    for (int k = 0; k < s->parts->n; k++) {
        const lks_ink_part *p = &s->parts->parts[k];
        if (!s->gone[k] && !touches_edge(s->ink, p) && !is_bar(p) && longest(p) * length >= least &&
            3 * longest(p) <= length)
            return true;
    }
    return false;
}

/* Rules that end within the picture. */
static void drop_rules(sieve *s) {
    for (int i = 0; i < s->parts->n; i++)
        if (!s->gone[i] && is_bar(&s->parts->parts[i]) && is_rule(s, i)) {
            s->gone[i] = true;
            s->ink->lines++;
        }
}

/* What comes in from the edge, where something stands free of it: frames, what is around a sheet, what is left of
 * lines; not a digit that touches the edge. */
static void drop_at_edge(sieve *s) {
    const int shorter = s->ink->rows < s->ink->columns ? s->ink->rows : s->ink->columns;
    const int inside = longest_left(s, true);
    if (5 * inside < shorter)
        return;
    for (int i = 0; i < s->parts->n; i++) {
        const lks_ink_part *p = &s->parts->parts[i];
        if (s->gone[i] || !touches_edge(s->ink, p))
            continue;
        const int narrow = p->rows < p->columns ? p->rows : p->columns;
        if (2 * longest(p) > 3 * inside || 3 * narrow < inside || 2 * contact(s, i) > longest(p)) {
            s->gone[i] = true;
            s->ink->lines++;
        }
    }
}

/* A straight stroke, longer than high, that stands above or below something that it is not part of: an underline. A
 * five may have lost its upper bar, which is shorter than it is high. */
static bool is_underline(const sieve *s, int i) {
    const lks_ink_part *bar = &s->parts->parts[i];
    if (bar->columns < 3 * bar->rows || 3 * bar->pixels < (int64_t)bar->rows * bar->columns)
        return false;
    for (int k = 0; k < s->parts->n; k++) {
        const lks_ink_part *p = &s->parts->parts[k];
        const bool above = p->top + p->rows <= bar->top + bar->rows / 2,
                   below = p->top >= bar->top + bar->rows / 2;
        const bool beside =
            p->left + p->columns <= bar->left || p->left >= bar->left + bar->columns;
        if (s->gone[k] || beside || p->rows < 2 * bar->rows || 10 * p->columns > 13 * bar->columns)
            continue;
        if ((above && 2 * bar->columns >= p->rows) || (below && 10 * bar->columns >= 9 * p->rows))
            return true;
    }
    return false;
}

static void drop_underlines(sieve *s) {
    for (int i = 0; i < s->parts->n; i++)
        if (!s->gone[i] && is_underline(s, i)) {
            s->gone[i] = true;
            s->ink->lines++;
        }
}

static void drop_specks(sieve *s) {
    const int most = longest_left(s, false);
    for (int i = 0; i < s->parts->n; i++)
        if (!s->gone[i] && 8 * longest(&s->parts->parts[i]) < most) {
            s->gone[i] = true;
            s->ink->specks++;
        }
}

/* What was dropped goes, and with @p all what belongs to no part. */
static void wipe(sieve *s, bool all) {
    lks_ink *ink = s->ink;
    const int64_t n = (int64_t)ink->rows * ink->columns;
    for (int64_t i = 0; i < n; i++) {
        const int32_t label = s->parts->labels[i];
        if (label > 0 ? !s->gone[label - 1] : !all)
            continue;
        ink->dropped += label > 0 ? ink->values[i] : 0;
        ink->values[i] = 0;
    }
}

/* @p again: something large went, and what remains may be fainter. */
static lks_status sift(lks_ink *ink, bool last, bool *again, lks_error *err) {
    lks_ink_parts parts;
    LKS_TRY(lks_ink_parts_find(&parts, ink, err));
    const int lines = ink->lines;
    sieve s = {ink, &parts, lks_alloc((size_t)parts.n, sizeof(bool), "parts", err)};
    const bool pairs = parts.n <= PARTS_MOST;
    const lks_status status = s.gone ? drop_grain(&s, err) : LKS_ERR_MEMORY;
    if (status == LKS_OK) {
        if (pairs) {
            drop_frames(&s);
            drop_rules(&s);
        }
        drop_at_edge(&s);
        *again = ink->lines > lines && !last;
        if (!*again) {
            if (pairs)
                drop_underlines(&s);
            drop_specks(&s);
        }
        wipe(&s, !*again);
    }
    lks_free(s.gone);
    lks_ink_parts_free(&parts);
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

static void cut_below(uint8_t *v, int64_t n, int low) {
    for (int64_t i = 0; i < n; i++)
        v[i] = v[i] < low ? 0 : v[i];
}

/* Parts that are no writing go, in rounds: behind a dark frame the writing may be faint. */
static lks_status sift_all(lks_ink *ink, const levels *l, lks_error *err) {
    const int64_t n = (int64_t)ink->rows * ink->columns;
    bool again = true;
    for (int round = 0; again; round++) {
        ink->core = larger(middle_of(ink->values, n) / (l->exact ? 2 : 1), larger(l->low, 1));
        LKS_TRY(sift(ink, round == 2, &again, err));
    }
    return LKS_OK;
}

static int64_t sum_of(const uint8_t *v, int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += v[i];
    return sum;
}

/* Lines go, unless the only one is all there is: a one that reaches from edge to edge. @p room [rows * columns]. */
static lks_status drop_lines(lks_ink *ink, const levels *l, uint8_t *room, lks_error *err) {
    const size_t n = (size_t)ink->rows * (size_t)ink->columns;
    memcpy(room, ink->values, n);
    LKS_TRY(lks_ink_drop_lines(ink, larger(l->low, LEAST_CONTRAST), err));
    if (ink->lines != 1 || 10 * sum_of(ink->values, (int64_t)n) >= sum_of(room, (int64_t)n))
        return LKS_OK;
    memcpy(ink->values, room, n);
    ink->lines = 0;
    ink->dropped = 0;
    return LKS_OK;
}

static lks_status clean(lks_ink *ink, uint8_t *room, lks_error *err) {
    const int64_t n = (int64_t)ink->rows * ink->columns;
    levels l = levels_of(ink->values, n);
    soften_grain(ink, &l, room);
    if (top_of(ink->values, n, larger(l.low, 1)) < LEAST_CONTRAST) {
        memset(ink->values, 0, (size_t)n);
        return LKS_OK;
    }
    ink->exact = l.exact;
    cut_below(ink->values, n, l.low);
    LKS_TRY(drop_lines(ink, &l, room, err));
    LKS_TRY(sift_all(ink, &l, err));
    const int top = top_of(ink->values, n, ink->core);
    if (!l.exact && top > 0) {
        const int low = larger(l.low, ink->core / 2);
        stretch(ink->values, n, low, larger(top, low + 1));
        ink->core = STRETCHED_CORE;
    }
    ink->kept = sum_of(ink->values, n);
    return LKS_OK;
}

static lks_status separate(lks_ink *ink, lks_picture *p, lks_error *err) {
    uint8_t *room =
        lks_alloc((size_t)ink->rows + 1, (size_t)ink->columns, "the ink of a picture", err);
    if (!room)
        return LKS_ERR_MEMORY;
    lks_status status = lks_ink_is_dark(p, &ink->dark_on_light, err);
    if (status == LKS_OK)
        status = lks_ink_contrast(ink->values, p, ink->dark_on_light, err);
    if (status == LKS_OK)
        status = clean(ink, room, err);
    lks_free(room);
    return status;
}

lks_status lks_ink_separate(lks_ink *ink, lks_picture *p, int longest_side, lks_error *err) {
    *ink = (lks_ink){.source_rows = p->rows, .source_columns = p->columns, .core = 1};
    lks_ink_drop_alpha(p);
    LKS_TRY(shrink(p, longest_side, err));
    ink->rows = p->rows;
    ink->columns = p->columns;
    ink->values = lks_alloc((size_t)p->rows, (size_t)p->columns, "the ink of a picture", err);
    if (!ink->values)
        return LKS_ERR_MEMORY;
    const lks_status status = separate(ink, p, err);
    if (status != LKS_OK)
        lks_ink_free(ink);
    return status;
}

void lks_ink_free(lks_ink *ink) {
    lks_free(ink->values);
    *ink = (lks_ink){0};
}
