#include "pictures/ink/digits.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pictures/ink/digits_inside.h"

/* A speck's sides are below H / SPECK. The boxes of all parts together may cover a picture BOXES_MOST times: the time
 * that all this takes grows with them. */
enum { SPECK = 16, BOXES_MOST = 8 };

/* --- how large digits are --------------------------------------------------------------------- */

/* The least height that parts of half of all pixels do not exceed. LKS_ERR_MEMORY. */
static lks_status find_height(int *height, const lks_ink *ink, const lks_ink_parts *parts,
                              lks_error *err) {
    int64_t *pixels = lks_alloc((size_t)ink->rows + 1, sizeof *pixels, "heights", err), all = 0;
    if (!pixels)
        return err->status;
    for (int i = 0; i < parts->n; i++) {
        pixels[parts->parts[i].rows] += parts->parts[i].pixels;
        all += parts->parts[i].pixels;
    }
    int64_t below = 0;
    int h = 0;
    while (h < ink->rows && 2 * below < all)
        below += pixels[++h];
    *height = h;
    lks_free(pixels);
    return LKS_OK;
}

static lks_status refuse(lks_error *err) {
    return lks_fail(
        err, LKS_ERR_DATA,
        "no digits can be found: there are more than %d marks, or they lie in each other",
        LKS_DIGITS_PARTS_MAX);
}

/* Parts but specks. LKS_ERR_DATA, LKS_ERR_MEMORY. */
static lks_status find_marks(lks_mark **marks, int *n, const lks_ink *ink,
                             const lks_ink_parts *parts, int height, lks_error *err) {
    int64_t room = (int64_t)BOXES_MOST * ink->rows * ink->columns;
    lks_mark *m = *marks = lks_alloc(LKS_DIGITS_PARTS_MAX, sizeof *m, "parts of digits", err);
    *n = 0;
    if (!m)
        return err->status;
    for (int i = 0; i < parts->n; i++) {
        const lks_ink_part *p = &parts->parts[i];
        if (SPECK * p->rows < height && SPECK * p->columns < height)
            continue;
        room -= (int64_t)p->rows * p->columns;
        if (*n == LKS_DIGITS_PARTS_MAX || room < 0)
            return refuse(err);
        const lks_span box = {p->top, p->left, p->top + p->rows, p->left + p->columns};
        m[(*n)++] = (lks_mark){box, i, 10 * p->rows < 3 * height, 0, -1};
    }
    return LKS_OK;
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* A piece before it has its place in a line. */
typedef struct draft {
    lks_piece piece;
    lks_ink_part box;
    int number; /* in the order in which pieces were made */
} draft;

typedef struct drafts {
    const lks_ink *ink;
    const lks_ink_parts *parts;
    int32_t *labels; /* [rows][columns] 1 + draft */
    draft *drafts;   /* [n] */
    int n, height;
} drafts;

static void add_pixel(lks_ink_part *p, int y, int x, int value) {
    if (p->pixels == 0)
        *p = (lks_ink_part){y, x, 1, 1, 0, 0};
    const int top = y < p->top ? y : p->top, left = x < p->left ? x : p->left;
    const int bottom = p->top + p->rows, right = p->left + p->columns;
    p->rows = (y >= bottom ? y + 1 : bottom) - top;
    p->columns = (x >= right ? x + 1 : right) - left;
    p->top = top;
    p->left = left;
    p->pixels++;
    p->mass += value;
}

/* The pixels of part `m->part` to drafts first.. by the cuts left of them. */
static void deal(drafts *d, const lks_mark *m, const lks_cuts *cuts, int first) {
    const lks_ink_part *p = &d->parts->parts[m->part];
    for (int y = 0; y < p->rows; y++) {
        const size_t row = (size_t)(p->top + y) * (size_t)d->ink->columns + (size_t)p->left;
        int k = 0;
        for (int x = 0; x < p->columns; x++) {
            if (d->parts->labels[row + (size_t)x] != m->part + 1)
                continue;
            while (k < cuts->n && x >= cuts->at[k * p->rows + y])
                k++;
            d->labels[row + (size_t)x] = first + k + 1;
            add_pixel(&d->drafts[first + k].box, p->top + y, p->left + x,
                      d->ink->values[row + (size_t)x]);
        }
    }
}

static lks_status cut(drafts *d, const lks_mark *m, lks_error *err) {
    lks_cuts cuts = {0};
    if (!m->small)
        LKS_TRY(lks_cuts_find(&cuts, d->ink, d->parts, m->part, d->height, err));
    if (d->n + cuts.n + 1 > LKS_DIGITS_PIECES_MAX)
        cuts.n = 0;
    for (int k = 0; k <= cuts.n; k++) {
        draft *new = &d->drafts[d->n + k];
        *new = (draft){.piece = {m->line, m->part, m->small, 0, 0, 0}, .number = d->n + k};
        if (k > 0) {
            new->piece.cuts = 1;
            new->piece.cut = cuts.ink[k - 1];
            new->piece.strokes = cuts.strokes[k - 1];
        }
    }
    deal(d, m, &cuts, d->n);
    d->n += cuts.n + 1;
    lks_free(cuts.at);
    return LKS_OK;
}

static int compare(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* By line, then middle; pieces of nothing last. */
static int in_reading_order(const void *a, const void *b) {
    const draft *p = a, *q = b;
    int order = compare(p->box.pixels == 0, q->box.pixels == 0);
    if (!order)
        order = compare(p->piece.line, q->piece.line);
    if (!order)
        order = compare(2 * p->box.left + p->box.columns, 2 * q->box.left + q->box.columns);
    return order ? order : compare(p->number, q->number);
}

/* A cut between two pieces of a part parts all pieces between them, too: pieces of others may stand there. */
static lks_status sum_cuts(lks_digits *d, int parts, lks_error *err) {
    int *last =
        lks_alloc((size_t)parts, sizeof *last, "cuts", err); /* 1 + the last piece of each part */
    lks_piece *own = lks_alloc((size_t)d->ink.n, sizeof *own, "cuts", err);
    if (last && own) {
        memcpy(own, d->pieces, (size_t)d->ink.n * sizeof *own);
        for (int i = 0; i < d->ink.n; i++) {
            lks_piece *p = &d->pieces[i];
            p->cuts = p->cut = p->strokes = 0;
        }
        for (int i = 0; i < d->ink.n; i++) {
            const int before = last[own[i].part];
            for (int k = before; before > 0 && k <= i; k++) {
                d->pieces[k].cuts++;
                d->pieces[k].cut += own[i].cut;
                d->pieces[k].strokes += own[i].strokes;
            }
            last[own[i].part] = i + 1;
        }
    }
    const bool room = last && own;
    lks_free(last);
    lks_free(own);
    return room ? LKS_OK : err->status;
}

static lks_status put_in_order(lks_digits *out, drafts *d, lks_error *err) {
    int32_t *place = lks_alloc((size_t)d->n + 1, sizeof *place, "pieces of digits", err);
    out->ink.parts = lks_alloc((size_t)d->n, sizeof *out->ink.parts, "pieces of digits", err);
    out->pieces = lks_alloc((size_t)d->n, sizeof *out->pieces, "pieces of digits", err);
    if (!place || !out->ink.parts || !out->pieces) {
        lks_free(place);
        return err->status;
    }
    qsort(d->drafts, (size_t)d->n, sizeof *d->drafts, in_reading_order);
    for (int i = 0; i < d->n && d->drafts[i].box.pixels > 0; i++) {
        out->ink.parts[i] = d->drafts[i].box;
        out->pieces[i] = d->drafts[i].piece;
        place[d->drafts[i].number + 1] = ++out->ink.n;
    }
    const size_t pixels = (size_t)d->ink->rows * (size_t)d->ink->columns;
    for (size_t i = 0; i < pixels; i++)
        d->labels[i] = place[d->labels[i]];
    lks_free(place);
    return sum_cuts(out, d->parts->n, err);
}

static lks_status make_pieces(lks_digits *out, const lks_ink *ink, const lks_ink_parts *parts,
                              const lks_mark *marks, int n, lks_error *err) {
    drafts d = {ink, parts, NULL, NULL, 0, out->height};
    d.labels = out->ink.labels =
        lks_alloc((size_t)ink->rows * (size_t)ink->columns, sizeof *d.labels, "pieces", err);
    d.drafts = lks_alloc(LKS_DIGITS_PIECES_MAX, sizeof *d.drafts, "pieces of digits", err);
    lks_status status = d.labels && d.drafts ? LKS_OK : err->status;
    for (int i = 0; status == LKS_OK && i < n; i++)
        if (marks[i].line >= 0)
            status = cut(&d, &marks[i], err);
    if (status == LKS_OK)
        status = put_in_order(out, &d, err);
    lks_free(d.drafts);
    return status;
}

/* ---------------------------------------------------------------------------------------------- */

lks_status lks_digits_find(lks_digits *digits, const lks_ink *ink, lks_error *err) {
    lks_ink_parts parts;
    lks_mark *marks = NULL;
    int n = 0;
    memset(digits, 0, sizeof *digits);
    LKS_TRY(lks_ink_parts_find(&parts, ink, err));
    lks_status status = find_height(&digits->height, ink, &parts, err);
    if (status == LKS_OK)
        status = find_marks(&marks, &n, ink, &parts, digits->height, err);
    if (status == LKS_OK)
        status = lks_marks_into_lines(marks, n, digits->height, &digits->lines, err);
    if (status == LKS_OK)
        status = make_pieces(digits, ink, &parts, marks, n, err);
    lks_free(marks);
    lks_ink_parts_free(&parts);
    if (status != LKS_OK)
        lks_digits_free(digits);
    return status;
}

void lks_digits_free(lks_digits *digits) {
    lks_ink_parts_free(&digits->ink);
    lks_free(digits->pieces);
    memset(digits, 0, sizeof *digits);
}
