/* What hides a part of an image: cutout (DeVries and Taylor, arXiv:1708.04552), a square around any pixel, of which what
 * lies outside is lost; and random erasing (Zhong et al., AAAI 2020, algorithm 1), a rectangle within the image, filled
 * with random bytes. */
#include "augment/operation.h"

#include <math.h>
#include <string.h>

#include "base/math.h"

#define TRIES 100 /* for a rectangle that fits */

static const lks_option cutout_options[] = {
    {LKS_AUGMENT_KEY(cutout),
     .meaning = "side of a square around any pixel that becomes augment.fill (DeVries & Taylor "
                "2017), in pixels",
     .type = LKS_OPT_INT, .max = 4096, .preset = "0"}};

static const lks_option erase_options[] = {
    {LKS_AUGMENT_KEY(erase),
     .meaning = "share of the images of which a rectangle becomes random (Zhong et al. 2020)",
     .type = LKS_OPT_DOUBLE, .max = 1, .preset = "0"},
    {LKS_AUGMENT_KEY(erase_area),
     .meaning = "largest share of an image that such a rectangle takes; the least is 0.02",
     .type = LKS_OPT_DOUBLE, .min = 0.02, .max = 0.9, .preset = "0.33"}};

/* [first, end) of rows and columns. */
typedef struct box {
    int row[2], column[2];
} box;

static uint8_t *line_of(const lks_canvas *canvas, int row, int column) {
    const lks_shape *s = &canvas->shape;
    return canvas->image +
           ((size_t)row * (size_t)s->columns + (size_t)column) * (size_t)s->channels;
}

static size_t bytes_of_line(const lks_canvas *canvas, const box *b) {
    return (size_t)(b->column[1] - b->column[0]) * (size_t)canvas->shape.channels;
}

/* [first, end) of `side` pixels around pixel `centre` of n; of an even side one more lies before it. */
static void around(int range[2], int centre, int side, int n) {
    const int first = centre - side / 2, end = first + side;
    range[0] = first > 0 ? first : 0;
    range[1] = end < n ? end : n;
}

static int whole(const lks_stream *s, uint64_t element, int n) {
    return (int)(lks_stream_uniform(s, element) * n);
}

static bool cutout_is_on(const lks_augment_config *c) {
    return c->cutout > 0;
}

static void cut_out(lks_canvas *canvas, const lks_stream *s) {
    box b;
    around(b.row, whole(s, 0, canvas->shape.rows), canvas->config->cutout, canvas->shape.rows);
    around(b.column, whole(s, 1, canvas->shape.columns), canvas->config->cutout,
           canvas->shape.columns);
    for (int r = b.row[0]; r < b.row[1]; r++)
        memset(line_of(canvas, r, b.column[0]), canvas->config->fill, bytes_of_line(canvas, &b));
}

static bool erase_is_on(const lks_augment_config *c) {
    return c->erase > 0;
}

/* Area and shape are drawn until the rectangle fits, then its place. */
static bool draw_box(const lks_canvas *canvas, const lks_stream *s, box *b) {
    const lks_shape *shape = &canvas->shape;
    const double pixels = (double)shape->rows * shape->columns, flattest = 0.3;
    for (uint64_t t = 0; t < TRIES; t++) {
        const double share =
            0.02 + (canvas->config->erase_area - 0.02) * lks_stream_uniform(s, 4 * t + 4);
        const double ratio =
            flattest + (1 / flattest - flattest) * lks_stream_uniform(s, 4 * t + 5);
        const int rows = (int)sqrt(share * pixels * ratio);
        const int columns = (int)sqrt(share * pixels / ratio);
        if (rows < 1 || columns < 1 || rows >= shape->rows || columns >= shape->columns)
            continue;
        b->row[0] = whole(s, 4 * t + 6, shape->rows - rows + 1);
        b->column[0] = whole(s, 4 * t + 7, shape->columns - columns + 1);
        b->row[1] = b->row[0] + rows;
        b->column[1] = b->column[0] + columns;
        return true;
    }
    return false;
}

/* Random bytes come after all that a box is drawn of. */
static void erase(lks_canvas *canvas, const lks_stream *s) {
    const lks_augment_config *c = canvas->config;
    box b;
    if (lks_stream_uniform(s, 0) >= c->erase || !draw_box(canvas, s, &b))
        return;
    const size_t bytes = bytes_of_line(canvas, &b);
    canvas->kernels->philox(canvas->words, s, TRIES + 1, (lks_bytes_of(&canvas->shape) + 15) / 16);
    const uint8_t *random = (const uint8_t *)canvas->words;
    for (int r = b.row[0]; r < b.row[1]; r++, random += bytes)
        memcpy(line_of(canvas, r, b.column[0]), random, bytes);
}

const lks_augment_operation lks_augment_erase = {.stream = 7,
                                                 .options = erase_options,
                                                 .n_options =
                                                     sizeof erase_options / sizeof *erase_options,
                                                 .is_on = erase_is_on,
                                                 .apply = erase};
const lks_augment_operation lks_augment_cutout = {.stream = 8,
                                                  .options = cutout_options,
                                                  .n_options = sizeof cutout_options /
                                                               sizeof *cutout_options,
                                                  .is_on = cutout_is_on,
                                                  .apply = cut_out};
