/* lockstep bench: steps of a real run, timed round by round. */
#include "tool/bench.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/timer.h"

#define WARM_UP        3   /* steps: the first ones touch all memory and exchange images */
#define ROUND_SECONDS  0.5 /* of a round, where the number of steps is not given */
#define PEAK_INTERVALS 3
#define PEAK_SECONDS   0.02
#define PEAK_ROUNDS    20000 /* of a call of the kernel: less than a tenth of an interval */

/* --- the peak --------------------------------------------------------------------------------- */

static double peak_of_thread(const lks_kernels *k) {
    float out[2 + LKS_BLOCK] = {0.5f, 1.0f};
    double flop = 0, started = lks_now(), elapsed = 0;
    while (elapsed < PEAK_SECONDS) {
        flop += k->peak(out, PEAK_ROUNDS);
        elapsed = lks_now() - started;
    }
    return flop / elapsed;
}

static double peak_of_rank(const lks_run *run) {
    double sum = 0;
#pragma omp parallel num_threads(run->threads)
    {
        double own = peak_of_thread(run->kernels);
#pragma omp atomic
        sum += own;
    }
    return sum;
}

/* Flop a second of all threads of all ranks at the same time, in the best of some short intervals:
 * others on the machine only ever make it less. */
static double measure_peak(lks_run *run) {
    double best = 0;
    for (int i = 0; i < PEAK_INTERVALS; i++) {
        lks_comm_barrier(run->comm);
        double rate = peak_of_rank(run);
        lks_comm_sum_f64(run->comm, &rate, 1);
        best = rate > best ? rate : best;
    }
    return best;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static lks_status step(lks_run *run, lks_error *err) {
    lks_cursor *c = &run->cursor;
    if (c->batch == run->batches) {
        lks_phases_divide(&run->phases, run->comm);
        c->batch = 0;
        lks_loader_seek(run->loader, ++c->epoch, 0);
    }
    return lks_run_step(run, err);
}

static lks_status steps(lks_run *run, int n, double *seconds, lks_error *err) {
    lks_comm_barrier(run->comm);
    lks_phases_start(&run->phases); /* what lies between rounds is in no phase */
    double started = lks_now();
    for (int i = 0; i < n; i++)
        LKS_TRY(step(run, err));
    *seconds = lks_now() - started;
    lks_comm_max_f64(run->comm, seconds, 1);
    lks_phases_divide(&run->phases, run->comm);
    return LKS_OK;
}

static lks_status measure(lks_bench_mode *m, int n_steps, lks_bench_round *round, lks_error *err) {
    lks_run *run = &m->run;
    round->peak = measure_peak(run);
    int64_t samples = run->cursor.samples_seen, flop = lks_model_flop(run->model);
    uint64_t sent = run->sum.sent;
    LKS_TRY(steps(run, n_steps, &round->seconds, err));
    round->sent = run->sum.sent - sent;
    lks_phases_take(&run->phases, run->comm);
    round->images = run->cursor.samples_seen - samples;
    round->flop = lks_model_flop(run->model) - flop;
    lks_comm_sum_i64(run->comm, &round->flop, 1);
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
        lks_run *run = &b->modes[i].run;
        LKS_TRY(lks_run_check_weights(run, err));
        lks_phases_start(&run->phases);
        b->modes[i].phases = lks_phases_sum(&run->phases, run->comm);
    }
    return LKS_OK;
}

/* --- before ----------------------------------------------------------------------------------- */

/* The configuration's data, or made-up ones where there are none and none were asked for. */
static lks_status choose_data(lks_run *run, const char *data, lks_error *err) {
    lks_data_config *c = &run->config.data;
    const lks_key_value folder = {"data.dir", data};
    if (data && lks_config_override(&run->config, &folder, 1, err) != LKS_OK)
        return lks_fail_context(err, "--data");
    c->test_images[0] = c->test_labels[0] = 0; /* nothing is evaluated */
    run->made_up = !data && run->comm->rank == 0 && !lks_image_file_exists(c, LKS_PART_TRAIN);
    lks_comm_broadcast(run->comm, &run->made_up, sizeof run->made_up, 0);
    return LKS_OK;
}

/* One mode, up to the end of its warm-up, whose last steps took @p seconds each. */
static lks_status open_mode(lks_bench_mode *m, const lks_bench_options *o, lks_reduce reduce,
                            int rounds, double *seconds, lks_error *err) {
    lks_run *run = &m->run;
    LKS_TRY(lks_run_configure(run, err));
    run->config.train.reduce = reduce;
    LKS_TRY(choose_data(run, o->data, err));
    m->rounds = lks_alloc((size_t)rounds, sizeof *m->rounds, "rounds", err);
    lks_status status = m->rounds ? LKS_OK : err->status;
    LKS_TRY(lks_comm_agree(run->comm, status, err));
    LKS_TRY(lks_run_build(run, err));
    lks_loader_seek(run->loader, 0, 0);
    LKS_TRY(steps(run, 1, seconds, err));
    LKS_TRY(steps(run, WARM_UP - 1, seconds, err));
    *seconds /= WARM_UP - 1;
    lks_phases_reset(&run->phases);
    return LKS_OK;
}

static lks_status count_dense(lks_bench_result *b, lks_error *err) {
    const lks_run *run = &b->modes[LKS_BENCH_EXACT].run;
    const lks_config *c = &run->config;
    lks_layer_info *info = lks_alloc((size_t)c->n_layers, sizeof *info, "the layer table", err);
    lks_status status = info ? LKS_OK : err->status;
    if (status == LKS_OK)
        status = lks_model_shapes(c, lks_dataset_shape(&run->data), run->data.identity.classes,
                                  info, err);
    if (status == LKS_OK)
        b->dense_flop = lks_training_flop(c, info);
    lks_free(info);
    return lks_comm_agree(run->comm, status, err);
}

static int steps_of_round(double seconds_a_step) {
    double n = ROUND_SECONDS / seconds_a_step;
    return n < 1 ? 1 : n > LKS_BENCH_MOST_STEPS ? LKS_BENCH_MOST_STEPS : (int)(n + 0.5);
}

/* Memory is that of exact sums alone, as training has it. */
static lks_status open_modes(lks_bench_result *b, const lks_bench_options *o, lks_error *err) {
    lks_bench_mode *exact = &b->modes[LKS_BENCH_EXACT], *plain = &b->modes[LKS_BENCH_FP32];
    double seconds, ignored;
    LKS_TRY(open_mode(exact, o, LKS_REDUCE_EXACT, b->rounds, &seconds, err));
    b->steps = o->steps ? o->steps : steps_of_round(seconds);
    b->resident = lks_resident_peak(exact->run.comm);
    lks_run_print(&exact->run);
    if (exact->run.made_up)
        lks_info("made up    scribbles of MNIST's number and size: there is no %s in %s",
                 exact->run.config.data.train_images, exact->run.config.data.dir);
    plain->run.threads = exact->run.threads;
    LKS_TRY(open_mode(plain, o, LKS_REDUCE_FP32, b->rounds, &ignored, err));
    return count_dense(b, err);
}

static lks_status report(lks_bench_result *b, bool json, lks_error *err) {
    lks_comm *comm = b->modes[LKS_BENCH_EXACT].run.comm;
    lks_status status = LKS_OK;
    if (comm->rank == 0 && json)
        status = lks_bench_print_json(b, err);
    else if (comm->rank == 0)
        lks_bench_print(b);
    return lks_comm_agree(comm, status, err);
}

lks_status lks_bench(lks_comm *comm, const lks_bench_options *o, lks_error *err) {
    lks_bench_result b;
    const lks_train_options options = {
        .config = o->config, .sets = o->sets, .n_sets = o->n_sets, .threads = o->threads};
    memset(&b, 0, sizeof b);
    b.rounds = o->rounds ? o->rounds : LKS_BENCH_ROUNDS;
    for (int i = 0; i < LKS_BENCH_MODES; i++) {
        b.modes[i].run.comm = comm;
        b.modes[i].run.options = &options;
    }
    lks_status status = open_modes(&b, o, err);
    if (status == LKS_OK)
        status = measure_all(&b, err);
    if (status == LKS_OK)
        status = report(&b, o->json, err);
    for (int i = 0; i < LKS_BENCH_MODES; i++) {
        lks_free(b.modes[i].rounds);
        lks_run_close(&b.modes[i].run);
    }
    return status;
}
