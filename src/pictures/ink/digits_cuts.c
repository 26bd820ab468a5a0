/* Where touching strokes may be cut: step 4 of digits.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pictures/ink/digits_inside.h"

/* What a step aside costs, where going through a pixel full of ink costs 255. */
enum { ASIDE = 128, FULL = 255, STROKE = 128 };

/* Ways are looked for on a part as it is, and where digits that lean to the right, as many hands write them, would stand
 * upright: each row is moved half a column for each row above it. */
enum lean { UPRIGHT, RIGHT, LEANS };

/* A part's box, leaned, its ink, and what the cheapest way from an edge to each pixel costs, with that pixel. */
typedef struct seams {
    int rows, columns;
    enum lean lean;
    uint8_t *ink;       /* [rows][columns] */
    int32_t *down, *up; /* [rows][columns]: from the top, from the bottom */
} seams;

/* A part with all leans. */
typedef struct leaned {
    seams by[LEANS];
    int rows, columns; /* of the part */
    int32_t *sums;     /* [rows][columns + 1]: of the ink left of a column, upright */
} leaned;

static size_t row_at(const seams *s, int y) {
    return (size_t)y * (size_t)s->columns;
}

/* How far to the right row y is moved. */
static int moved(const seams *s, int y) {
    return s->lean == RIGHT ? y / 2 : 0;
}

static void copy_ink(seams *s, const lks_ink *ink, const lks_ink_parts *parts, int part) {
    const lks_ink_part *p = &parts->parts[part];
    for (int y = 0; y < s->rows; y++) {
        const size_t from = (size_t)(p->top + y) * (size_t)ink->columns + (size_t)p->left;
        uint8_t *to = s->ink + row_at(s, y) + moved(s, y);
        for (int x = 0; x < p->columns; x++)
            to[x] = parts->labels[from + (size_t)x] == part + 1 ? ink->values[from + (size_t)x] : 0;
    }
}

static int32_t *sums_of(const leaned *l, int y) {
    return l->sums + (size_t)y * ((size_t)l->columns + 1);
}

static void sum_ink(leaned *l) {
    const seams *s = &l->by[UPRIGHT];
    for (int y = 0; y < l->rows; y++)
        for (int x = 0; x < l->columns; x++)
            sums_of(l, y)[x + 1] = sums_of(l, y)[x] + s->ink[row_at(s, y) + (size_t)x];
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

/* The way through column x of row y: of each row the column in which it is left, upright: -1 or the number of columns
 * where it passes the part's box. */
static void follow(const seams *s, int y, int x, int columns, int *at) {
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
    for (int row = 0; row < s->rows; row++) {
        at[row] -= moved(s, row);
        at[row] = at[row] < -1 ? -1 : at[row] > columns ? columns : at[row];
    }
}

/* --- ways that are worth a cut ---------------------------------------------------------------- */

typedef struct way {
    enum lean lean;
    int y, x; /* a pixel that it goes through */
    int64_t cost;
} way;

static int by_cost(const void *a, const void *b) {
    const way *p = a, *q = b;
    if (p->cost != q->cost)
        return p->cost < q->cost ? -1 : 1;
    if (p->lean != q->lean)
        return p->lean < q->lean ? -1 : 1;
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

/* The middles of valleys of the costs along three rows into ways [3 columns]; returns how many. */
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
                ways[n++] = (way){s->lean, y, (first + x) / 2, now};
        }
    }
    return n;
}

/* The ink between two ways; NULL is the box's edge, left as `a`, right as `b`. */
static int64_t ink_between(const leaned *l, const int *a, const int *b) {
    int64_t sum = 0;
    for (int y = 0; y < l->rows; y++) {
        const int32_t *sums = sums_of(l, y);
        const int from = a && a[y] > 0 ? a[y] : 0, to = !b ? l->columns : b[y] > 0 ? b[y] : 0;
        const int32_t between = sums[to] - sums[from];
        sum += between < 0 ? -between : between;
    }
    return sum;
}

static int *cut_at(const lks_cuts *cuts, const leaned *l, int k) {
    return cuts->at + (size_t)k * (size_t)l->rows;
}

static int64_t sum_of(const int *at, int rows) {
    int64_t sum = 0;
    for (int y = 0; y < rows; y++)
        sum += at[y];
    return sum;
}

/* Where a way crosses a cheaper one it follows it: on the side on which most of it is. */
static void stay_beside(int *at, const int *cheaper, int rows) {
    const bool behind = sum_of(at, rows) >= sum_of(cheaper, rows);
    for (int y = 0; y < rows; y++)
        if (behind ? at[y] < cheaper[y] : at[y] > cheaper[y])
            at[y] = cheaper[y];
}

/* Keeps the next way where there is ink enough between it and each one before, and each edge. */
static void keep(lks_cuts *cuts, const leaned *l, int64_t least) {
    int *at = cut_at(cuts, l, cuts->n);
    for (int k = 0; k < cuts->n; k++)
        stay_beside(at, cut_at(cuts, l, k), l->rows);
    if (ink_between(l, NULL, at) < least || ink_between(l, at, NULL) < least)
        return;
    for (int k = 0; k < cuts->n; k++)
        if (ink_between(l, cut_at(cuts, l, k), at) < least)
            return;
    cuts->n++;
}

/* From left to right. */
static void put_in_order(lks_cuts *cuts, const leaned *l) {
    for (int i = 1; i < cuts->n; i++)
        for (int k = i; k > 0; k--) {
            int *before = cut_at(cuts, l, k - 1), *at = cut_at(cuts, l, k);
            if (sum_of(before, l->rows) <= sum_of(at, l->rows))
                break;
            for (int y = 0; y < l->rows; y++) {
                const int column = before[y];
                before[y] = at[y];
                at[y] = column;
            }
        }
}

static void measure(lks_cuts *cuts, const leaned *l) {
    const seams *s = &l->by[UPRIGHT];
    for (int i = 0; i < cuts->n; i++) {
        int before = 0;
        cuts->ink[i] = cuts->strokes[i] = 0;
        for (int y = 0; y < l->rows; y++) {
            const int x = cut_at(cuts, l, i)[y];
            const int now = x < 0 || x >= l->columns ? 0 : s->ink[row_at(s, y) + (size_t)x];
            cuts->ink[i] += now;
            cuts->strokes[i] += now >= STROKE && before < STROKE;
            before = now;
        }
    }
}

static lks_status make_room(seams *s, lks_error *err) {
    const size_t pixels = (size_t)s->rows * (size_t)s->columns;
    s->ink = lks_alloc(pixels, 1, "cuts", err);
    s->down = lks_alloc(pixels, sizeof *s->down, "cuts", err);
    s->up = lks_alloc(pixels, sizeof *s->up, "cuts", err);
    return s->ink && s->down && s->up ? LKS_OK : err->status;
}

static lks_status lean(leaned *l, const lks_ink *ink, const lks_ink_parts *parts, int part,
                       lks_error *err) {
    for (int k = 0; k < LEANS; k++) {
        seams *s = &l->by[k];
        s->lean = (enum lean)k;
        s->rows = l->rows;
        s->columns = l->columns + (k == UPRIGHT ? 0 : (l->rows - 1) / 2);
        LKS_TRY(make_room(s, err));
        copy_ink(s, ink, parts, part);
        find_costs(s);
    }
    l->sums = lks_alloc((size_t)l->rows, ((size_t)l->columns + 1) * sizeof *l->sums, "cuts", err);
    if (!l->sums)
        return err->status;
    sum_ink(l);
    return LKS_OK;
}

static lks_status make_cuts(lks_cuts *cuts, const leaned *l, int height, lks_error *err) {
    const int wide = 8 * l->columns / height + 1;
    const int most = wide < LKS_CUTS_MAX ? wide : LKS_CUTS_MAX;
    const size_t across = (size_t)l->by[RIGHT].columns;
    way *ways = lks_alloc(across, 3 * LEANS * sizeof *ways, "cuts", err);
    cuts->at = lks_alloc((size_t)most + 1, (size_t)l->rows * sizeof *cuts->at, "cuts", err);
    if (!ways || !cuts->at) {
        lks_free(ways);
        return err->status;
    }
    int n = 0;
    for (int k = 0; k < LEANS; k++)
        n += find_ways(&l->by[k], ways + n, (int64_t)FULL * height * 3 / 10);
    qsort(ways, (size_t)n, sizeof *ways, by_cost);
    for (int i = 0; i < n && cuts->n < most; i++) {
        follow(&l->by[ways[i].lean], ways[i].y, ways[i].x, l->columns, cut_at(cuts, l, cuts->n));
        keep(cuts, l, (int64_t)FULL * height * height / 100);
    }
    lks_free(ways);
    put_in_order(cuts, l);
    measure(cuts, l);
    return LKS_OK;
}

lks_status lks_cuts_find(lks_cuts *cuts, const lks_ink *ink, const lks_ink_parts *parts, int part,
                         int height, lks_error *err) {
    const lks_ink_part *p = &parts->parts[part];
    leaned l = {.rows = p->rows, .columns = p->columns};
    memset(cuts, 0, sizeof *cuts);
    lks_status status = lean(&l, ink, parts, part, err);
    if (status == LKS_OK)
        status = make_cuts(cuts, &l, height, err);
    for (int k = 0; k < LEANS; k++) {
        lks_free(l.by[k].ink);
        lks_free(l.by[k].down);
        lks_free(l.by[k].up);
    }
    lks_free(l.sums);
    return status;
}
