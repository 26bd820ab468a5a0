/* The order of a functional model's layers, which names their weights in the file: the deeper first, where the depth of a
 * layer is the longest way from it to the output; layers of one depth as a walk from the output meets them, which goes
 * into each input before the next one (map_graph() in keras/src/ops/function.py of github.com/keras-team/keras). */
#include "export/keras/keras.h"

#include <stdlib.h>

#include "base/memory.h"

typedef struct place {
    int depth, turn, node;
} place;

/* A node stands behind all that it reads. */
static void measure(const lks_keras_graph *g, place *places) {
    for (int i = g->n - 1; i >= 0; i--)
        for (int k = 0; k < g->nodes[i].n_inputs; k++) {
            place *from = &places[g->nodes[i].inputs[k]];
            if (from->depth < places[i].depth + 1)
                from->depth = places[i].depth + 1;
        }
}

/* Nodes to be visited lie on a stack, the next one on top; turns count from 1. */
static void walk(const lks_keras_graph *g, place *places, int *stack) {
    int height = 0, turn = 0;
    stack[height++] = g->n - 1;
    while (height > 0) {
        const int i = stack[--height];
        if (places[i].turn)
            continue;
        places[i].turn = ++turn;
        for (int k = g->nodes[i].n_inputs - 1; k >= 0; k--)
            stack[height++] = g->nodes[i].inputs[k];
    }
}

static int by_place(const void *a, const void *b) {
    const place *x = a, *y = b;
    return x->depth != y->depth ? y->depth - x->depth : x->turn - y->turn;
}

lks_status lks_keras_order(const lks_keras_graph *g) {
    static const char what[] = "the order of Keras's layers";
    size_t edges = 1;
    for (int i = 0; i < g->n; i++)
        edges += (size_t)g->nodes[i].n_inputs;
    place *places = lks_alloc((size_t)g->n, sizeof *places, what, g->err);
    int *stack = lks_alloc(edges, sizeof *stack, what, g->err);
    if (places && stack) {
        measure(g, places);
        walk(g, places, stack);
        for (int i = 0; i < g->n; i++)
            places[i].node = i;
        qsort(places, (size_t)g->n, sizeof *places, by_place);
        for (int i = 0; i < g->n; i++)
            g->order[i] = places[i].node;
    }
    const bool well = places && stack;
    lks_free(places);
    lks_free(stack);
    return well ? LKS_OK : LKS_ERR_MEMORY;
}
