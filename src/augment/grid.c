/* A random grid: the cheap elastic distortion. Nodes spread evenly over the image move, and what lies between moves
 * with them, by bilinear interpolation. */
#include "augment/operation.h"

#include <math.h>

#define NODES_MAX 32

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(grid),
     .meaning =
         "elastic distortion by a random grid, at a tenth of the cost: standard deviation of "
         "how far a node moves, in pixels, in each direction",
     .type = LKS_OPT_DOUBLE, .max = 100, .preset = "0"},
    {LKS_AUGMENT_KEY(grid_nodes), .meaning = "nodes of that grid in each direction",
     .type = LKS_OPT_INT, .min = 2, .max = NODES_MAX, .preset = "7"}};

static bool is_on(const lks_augment_config *c) {
    return c->grid > 0;
}

/* Where pixel i of `pixels` lies between the nodes: before it are `node` of them, and `share` of the way to the next
 * one, of 256. */
typedef struct between {
    int node, share;
} between;

static between place(int i, int pixels, int nodes) {
    const int at = pixels > 1 ? 256 * i * (nodes - 1) / (pixels - 1) : 0;
    const int node = at / 256 < nodes - 1 ? at / 256 : nodes - 2;
    return (between){node, at - 256 * node};
}

/* Numbers are below 2^23: LKS_PIXEL * sqrt(3) * 100 and 256 steps of a way of 2^24 have room in 32 bits. */
static int32_t mix(int32_t a, int32_t b, int share) {
    return a + (int32_t)(((int64_t)(b - a) * share) >> 8);
}

static void apply(lks_canvas *canvas, const lks_stream *s) {
    const lks_augment_config *c = canvas->config;
    const int rows = canvas->shape.rows, columns = canvas->shape.columns, n = c->grid_nodes;
    const double most =
        c->grid * sqrt(3.0) * LKS_PIXEL; /* of uniform numbers with that deviation */
    lks_canvas_bend(canvas);
    for (int d = 0; d < 2; d++) {
        int32_t node[NODES_MAX][NODES_MAX], line[NODES_MAX];
        int32_t *to = d ? canvas->map.right : canvas->map.down;
        for (int i = 0; i < n * n; i++)
            node[i / n][i % n] =
                (int32_t)floor(most * lks_either_way(s, (uint64_t)(d * n * n + i)) + 0.5);
        for (int r = 0; r < rows; r++) {
            const between across = place(r, rows, n);
            for (int k = 0; k < n; k++)
                line[k] = mix(node[across.node][k], node[across.node + 1][k], across.share);
            for (int x = 0; x < columns; x++) {
                const between along = place(x, columns, n);
                *to++ += mix(line[along.node], line[along.node + 1], along.share);
            }
        }
    }
}

const lks_augment_operation lks_augment_grid = {.stream = 3,
                                                .moves = true,
                                                .options = options,
                                                .n_options = sizeof options / sizeof *options,
                                                .is_on = is_on,
                                                .apply = apply};
