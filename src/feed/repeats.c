#include "feed/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

uint64_t lks_image_hash(const uint8_t *pixels, size_t bytes) {
    uint64_t hash = bytes, word = 0;
    size_t at = 0;
    for (; at + sizeof word <= bytes; at += sizeof word) {
        memcpy(&word, pixels + at, sizeof word);
        hash = lks_hash64(hash ^ word);
    }
    word = 0;
    memcpy(&word, pixels + at, bytes - at);
    return lks_hash64(hash ^ word);
}

/* By hash; of one hash the training images first, each set by number. */
static int compare(const void *a, const void *b) {
    const lks_image_trace *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->test != y->test)
        return x->test ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static void note(lks_repeat *r, const lks_image_trace *image, const lks_image_trace *first) {
    if (r->count++ == 0 || image->id < r->id) {
        r->id = image->id;
        r->first = first->id;
    }
}

/* `n` traces of one hash: training images, then test images. */
static void count_group(lks_repeats *r, const lks_image_trace *g, size_t n) {
    size_t n_training = 0;
    while (n_training < n && !g[n_training].test)
        n_training++;
    size_t other = 0; /* the first whose label is not that of g[0] */
    for (size_t i = 1; i < n_training; i++) {
        note(&r->training, &g[i], &g[0]);
        if (g[i].label != g[0].label) {
            note(&r->contradictory, &g[i], &g[0]);
            other = other ? other : i;
        } else if (other) {
            note(&r->contradictory, &g[i], &g[other]);
        }
    }
    for (size_t i = n_training; i < n; i++) {
        if (n_training > 0)
            note(&r->leaked, &g[i], &g[0]);
        if (i > n_training)
            note(&r->test, &g[i], &g[n_training]);
    }
}

lks_repeats lks_repeats_count(lks_image_trace *traces, size_t n) {
    lks_repeats r = {0};
    if (n > 0)
        qsort(traces, n, sizeof *traces, compare);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && traces[end].hash == traces[first].hash;)
            end++;
        if (end - first > 1)
            count_group(&r, traces + first, end - first);
    }
    return r;
}
