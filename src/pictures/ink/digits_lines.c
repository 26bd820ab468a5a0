/* Parts of a picture's ink into lines: steps 3 to 5 of digits.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pictures/ink/digits_inside.h"

static int least(int a, int b) {
    return a < b ? a : b;
}

static int most(int a, int b) {
    return a > b ? a : b;
}

static int rows_of(const lks_span *s) {
    return s->bottom - s->top;
}

static int columns_of(const lks_span *s) {
    return s->right - s->left;
}

static lks_span around(const lks_span *a, const lks_span *b) {
    return (lks_span){least(a->top, b->top), least(a->left, b->left), most(a->bottom, b->bottom),
                      most(a->right, b->right)};
}

/* How far apart along each axis; negative: they overlap by as much. */
static int gap_down(const lks_span *a, const lks_span *b) {
    return most(a->top, b->top) - least(a->bottom, b->bottom);
}

static int gap_across(const lks_span *a, const lks_span *b) {
    return most(a->left, b->left) - least(a->right, b->right);
}

/* --- pieces of one broken digit --------------------------------------------------------------- */

static bool belong_together(const lks_span *a, const lks_span *b, int height) {
    const int gap = gap_down(a, b), across = gap_across(a, b);
    const lks_span both = around(a, b);
    const int rows = rows_of(&both), lower = least(rows_of(a), rows_of(b));
    if (4 * lower >= 3 * height || -2 * across < least(columns_of(a), columns_of(b)))
        return false;
    return 4 * rows <= 5 * height ? 4 * gap <= height : rows <= 2 * height && 8 * gap <= height;
}

static int root_of(const lks_mark *m, int i) {
    while (m[i].cluster != i)
        i = m[i].cluster;
    return i;
}

static void unite(lks_mark *m, int i, int j) {
    i = root_of(m, i);
    j = root_of(m, j);
    m[most(i, j)].cluster = least(i, j);
}

/* The mark that is not small and nearest to mark i, no further than H / 3 both ways; -1: none. */
static int nearest(const lks_mark *m, int n, int i, int height) {
    int best = -1, best_far = 0;
    for (int j = 0; j < n; j++) {
        if (m[j].small)
            continue;
        const int far = most(gap_down(&m[i].box, &m[j].box), gap_across(&m[i].box, &m[j].box));
        if (3 * far <= height && (best < 0 || far < best_far)) {
            best = j;
            best_far = far;
        }
    }
    return best;
}

static void cluster(lks_mark *m, int n, int height) {
    for (int i = 0; i < n; i++)
        m[i].cluster = i;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n && !m[i].small; j++)
            if (!m[j].small && belong_together(&m[i].box, &m[j].box, height))
                unite(m, i, j);
}

/* --- chains: neighbours at one height --------------------------------------------------------- */

/* Marks that belong together, and lines of such. Positions are in half pixels. */
typedef struct chain {
    lks_span box; /* of the last few */
    lks_span last[3];
    int members;
    int64_t x, y, xx, xy; /* sums over members' middles */
    int64_t level;        /* the height at which it would meet the left border */
} chain;

typedef struct joint {
    lks_span box;
    int mark, chain;
} joint;

static int by_left(const void *a, const void *b) {
    const joint *p = a, *q = b;
    if (p->box.left != q->box.left)
        return p->box.left < q->box.left ? -1 : 1;
    return p->mark < q->mark ? -1 : 1;
}

static void lengthen(chain *c, const lks_span *box) {
    const int64_t x = box->left + box->right, y = box->top + box->bottom;
    c->last[c->members % 3] = *box;
    c->members++;
    c->box = c->last[0];
    for (int i = 1; i < least(c->members, 3); i++)
        c->box = around(&c->box, &c->last[i]);
    c->x += x;
    c->y += y;
    c->xx += x * x;
    c->xy += x * y;
}

/* The chain that goes on with `box`: the one that overlaps it most, by half the lower one's rows. */
static int chain_for(const chain *c, int n, const lks_span *box, int height) {
    int best = -1, best_rows = 0;
    for (int i = 0; i < n; i++) {
        const int rows = -gap_down(&c[i].box, box);
        if (gap_across(&c[i].box, box) <= 3 * height && rows > best_rows &&
            2 * rows >= least(rows_of(&c[i].box), rows_of(box))) {
            best = i;
            best_rows = rows;
        }
    }
    return best;
}

static int into_chains(joint *joints, int n, chain *chains, int height) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        int k = chain_for(chains, count, &joints[i].box, height);
        if (k < 0) {
            k = count++;
            memset(&chains[k], 0, sizeof chains[k]);
        }
        lengthen(&chains[k], &joints[i].box);
        joints[i].chain = k;
    }
    return count;
}

/* --- lines: chains at one level --------------------------------------------------------------- */

/* The slope that all chains have together, by least squares, drawn towards 0 where there is little to go by. */
static void level(chain *c, int n, int height) {
    const int64_t h = height;
    int64_t along = 64 * h * h, up = 0;
    for (int i = 0; i < n; i++) {
        along += c[i].xx - c[i].x * c[i].x / c[i].members;
        up += c[i].xy - c[i].x * c[i].y / c[i].members;
    }
    const int64_t slope = up * 4096 / along;
    for (int i = 0; i < n; i++)
        c[i].level = (c[i].y * 4096 - slope * c[i].x) / c[i].members;
}

typedef struct ranked {
    int64_t level;
    int chain;
} ranked;

static int by_level(const void *a, const void *b) {
    const ranked *p = a, *q = b;
    if (p->level != q->level)
        return p->level < q->level ? -1 : 1;
    return p->chain < q->chain ? -1 : 1;
}

/* Chains whose levels are less than H / 2 apart are one line. Returns how many lines; line [n] of each chain. */
static int into_lines(const chain *c, int n, int height, ranked *order, int *line) {
    int lines = 0;
    for (int i = 0; i < n; i++)
        order[i] = (ranked){c[i].level, i};
    qsort(order, (size_t)n, sizeof *order, by_level);
    int64_t first = 0;
    for (int i = 0; i < n; i++) {
        if (i == 0 || order[i].level - first > (int64_t)4096 * height) {
            first = order[i].level;
            lines++;
        }
        line[order[i].chain] = lines - 1;
    }
    return lines;
}

/* ---------------------------------------------------------------------------------------------- */

static int gather(const lks_mark *m, int n, joint *joints) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (m[i].small || root_of(m, i) != i)
            continue;
        joint *j = &joints[count++];
        *j = (joint){m[i].box, i, 0};
        for (int k = i + 1; k < n; k++)
            if (!m[k].small && root_of(m, k) == i)
                j->box = around(&j->box, &m[k].box);
    }
    qsort(joints, (size_t)count, sizeof *joints, by_left);
    return count;
}

/* Small ones go with what is next to them. */
static void take_small(lks_mark *m, int n, int height) {
    for (int i = 0; i < n; i++)
        if (m[i].small) {
            const int next = nearest(m, n, i, height);
            m[i].line = next < 0 ? -1 : m[next].line;
        }
}

lks_status lks_marks_into_lines(lks_mark *m, int n, int height, int *lines, lks_error *err) {
    const size_t size = (size_t)n;
    *lines = 0;
    if (n == 0) /* and no height to measure by */
        return LKS_OK;
    joint *joints = lks_alloc(size, sizeof *joints, "lines of digits", err);
    chain *chains = lks_alloc(size, sizeof *chains, "lines of digits", err);
    ranked *order = lks_alloc(size, sizeof *order, "lines of digits", err);
    int *line = lks_alloc(size, sizeof *line, "lines of digits", err);
    const bool room = joints && chains && order && line;
    if (room) {
        cluster(m, n, height);
        const int count = gather(m, n, joints);
        const int n_chains = into_chains(joints, count, chains, height);
        level(chains, n_chains, height);
        *lines = into_lines(chains, n_chains, height, order, line);
        for (int i = 0; i < count; i++)
            m[joints[i].mark].line = line[joints[i].chain];
        for (int i = 0; i < n; i++)
            if (!m[i].small)
                m[i].line = m[root_of(m, i)].line;
        take_small(m, n, height);
    }
    lks_free(joints);
    lks_free(chains);
    lks_free(order);
    lks_free(line);
    return room ? LKS_OK : err->status;
}
