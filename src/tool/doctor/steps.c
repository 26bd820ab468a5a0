/* Speed of the ranks, and steps of the configuration's training with shares of several sizes, measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comm/probe.h"
#include "feed/supply/supply.h"
#include "base/memory.h"
#include "base/timer.h"
#include "tool/doctor/parts.h"
#include "tool/rehearse.h"

#define WARM_UP       9 /* steps: memory is touched, and ways of sending sums may be tried */
#define STEPS_MOST    64
#define STEPS_LEAST   8
#define POINT_SECONDS 0.5 /* of the steps with one share */
#define SHARE_MOST    8   /* chunks for each thread: beyond that time grows as they do */
#define SLOW          0.8 /* of the median: a rank that is told of */
#define TOLD_MOST     3   /* ranks that are named for one thing */
#define MEMORY_BYTES                                                                               \
    ((size_t)8 << 20) /* of each of two arrays of a thread: beyond its caches' share */
#define INTERVALS 3

/* --- the machine ------------------------------------------------------------------------------ */

/* Bytes read and written in a second by all threads of a rank. */
static double memory_speed(char *from, char *to, int threads) {
    const size_t n = (size_t)threads * MEMORY_BYTES;
    double best = 0;
    for (int i = 0; i < INTERVALS; i++) {
        const double started = lks_now();
#pragma omp parallel for num_threads(threads) schedule(static)
        for (size_t at = 0; at < n; at += MEMORY_BYTES)
            memcpy(to + at, from + at, MEMORY_BYTES);
        const double rate = 2 * (double)n / (lks_now() - started);
        best = rate > best && isfinite(rate) ? rate : best;
    }
    return best;
}

static lks_status measure_machine(lks_rank_speed *own, lks_comm *comm, int threads,
                                  const lks_kernels *kernels, lks_precision precision,
                                  lks_error *err) {
    const size_t n = (size_t)threads * MEMORY_BYTES;
    char *from = lks_alloc(n, 1, "measuring memory", err),
         *to = lks_alloc(n, 1, "measuring memory", err);
    lks_status status = lks_comm_agree(comm, from && to ? LKS_OK : err->status, err);
    if (status == LKS_OK) {
        for (int i = 0; i < INTERVALS; i++) {
            lks_comm_barrier(comm);
            const double peak = lks_rehearse_peak(kernels, precision, threads);
            own->peak = peak > own->peak ? peak : own->peak;
        }
        lks_comm_barrier(comm);
        own->memory = memory_speed(from, to, threads);
    }
    lks_free(from);
    lks_free(to);
    return status;
}

/* --- steps with one share --------------------------------------------------------------------- */

typedef struct figures {
    int n;
    double work[STEPS_MOST], rest[STEPS_MOST],
        meetings[STEPS_MOST]; /* of each step, of this rank */
    double communication;     /* of a step, mean; the same on all ranks */
    double exchange;          /* of the exchange at an epoch's start; the same on all ranks */
    uint64_t sent;            /* bytes of packed sums in these steps */
} figures;

static double work_of(const double *phases) {
    return phases[LKS_PHASE_COMPUTE] + phases[LKS_PHASE_BATCH] + phases[LKS_PHASE_AUGMENT];
}

static double rest_of(const double *phases) {
    return phases[LKS_PHASE_UPDATE] + phases[LKS_PHASE_OTHER];
}

/* Number i of the figures. */
static lks_status time_step(figures *f, int i, lks_trainer *t, lks_error *err) {
    const double *phases = t->phases.seconds;
    const double work = work_of(phases), rest = rest_of(phases);
    const uint64_t sent = t->exchange.sum.sent;
    t->phases.n_met = 0;
    LKS_TRY(lks_rehearse_step(t, err));
    f->work[i] = work_of(phases) - work;
    f->rest[i] = rest_of(phases) - rest;
    f->meetings[i] = 0;
    for (size_t k = 0; k < t->phases.n_met; k++)
        f->meetings[i] += t->phases.met[k];
    f->sent += t->exchange.sum.sent - sent;
    return LKS_OK;
}

/* Its time is in no step's. */
static void await_images(lks_trainer *t) {
    const lks_phase before = lks_phases_enter(&t->phases, LKS_PHASE_EXCHANGE);
    lks_loader_await(t->loader);
    lks_phases_enter(&t->phases, before);
}

/* The first step of an epoch exchanges images. They are here already where the epoch before is one window, else they are
 * waited for. The rank that comes last to it waits for nobody. The next window is not under way while steps are timed. */
static lks_status time_exchange(figures *f, lks_trainer *t, lks_error *err) {
    await_images(t);
    const double before = t->phases.seconds[LKS_PHASE_EXCHANGE];
    lks_trainer_edit_cursor(t)->batch = t->plan.batches;
    lks_trainer_wrote_cursor(t);
    LKS_TRY(time_step(f, 0, t, err));
    f->exchange = t->phases.seconds[LKS_PHASE_EXCHANGE] - before;
    await_images(t);
    lks_comm_min_f64(t->comm, &f->exchange, 1);
    return LKS_OK;
}

static int steps_for(double seconds) {
    const double n = POINT_SECONDS / (seconds > 0 ? seconds : 1e-9);
    return n < STEPS_LEAST ? STEPS_LEAST : n > STEPS_MOST ? STEPS_MOST : (int)n;
}

/* The rank that comes last to a step's sums waits for nobody: the least time of any rank is what messages take. */
static lks_status time_steps(figures *f, lks_trainer *t, lks_error *err) {
    double seconds = 0;
    lks_loader_seek(t->loader, 0, 0);
    lks_phases_start(&t->phases);
    for (int i = 0; i < WARM_UP; i++) {
        const double started = lks_now();
        LKS_TRY(time_step(f, 0, t, err));
        seconds = lks_now() - started;
    }
    lks_comm_max_f64(t->comm, &seconds, 1);
    LKS_TRY(time_exchange(f, t, err));
    f->n = steps_for(seconds);
    f->sent = 0;
    for (int i = 0; i < f->n; i++)
        LKS_TRY(time_step(f, i, t, err));
    double met[STEPS_MOST];
    memcpy(met, f->meetings, sizeof met);
    lks_comm_min_f64(t->comm, met, (size_t)f->n);
    f->communication = 0;
    for (int i = 0; i < f->n; i++)
        f->communication += met[i] / f->n;
    return lks_comm_check(t->comm, err);
}

/* --- the constants ---------------------------------------------------------------------------- */

static double median_of(const double *values, int n) {
    double copy[STEPS_MOST];
    memcpy(copy, values, (size_t)n * sizeof *copy);
    return lks_median(copy, (size_t)n);
}

/* Of all ranks and steps, how much longer each took than its rank's median; on rank 0. */
static lks_status gather_late(lks_speeds *s, lks_comm *comm, const figures *f, lks_error *err) {
    double own[STEPS_MOST];
    for (int i = 0; i < f->n; i++)
        own[i] = f->work[i] + f->rest[i];
    const double middle = median_of(own, f->n);
    for (int i = 0; i < f->n; i++)
        own[i] -= middle;
    const size_t n = (size_t)comm->size * (size_t)f->n;
    lks_free(s->late);
    s->late = NULL;
    if (comm->rank == 0 && !(s->late = lks_alloc(n, sizeof *s->late, "times of steps", err)))
        return lks_comm_fail(comm, err);
    lks_comm_gather(comm, own, f->n, sizeof *own, s->late, NULL);
    if (comm->rank == 0) {
        lks_median(s->late, n); /* sorts */
        s->constants.late = s->late;
        s->constants.n_late = (int64_t)n;
    }
    return LKS_OK;
}

/* Of shares of the weights, each rank's its own. */
static void note_shares(lks_messages *m, const lks_trainer *t) {
    const lks_shares *s = &t->exchange.shares;
    const int last = t->comm->size - 1;
    m->shared = (double)t->view.n_weights * (t->view.gradients ? sizeof(float) : sizeof(int64_t));
    m->head = m->most - m->shared;
    m->gathered = (double)(s->of[last].at + (size_t)s->words[last]) * sizeof *s->room;
}

/* As they are sent: the agreement on widths, then the sums. */
static lks_messages messages_of(const lks_trainer *t, const figures *f) {
    const lks_packed_sum *p = &t->exchange.sum;
    lks_messages m = {.most = (double)lks_trainer_message_bytes(t),
                      .moments = t->view.n_meetings,
                      .moment = 1024};
    m.sums = m.most;
    const double each = (double)f->sent / f->n;
    if (p->blocks && each < m.most) {
        m.widths = (double)p->blocks;
        m.sums = each - m.widths;
        m.a_bit = (double)p->n / 8;
    }
    if (t->config->train.exchange == LKS_EXCHANGE_SCATTER)
        note_shares(&m, t);
    return m;
}

static void note_exchange(lks_speeds *s, const lks_trainer *t, const figures *f) {
    lks_exchange_cost *e = &s->constants.exchange;
    e->windows = (double)lks_loader_windows(t->loader);
    if (e->windows == 0)
        return;
    e->image = (double)t->data.train.image_bytes + LKS_SUPPLY_HEADER;
    s->exchange = f->exchange;
    s->ahead = e->windows == 1;
    s->window = (double)t->data.epoch.count / e->windows / t->comm->size;
}

static void note_step(lks_speeds *s, const lks_trainer *t, const figures *f) {
    lks_constants *c = &s->constants;
    c->messages = messages_of(t, f);
    s->communication = f->communication;
    s->made_up = t->made_up;
    s->weights = (size_t)(2 + t->optimizer.n_states) * t->view.n_weights;
    c->images = t->data.epoch.count;
    note_exchange(s, t, f);
}

/* --- shares ----------------------------------------------------------------------------------- */

typedef struct shares {
    int n;
    int chunks
        [LKS_WORK_POINTS]; /* of a rank, ascending; the last is the configuration's, or as near as it gets */
} shares;

static void add_share(shares *s, int chunks, int most) {
    chunks = chunks > most ? most : chunks;
    if (chunks > (s->n ? s->chunks[s->n - 1] : 0))
        s->chunks[s->n++] = chunks;
}

/* One chunk; one for each thread; and what the configuration gives a rank here, or at least two for each thread. */
static shares choose_shares(const lks_config *c, int ranks, int threads) {
    const int chunks = lks_chunks(c->train.global_batch, c->train.chunk);
    const int own = (chunks + ranks - 1) / ranks, most = SHARE_MOST * threads;
    shares s = {0};
    add_share(&s, 1, most);
    add_share(&s, threads, most);
    add_share(&s, own > 2 * threads ? own : 2 * threads, most);
    return s;
}

/* As linear scaling has it, so that a smaller batch trains as the configuration's does: the gradients, and with them the
 * bytes of packed sums, are those of training. A larger one has the configuration's rates. */
static void set_rates(lks_train_config *own, const lks_train_config *given) {
    const double whole = (double)given->global_batch * given->accumulate;
    const double rate = lks_scaled_rate(given) * fmin(1, own->global_batch / whole);
    own->optimizer.adam_lr *= rate / given->optimizer.lr;
    own->optimizer.lr = rate;
    own->optimizer.lr_scale = LKS_LR_AS_GIVEN;
}

/* Steps of training with that many chunks on each rank. */
static lks_status measure_share(lks_speeds *s, figures *f, lks_comm *comm, const lks_config *config,
                                int threads, int chunks, lks_error *err) {
    lks_trainer t;
    lks_config own = *config; /* its layers are borrowed */
    own.train.global_batch = chunks * config->train.chunk * comm->size;
    own.train.accumulate = 1;
    set_rates(&own.train, &config->train);
    memset(f, 0, sizeof *f);
    lks_status status = lks_trainer_open(&t, comm, &own, threads, s->made_up, err);
    if (status == LKS_OK)
        status = time_steps(f, &t, err);
    if (status == LKS_OK)
        note_step(s, &t, f);
    lks_trainer_close(&t);
    return status;
}

/* The slowest rank decides. */
static void add_point(lks_constants *c, int chunks, double work) {
    c->work[c->n_work++] = (lks_work_point){chunks, work};
}

static lks_status measure_shares(lks_speeds *s, lks_rank_speed *own, lks_comm *comm,
                                 const lks_config *config, int threads, lks_error *err) {
    lks_constants *c = &s->constants;
    int64_t least = threads; /* the same batches on all ranks */
    lks_comm_min_i64(comm, &least, 1);
    const shares all = choose_shares(config, comm->size, (int)least);
    figures f;
    for (int i = 0; i < all.n; i++) {
        if (i > 0 && (int64_t)all.chunks[i] * config->train.chunk * comm->size > c->images)
            break; /* an epoch has no such batch */
        LKS_TRY(measure_share(s, &f, comm, config, threads, all.chunks[i], err));
        own->work = median_of(f.work, f.n);
        own->steady = median_of(f.rest, f.n);
        double most[2] = {own->work, own->steady};
        lks_comm_max_f64(comm, most, 2);
        add_point(c, all.chunks[i], most[0]);
        c->steady = most[1];
    }
    return gather_late(s, comm, &f, err);
}

static lks_sums_by whose_choice(void) {
    if (!lks_probe_chooses())
        return LKS_SUMS_BY_MPICH;
    return lks_comm_training_steers() ? LKS_SUMS_BY_PROGRAM : LKS_SUMS_BY_OPEN_MPI;
}

static lks_status measure_steps(lks_speeds *s, lks_rank_speed *own, lks_comm *comm,
                                const lks_config *config, int threads, lks_error *err) {
    lks_config rehearsed = *config; /* its layers are borrowed */
    const lks_train_config *t = &config->train;
    snprintf(s->name, sizeof s->name, "%s", config->name);
    s->constants = (lks_constants){.ranks = comm->size,
                                   .batch = t->global_batch,
                                   .chunk = t->chunk,
                                   .accumulate = t->accumulate,
                                   .epochs = t->epochs,
                                   .scale = 1,
                                   .sums_by = whose_choice()};
    LKS_TRY(lks_rehearse_data(&rehearsed, comm, NULL, &s->made_up, err));
    return measure_shares(s, own, comm, &rehearsed, threads, err);
}

/* --- slow ranks ------------------------------------------------------------------------------- */

typedef double (*speed)(const lks_rank_speed *s);

static double peak_of(const lks_rank_speed *s) {
    return s->peak;
}

static double memory_of(const lks_rank_speed *s) {
    return s->memory;
}

static double pace_of(const lks_rank_speed *s) {
    return s->work > 0 ? 1 / s->work : 0;
}

/* Least, median and most over the ranks; *slow gets the number of slow ones, named in `names`. */
static void compare(const lks_speeds *s, int ranks, speed of, double *values, double spread[3],
                    int *slow, char names[96]) {
    size_t used = 0;
    for (int r = 0; r < ranks; r++)
        values[r] = of(&s->of[r]);
    spread[1] = lks_median(values, (size_t)ranks);
    spread[0] = values[0];
    spread[2] = values[ranks - 1];
    *slow = 0;
    names[0] = 0;
    for (int r = 0; r < ranks; r++)
        if (of(&s->of[r]) < SLOW * spread[1] && (*slow)++ < TOLD_MOST)
            used += (size_t)snprintf(names + used, 96 - used, "%s%d", used ? ", " : "", r);
}

static void judge(lks_diagnosis *d, const lks_speeds *s, int ranks, double *values, speed of,
                  const char *name, const char *unit, double factor) {
    char names[96];
    double spread[3];
    int slow;
    compare(s, ranks, of, values, spread, &slow, names);
    if (spread[1] == 0)
        return;
    lks_diagnose(d, slow ? LKS_VERDICT_WARNING : LKS_VERDICT_OK, name,
                 slow
                     ? "look what else runs there, how its ranks are bound, whether it is hot: all "
                       "wait for the slowest"
                     : "",
                 "%.1f..%.1f %s a rank, median %.1f%s%s%s", factor * spread[0], factor * spread[2],
                 unit, factor * spread[1], slow ? "; below 0.8 of it: rank " : "", names,
                 slow > TOLD_MOST ? " and more" : "");
}

static lks_status judge_all(lks_speeds *s, lks_diagnosis *d, int ranks, lks_error *err) {
    double *values = lks_alloc((size_t)ranks, sizeof *values, "the table of ranks", err);
    if (!values)
        return err->status;
    judge(d, s, ranks, values, peak_of, "peak", "GFLOP/s", 1e-9);
    judge(d, s, ranks, values, memory_of, "memory", "GB/s", 1e-9);
    judge(d, s, ranks, values, pace_of, "steps", "shares of a batch a second", 1);
    lks_free(values);
    return LKS_OK;
}

lks_status lks_doctor_speeds(lks_speeds *s, lks_diagnosis *d, lks_comm *comm,
                             const lks_config *config, int threads, const lks_kernels *kernels,
                             lks_error *err) {
    lks_rank_speed own = {0};
    LKS_TRY(measure_machine(&own, comm, threads, kernels,
                            config ? config->train.precision : LKS_FLOAT32, err));
    if (config)
        LKS_TRY(measure_steps(s, &own, comm, config, threads, err));
    lks_status status = LKS_OK;
    if (comm->rank == 0 &&
        !(s->of = lks_alloc((size_t)comm->size, sizeof *s->of, "the table of ranks", err)))
        status = err->status;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_gather(comm, &own, 1, sizeof own, s->of, NULL);
    if (comm->rank == 0 && lks_comm_check(comm, NULL) == LKS_OK)
        status = judge_all(s, d, comm->size, err);
    return lks_comm_agree(comm, status, err);
}

void lks_speeds_free(lks_speeds *s) {
    lks_free(s->of);
    lks_free(s->late);
}
