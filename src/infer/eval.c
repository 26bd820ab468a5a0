/* `lockstep eval`: the network of a checkpoint, or several that answer together, on their test set. */
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/packed/packed.h"
#include "lockstep/eval.h"
#include "lockstep/job.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/traits.h"
#include "infer/network.h"
#include "infer/evaluate.h"
#include "infer/eval_pictures.h"

static void score(void *ensemble, const lks_batch *batch, lks_score *scores, float *probabilities) {
    (void)probabilities; /* nobody asks for them */
    lks_ensemble_score(ensemble, batch, scores);
}

static void print(const lks_ensemble *e, const lks_counts *counts, const char *what,
                  lks_comm *comm) {
    char title[96];
    const int side = 2 * e->shifts + 1;
    for (int k = 0; k < e->n; k++) {
        const lks_network *m = &e->members[k];
        lks_info("%s: network %s after %lld step%s (%lld epoch%s), weights %.16s%s", m->path,
                 m->config.name, (long long)m->cursor.step, m->cursor.step == 1 ? "" : "s",
                 (long long)m->cursor.epoch, m->cursor.epoch == 1 ? "" : "s", m->weights_sha256,
                 m->averaged ? ", evaluated with their average" : "");
    }
    snprintf(title, sizeof title, "%s", what);
    if (e->n > 1)
        snprintf(title, sizeof title, "%s, mean of %d networks", what, e->n);
    if (e->shifts)
        snprintf(title + strlen(title), sizeof title - strlen(title), "%s %d shifts",
                 e->n > 1 ? " and" : ", mean of", side * side);
    if (comm->rank == 0)
        lks_counts_print(counts, &e->members[0].config.data, title, stdout);
}

static lks_status evaluate(lks_ensemble *e, lks_comm *comm, const lks_dataset *d, const char *what,
                           lks_error *err) {
    const lks_scorer scorer = {score, e};
    lks_counts *counts = lks_alloc(1, sizeof *counts, "results", err);
    if (!counts)
        return lks_comm_fail(comm, err);
    counts->classes = e->classes;
    lks_status status =
        lks_evaluate_by(scorer, &d->test, NULL, 0, e->capacity, comm, counts, NULL, err);
    if (status == LKS_OK)
        print(e, counts, what, comm);
    lks_free(counts);
    return status;
}

/* Images of which most have another share of ink, extent or stroke than nearly all training images had: light and dark
 * are exchanged, or they were made in another way. Collective. */
static lks_status warn_of_unlike(const lks_image_set *s, const lks_traits *traits, lks_comm *comm,
                                 lks_error *err) {
    int64_t counts[2] = {0, s->share.count};
    if (s->info.channels != 1)
        return LKS_OK;
    for (int64_t i = 0; i < s->share.count; i++) {
        int values[LKS_TRAITS];
        lks_traits_measure(s->images + (size_t)i * s->image_bytes, s->info.rows, s->info.columns,
                           values);
        counts[0] += lks_traits_beyond(traits, values) != 0;
    }
    lks_comm_sum_i64(comm, counts, 2);
    if (2 * counts[0] > counts[1])
        lks_warn(
            "%lld of %lld images are unlike those that the network was trained on: their ink, "
            "size or strokes are; is dark light in them, or were they prepared in another way?",
            (long long)counts[0], (long long)counts[1]);
    return lks_comm_check(comm, err);
}

static lks_status run_eval(lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                           lks_dataset *d, lks_error *err) {
    const lks_network_source source = {o->checkpoints, o->n_checkpoints, o->data,
                                       o->sets,        o->n_sets,        o->shifts};
    LKS_TRY(lks_ensemble_load(e, comm, &source, err));
    const lks_network *first = &e->members[0];
    if (!o->pictures && !first->config.data.test_images[0])
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s: its configuration names no test set; give one with --set "
                        "data.test_images=FILE --set data.test_labels=FILE",
                        first->path);
    int threads;
    LKS_TRY(
        lks_choose_threads(comm, o->threads ? o->threads : first->config.threads, &threads, err));
    if (o->pictures) {
        LKS_TRY(lks_eval_pictures_open(&d->test, comm, e, o->pictures, err));
    } else {
        LKS_TRY(lks_packed_compare(&first->config, comm, err));
        LKS_TRY(lks_dataset_open(d, comm, &first->config, &first->data, false, err));
    }
    LKS_TRY(warn_of_unlike(&d->test, &first->data.traits, comm, err));
    LKS_TRY(lks_ensemble_build(e, comm, threads, err));
    return evaluate(e, comm, d, o->pictures ? "pictures" : "test", err);
}

lks_status lks_eval(lks_comm *comm, const lks_eval_options *options, lks_error *err) {
    lks_ensemble e;
    lks_dataset d;
    memset(&e, 0, sizeof e);
    memset(&d, 0, sizeof d);
    fesetenv(FE_DFL_ENV);
    lks_status status = run_eval(&e, comm, options, &d, err);
    lks_ensemble_free(&e);
    lks_dataset_free(&d);
    return status;
}
