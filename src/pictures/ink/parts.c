/* What hangs together: a flood from each core pixel that has no label yet, then one from all cores at once
 * into the fainter pixels around them. */
#include <string.h>

#include "pictures/ink.h"
#include "base/memory.h"

/* The pixels of a flood, in the order in which it reached them: each comes once. */
typedef struct flood {
    const lks_ink *ink;
    int32_t *labels;
    int32_t *queue; /* [rows * columns] */
    int64_t head, tail;
} flood;

static void reach(flood *f, int64_t at, int32_t label) {
    f->labels[at] = label;
    f->queue[f->tail++] = (int32_t)at;
}

/* Gives @p at's label to those of its eight neighbours that have none, and a value of @p least or more. */
static void spread(flood *f, int64_t at, int least) {
    const int rows = f->ink->rows, columns = f->ink->columns;
    const int y = (int)(at / columns), x = (int)(at % columns);
    for (int j = y > 0 ? y - 1 : 0; j <= y + 1 && j < rows; j++)
        for (int i = x > 0 ? x - 1 : 0; i <= x + 1 && i < columns; i++) {
            const int64_t next = (int64_t)j * columns + i;
            if (f->labels[next] == 0 && f->ink->values[next] >= least)
                reach(f, next, f->labels[at]);
        }
}

static void flow(flood *f, int least) {
    while (f->head < f->tail)
        spread(f, f->queue[f->head++], least);
}

static int32_t label_cores(flood *f) {
    const int64_t pixels = (int64_t)f->ink->rows * f->ink->columns;
    int32_t n = 0;
    for (int64_t at = 0; at < pixels; at++)
        if (f->labels[at] == 0 && f->ink->values[at] >= f->ink->core) {
            reach(f, at, ++n);
            flow(f, f->ink->core);
        }
    return n;
}

/* One ring of fainter pixels around what has been reached. */
static void widen(flood *f) {
    for (const int64_t end = f->tail; f->head < end;)
        spread(f, f->queue[f->head++], 1);
}

/* How wide the soft edge of a stroke may be, in pixels: that of an image of 28 pixels that was enlarged. */
static int halo_of(const lks_ink *ink) {
    return 1 + (ink->rows > ink->columns ? ink->rows : ink->columns) / 28;
}

/* Boxes grow from nothing: rows and columns are ends until all pixels were seen. */
static void measure(lks_ink_parts *parts, const lks_ink *ink) {
    for (int i = 0; i < parts->n; i++)
        parts->parts[i] = (lks_ink_part){.top = ink->rows, .left = ink->columns};
    int64_t at = 0;
    for (int y = 0; y < ink->rows; y++)
        for (int x = 0; x < ink->columns; x++, at++) {
            if (parts->labels[at] == 0)
                continue;
            lks_ink_part *p = &parts->parts[parts->labels[at] - 1];
            p->top = y < p->top ? y : p->top;
            p->left = x < p->left ? x : p->left;
            p->rows = y + 1;
            p->columns = x + 1 > p->columns ? x + 1 : p->columns;
            p->pixels++;
            p->mass += ink->values[at];
        }
    for (int i = 0; i < parts->n; i++) {
        parts->parts[i].rows -= parts->parts[i].top;
        parts->parts[i].columns -= parts->parts[i].left;
    }
}

lks_status lks_ink_parts_find(lks_ink_parts *parts, const lks_ink *ink, lks_error *err) {
    const size_t pixels = (size_t)ink->rows * (size_t)ink->columns;
    int32_t *queue = lks_alloc(pixels, sizeof *queue, "the parts of a picture", err);
    *parts = (lks_ink_parts){.labels = lks_alloc(pixels, sizeof(int32_t), "labels of parts", err)};
    if (queue && parts->labels) {
        flood f = {ink, parts->labels, queue, 0, 0};
        parts->n = (int)label_cores(&f);
        f.head = 0; /* once more, from all cores */
        for (int ring = halo_of(ink); ring > 0; ring--)
            widen(&f);
        parts->parts = lks_alloc((size_t)parts->n, sizeof *parts->parts, "parts", err);
    }
    lks_free(queue);
    if (!parts->parts) {
        lks_ink_parts_free(parts);
        return LKS_ERR_MEMORY;
    }
    measure(parts, ink);
    return LKS_OK;
}

void lks_ink_parts_free(lks_ink_parts *parts) {
    lks_free(parts->labels);
    lks_free(parts->parts);
    *parts = (lks_ink_parts){0};
}
