#include "infer/predict/predictor.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>

#include "feed/image_file.h"
#include "job/job.h"
#include "base/memory.h"

/* --- answers ---------------------------------------------------------------------------------- */

static lks_answer answer_of(lks_predictor *p, int i) {
    const lks_predict_item *own = &p->items[i];
    lks_answer answer = {.file = own->file,
                         .index = own->index,
                         .prepared = own->prepared,
                         .pixels = p->images + (size_t)i * p->image_bytes,
                         .predicted = p->scores[i].predicted,
                         .probabilities =
                             p->networks.means + (size_t)i * (size_t)p->networks.classes,
                         .doubt = own->doubt,
                         .place = own->place};
    lks_predictor_doubt(p, own, &answer);
    return answer;
}

/* Weights that are finite each may be too large for a sum. */
lks_status lks_predictor_score(lks_predictor *p, int n, lks_error *err) {
    const lks_batch batch = {p->images, p->labels, p->ids, n, 0};
    const size_t count = (size_t)n * (size_t)p->networks.classes;
    if (n == 0)
        return LKS_OK;
    lks_ensemble_score(&p->networks, &batch, p->scores);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(p->networks.means[i]))
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "%s: a probability that its network gives is not a number: such a "
                            "network has no answers",
                            p->networks.members[0].path);
    return LKS_OK;
}

lks_status lks_predictor_flush(lks_predictor *p, lks_error *err) {
    const int n = p->n;
    p->n = 0;
    LKS_TRY(lks_predictor_score(p, n, err));
    for (int i = 0; i < n; i++) {
        const lks_answer answer = answer_of(p, i);
        p->on_answer(p->context, &answer);
    }
    return LKS_OK;
}

uint8_t *lks_predictor_place(lks_predictor *p, lks_predict_item **item) {
    *item = &p->items[p->n];
    return p->images + (size_t)p->n * p->image_bytes;
}

lks_status lks_predictor_keep(lks_predictor *p, lks_error *err) {
    return ++p->n == p->networks.capacity ? lks_predictor_flush(p, err) : LKS_OK;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static lks_status make_room(lks_predictor *p, lks_error *err) {
    const lks_shape *s = &p->networks.shape;
    const size_t n = (size_t)p->networks.capacity;
    p->image_bytes = (size_t)s->rows * (size_t)s->columns * (size_t)s->channels;
    p->items = lks_alloc(n, sizeof *p->items, "a batch", err);
    p->images = lks_alloc(n, p->image_bytes, "a batch", err);
    p->labels = lks_alloc(n, 1, "a batch", err);
    p->ids = lks_alloc(n, sizeof *p->ids, "a batch", err);
    p->scores = lks_alloc(n, sizeof *p->scores, "a batch", err);
    return p->items && p->images && p->labels && p->ids && p->scores ? LKS_OK : err->status;
}

/* Enough that threads, which meet after each batch, do not wait for long; more images at once would only take memory. */
static void limit_batch(lks_ensemble *e, int threads) {
    const int enough = threads > 8 ? 32 * threads : 256;
    e->capacity = e->capacity < enough ? e->capacity : enough;
}

static lks_status prepare(lks_predictor *p, const lks_predict_options *o, lks_error *err) {
    const lks_network_source source = {o->checkpoints, o->n_checkpoints, NULL,
                                       o->sets,        o->n_sets,        o->shifts};
    LKS_TRY(lks_ensemble_load(&p->networks, NULL, &source, err));
    LKS_TRY(lks_class_names_check(lks_predictor_data(p), p->networks.classes, err));
    LKS_TRY(lks_preparation_make(&p->preparation, &o->pictures, &lks_predictor_data(p)->pictures,
                                 &p->networks.members[0].data, p->networks.members[0].path, err));
    p->segments = o->segment;
    const int threads = p->threads =
        lks_threads_alone(o->threads ? o->threads : p->networks.members[0].config.threads);
    limit_batch(&p->networks, threads);
    LKS_TRY(lks_ensemble_build(&p->networks, NULL, threads, err));
    lks_predictor_set_doubt(p, o);
    return make_room(p, err);
}

lks_status lks_predictor_open(lks_predictor **predictor, const lks_predict_options *options,
                              lks_on_answer on_answer, void *context, lks_error *err) {
    fesetenv(FE_DFL_ENV);
    lks_predictor *p = *predictor = lks_alloc(1, sizeof *p, "the networks", err);
    if (!p)
        return err->status;
    p->on_answer = on_answer;
    p->context = context;
    lks_status status = prepare(p, options, err);
    if (status != LKS_OK) {
        lks_predictor_free(p);
        *predictor = NULL;
    }
    return status;
}

void lks_predictor_free(lks_predictor *p) {
    if (!p)
        return;
    lks_ensemble_free(&p->networks);
    lks_free(p->items);
    lks_free(p->images);
    lks_free(p->labels);
    lks_free(p->ids);
    lks_free(p->scores);
    lks_free(p);
}

lks_shape lks_predictor_shape(const lks_predictor *p) {
    return p->networks.shape;
}

int lks_predictor_classes(const lks_predictor *p) {
    return p->networks.classes;
}

const lks_data_config *lks_predictor_data(const lks_predictor *p) {
    return &p->networks.members[0].config.data;
}
