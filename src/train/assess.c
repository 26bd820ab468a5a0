/* What a run evaluates, with which weights, and what follows from it. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "infer/temperature.h"
#include "train/run.h"

/* --- which weights ---------------------------------------------------------------------------- */

/* A set of images and what is to be known of it. */
typedef struct question {
    const lks_image_set *set;
    const uint32_t *ids; /* of this rank's share; NULL: all */
    int64_t n;
    lks_counts *counts;
    lks_predicted *predicted; /* NULL: not wanted, as is the next */
    lks_held_out *held_out;
} question;

static lks_status ask(const lks_trainer *t, const question *q, lks_error *err) {
    const int batch = t->config->eval.batch;
    if (!q->held_out)
        return lks_evaluate(t->model, q->set, q->ids, q->n, batch, t->comm, q->counts, q->predicted,
                            err);
    return lks_evaluate_by(lks_held_out_scorer(q->held_out), q->set, q->ids, q->n, batch, t->comm,
                           q->counts, NULL, err);
}

/* Answers with the network's weights being `weights`, or its own where that is NULL. */
static lks_status evaluate_with(lks_trainer *t, float *weights, const question *q, lks_error *err) {
    if (weights)
        lks_model_ask(t->model, weights);
    lks_status status = ask(t, q, err);
    if (weights)
        lks_model_ask(t->model, NULL);
    if (status == LKS_ERR_REPLICA && t->comm->rank == t->comm->blamed)
        lks_guard_note(t, "data");
    if (status == LKS_ERR_NUMERIC) /* it may be one bit of a weight */
        LKS_TRY(lks_trainer_settle(t, LKS_OK, err));
    return status;
}

/* The validation split: its figures, and the temperature that it asks for. Collective. */
static lks_status validate(lks_trainer *t, lks_record *r, lks_error *err) {
    const lks_split *s = &t->data.own;
    lks_held_out held;
    const question q = {&t->data.train, s->validation, s->n_validation, r->validation, NULL, &held};
    lks_status status = lks_held_out_open(&held, t->model, t->data.identity.classes,
                                          s->n_validation, t->config->eval.batch, err);
    status = lks_comm_agree(t->comm, status, err);
    if (status == LKS_OK)
        status = evaluate_with(t, t->average.weights, &q, err);
    if (status == LKS_OK)
        status = lks_temperature_fit(&r->temperature, &held, t->comm, err);
    lks_held_out_free(&held);
    return status;
}

static question of_test(const lks_trainer *t, lks_record *r, lks_predicted *predicted) {
    return (question){&t->data.test, NULL, 0, r->test, predicted, NULL};
}

/* --- the best checkpoint's weights ------------------------------------------------------------ */

/* What evaluations of the best checkpoint ask. */
typedef struct asked {
    float *weights; /* [n_weights] */
    uint64_t hash;  /* of them, as they were read */
    lks_temperature temperature;
} asked;

static lks_status take_best(const lks_run *run, const lks_chosen *best, asked *a, lks_error *err) {
    lks_checkpoint now;
    const lks_flat *flat = lks_checkpoint_evaluated(&best->checkpoint);
    lks_run_snapshot(run, &now);
    if (lks_flat_same(flat, lks_checkpoint_evaluated(&now), err) != LKS_OK)
        return lks_fail_context(err, "%s", best->path);
    if (!a)
        return LKS_OK;
    memcpy(a->weights, flat->values, flat->count * sizeof *a->weights);
    a->hash = lks_hash_bytes(flat->values, flat->count * sizeof *a->weights);
    a->temperature = best->checkpoint.temperature;
    return LKS_OK;
}

/* Rank 0: of the best checkpoint; `a` NULL: only whether it is that one. */
static lks_status read_best(const lks_run *run, asked *a, lks_error *err) {
    lks_chosen best;
    lks_error why;
    const lks_status found =
        lks_folder_read_best(run->place.folder, run->record.best.step, &best, &why);
    if (found != LKS_OK)
        return lks_fail(err, found == LKS_ERR_IO ? LKS_ERR_CONFIG : found,
                        "eval.test_weights: best, but the best checkpoint so far, of step %lld, is "
                        "not in %s; copy it there as best.h5, or set eval.test_weights=last: %s",
                        (long long)run->record.best.step, run->place.checkpoints, why.text);
    const lks_status status = take_best(run, &best, a, err);
    lks_checkpoint_free(&best.checkpoint);
    return status;
}

/* Rank 0 notes whose figures the test set's are. `weights`: [n_weights] those that were asked; `temperature`:
 * theirs. */
static lks_status note_tested(lks_run *run, const float *weights,
                              const lks_temperature *temperature, lks_error *err) {
    const lks_trainer *t = &run->trainer;
    lks_record *r = &run->record;
    const lks_best *b = &r->best;
    const bool best = lks_run_tests_best(run);
    lks_status status = LKS_OK;
    r->tested = (lks_tested){.step = best ? b->step : t->cursor.step,
                             .epoch = best ? b->step / t->plan.steps_per_epoch : t->cursor.epoch,
                             .best = best,
                             .average = t->average.weights != NULL,
                             .validation_loss = best ? lks_limbs_value(b->loss) / (double)b->total
                                                     : lks_mean_loss(r->validation),
                             .validation_accuracy = best ? (double)b->correct / (double)b->total
                                                         : lks_accuracy(r->validation),
                             .temperature = *temperature};
    if (weights && t->comm->rank == 0)
        status = lks_sha256_buffer(weights, t->view.n_weights * sizeof *weights,
                                   r->tested.weights_sha256, err);
    return lks_comm_agree(t->comm, status, err);
}

/* [n] weights that were asked are still those that rank 0 read. */
static lks_status check_asked(const float *weights, size_t n, uint64_t hash, lks_comm *comm,
                              lks_error *err) {
    lks_status status = LKS_OK;
    if (lks_hash_bytes(weights, n * sizeof *weights) != hash)
        status =
            lks_fail(err, LKS_ERR_REPLICA,
                     "this rank's memory changed: the weights of the best checkpoint, while they "
                     "were tested; the same command goes on");
    return lks_comm_agree(comm, status, err);
}

static lks_status test_best(lks_run *run, lks_predicted *predicted, lks_error *err) {
    lks_trainer *t = &run->trainer;
    const size_t n = t->view.n_weights;
    asked a = {.weights = lks_alloc(n, sizeof *a.weights, "the best weights", err)};
    lks_status status = a.weights ? LKS_OK : err->status;
    if (status == LKS_OK && t->comm->rank == 0)
        status = read_best(run, &a, err);
    status = lks_comm_agree(t->comm, status, err);
    if (status == LKS_OK) {
        const question q = of_test(t, &run->record, predicted);
        lks_comm_broadcast(t->comm, a.weights, n * sizeof *a.weights, 0);
        lks_comm_broadcast(t->comm, &a.hash, sizeof a.hash, 0);
        status = evaluate_with(t, a.weights, &q, err);
    }
    if (status == LKS_OK) /* the same on every rank, here and below */
        status = check_asked(a.weights, n, a.hash, t->comm, err);
    if (status == LKS_OK)
        status = note_tested(run, a.weights, &a.temperature, err);
    lks_free(a.weights);
    return status;
}

bool lks_run_tests_best(const lks_run *run) {
    return run->config.eval.test_weights == LKS_TEST_BEST && run->record.best.step > 0;
}

lks_status lks_run_find_best(lks_run *run, lks_error *err) {
    return lks_run_tests_best(run) ? read_best(run, NULL, err) : LKS_OK;
}

/* --- when -------------------------------------------------------------------------------------- */

/* Evaluations come every eval.every_epochs epochs, and at the end of all of them. */
static bool evaluation_due(const lks_trainer *t) {
    return t->cursor.epoch % t->config->eval.every_epochs == 0 ||
           t->cursor.step == t->plan.total_steps;
}

lks_status lks_run_evaluate_epoch(lks_trainer *t, lks_record *r, lks_error *err) {
    if (!evaluation_due(t))
        return LKS_OK;
    bool validates = t->data.rule.n_validation > 0;
    if (!validates && !t->data.has_test)
        return LKS_OK;
    const question q = of_test(t, r, NULL);
    LKS_TRY(validates ? validate(t, r, err) : evaluate_with(t, t->average.weights, &q, err));
    /* Else a weight that changed meanwhile could decide what is best, and which rates are to come. */
    return lks_trainer_settle(t, LKS_OK, err);
}

lks_status lks_run_evaluate_end(lks_run *run, lks_predicted *predicted, lks_error *err) {
    lks_trainer *t = &run->trainer;
    lks_record *r = &run->record;
    if (r->validation->total == 0 && t->data.rule.n_validation > 0)
        LKS_TRY(validate(t, r, err));
    if (!t->data.has_test)
        return note_tested(run, NULL, &r->temperature, err);
    if (lks_run_tests_best(run) && r->best.step != t->cursor.step)
        return test_best(run, predicted, err);
    const question q = of_test(t, r, predicted);
    LKS_TRY(evaluate_with(t, t->average.weights, &q, err));
    return note_tested(run, t->average.weights ? t->average.weights : t->view.weights,
                       &r->temperature, err);
}

/* --- what follows ------------------------------------------------------------------------------ */

static bool smaller(lks_limbs a, lks_limbs b) {
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

bool lks_run_is_best(const lks_trainer *t, lks_record *r) {
    const lks_counts *v = r->validation;
    lks_best *b = &r->best;
    if (v->total == 0 || !evaluation_due(t))
        return false;
    bool better = b->step == 0 || v->correct > b->correct ||
                  (v->correct == b->correct && smaller(v->loss, b->loss));
    if (better)
        *b = (lks_best){t->cursor.step, v->correct, v->total, v->loss};
    return better;
}

void lks_run_decide(lks_trainer *t, const lks_record *r) {
    const lks_train_config *train = &t->config->train;
    const lks_counts *v = r->validation;
    if (v->total == 0 || t->cursor.epoch % t->config->eval.every_epochs != 0)
        return;
    lks_cursor *c = lks_trainer_edit_cursor(t);
    double loss = lks_mean_loss(v), accuracy = lks_accuracy(v);
    if (train->schedule.name == LKS_SCHEDULE_PLATEAU)
        lks_plateau_watch(&c->plateau, &train->schedule,
                          train->schedule.watch == LKS_WATCH_LOSS ? loss : accuracy, c->epoch);
    if (train->stop_patience > 0)
        lks_early_stop_watch(&c->early_stop, train,
                             train->stop_watch == LKS_WATCH_LOSS ? loss : accuracy, c->epoch);
    lks_trainer_wrote_cursor(t);
}
