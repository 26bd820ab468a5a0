/* One optimizer step: micro-batches summed on this rank, then over the ranks, the same update of
 * every replica of the state. */
#include <math.h>
#include <string.h>

#include "job/job.h"
#include "base/observe/pulse.h"
#include "base/timer.h"
#include "train/trainer.h"

/* Micro-batches of this step: train.accumulate of them, fewer at the end of an epoch. */
static int64_t batches_of(const lks_trainer *t) {
    int64_t left = t->plan.batches - t->cursor.batch;
    return left < t->config->train.accumulate ? left : t->config->train.accumulate;
}

/* The step that is made is recorded. */
static bool recorded(const lks_trainer *t) {
    const int64_t every = t->config->metrics.every_steps;
    return every > 0 && (t->cursor.step + 1) % every == 0;
}

/* The same on every rank: all of them look at their chunks then. */
static bool noise_due(const lks_trainer *t) {
    const int64_t every = t->config->metrics.noise_every_steps;
    return !t->view.gradients && recorded(t) && every > 0 && (t->cursor.step + 1) % every == 0;
}

static lks_status compute(lks_trainer *t, int64_t batches, lks_error *err) {
    const bool noise = noise_due(t);
    for (int64_t i = 0; i < batches; i++) {
        lks_batch batch;
        LKS_TRY(lks_loader_next(t->loader, &batch, err));
        lks_phases_enter(&t->phases, LKS_PHASE_COMPUTE);
        const int64_t number = t->cursor.batch + i;
        const bool audit = lks_audit_due(t, number);
        lks_model_look_into(t->model, noise, audit);
        lks_model_train(t->model, &batch);
        t->computed += batch.n;
        if (audit)
            LKS_TRY(lks_audit_check(t, &batch, number, err));
    }
    t->view.message[LKS_MSG_STOP] = lks_stop_requested();
    lks_model_collect(t->model);
    t->view.message[LKS_MSG_BAD_WEIGHTS] = t->bad_weights;
    t->view.message[LKS_MSG_TROUBLE] = t->trouble.status != LKS_OK;
    t->view.message[LKS_MSG_WANTED] = t->wanted;
    lks_guard_head(t);
    return LKS_OK;
}

size_t lks_trainer_message_bytes(const lks_trainer *t) {
    const lks_model_view *v = &t->view;
    return v->n_message * sizeof *v->message + (v->gradients ? v->n_weights * sizeof(float) : 0);
}

static size_t head_slots(const lks_trainer *t) {
    return LKS_MSG_HEAD + (size_t)t->view.n_operations;
}

static lks_status own_weights(const lks_trainer *t, lks_error *err) {
    if (!t->bad_weights)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_NUMERIC,
        "after step %lld a weight is no longer finite; a smaller train.optimizer.lr may "
        "help",
        (long long)t->cursor.step);
}

/* What this rank itself found wrong, before the sums of all ranks overwrite it. */
static lks_status own_trouble(const lks_trainer *t, lks_error *err) {
    long long step = (long long)t->cursor.step + 1;
    LKS_TRY(own_weights(t, err));
    if (t->trouble.status != LKS_OK) {
        *err = t->trouble;
        return err->status;
    }
    if (t->view.message[LKS_MSG_BAD_LOSS])
        return lks_fail(err, LKS_ERR_NUMERIC,
                        "step %lld: the loss is not finite; a smaller train.optimizer.lr may help",
                        step);
    for (int i = 0; i < t->view.n_operations; i++)
        if (t->view.message[LKS_MSG_HEAD + i])
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "step %lld: a gradient of layer '%s' is not finite, or its sum over a "
                            "chunk is beyond +-2^21; a smaller train.optimizer.lr may help",
                            step, lks_model_operation_name(t->model, i));
    return LKS_OK;
}

static bool states_differ(const lks_trainer *t) {
    const int64_t *m = t->view.message;
    return m[LKS_MSG_STATE_LOW] != 0 || m[LKS_MSG_STATE_HIGH] != 0;
}

static bool anything_bad(const lks_trainer *t) {
    const int64_t *m = t->view.message;
    bool bad = m[LKS_MSG_BAD_LOSS] != 0 || m[LKS_MSG_BAD_WEIGHTS] != 0 || m[LKS_MSG_TROUBLE] != 0 ||
               m[LKS_MSG_CHANGED] != 0 || states_differ(t);
    for (int i = 0; i < t->view.n_operations; i++)
        bad |= t->view.message[LKS_MSG_HEAD + i] != 0;
    return bad;
}

static void reduce(lks_trainer *t) {
    lks_phase before = lks_phases_meet(&t->phases);
    t->exchange.way->sum(t);
    lks_phases_part(&t->phases, before);
}

/* The gradient's norm, where it is asked for: to limit it, or for the history that rank 0 keeps. Ranks that share the
 * state make it together. */
static void measure(lks_trainer *t, const lks_gradient *g) {
    const bool record = recorded(t) && (t->comm->rank == 0 || t->optimizer.meet);
    if (record || t->config->train.clip_norm > 0)
        t->newest.gradient_norm = lks_optimizer_norms(&t->optimizer, t->view.weights, g,
                                                      record ? t->norms : NULL, t->threads);
}

/* From the step's norm and those of its complete chunks: for what rank 0 keeps, as that norm is. */
static lks_noise noise_of(const lks_trainer *t) {
    const int64_t *m = t->view.message;
    const int chunk = t->config->train.chunk;
    const double n = (double)m[LKS_MSG_CHUNKS], norm = t->newest.gradient_norm;
    if (m[LKS_MSG_CHUNKS] == 0)
        return (lks_noise){NAN, NAN};
    return lks_noise_of(lks_chunk_squares(m) / (n * chunk * chunk), chunk, norm * norm,
                        m[LKS_MSG_SAMPLES]);
}

/* A weight that is not finite may be one faulty replica's, so it is told to the others: in the next
 * step's message, and before anything is saved. */
static void update(lks_trainer *t, const lks_gradient *gradient) {
    measure(t, gradient);
    t->newest.noise = noise_of(t);
    double factor = lks_clip_factor(t->newest.gradient_norm, t->config->train.clip_norm);
    if (!lks_optimizer_step(&t->optimizer, t->view.weights, gradient, factor, t->newest.lr,
                            t->cursor.step, t->threads))
        t->bad_weights = true;
    t->exchange.way->unite(t);
}

lks_status lks_trainer_check_weights(lks_trainer *t, lks_error *err) {
    lks_error own;
    lks_status status = lks_comm_agree(t->comm, own_weights(t, &own), &own);
    if (status == LKS_OK)
        return LKS_OK;
    LKS_TRY(lks_guard_tell(t, false, err));
    *err = own;
    return status;
}

/* The batches of the step are done. */
static void advance(lks_trainer *t) {
    lks_cursor *c = lks_trainer_edit_cursor(t);
    const int64_t *m = t->view.message;
    lks_limbs loss = {m[LKS_MSG_LOSS_HI], m[LKS_MSG_LOSS_LO]};
    c->step++;
    c->batch += batches_of(t);
    c->samples_seen += m[LKS_MSG_SAMPLES];
    c->epoch_samples += m[LKS_MSG_SAMPLES];
    c->epoch_hash += (uint64_t)m[LKS_MSG_HASH];
    c->correct += m[LKS_MSG_CORRECT];
    c->loss = lks_limbs_sum(c->loss, loss);
    lks_trainer_wrote_cursor(t);
}

/* Every rank sees in the sums that something is wrong somewhere, so every rank takes part in finding out what: a
 * bit that flipped first, since it explains all others. `own`: what this rank found. */
static lks_status tell_trouble(lks_trainer *t, const lks_error *own, lks_error *err) {
    /* Where every rank has a NaN its sign may be the processor's: that is no fault. */
    const bool all_bad = t->view.message[LKS_MSG_BAD_WEIGHTS] == t->comm->size;
    LKS_TRY(lks_guard_tell(t, states_differ(t) && !all_bad, err));
    *err = *own;
    LKS_TRY(lks_comm_agree(t->comm, own->status, err));
    return lks_guard_tell_message(t, err);
}

/* What the sums say of the step that will be made of them. */
static void note_figures(lks_trainer *t) {
    const int64_t *m = t->view.message;
    const lks_limbs loss = {m[LKS_MSG_LOSS_HI], m[LKS_MSG_LOSS_LO]};
    const double n = (double)m[LKS_MSG_SAMPLES];
    const lks_cursor *c = &t->cursor;
    t->newest.lr = lks_learning_rate(&t->config->train, &c->plateau, c->step,
                                     t->plan.steps_per_epoch, t->plan.total_steps);
    t->newest.loss = lks_limbs_value(loss) / n;
    t->newest.accuracy = (double)m[LKS_MSG_CORRECT] / n;
    t->newest.exact_loss =
        lks_limbs_sum((lks_limbs){0, 0}, loss); /* carries as one rank has them */
    t->newest.correct = m[LKS_MSG_CORRECT];
    t->newest.samples = m[LKS_MSG_SAMPLES];
    t->stop = m[LKS_MSG_STOP];
}

lks_status lks_trainer_sum(lks_trainer *t, lks_gradient *gradient, lks_error *err) {
    const lks_cursor *c = &t->cursor;
    t->phases.step = c->step + 1;
    LKS_TRY(compute(t, batches_of(t), err));
    lks_phases_enter(&t->phases, LKS_PHASE_OTHER);
    lks_error own = {.status = LKS_OK};
    own.status = own_trouble(t, &own);
    reduce(t);
    LKS_TRY(lks_comm_check(t->comm, err));
    if (anything_bad(t))
        return tell_trouble(t, &own, err);
    t->agreed_step = c->step;
    t->whole = false;
    note_figures(t);
    *gradient = (lks_gradient){t->view.gradients ? NULL : t->view.message + head_slots(t),
                               t->view.gradients, t->view.message[LKS_MSG_SAMPLES]};
    return LKS_OK;
}

void lks_trainer_updated(lks_trainer *t) {
    lks_average_update(&t->average, t->view.weights, t->cursor.step, t->threads);
    t->exchange.way->share(t);
    lks_guard_stepped(t);
    lks_model_weights_changed(t->model);
    lks_phases_enter(&t->phases, LKS_PHASE_OTHER);
    advance(t);
    if (t->view.message[LKS_MSG_WANTED])
        lks_trainer_gather(t);
}

lks_status lks_trainer_step(lks_trainer *t, lks_error *err) {
    const double started = lks_now();
    lks_gradient gradient;
    LKS_TRY(lks_trainer_sum(t, &gradient, err));
    lks_phases_enter(&t->phases, LKS_PHASE_UPDATE);
    update(t, &gradient);
    lks_trainer_updated(t);
    t->train_seconds += lks_now() - started;
    return LKS_OK;
}
