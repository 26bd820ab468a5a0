/* answers CHECKPOINT DIR NAME COUNT: what the network says of the first COUNT images of the IDX file NAME in DIR, for
 * programs that an export is compared with. To the standard output go, for each image, its bytes, its logits and its
 * probabilities, as floats in this machine's order. Logits come one image at a time, probabilities as `lockstep eval`
 * computes them, in batches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/data.h"
#include "infer/network.h"

static void done(lks_status status, const lks_error *err) {
    if (status == LKS_OK)
        return;
    fprintf(stderr, "answers: %s\n", err->text);
    exit(1);
}

static void *room(size_t count, size_t size) {
    lks_error err;
    void *p = lks_alloc(count, size, "answers", &err);
    done(p ? LKS_OK : LKS_ERR_MEMORY, &err);
    return p;
}

/* All of them: bytes [n][each]. */
static uint8_t *read_images(const char *dir, const char *name, int64_t n, size_t *each) {
    lks_idx_info info;
    lks_error err;
    done(lks_idx_open(&info, dir, name, 3, &err), &err);
    *each = (size_t)info.rows * (size_t)info.columns * (size_t)info.channels;
    uint8_t *images = room((size_t)n, *each);
    done(lks_idx_read(&info, 0, n, images, &err), &err);
    return images;
}

/* The network for batches of `capacity`; 0: of as many as `lockstep eval` has. */
static void open_network(lks_ensemble *e, const char *checkpoint, int capacity) {
    const lks_network_source source = {.checkpoints = &checkpoint, .n = 1};
    lks_error err;
    done(lks_ensemble_load(e, NULL, &source, &err), &err);
    if (capacity)
        e->capacity = capacity;
    done(lks_ensemble_build(e, NULL, 1, &err), &err);
}

static void ask_for_logits(const char *checkpoint, const uint8_t *images, size_t each, int64_t n,
                           float *logits, size_t classes) {
    lks_ensemble e;
    open_network(&e, checkpoint, 1);
    lks_model *model = e.members[0].model;
    for (int64_t i = 0; i < n; i++) {
        const lks_batch one = {.images = images + (size_t)i * each, .n = 1};
        float probabilities[LKS_CLASSES_MAX];
        lks_model_evaluate(model, &one, NULL, probabilities);
        const lks_layer_output last = lks_model_output(model, e.members[0].config.n_layers - 1);
        memcpy(logits + (size_t)i * classes, last.values, classes * sizeof *logits);
    }
    lks_ensemble_free(&e);
}

static void ask_for_probabilities(lks_ensemble *e, const uint8_t *images, size_t each, int64_t n,
                                  float *probabilities) {
    for (int64_t first = 0; first < n; first += e->capacity) {
        const int count = n - first < e->capacity ? (int)(n - first) : e->capacity;
        const lks_batch batch = {.images = images + (size_t)first * each, .n = count};
        lks_model_evaluate(e->members[0].model, &batch, NULL,
                           probabilities + (size_t)first * (size_t)e->classes);
    }
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    const int64_t n = atoll(argv[4]);
    size_t each;
    lks_ensemble e;
    uint8_t *images = read_images(argv[2], argv[3], n, &each);
    open_network(&e, argv[1], 0);
    const size_t classes = (size_t)e.classes;
    float *logits = room((size_t)n, classes * sizeof *logits);
    float *probabilities = room((size_t)n, classes * sizeof *probabilities);
    ask_for_logits(argv[1], images, each, n, logits, classes);
    ask_for_probabilities(&e, images, each, n, probabilities);
    for (size_t i = 0; i < (size_t)n; i++) {
        fwrite(images + i * each, 1, each, stdout);
        fwrite(logits + i * classes, sizeof *logits, classes, stdout);
        fwrite(probabilities + i * classes, sizeof *probabilities, classes, stdout);
    }
    lks_ensemble_free(&e);
    lks_free(images);
    lks_free(logits);
    lks_free(probabilities);
    return fflush(stdout) != 0;
}
