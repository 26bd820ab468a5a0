#include "io/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "io/grow.h"
#include "io/h5/h5.h"
#include "io/history_tables.h"
#include "files/publish.h"

const char lks_phase_names[LKS_PHASES][LKS_PHASE_NAME_MAX] = {
    "exchange", "batch",    "augment",    "compute", "communication", "wait",
    "update",   "evaluate", "checkpoint", "verify",  "other",         "total"};

double lks_phase_share(const lks_phase_times *t, lks_phase phase) {
    const double all = t->of[LKS_PHASE_TOTAL].avg;
    return all > 0 ? t->of[phase].avg / all : NAN;
}

lks_noise lks_noise_of(double chunk_square, int chunk, double square, int64_t samples) {
    const double b = chunk, n = (double)samples;
    if (samples <= chunk)
        return (lks_noise){NAN, NAN};
    return (lks_noise){.variance = (chunk_square - square) / (1 / b - 1 / n),
                       .square = (n * square - b * chunk_square) / (n - b)};
}

double lks_history_noise_scale(const lks_history *h, int32_t epoch) {
    lks_noise sum = {0, 0};
    size_t n = 0;
    for (size_t i = h->n_steps; i > 0 && h->steps[i - 1].epoch >= epoch; i--) {
        const lks_step_record *r = &h->steps[i - 1];
        if (r->epoch > epoch || isnan(r->gradient_variance) || isnan(r->gradient_square))
            continue;
        sum.variance += r->gradient_variance;
        sum.square += r->gradient_square;
        n++;
    }
    if (n == 0)
        return NAN;
    return sum.square > 0 ? sum.variance / sum.square : NAN;
}

size_t lks_history_phases(const lks_history *h, lks_phase_times *sum) {
    size_t known = 0;
    for (int p = 0; p < LKS_PHASES; p++)
        sum->of[p] = (lks_phase_time){0, 0, 0, -1};
    for (size_t i = 0; i < h->n_epochs; i++) {
        const lks_phase_time *t = h->epochs[i].phases.of;
        if (isnan(t[LKS_PHASE_TOTAL].avg))
            continue;
        known++;
        for (int p = 0; p < LKS_PHASES; p++) {
            sum->of[p].min += t[p].min;
            sum->of[p].avg += t[p].avg;
            sum->of[p].max += t[p].max;
        }
    }
    return known;
}

/** Appends a row of norms for step number @p step; NaN where @p norms is NULL. */
static lks_status add_norms(lks_history *h, size_t step, const float (*norms)[2], lks_error *err) {
    void *rows = h->norms;
    if (h->n_norms == 0)
        return LKS_OK;
    LKS_TRY(lks_grow(&rows, step, &h->norms_capacity, h->n_norms * sizeof *norms, err));
    h->norms = rows;
    for (size_t i = 0; i < h->n_norms; i++)
        for (int k = 0; k < 2; k++)
            h->norms[step * h->n_norms + i][k] = norms ? norms[i][k] : NAN;
    return LKS_OK;
}

lks_status lks_history_name_norms(lks_history *h, const char (*names)[LKS_TENSOR_NAME_MAX],
                                  size_t n, lks_error *err) {
    if (h->n_norms > 0) {
        if (h->n_norms == n && memcmp(h->norm_names, names, n * sizeof *names) == 0)
            return LKS_OK;
        return lks_fail(err, LKS_ERR_MISMATCH, "the history holds norms of other tensors");
    }
    h->norm_names = reallocarray(h->norm_names, n, sizeof *names);
    if (!h->norm_names)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: names of %zu tensors", n);
    memcpy(h->norm_names, names, n * sizeof *names);
    h->n_norms = n;
    for (size_t step = 0; step < h->n_steps; step++)
        LKS_TRY(add_norms(h, step, NULL, err));
    return LKS_OK;
}

lks_status lks_history_add_step(lks_history *h, const lks_step_record *r, const float (*norms)[2],
                                lks_error *err) {
    void *records = h->steps;
    LKS_TRY(lks_grow(&records, h->n_steps, &h->steps_capacity, sizeof *r, err));
    h->steps = records;
    LKS_TRY(add_norms(h, h->n_steps, norms, err));
    h->steps[h->n_steps++] = *r;
    return LKS_OK;
}

lks_status lks_history_add_epoch(lks_history *h, const lks_epoch_record *r, lks_error *err) {
    void *records = h->epochs;
    LKS_TRY(lks_grow(&records, h->n_epochs, &h->epochs_capacity, sizeof *r, err));
    h->epochs = records;
    h->epochs[h->n_epochs++] = *r;
    return LKS_OK;
}

lks_status lks_history_follow(lks_history *copy, const lks_history *h, lks_error *err) {
    if (h->n_norms > 0)
        LKS_TRY(lks_history_name_norms(copy, (const char(*)[LKS_TENSOR_NAME_MAX])h->norm_names,
                                       h->n_norms, err));
    for (size_t i = copy->n_steps; i < h->n_steps; i++) {
        const float(*norms)[2] = h->norms ? (const float(*)[2])h->norms + i * h->n_norms : NULL;
        LKS_TRY(lks_history_add_step(copy, &h->steps[i], norms, err));
    }
    for (size_t i = copy->n_epochs; i < h->n_epochs; i++)
        LKS_TRY(lks_history_add_epoch(copy, &h->epochs[i], err));
    return lks_chain_follow(&copy->chain, &h->chain, err);
}

void lks_history_free(lks_history *h) {
    free(h->steps);
    free(h->epochs);
    free(h->norm_names);
    free(h->norms);
    lks_chain_free(&h->chain);
    *h = (lks_history){0};
}

static lks_status put_predictions(lks_h5 *h, const lks_predictions *p) {
    const int64_t square[] = {p->classes, p->classes}, table[] = {p->n, p->classes};
    LKS_TRY(lks_h5_put_array(h, "/test/confusion", LKS_H5_I64, 2, square, p->confusion));
    LKS_TRY(lks_h5_put_array(h, "/test/labels", LKS_H5_U8, 1, &p->n, p->labels));
    LKS_TRY(lks_h5_put_array(h, "/test/predicted", LKS_H5_U8, 1, &p->n, p->predicted));
    return lks_h5_put_array(h, "/test/probabilities", LKS_H5_F32, 2, table, p->probabilities);
}

static lks_status encode(lks_h5 *h, const lks_history *history, const lks_predictions *test,
                         unsigned char **bytes, size_t *size) {
    LKS_TRY(lks_history_put(h, "", history));
    if (test)
        LKS_TRY(put_predictions(h, test));
    return lks_h5_finish(h, bytes, size);
}

/** HDF5 must be able to read what is going to be published. */
static lks_status check_readable(const char *path, const unsigned char *bytes, size_t size,
                                 const lks_history *expected, lks_error *err) {
    lks_h5 h;
    LKS_TRY(lks_h5_open_own(&h, path, bytes, size, err));
    lks_history found = {0};
    lks_status status = lks_history_get(&h, "", &found);
    if (status == LKS_OK &&
        (found.n_steps != expected->n_steps || found.n_epochs != expected->n_epochs ||
         found.chain.n != expected->chain.n))
        status = lks_fail(err, LKS_ERR_IO, "cannot write %s: HDF5 lost records", path);
    lks_history_free(&found);
    lks_h5_close(&h);
    return status;
}

lks_status lks_history_write(const char *path, const lks_history *h, const lks_predictions *test,
                             lks_error *err) {
    lks_h5 file;
    unsigned char *bytes = NULL;
    size_t size = 0;
    LKS_TRY(lks_h5_create(&file, path, 0, err));
    lks_status status = encode(&file, h, test, &bytes, &size);
    lks_h5_close(&file);
    if (status == LKS_OK)
        status = check_readable(path, bytes, size, h, err);
    if (status == LKS_OK)
        status = lks_publish_text(path, (const char *)bytes, size, err);
    free(bytes);
    return status;
}
