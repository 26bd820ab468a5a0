/* Lines that no pen drew: rules, grids, frames. A line is straight, nearly level or upright, as thick all along, and
 * runs from edge to edge. It is found by a Hough transform of what is thin across it, one vote for each place along it
 * (R. O. Duda and P. E. Hart, Communications of the ACM 15 (1972), p. 11), and taken away where it is no thicker than
 * itself: where it is, a stroke crosses it, and stays whole. */
#include <string.h>

#include "base/memory.h"
#include "pictures/ink/steps.h"

enum {
    LINES_MOST = 48,  /* of one direction */
    LEAN_PERCENT = 8, /* the steepest: pixels across for 100 along */
    THICK = 12,       /* a line is at most this part of the shorter side thick */
    GAP = 16,         /* gaps are at most this part of the way along */
    LEAST_LENGTH = 8, /* pixels */
    THIN_PERCENT = 40 /* of its length that no stroke crosses, at least */
};

/* The picture as seen along lines: a counts along them, c across. */
typedef struct view {
    uint8_t *values;
    int along, across;
    int64_t step_along, step_across;
    int low, thickest, gap, leans; /* leans: slopes are -leans .. leans over `along` */
} view;

typedef struct line {
    int lean, at;    /* at place a its middle is at + lean * (a - along / 2) / along */
    int first, last; /* places along it */
    int thick;
    int head, tail; /* from its ends to the first and last stroke across it; -1: none */
    bool spans;
} line;

typedef struct span {
    int first, end;
} span;

typedef struct hough {
    view v;
    int bins;       /* for one lean */
    int32_t *votes; /* [2 leans + 1][bins] */
    line lines[LINES_MOST];
    int n;
} hough;

static int value(const view *v, int a, int c) {
    return v->values[a * v->step_along + c * v->step_across];
}

static int floor_div(int64_t a, int64_t b) {
    return (int)(a >= 0 ? a / b : -((-a + b - 1) / b));
}

/* Its middle at place @p a. */
static int middle(const view *v, int lean, int at, int a) {
    return at + floor_div((int64_t)lean * (2 * a - v->along) + v->along, 2 * (int64_t)v->along);
}

/* The run of ink around @p c, or one pixel beside it: empty if there is none. */
static span run_at(const view *v, int a, int c) {
    static const int tries[] = {0, -1, 1};
    for (int k = 0; k < 3; k++) {
        int first = c + tries[k];
        if (first < 0 || first >= v->across || value(v, a, first) < v->low)
            continue;
        int end = first + 1;
        while (first > 0 && value(v, a, first - 1) >= v->low)
            first--;
        while (end < v->across && value(v, a, end) >= v->low)
            end++;
        return (span){first, end};
    }
    return (span){0, 0};
}

/* --- votes ------------------------------------------------------------------------------------ */

/* A thin run at @p a, from @p first to before @p end, votes for the lines through its middle. */
static void vote(hough *h, int a, int first, int end, int32_t weight) {
    const view *v = &h->v;
    for (int lean = -v->leans; lean <= v->leans; lean++) {
        const int bin =
            floor_div((int64_t)(first + end) * v->along - (int64_t)lean * (2 * a - v->along),
                      2 * (int64_t)v->along);
        h->votes[(int64_t)(lean + v->leans) * h->bins + bin + v->leans + 2] += weight;
    }
}

/* Runs thicker than @p thinner vote, up to v.thickest. */
static void count_votes(hough *h, int thinner) {
    const view *v = &h->v;
    for (int a = 0; a < v->along; a++)
        for (int c = 0; c < v->across; c++) {
            if (value(v, a, c) < v->low)
                continue;
            const int first = c;
            while (c < v->across && value(v, a, c) >= v->low)
                c++;
            if (c - first > thinner && c - first <= v->thickest)
                vote(h, a, first, c, 1);
        }
}

/* The line with the most votes, those of both neighbours too; returns how many. */
static int32_t strongest(const hough *h, line *best) {
    int32_t most = 0;
    for (int lean = -h->v.leans; lean <= h->v.leans; lean++) {
        const int32_t *bins = h->votes + (int64_t)(lean + h->v.leans) * h->bins;
        for (int b = 1; b < h->bins - 1; b++)
            if (bins[b - 1] + bins[b] + bins[b + 1] > most) {
                most = bins[b - 1] + bins[b] + bins[b + 1];
                *best = (line){.lean = lean, .at = b - h->v.leans - 2};
            }
    }
    return most;
}

/* Takes the votes of what lies on the line away: what is found once is not found again. */
static void withdraw(hough *h, const line *l) {
    const view *v = &h->v;
    for (int a = 0; a < v->along; a++) {
        const span r = run_at(v, a, middle(v, l->lean, l->at, a));
        if (r.end > r.first && r.end - r.first <= v->thickest)
            vote(h, a, r.first, r.end, -1);
    }
}

/* --- a line ----------------------------------------------------------------------------------- */

/* How thick it is where nothing crosses it: a quarter of it is no thicker. */
static int thickness(const view *v, const line *l) {
    int counts[64] = {0}, n = 0, seen = 0, t = 1;
    for (int a = 0; a < v->along; a++) {
        const span r = run_at(v, a, middle(v, l->lean, l->at, a));
        const int thick = r.end - r.first;
        if (thick > 0 && thick <= v->thickest && thick < 64) {
            counts[thick]++;
            n++;
        }
    }
    while (t < 63 && (seen += counts[t]) * 4 < n)
        t++;
    return t;
}

static int thickest_of(const line *l) {
    return l->thick + (l->thick > 2 ? l->thick / 2 : 1);
}

/* The longest stretch of ink along it that has no large gap; returns how much of it is thin. */
static int stretch_of(const view *v, line *l) {
    int first = -1, last = -1, thin = 0, best = 0;
    l->first = 0;
    l->last = -1;
    for (int a = 0; a <= v->along; a++) {
        const span r = a < v->along ? run_at(v, a, middle(v, l->lean, l->at, a)) : (span){0, 0};
        if (first >= 0 && (a == v->along || (r.end == r.first && a - last > v->gap))) {
            if (last - first > l->last - l->first) {
                l->first = first;
                l->last = last;
                best = thin;
            }
            first = -1;
        }
        if (r.end == r.first)
            continue;
        thin = (first < 0 ? 0 : thin) + (r.end - r.first <= thickest_of(l));
        first = first < 0 ? a : first;
        last = a;
    }
    return best;
}

static bool at_edge(const view *v, const line *l, int a) {
    const int c = middle(v, l->lean, l->at, a), near = v->gap + l->thick;
    return a <= v->gap || a >= v->along - 1 - v->gap || c < near || c >= v->across - near;
}

static void find(hough *h) {
    line l;
    for (int tries = 0; tries < 2 * LINES_MOST && h->n < LINES_MOST; tries++) {
        const int32_t votes = strongest(h, &l);
        if (votes < LEAST_LENGTH || 100 * votes < THIN_PERCENT * h->v.along / 2)
            return;
        l.thick = thickness(&h->v, &l);
        const int thin = stretch_of(&h->v, &l), length = l.last - l.first + 1;
        withdraw(h, &l);
        l.spans = at_edge(&h->v, &l, l.first) && at_edge(&h->v, &l, l.last);
        if (length >= LEAST_LENGTH && 100 * thin >= THIN_PERCENT * length)
            h->lines[h->n++] = l;
    }
}

/* --- what crosses it -------------------------------------------------------------------------- */

/* True if a line of the other direction is at place @p a of @p l. */
static bool meets(const hough *h, const hough *other, const line *l, int a) {
    const int c = middle(&h->v, l->lean, l->at, a);
    for (int k = 0; k < other->n; k++) {
        const line *o = &other->lines[k];
        const int off = a - middle(&other->v, o->lean, o->at, c), near = o->thick / 2 + 2;
        if (o->spans && c >= o->first - other->v.gap && c <= o->last + other->v.gap &&
            off >= -near && off <= near)
            return true;
    }
    return false;
}

static void find_strokes(const hough *h, const hough *other, line *l) {
    l->head = l->tail = -1;
    for (int a = l->first; a <= l->last; a++) {
        const span r = run_at(&h->v, a, middle(&h->v, l->lean, l->at, a));
        if (r.end - r.first <= thickest_of(l) || meets(h, other, l, a))
            continue;
        if (l->head < 0)
            l->head = a - l->first;
        l->tail = l->last - a;
    }
}

/* A stroke of a digit that fills the picture ends where another begins; a line goes on beyond the ink. */
static bool is_drawn_by_no_pen(const line *l) {
    const int length = l->last - l->first + 1, least = length / 16 > 2 ? length / 16 : 2;
    return l->spans && (l->head < 0 || (l->head >= least && l->tail >= least));
}

/* A soft edge is below the threshold. */
static span with_edges(const view *v, int a, span r) {
    r.first -= r.first > 0 && value(v, a, r.first - 1) < v->low;
    r.end += r.end < v->across && value(v, a, r.end) < v->low;
    return r;
}

static void wipe(lks_ink *ink, const hough *h, const line *l) {
    const view *v = &h->v;
    for (int a = 0; a < v->along; a++) {
        span r = run_at(v, a, middle(v, l->lean, l->at, a));
        if (r.end == r.first || r.end - r.first > thickest_of(l))
            continue;
        r = with_edges(v, a, r);
        for (int c = r.first; c < r.end; c++) {
            uint8_t *at = v->values + a * v->step_along + c * v->step_across;
            ink->dropped += *at;
            *at = 0;
        }
    }
}

static void drop(lks_ink *ink, hough *h, const hough *other) {
    for (int k = 0; k < h->n; k++)
        find_strokes(h, other, &h->lines[k]);
    for (int k = 0; k < h->n; k++)
        if (is_drawn_by_no_pen(&h->lines[k])) {
            wipe(ink, h, &h->lines[k]);
            ink->lines++;
        }
}

/* --- both directions -------------------------------------------------------------------------- */

static lks_status look(hough *h, const lks_ink *ink, int low, bool upright, lks_error *err) {
    const int rows = ink->rows, columns = ink->columns, shorter = rows < columns ? rows : columns;
    view *v = &h->v;
    *h = (hough){0};
    *v = (view){.values = ink->values, .low = low};
    v->along = upright ? rows : columns;
    v->across = upright ? columns : rows;
    v->step_along = upright ? columns : 1;
    v->step_across = upright ? 1 : columns;
    v->thickest = shorter / THICK > 2 ? shorter / THICK : 2;
    v->gap = v->along / GAP > 2 ? v->along / GAP : 2;
    v->leans = v->along * LEAN_PERCENT / 100;
    h->bins = v->across + 2 * v->leans + 5;
    h->votes = lks_alloc(2 * (size_t)v->leans + 1, (size_t)h->bins * sizeof *h->votes,
                         "lines of a picture", err);
    if (!h->votes)
        return LKS_ERR_MEMORY;
    const int thickest = v->thickest;
    v->thickest =
        thickest / 4 > 2 ? thickest / 4 : 2; /* thin ones first: strokes have no vote yet */
    count_votes(h, 0);
    find(h);
    const int thin = v->thickest;
    v->thickest = thickest;
    if (thickest > thin) {
        count_votes(h, thin);
        find(h);
    }
    lks_free(h->votes);
    h->votes = NULL;
    return LKS_OK;
}

lks_status lks_ink_drop_lines(lks_ink *ink, int low, lks_error *err) {
    hough level, upright;
    LKS_TRY(look(&level, ink, low, false, err));
    LKS_TRY(look(&upright, ink, low, true, err));
    drop(ink, &level, &upright);
    drop(ink, &upright, &level);
    return LKS_OK;
}
