/* The trainer, driven by somebody else's loop. */
#include "lockstep/loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "feed/packed/packed.h"
#include "infer/evaluate.h"
#include "job/job.h"
#include "train/trainer.h"

struct lks_loop {
    lks_config config;
    lks_trainer trainer;
    lks_gradient gradient; /* of the step that waits for its update */
    bool waits;
};

/* --- open and close --------------------------------------------------------------------------- */

static lks_status check_config(const lks_config *c, lks_error *err) {
    const lks_train_config *t = &c->train;
    if (t->exchange != LKS_EXCHANGE_ALLREDUCE)
        return lks_fail(
            err, LKS_ERR_CONFIG,
            "train.exchange: a loop of one's own updates all weights on every rank, which "
            "only `allreduce` has the sums for");
    if (t->schedule.name == LKS_SCHEDULE_PLATEAU || t->stop_patience > 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "train.%s: a loop of one's own evaluates when it likes, and decides by "
                        "itself; remove this key",
                        t->stop_patience > 0 ? "stop_patience" : "schedule: plateau");
    return LKS_OK;
}

static lks_status configure(lks_loop *loop, lks_comm *comm, const lks_loop_options *o,
                            lks_error *err) {
    lks_config *c = &loop->config;
    LKS_TRY(lks_config_load(comm, o->config, o->sets, o->n_sets, c, err));
    LKS_TRY(lks_packed_take(c, comm, err));
    return check_config(c, err); /* the same on every rank */
}

static void enter_epoch(lks_trainer *t) {
    lks_loader_seek(t->loader, t->cursor.epoch, t->cursor.batch);
    lks_phases_open_epoch(&t->phases, t->cursor.epoch + 1);
}

static lks_status open_loop(lks_loop *loop, lks_comm *comm, const lks_loop_options *o,
                            lks_error *err) {
    int threads;
    LKS_TRY(configure(loop, comm, o, err));
    LKS_TRY(
        lks_choose_threads(comm, o->threads ? o->threads : loop->config.threads, &threads, err));
    LKS_TRY(lks_trainer_open(&loop->trainer, comm, &loop->config, threads, false, err));
    lks_phases_start(&loop->trainer.phases);
    enter_epoch(&loop->trainer);
    return LKS_OK;
}

lks_status lks_loop_open(lks_loop **loop, lks_comm *comm, const lks_loop_options *options,
                         lks_error *err) {
    lks_loop *l = *loop = lks_alloc(1, sizeof *l, "a loop", err);
    lks_status status = lks_comm_agree(comm, l ? LKS_OK : err->status, err);
    if (status == LKS_OK)
        status = open_loop(l, comm, options, err);
    if (status != LKS_OK) {
        lks_loop_close(l);
        *loop = NULL;
    }
    return status;
}

void lks_loop_close(lks_loop *loop) {
    if (!loop)
        return;
    lks_trainer_close(&loop->trainer);
    lks_config_free(&loop->config);
    lks_free(loop);
}

/* --- steps ------------------------------------------------------------------------------------ */

bool lks_loop_over(const lks_loop *loop) {
    return lks_trainer_over(&loop->trainer);
}

static lks_status out_of_turn(const lks_loop *loop, lks_error *err) {
    return lks_fail(err, LKS_ERR_USAGE,
                    loop->waits
                        ? "lks_loop_updated() has to be called after each lks_loop_step()"
                        : "lks_loop_step() has to be called first, and there has to be a step: "
                          "lks_loop_over()");
}

lks_status lks_loop_step(lks_loop *loop, lks_loop_sums *sums, lks_error *err) {
    lks_trainer *t = &loop->trainer;
    if (loop->waits || lks_loop_over(loop))
        return out_of_turn(loop, err);
    LKS_TRY(lks_trainer_sum(t, &loop->gradient, err));
    lks_hashes_read_all(&t->guard.hashes, t->threads); /* what the caller is about to work with */
    loop->waits = true;
    *sums = (lks_loop_sums){.step = t->cursor.step + 1,
                            .samples = loop->gradient.samples,
                            .loss = t->newest.loss,
                            .accuracy = t->newest.accuracy,
                            .lr = t->newest.lr,
                            .exact = loop->gradient.exact,
                            .plain = loop->gradient.plain};
    return LKS_OK;
}

void lks_loop_gradient(const lks_loop *loop, float *gradient) {
    const lks_trainer *t = &loop->trainer;
    lks_mean_gradient(t->kernels, &loop->gradient, 0, t->view.n_weights, gradient);
}

static bool all_finite(const float *values, size_t n) {
    bool finite = true;
    for (size_t i = 0; i < n; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

static lks_status next_epoch(lks_trainer *t, lks_error *err) {
    lks_trainer_count_epoch(t);
    LKS_TRY(lks_trainer_verify_epoch(t, err));
    lks_trainer_forget_epoch(t);
    lks_phases_divide(&t->phases, t->comm);
    lks_phases_close_epoch(&t->phases);
    if (!lks_trainer_over(t))
        enter_epoch(t);
    return lks_comm_check(t->comm, err);
}

lks_status lks_loop_updated(lks_loop *loop, lks_error *err) {
    lks_trainer *t = &loop->trainer;
    if (!loop->waits)
        return out_of_turn(loop, err);
    loop->waits = false;
    lks_hashes_wrote_all(&t->guard.hashes, t->threads);
    t->bad_weights |= !all_finite(t->view.weights, t->view.n_weights);
    lks_trainer_updated(t);
    if (t->cursor.batch < t->plan.batches)
        return LKS_OK;
    return next_epoch(t, err);
}

lks_status lks_loop_begin_with(lks_loop *loop, const float *weights, lks_error *err) {
    lks_trainer *t = &loop->trainer;
    if (loop->waits)
        return out_of_turn(loop, err);
    memcpy(t->view.weights, weights, t->view.n_weights * sizeof *weights);
    lks_average_start(&t->average, t->view.weights);
    lks_trainer_wrote(t);
    lks_model_weights_changed(t->model);
    return lks_trainer_settle(t, LKS_OK, err);
}

/* --- what it is made of ----------------------------------------------------------------------- */

float *lks_loop_weights(lks_loop *loop, size_t *n) {
    *n = loop->trainer.view.n_weights;
    return loop->trainer.view.weights;
}

const lks_tensor *lks_loop_tensors(const lks_loop *loop, int *n) {
    *n = loop->trainer.view.n_tensors;
    return loop->trainer.view.tensors;
}

lks_model *lks_loop_model(lks_loop *loop) {
    return loop->trainer.model;
}

const lks_config *lks_loop_config(const lks_loop *loop) {
    return &loop->config;
}

lks_shape lks_loop_shape(const lks_loop *loop, int *classes) {
    *classes = loop->trainer.data.identity.classes;
    return lks_dataset_shape(&loop->trainer.data);
}

/* --- results ---------------------------------------------------------------------------------- */

static lks_status score_set(lks_trainer *t, lks_loop_set set, lks_counts *counts, lks_error *err) {
    const bool test = set == LKS_LOOP_TEST;
    const lks_split *own = &t->data.own;
    if (test ? !t->data.has_test : t->config->data.validation == 0)
        return lks_fail(err, LKS_ERR_DATA, "the configuration has no %s images",
                        test ? "test" : "validation");
    if (t->average.weights)
        lks_model_ask(t->model, t->average.weights);
    const lks_status status = lks_evaluate(
        t->model, test ? &t->data.test : &t->data.train, test ? NULL : own->validation,
        test ? 0 : own->n_validation, t->config->eval.batch, t->comm, counts, NULL, err);
    if (t->average.weights)
        lks_model_ask(t->model, NULL);
    return status;
}

lks_status lks_loop_evaluate(lks_loop *loop, lks_loop_set set, lks_loop_score *score,
                             lks_error *err) {
    lks_trainer *t = &loop->trainer;
    if (loop->waits)
        return out_of_turn(loop, err);
    lks_counts *counts = lks_alloc(1, sizeof *counts, "counts", err);
    LKS_TRY(lks_comm_agree(t->comm, counts ? LKS_OK : err->status, err));
    const lks_status status = score_set(t, set, counts, err);
    *score = (lks_loop_score){counts->total, counts->correct, lks_mean_loss(counts)};
    lks_free(counts);
    return status;
}

static void take_snapshot(const lks_loop *loop, lks_checkpoint *c) {
    lks_trainer_snapshot(&loop->trainer, c);
    int kept = 0;
    for (int f = 0; f < c->n_flats; f++)
        if (f == 0 || strcmp(c->flats[f].group, LKS_AVERAGE) == 0)
            c->flats[kept++] = c->flats[f];
    c->n_flats = kept;
}

lks_status lks_loop_digest(const lks_loop *loop, char digest[LKS_LOOP_DIGEST], lks_error *err) {
    const lks_model_view *v = &loop->trainer.view;
    return lks_sha256_buffer(v->weights, v->n_weights * sizeof *v->weights, digest, err);
}

static lks_status write_file(lks_loop *loop, lks_checkpoint *c, const char *path, lks_error *err) {
    c->config_yaml = lks_config_to_yaml(&loop->config, err);
    if (!c->config_yaml)
        return err->status;
    const lks_status status = lks_checkpoint_write(path, c, err);
    free(c->config_yaml);
    return status;
}

lks_status lks_loop_save(lks_loop *loop, const char *path, lks_error *err) {
    lks_trainer *t = &loop->trainer;
    lks_checkpoint c;
    if (loop->waits)
        return out_of_turn(loop, err);
    LKS_TRY(lks_trainer_check_weights(t, err));
    LKS_TRY(lks_trainer_settle(t, LKS_OK, err));
    take_snapshot(loop, &c);
    lks_fill_provenance(&c.provenance, t->comm, t->kernels, t->threads);
    const lks_status status = t->comm->rank == 0 ? write_file(loop, &c, path, err) : LKS_OK;
    return lks_comm_agree(t->comm, status, err);
}
