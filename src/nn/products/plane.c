#include "nn/products/plane.h"

#include <string.h>

/* A block of 32 may reach over the end of a run, at worst from the last element on. */
#define OVERHANG 32

/* Images of a tile lie in different sets of the caches: 64 sets of 64 bytes, an odd number of lines apart. */
#define SPREAD 1024
#define OFFSET 320

static size_t spread(size_t bytes) {
    size_t over = bytes % SPREAD;
    return bytes - over + (over <= OFFSET ? OFFSET : SPREAD + OFFSET);
}

static size_t image_of(const lks_plane *p) {
    size_t rows = (size_t)p->top + (size_t)p->rows + (size_t)p->bottom;
    size_t elements = (rows * (size_t)p->pitch + (size_t)p->left) * (size_t)p->channels + OVERHANG;
    return spread(elements * p->unit->element) / p->unit->element;
}

lks_plane lks_plane_of(const lks_products *unit, const int size[2], int channels,
                       const int before[2], const int after[2]) {
    lks_plane p = {.unit = unit,
                   .rows = size[0],
                   .columns = size[1],
                   .channels = channels,
                   .top = before[0],
                   .bottom = after[0],
                   .left = before[1],
                   .pitch = size[1] + (before[1] > after[1] ? before[1] : after[1])};
    p.image = image_of(&p);
    return p;
}

lks_plane lks_plane_for(const lks_plane *p, const lks_products *unit) {
    lks_plane q = *p;
    q.unit = unit;
    q.image = image_of(&q);
    return q;
}

size_t lks_plane_floats(const lks_plane *p, size_t images) {
    size_t bytes = (p->image * images + LKS_PLANE_SLACK) * p->unit->element;
    return (bytes + 63) / 64 * 16;
}

size_t lks_plane_at(const lks_plane *p, int row, int column) {
    return (((size_t)(p->top + row) * (size_t)p->pitch) + (size_t)(p->left + column)) *
           (size_t)p->channels;
}

/* Zeros in elements [from, to); both forms of an operand have no bit set then. */
static void clear(const lks_plane *p, char *out, size_t from, size_t to) {
    memset(out + from * p->unit->element, 0, (to - from) * p->unit->element);
}

static void clear_border(const lks_plane *p, char *out, size_t end) {
    size_t row = (size_t)p->columns * (size_t)p->channels, done = 0;
    for (int y = 0; y < p->rows; y++) {
        size_t at = lks_plane_at(p, y, 0);
        if (at > done)
            clear(p, out, done, at);
        done = at + row;
    }
    clear(p, out, done, end);
}

/* One image whose x has to be made; `a` is as if it were there. */
static bool fill_made(const lks_plane *p, const lks_plane_source *from, int image,
                      lks_narrow_args a) {
    const size_t row = (size_t)a.columns * (size_t)a.channels;
    const size_t out_row = (size_t)(a.argmax ? 2 : 1) * a.out_row * p->unit->element;
    const int rows = a.rows, most = (int)(lks_made_floats(row) / row);
    bool finite = true;
    for (int y = 0; y < rows; y += most) {
        a.rows = rows - y < most ? rows - y : most;
        from->make(from->maker, from->worker, from->rows, from->sample + image,
                   (size_t)y * (size_t)a.columns, (size_t)a.rows * (size_t)a.columns);
        a.x = from->rows;
        finite &= p->unit->narrow(&a);
        a.relu = a.relu ? a.relu + (size_t)a.rows * row : NULL;
        a.argmax = a.argmax ? a.argmax + (size_t)a.rows * row : NULL;
        a.out = (char *)a.out + (size_t)a.rows * out_row;
    }
    return finite;
}

/* Pieces of images lie too far apart for the processor to foresee the next ones. */
#define AHEAD 6
static void fetch_piece(const lks_plane_source *from, int image) {
    const size_t n =
        (size_t)from->first.rows * (size_t)from->first.columns * (size_t)from->first.channels;
    const float *x = from->first.x + (size_t)image * from->step;
    for (size_t i = 0; n < from->step && i < n; i += LKS_BLOCK)
        __builtin_prefetch(x + i);
}

uint32_t lks_plane_fill(const lks_plane *p, void *out, const lks_plane_source *from, int first,
                        int count) {
    uint32_t bad = 0;
    lks_narrow_args a = from->first;
    a.out_row = (size_t)p->pitch * (size_t)p->channels;
    for (int i = 0; i < count; i++) {
        size_t at = (size_t)(first + i) * from->step;
        if (!from->make && i + AHEAD < count)
            fetch_piece(from, first + i + AHEAD);
        char *image = (char *)out + (size_t)i * p->image * p->unit->element;
        clear_border(p, image, p->image + (i == count - 1 ? LKS_PLANE_SLACK : 0));
        a.x = from->make ? NULL : from->first.x + at;
        a.relu = from->first.relu ? from->first.relu + at : NULL;
        a.argmax = from->first.argmax ? from->first.argmax + at : NULL;
        a.out = image + lks_plane_at(p, 0, 0) * p->unit->element;
        if (!(from->make ? fill_made(p, from, first + i, a) : p->unit->narrow(&a)))
            bad |= (uint32_t)1 << (i % 32);
    }
    return bad;
}
