/* Where touching strokes may be cut: step 4 of digits.h. */
#include <stdlib.h>
#include <string.h>

#include "lockstep/memory.h"
#include "pictures/ink/digits_inside.h"

/* What a step aside costs, where going through a pixel full of ink costs 255. */
enum { ASIDE = 128, FULL = 255, STROKE = 128 };

/* A part's box, its ink, and what the cheapest way from an edge to each pixel costs, with that pixel. */
typedef struct seams {
    int rows, columns;
    uint8_t *ink;       /* [rows][columns] */
    int32_t *down, *up; /* [rows][columns]: from the top, from the bottom */
    int32_t *sums;      /* [rows][columns + 1]: of the ink left of a column */
} seams;

static size_t row_at(const seams *s, int y) {
    return (size_t)y * (size_t)s->columns;
}

static void copy_ink(seams *s, const lks_ink *ink, const lks_ink_parts *parts, int part) {
    const lks_ink_part *p = &parts->parts[part];
    for (int y = 0; y < s->rows; y++) {
        const size_t from = (size_t)(p->top + y) * (size_t)ink->columns + (size_t)p->left;
        uint8_t *to = s->ink + row_at(s, y);
        int32_t *sums = s->sums + row_at(s, y) + y;
        for (int x = 0; x < s->columns; x++) {
            to[x] = parts->labels[from + (size_t)x] == part + 1 ? ink->values[from + (size_t)x] : 0;
            sums[x + 1] = sums[x] + to[x];
        }
    }
}

/* --- ways from an edge ------------------------------------------------------------------------ */

/* A row of costs from the one before it, NULL at the edge: straight on, and from there aside. */
static void add_row(int32_t *row, const int32_t *before, const uint8_t *ink, int columns) {
    for (int x = 0; x < columns; x++)
        row[x] = ink[x] + (before ? before[x] : 0);
    for (int x = 1; x < columns; x++)
        if (row[x - 1] + ink[x] + ASIDE < row[x])
            row[x] = row[x - 1] + ink[x] + ASIDE;
    for (int x = columns - 2; x >= 0; x--)
        if (row[x + 1] + ink[x] + ASIDE < row[x])
            row[x] = row[x + 1] + ink[x] + ASIDE;
}

static void find_costs(seams *s) {
    for (int y = 0; y < s->rows; y++)
        add_row(s->down + row_at(s, y), y > 0 ? s->down + row_at(s, y - 1) : NULL,
                s->ink + row_at(s, y), s->columns);
    for (int y = s->rows - 1; y >= 0; y--)
        add_row(s->up + row_at(s, y), y + 1 < s->rows ? s->up + row_at(s, y + 1) : NULL,
                s->ink + row_at(s, y), s->columns);
}

/* Where the cheapest way to column x of a row came from the row before it: straight on before from the left before
 * from the right, where they cost the same. */
static int came_from(const int32_t *row, const int32_t *before, const uint8_t *ink, int x) {
    while (row[x] != ink[x] + (before ? before[x] : 0))
        x += x > 0 && row[x] == row[x - 1] + ink[x] + ASIDE ? -1 : 1;
    return x;
}

/* The way through column x of row y: of each row the column in which it is left. */
static void follow(const seams *s, int y, int x, int *at) {
    int from = x;
    for (int row = y; row >= 0; row--) {
        from = came_from(s->down + row_at(s, row), row > 0 ? s->down + row_at(s, row - 1) : NULL,
                         s->ink + row_at(s, row), from);
        at[row] = from;
    }
    from = x;
    for (int row = y; row < s->rows; row++) {
        from =
            came_from(s->up + row_at(s, row), row + 1 < s->rows ? s->up + row_at(s, row + 1) : NULL,
                      s->ink + row_at(s, row), from);
        at[row] = from;
    }
    at[y] = x;
}

/* --- ways that are worth a cut ---------------------------------------------------------------- */

typedef struct way {
    int y, x; /* a pixel that it goes through */
    int64_t cost;
} way;

static int by_cost(const void *a, const void *b) {
    const way *p = a, *q = b;
    if (p->cost != q->cost)
        return p->cost < q->cost ? -1 : 1;
    if (p->y != q->y)
        return p->y < q->y ? -1 : 1;
    return p->x < q->x ? -1 : 1;
}

static int64_t cost_through(const seams *s, int y, int x) {
    const size_t at = row_at(s, y) + (size_t)x;
    if (x < 0 || x >= s->columns)
        return INT64_MAX;
    return (int64_t)s->down[at] + s->up[at] - s->ink[at];
}

/* The middles of valleys of the costs along three rows, cheapest first, into ways [3 columns]; returns how many. */
static int find_ways(const seams *s, way *ways, int64_t limit) {
    int n = 0;
    for (int quarter = 1; quarter <= 3; quarter++) {
        const int y = s->rows * quarter / 4;
        int first = -1; /* of the valley's bottom; -1: it goes up */
        for (int x = 0; x < s->columns; x++) {
            const int64_t before = cost_through(s, y, x - 1), now = cost_through(s, y, x);
            if (now != before)
                first = now < before ? x : -1;
            if (first >= 0 && cost_through(s, y, x + 1) > now && now <= limit)
                ways[n++] = (way){y, (first + x) / 2, now};
        }
    }
    qsort(ways, (size_t)n, sizeof *ways, by_cost);
    return n;
}

/* The ink between two ways; NULL is the box's edge, left as `a`, right as `b`. */
static int64_t ink_between(const seams *s, const int *a, const int *b) {
    int64_t sum = 0;
    for (int y = 0; y < s->rows; y++) {
        const int32_t *sums = s->sums + row_at(s, y) + y;
        const int32_t between = sums[b ? b[y] : s->columns] - sums[a ? a[y] : 0];
        sum += between < 0 ? -between : between;
    }
    return sum;
}

static int *cut_at(const lks_cuts *cuts, const seams *s, int k) {
    return cuts->at + (size_t)k * (size_t)s->rows;
}

/* Keeps the next way where there is ink enough between it and each one before, and each edge. */
static void keep(lks_cuts *cuts, const seams *s, int64_t least) {
    const int *at = cut_at(cuts, s, cuts->n);
    if (ink_between(s, NULL, at) < least || ink_between(s, at, NULL) < least)
        return;
    for (int k = 0; k < cuts->n; k++)
        if (ink_between(s, cut_at(cuts, s, k), at) < least)
            return;
    cuts->n++;
}

static int64_t sum_of(const int *at, int rows) {
    int64_t sum = 0;
    for (int y = 0; y < rows; y++)
        sum += at[y];
    return sum;
}

/* From left to right, by the mean of their columns; one that crosses the one before it follows it. */
static void put_in_order(lks_cuts *cuts, const seams *s) {
    for (int i = 1; i < cuts->n; i++)
        for (int k = i; k > 0; k--) {
            int *before = cut_at(cuts, s, k - 1), *at = cut_at(cuts, s, k);
            if (sum_of(before, s->rows) <= sum_of(at, s->rows))
                break;
            for (int y = 0; y < s->rows; y++) {
                const int column = before[y];
                before[y] = at[y];
                at[y] = column;
            }
        }
    for (int i = 1; i < cuts->n; i++)
        for (int y = 0; y < s->rows; y++)
            if (cut_at(cuts, s, i)[y] < cut_at(cuts, s, i - 1)[y])
                cut_at(cuts, s, i)[y] = cut_at(cuts, s, i - 1)[y];
}

static void measure(lks_cuts *cuts, const seams *s) {
    for (int i = 0; i < cuts->n; i++) {
        int before = 0;
        cuts->ink[i] = cuts->strokes[i] = 0;
        for (int y = 0; y < s->rows; y++) {
            const int x = cut_at(cuts, s, i)[y];
            const int now = s->ink[row_at(s, y) + (size_t)x];
            cuts->ink[i] += now;
            cuts->strokes[i] += now >= STROKE && before < STROKE;
            before = now;
        }
    }
}

static lks_status make_room(seams *s, way **ways, lks_error *err) {
    const size_t pixels = (size_t)s->rows * (size_t)s->columns;
    s->ink = lks_alloc(pixels, 1, "cuts", err);
    s->down = lks_alloc(pixels, sizeof *s->down, "cuts", err);
    s->up = lks_alloc(pixels, sizeof *s->up, "cuts", err);
    s->sums = lks_alloc(pixels + (size_t)s->rows, sizeof *s->sums, "cuts", err);
    *ways = lks_alloc((size_t)s->columns, 3 * sizeof **ways, "cuts", err);
    return s->ink && s->down && s->up && s->sums && *ways ? LKS_OK : err->status;
}

static lks_status make_cuts(lks_cuts *cuts, seams *s, way *ways, int height, lks_error *err) {
    const int wide = 5 * s->columns / height + 1;
    const int most = wide < LKS_CUTS_MAX ? wide : LKS_CUTS_MAX;
    cuts->at = lks_alloc((size_t)most + 1, (size_t)s->rows * sizeof *cuts->at, "cuts", err);
    if (!cuts->at)
        return err->status;
    find_costs(s);
    const int n = find_ways(s, ways, (int64_t)FULL * height * 2 / 5);
    for (int i = 0; i < n && cuts->n < most; i++) {
        follow(s, ways[i].y, ways[i].x, cut_at(cuts, s, cuts->n));
        keep(cuts, s, (int64_t)FULL * height * height / 100);
    }
    put_in_order(cuts, s);
    measure(cuts, s);
    return LKS_OK;
}

lks_status lks_cuts_find(lks_cuts *cuts, const lks_ink *ink, const lks_ink_parts *parts, int part,
                         int height, lks_error *err) {
    const lks_ink_part *p = &parts->parts[part];
    seams s = {p->rows, p->columns, NULL, NULL, NULL, NULL};
    way *ways = NULL;
    memset(cuts, 0, sizeof *cuts);
    lks_status status = make_room(&s, &ways, err);
    if (status == LKS_OK) {
        copy_ink(&s, ink, parts, part);
        status = make_cuts(cuts, &s, ways, height, err);
    }
    lks_free(ways);
    lks_free(s.ink);
    lks_free(s.down);
    lks_free(s.up);
    lks_free(s.sums);
    return status;
}
