/* lockstep bench: steps of a real run, timed round by round. */
#include "tool/bench_parts.h"

#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/timer.h"
#include "tool/rehearse.h"

#define WARM_UP        3   /* steps: the first ones touch all memory and exchange images */
#define ROUND_SECONDS  0.5 /* of a round, where the number of steps is not given */
#define PEAK_INTERVALS 3

/* --- the peak --------------------------------------------------------------------------------- */

/* Flop a second of all threads of all ranks at the same time, in the best of some short intervals:
 * others on the machine only ever make it less. */
static double measure_peak(lks_trainer *t) {
    double best = 0;
    for (int i = 0; i < PEAK_INTERVALS; i++) {
        lks_comm_barrier(t->comm);
        double rate = lks_rehearse_peak(t->kernels, t->config->train.precision, t->threads);
        lks_comm_sum_f64(t->comm, &rate, 1);
        best = rate > best ? rate : best;
    }
    return best;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static lks_status steps(lks_trainer *t, int n, double *seconds, lks_error *err) {
    lks_comm_barrier(t->comm);
    lks_phases_start(&t->phases); /* what lies between rounds is in no phase */
    double started = lks_now();
    for (int i = 0; i < n; i++)
        LKS_TRY(lks_rehearse_step(t, err));
    *seconds = lks_now() - started;
    lks_comm_max_f64(t->comm, seconds, 1);
    lks_phases_divide(&t->phases, t->comm);
    return LKS_OK;
}

static lks_status measure(lks_bench_mode *m, int n_steps, lks_bench_round *round, lks_error *err) {
    lks_trainer *t = &m->trainer;
    round->peak = measure_peak(t);
    int64_t samples = t->cursor.samples_seen, flop = lks_model_flop(t->model);
    uint64_t sent = t->exchange.sum.sent;
    LKS_TRY(steps(t, n_steps, &round->seconds, err));
    round->sent = t->exchange.sum.sent - sent;
    lks_phases_take(&t->phases, t->comm);
    round->images = t->cursor.samples_seen - samples;
    round->flop = lks_model_flop(t->model) - flop;
    lks_comm_sum_i64(t->comm, &round->flop, 1);
    return LKS_OK;
}

/* Both in turn, and each first in every second round. */
static lks_status measure_all(lks_bench_result *b, lks_error *err) {
    for (int r = 0; r < b->rounds; r++)
        for (int i = 0; i < LKS_BENCH_MODES; i++) {
            lks_bench_mode *m = &b->modes[(r + i) % LKS_BENCH_MODES];
            LKS_TRY(measure(m, b->steps, &m->rounds[r], err));
        }
    for (int i = 0; i < LKS_BENCH_MODES; i++) {
        lks_trainer *t = &b->modes[i].trainer;
        LKS_TRY(lks_trainer_check_weights(t, err));
        lks_phases_start(&t->phases);
        b->modes[i].phases = lks_phases_sum(&t->phases, t->comm);
        lks_trainer_gather(t); /* in no phase */
    }
    return LKS_OK;
}

/* --- before ----------------------------------------------------------------------------------- */

/* One mode, up to the end of its warm-up, whose last steps took @p seconds each; @p threads 0: they are
 * chosen. */
static lks_status open_mode(lks_bench_mode *m, lks_comm *comm, const lks_bench_options *o,
                            lks_reduce reduce, int threads, double *seconds, lks_error *err) {
    bool made_up;
    LKS_TRY(lks_config_load(comm, o->config, o->sets, o->n_sets, &m->config, err));
    m->config.train.reduce = reduce;
    LKS_TRY(lks_rehearse_data(&m->config, comm, o->data, &made_up, err));
    if (!threads)
        LKS_TRY(
            lks_choose_threads(comm, o->threads ? o->threads : m->config.threads, &threads, err));
    LKS_TRY(lks_trainer_open(&m->trainer, comm, &m->config, threads, made_up, err));
    lks_loader_seek(m->trainer.loader, 0, 0);
    LKS_TRY(steps(&m->trainer, 1, seconds, err));
    LKS_TRY(steps(&m->trainer, WARM_UP - 1, seconds, err));
    *seconds /= WARM_UP - 1;
    lks_phases_reset(&m->trainer.phases);
    return LKS_OK;
}

static lks_status count_dense(lks_bench_result *b, lks_error *err) {
    const lks_trainer *t = &b->modes[LKS_BENCH_EXACT].trainer;
    const lks_config *c = t->config;
    lks_layer_info *info = lks_alloc((size_t)c->n_layers, sizeof *info, "the layer table", err);
    lks_status status = info ? LKS_OK : err->status;
    if (status == LKS_OK)
        status =
            lks_model_shapes(c, lks_dataset_shape(&t->data), t->data.identity.classes, info, err);
    if (status == LKS_OK)
        b->dense_flop = lks_training_flop(c, info);
    lks_free(info);
    return lks_comm_agree(t->comm, status, err);
}

static int steps_of_round(double seconds_a_step) {
    double n = ROUND_SECONDS / seconds_a_step;
    return n < 1 ? 1 : n > LKS_BENCH_MOST_STEPS ? LKS_BENCH_MOST_STEPS : (int)(n + 0.5);
}

static void print_setting(lks_bench_result *b) {
    const lks_trainer *t = &b->modes[LKS_BENCH_EXACT].trainer;
    lks_fill_provenance(&b->provenance, t->comm, t->kernels, t->threads);
    lks_trainer_print(t, &b->provenance);
    if (t->made_up)
        lks_info("made up    scribbles of MNIST's number and size: there is no %s in %s",
                 t->config->data.train_images, t->config->data.dir);
}

/* Memory is that of exact sums alone, as training has it. */
static lks_status open_modes(lks_bench_result *b, lks_comm *comm, const lks_bench_options *o,
                             lks_error *err) {
    lks_bench_mode *exact = &b->modes[LKS_BENCH_EXACT], *plain = &b->modes[LKS_BENCH_FP32];
    double seconds, ignored;
    LKS_TRY(open_mode(exact, comm, o, LKS_REDUCE_EXACT, 0, &seconds, err));
    b->steps = o->steps ? o->steps : steps_of_round(seconds);
    b->resident = lks_resident_peak(comm);
    print_setting(b);
    LKS_TRY(open_mode(plain, comm, o, LKS_REDUCE_FP32, exact->trainer.threads, &ignored, err));
    return count_dense(b, err);
}

static lks_status make_rounds(lks_bench_result *b, lks_comm *comm, lks_error *err) {
    lks_status status = LKS_OK;
    for (int i = 0; i < LKS_BENCH_MODES && status == LKS_OK; i++) {
        lks_bench_mode *m = &b->modes[i];
        m->rounds = lks_alloc((size_t)b->rounds, sizeof *m->rounds, "rounds", err);
        status = m->rounds ? LKS_OK : err->status;
    }
    return lks_comm_agree(comm, status, err);
}

/* Rank 0 prints. */
static lks_status report(lks_bench_result *b, lks_comm *comm, bool json, lks_error *err) {
    lks_status status = LKS_OK;
    if (comm->rank == 0 && json)
        status = lks_bench_print_json(b, err);
    else if (comm->rank == 0)
        lks_bench_print(b);
    return lks_comm_agree(comm, status, err);
}

static lks_status bench(lks_bench_result *b, lks_comm *comm, const lks_bench_options *o,
                        lks_error *err) {
    LKS_TRY(make_rounds(b, comm, err));
    LKS_TRY(open_modes(b, comm, o, err));
    LKS_TRY(measure_all(b, err));
    return report(b, comm, o->json, err);
}

lks_status lks_bench(lks_comm *comm, const lks_bench_options *o, lks_error *err) {
    lks_bench_result b;
    memset(&b, 0, sizeof b);
    b.rounds = o->rounds ? o->rounds : LKS_BENCH_ROUNDS;
    lks_status status = bench(&b, comm, o, err);
    for (int i = 0; i < LKS_BENCH_MODES; i++) {
        lks_free(b.modes[i].rounds);
        lks_trainer_close(&b.modes[i].trainer);
        lks_config_free(&b.modes[i].config);
    }
    return status;
}
