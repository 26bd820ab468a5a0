/* One optimizer step: micro-batches summed on this rank, then over the ranks, the same update on
 * every rank. */
#include <string.h>

#include "lockstep/timer.h"
#include "train/run.h"

/* Micro-batches of this step: train.accumulate of them, fewer at the end of an epoch. */
static lks_status compute(lks_run *run, lks_error *err) {
    int64_t left = run->batches - run->cursor.batch;
    int64_t n = left < run->config.train.accumulate ? left : run->config.train.accumulate;
    for (int64_t i = 0; i < n; i++) {
        lks_batch batch;
        LKS_TRY(lks_loader_next(run->loader, &batch, err));
        lks_phases_enter(&run->phases, LKS_PHASE_COMPUTE);
        lks_model_train(run->model, &batch);
        run->computed += batch.n;
    }
    run->cursor.batch += n;
    run->message[LKS_MSG_STOP] = lks_stop_requested();
    lks_model_collect(run->model);
    run->message[LKS_MSG_BAD_WEIGHTS] = run->bad_weights;
    return LKS_OK;
}

size_t lks_run_message_bytes(const lks_run *run) {
    const lks_model_view *v = &run->view;
    return v->n_message * sizeof *v->message + (v->gradients ? v->n_weights * sizeof(float) : 0);
}

static size_t head_slots(const lks_run *run) {
    return LKS_MSG_HEAD + (size_t)run->view.n_operations;
}

static lks_status own_weights(const lks_run *run, lks_error *err) {
    if (!run->bad_weights)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_NUMERIC,
        "after step %lld a weight is no longer finite; a smaller train.optimizer.lr may "
        "help",
        (long long)run->cursor.step);
}

/* What this rank itself found wrong, before the sums of all ranks overwrite it. */
static lks_status own_trouble(const lks_run *run, lks_error *err) {
    long long step = (long long)run->cursor.step + 1;
    LKS_TRY(own_weights(run, err));
    if (run->message[LKS_MSG_BAD_LOSS])
        return lks_fail(err, LKS_ERR_NUMERIC,
                        "step %lld: the loss is not finite; a smaller train.optimizer.lr may help",
                        step);
    for (int i = 0; i < run->view.n_operations; i++)
        if (run->message[LKS_MSG_HEAD + i])
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "step %lld: a gradient of layer '%s' is not finite, or its sum over a "
                            "chunk is beyond +-2^21; a smaller train.optimizer.lr may help",
                            step, lks_model_operation_name(run->model, i));
    return LKS_OK;
}

static bool anything_bad(const lks_run *run) {
    bool bad = run->message[LKS_MSG_BAD_LOSS] != 0 || run->message[LKS_MSG_BAD_WEIGHTS] != 0;
    for (int i = 0; i < run->view.n_operations; i++)
        bad |= run->message[LKS_MSG_HEAD + i] != 0;
    return bad;
}

static void reduce(lks_run *run) {
    lks_phase before = lks_phases_meet(&run->phases);
    lks_packed_sum_i64(&run->sum, run->comm, run->message, run->threads);
    if (run->gradients)
        lks_comm_sum_f32(run->comm, run->gradients, run->view.n_weights);
    lks_phases_part(&run->phases, before);
}

/* The gradient's norm, where it is asked for: to limit it, or for the history that rank 0 keeps. */
static void measure(lks_run *run, const lks_gradient *g) {
    int64_t every = run->config.metrics.every_steps;
    bool recorded = run->comm->rank == 0 && every > 0 && (run->cursor.step + 1) % every == 0;
    if (recorded || run->config.train.clip_norm > 0)
        run->gradient_norm = lks_optimizer_norms(&run->optimizer, run->view.weights, g,
                                                 recorded ? run->norms : NULL, run->threads);
}

/* A weight that is not finite may be one faulty replica's, so it is told to the others: in the next
 * step's message, and before anything is saved. */
static void update(lks_run *run) {
    lks_cursor *c = &run->cursor;
    int64_t samples = run->message[LKS_MSG_SAMPLES];
    run->lr = lks_learning_rate(&run->config.train, &c->plateau, c->step, run->steps_per_epoch,
                                run->total_steps);
    const lks_gradient gradient = {run->gradients ? NULL : run->message + head_slots(run),
                                   run->gradients, samples};
    measure(run, &gradient);
    double factor = lks_clip_factor(run->gradient_norm, run->config.train.clip_norm);
    if (!lks_optimizer_step(&run->optimizer, run->view.weights, &gradient, factor, run->lr, c->step,
                            run->threads))
        run->bad_weights = true;
    lks_average_update(&run->average, run->view.weights, c->step, run->threads);
    lks_model_weights_changed(run->model);
}

lks_status lks_run_check_weights(lks_run *run, lks_error *err) {
    lks_status own = own_weights(run, err);
    return lks_comm_agree(run->comm, own, err);
}

static void advance(lks_run *run) {
    lks_cursor *c = &run->cursor;
    const int64_t *m = run->message;
    lks_limbs loss = {m[LKS_MSG_LOSS_HI], m[LKS_MSG_LOSS_LO]};
    double n = (double)m[LKS_MSG_SAMPLES];
    c->step++;
    c->samples_seen += m[LKS_MSG_SAMPLES];
    c->epoch_samples += m[LKS_MSG_SAMPLES];
    c->epoch_hash += (uint64_t)m[LKS_MSG_HASH];
    c->correct += m[LKS_MSG_CORRECT];
    c->loss = lks_limbs_sum(c->loss, loss);
    run->step_loss = lks_limbs_value(loss) / n;
    run->step_accuracy = (double)m[LKS_MSG_CORRECT] / n;
    run->stop = m[LKS_MSG_STOP];
}

lks_status lks_run_step(lks_run *run, lks_error *err) {
    double started = lks_now();
    run->phases.step = run->cursor.step + 1;
    LKS_TRY(compute(run, err));
    lks_phases_enter(&run->phases, LKS_PHASE_OTHER);
    lks_error own_error = {.status = LKS_OK};
    lks_status own = own_trouble(run, &own_error);
    reduce(run);
    if (anything_bad(
            run)) { /* every rank sees this, so every rank takes part in agreeing who it was */
        *err = own_error;
        return lks_comm_agree(run->comm, own, err);
    }
    lks_phases_enter(&run->phases, LKS_PHASE_UPDATE);
    update(run);
    lks_phases_enter(&run->phases, LKS_PHASE_OTHER);
    advance(run);
    run->train_seconds += lks_now() - started;
    return LKS_OK;
}
