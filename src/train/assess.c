/* What a run evaluates, with which weights, and what follows from it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lockstep/memory.h"
#include "train/run.h"

/* --- which weights ---------------------------------------------------------------------------- */

static void swap_weights(lks_run *run, float *other) {
    float *own = run->view.weights;
    for (size_t i = 0; i < run->view.n_weights; i++) {
        float weight = own[i];
        own[i] = other[i];
        other[i] = weight;
    }
    lks_model_weights_changed(run->model);
}

/* A set of images and what is to be known of it. */
typedef struct question {
    const lks_image_set *set;
    const uint32_t *ids; /* NULL: all */
    int64_t n;
    lks_counts *counts;
    lks_predicted *predicted; /* NULL: not wanted */
} question;

/* Answers with the network's weights being `weights`, or its own where that is NULL. */
static lks_status evaluate_with(lks_run *run, float *weights, const question *q, lks_error *err) {
    if (weights)
        swap_weights(run, weights);
    lks_status status = lks_evaluate(run->model, q->set, q->ids, q->n, run->eval_batch, run->comm,
                                     q->counts, q->predicted, err);
    if (weights)
        swap_weights(run, weights);
    return status;
}

static question of_validation(lks_run *run) {
    const lks_split *s = &run->data.split;
    return (question){&run->data.train, s->validation, s->n_validation, run->validation, NULL};
}

static question of_test(lks_run *run, lks_predicted *predicted) {
    return (question){&run->data.test, NULL, 0, run->test, predicted};
}

/* --- the best checkpoint's weights ------------------------------------------------------------ */

static void best_path(const lks_run *run, char path[LKS_PATH_MAX + 64]) {
    snprintf(path, LKS_PATH_MAX + 64, "%s/best.h5", run->checkpoints);
}

/* Rank 0: the weights that evaluations of the best checkpoint use; `weights` NULL: only whether it is
 * that checkpoint. */
static lks_status read_best(lks_run *run, float *weights, lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    lks_checkpoint best, now;
    best_path(run, path);
    LKS_TRY(lks_checkpoint_read(path, LKS_NUMERICS, &best, err));
    lks_run_snapshot(run, &now);
    const lks_flat *flat = lks_checkpoint_evaluated(&best);
    lks_status status = lks_flat_same(flat, lks_checkpoint_evaluated(&now), err);
    if (status == LKS_OK && best.cursor.step != run->best.step)
        status = lks_fail(err, LKS_ERR_MISMATCH, "it stands at step %lld, the best one was %lld",
                          (long long)best.cursor.step, (long long)run->best.step);
    if (status == LKS_OK && weights)
        memcpy(weights, flat->values, flat->count * sizeof *weights);
    if (status != LKS_OK)
        lks_fail_context(err, "%s", path);
    lks_checkpoint_free(&best);
    return status;
}

/* Rank 0: notes whose figures the test set's are. `weights`: [n_weights] those that were asked. */
static lks_status note_tested(lks_run *run, const float *weights, lks_error *err) {
    const lks_counts *v = run->validation;
    const lks_best *b = &run->best;
    const bool best = lks_run_tests_best(run);
    run->tested = (lks_tested){
        .step = best ? b->step : run->cursor.step,
        .epoch = best ? b->step / run->steps_per_epoch : run->cursor.epoch,
        .average = run->average.weights != NULL,
        .validation_loss = best ? lks_limbs_value(b->loss) / (double)b->total : lks_mean_loss(v),
        .validation_accuracy = best ? (double)b->correct / (double)b->total : lks_accuracy(v)};
    return lks_sha256_buffer(weights, run->view.n_weights * sizeof *weights,
                             run->tested.weights_sha256, err);
}

static lks_status test_best(lks_run *run, lks_predicted *predicted, lks_error *err) {
    size_t n = run->view.n_weights;
    float *weights = lks_alloc(n, sizeof *weights, "the best weights", err);
    lks_status status = weights ? LKS_OK : err->status;
    if (status == LKS_OK && run->comm->rank == 0)
        status = read_best(run, weights, err);
    status = lks_comm_agree(run->comm, status, err);
    if (status == LKS_OK) {
        const question q = of_test(run, predicted);
        lks_comm_broadcast(run->comm, weights, n * sizeof *weights, 0);
        status = evaluate_with(run, weights, &q, err);
    }
    if (status == LKS_OK && run->comm->rank == 0)
        status = note_tested(run, weights, err);
    lks_free(weights);
    return lks_comm_agree(run->comm, status, err);
}

bool lks_run_tests_best(const lks_run *run) {
    return run->config.eval.test_weights == LKS_TEST_BEST && run->best.step > 0;
}

lks_status lks_run_find_best(lks_run *run, lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    best_path(run, path);
    if (!lks_run_tests_best(run))
        return LKS_OK;
    if (access(path, R_OK) != 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "eval.test_weights: best, but the best checkpoint so far, of step %lld, is "
                        "not in %s; copy it there as best.h5, or set eval.test_weights=last",
                        (long long)run->best.step, run->checkpoints);
    return read_best(run, NULL, err);
}

/* --- when -------------------------------------------------------------------------------------- */

/* Evaluations come every so many epochs, and at the end of all of them. */
static bool evaluation_due(const lks_run *run) {
    return run->cursor.epoch % run->config.eval.every_epochs == 0 ||
           run->cursor.step == run->total_steps;
}

lks_status lks_run_evaluate_epoch(lks_run *run, lks_error *err) {
    if (!evaluation_due(run) && run->cursor.step != run->last_step)
        return LKS_OK;
    bool validates = run->data.split.n_validation > 0;
    if (!validates && !run->data.has_test)
        return LKS_OK;
    const question q = validates ? of_validation(run) : of_test(run, NULL);
    return evaluate_with(run, run->average.weights, &q, err);
}

lks_status lks_run_evaluate_end(lks_run *run, lks_predicted *predicted, lks_error *err) {
    float *average = run->average.weights;
    if (run->validation->total == 0 && run->data.split.n_validation > 0) {
        const question q = of_validation(run);
        LKS_TRY(evaluate_with(run, average, &q, err));
    }
    if (!run->data.has_test)
        return LKS_OK;
    if (lks_run_tests_best(run) && run->best.step != run->cursor.step)
        return test_best(run, predicted, err);
    const question q = of_test(run, predicted);
    LKS_TRY(evaluate_with(run, average, &q, err));
    lks_status status = LKS_OK;
    if (run->comm->rank == 0)
        status = note_tested(run, average ? average : run->view.weights, err);
    return lks_comm_agree(run->comm, status, err);
}

/* --- what follows ------------------------------------------------------------------------------ */

static bool smaller(lks_limbs a, lks_limbs b) {
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

bool lks_run_is_best(lks_run *run) {
    const lks_counts *v = run->validation;
    lks_best *b = &run->best;
    if (v->total == 0 || !evaluation_due(run))
        return false;
    bool better = b->step == 0 || v->correct > b->correct ||
                  (v->correct == b->correct && smaller(v->loss, b->loss));
    if (better)
        *b = (lks_best){run->cursor.step, v->correct, v->total, v->loss};
    return better;
}

void lks_run_decide(lks_run *run) {
    const lks_train_config *t = &run->config.train;
    lks_cursor *c = &run->cursor;
    const lks_counts *v = run->validation;
    if (v->total == 0 || c->epoch % run->config.eval.every_epochs != 0)
        return;
    double loss = lks_mean_loss(v), accuracy = lks_accuracy(v);
    if (t->schedule.name == LKS_SCHEDULE_PLATEAU)
        lks_plateau_watch(&c->plateau, &t->schedule,
                          t->schedule.watch == LKS_WATCH_LOSS ? loss : accuracy, c->epoch);
    if (t->stop_patience > 0)
        lks_early_stop_watch(&c->early_stop, t, t->stop_watch == LKS_WATCH_LOSS ? loss : accuracy,
                             c->epoch);
}
