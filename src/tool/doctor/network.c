/* Messages between ranks, and sums over all of them, measured. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "comm/probe.h"
#include "base/timer.h"
#include "tool/doctor/parts.h"

#define BATCHES       5 /* the least of so many means counts: others on the machine only ever add */
#define BATCH_SECONDS 0.01 /* of a mean, about */
#define ROUNDS_MOST   200
#define SLOW          0.3 /* seconds of one message: larger ones are not sent */
#define LEAST_SIZES   3
#define FASTER        0.7 /* of the time that the library's own choice takes: worth telling */
#define LINEAR_MOST   16  /* ranks: one takes the messages of all others */

static const size_t sizes[LKS_LINK_POINTS] = {8,     1024,   8192,    32768,
                                              65536, 262144, 1048576, 4194304};

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double lks_median(double *values, size_t n) {
    qsort(values, n, sizeof *values, ascending);
    return n ? (values[(n - 1) / 2] + values[n / 2]) / 2 : 0;
}

static int rounds_for(double seconds) {
    const double rounds = BATCH_SECONDS / (seconds > 0 ? seconds : 1e-9);
    return rounds < 1 ? 1 : rounds > ROUNDS_MOST ? ROUNDS_MOST : (int)rounds;
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* Who meets whom, of this rank: -1, nobody. */
typedef struct pairing {
    int peer;
    int64_t pairs; /* of all ranks */
} pairing;

/* Rank of a seat; -1: nobody has it. Ranks of a host need not follow one another. */
static int rank_at(const lks_seats *s, int host, int local) {
    for (int r = host < s->hosts ? s->first[host] : s->ranks; r < s->ranks; r++)
        if (s->of[r].host == host && s->of[r].local == local)
            return r;
    return -1;
}

/* Neighbours on a host, or those with the same place on neighbouring hosts. */
static pairing pair_up(lks_comm *comm, const lks_seats *s, bool between) {
    const lks_seat own = s->of[comm->rank];
    pairing p = {
        between ? rank_at(s, own.host ^ 1, own.local) : rank_at(s, own.host, own.local ^ 1), 0};
    p.pairs = p.peer >= 0;
    lks_comm_sum_i64(comm, &p.pairs, 1);
    p.pairs /= 2;
    return p;
}

typedef struct room {
    char *send, *receive;
} room;

/* One mean for each of all pairs at once, or of the first pair alone, which sends one way at a time. */
static double mean_of(lks_comm *comm, const pairing *p, const room *r, bool alone, size_t bytes,
                      int rounds) {
    lks_comm_barrier(comm);
    if (p->peer < 0)
        return 0;
    if (alone)
        return lks_probe_one_way(comm, p->peer, comm->rank < p->peer, r->send, bytes, rounds);
    return lks_probe_exchange(comm, p->peer, r->send, r->receive, bytes, rounds);
}

static double least_of(const double means[BATCHES]) {
    double least = means[0];
    for (int i = 1; i < BATCHES; i++)
        least = means[i] < least ? means[i] : least;
    return least;
}

/* Mean over the pairs of the least of each one's means. */
static double measure_size(lks_comm *comm, const pairing *p, const room *r, bool alone,
                           size_t bytes) {
    double means[BATCHES], once = 0;
    for (int i = 0; i < 2; i++) /* the first message may open a connection */
        once = mean_of(comm, p, r, alone, bytes, 1);
    lks_comm_max_f64(comm, &once, 1);
    const int rounds = rounds_for(once);
    for (int i = 0; i < BATCHES; i++)
        means[i] = mean_of(comm, p, r, alone, bytes, rounds);
    double own = least_of(means);
    lks_comm_sum_f64(comm, &own, 1);
    return own / (2 * (double)p->pairs);
}

static void measure_link(lks_link *l, lks_comm *comm, const pairing *p, const room *r, bool alone,
                         double most) {
    l->n = 0;
    for (int i = 0; i < LKS_LINK_POINTS && p->pairs > 0; i++) {
        if (i >= LEAST_SIZES &&
            ((double)sizes[i] > most ||
             l->at[i - 1].seconds * (double)sizes[i] / (double)sizes[i - 1] > SLOW))
            return;
        const double seconds = measure_size(comm, p, r, alone, sizes[i]);
        l->at[l->n++] = (lks_link_point){(double)sizes[i], seconds > 0 ? seconds : 1e-9};
    }
}

/* The first pair of them, for who is not in it nobody. */
static pairing first_of(lks_comm *comm, const pairing *p) {
    int64_t lowest = p->peer >= 0 ? comm->rank : comm->size;
    lks_comm_min_i64(comm, &lowest, 1);
    const bool in = p->peer >= 0 && (comm->rank == lowest || p->peer == lowest);
    return (pairing){in ? p->peer : -1, p->pairs > 0};
}

static void measure_links(lks_network_figures *f, lks_comm *comm, const lks_seats *seats,
                          const room *r) {
    const double most = f->message > 1048576 ? f->message : 1048576;
    for (int between = 0; between < 2; between++) {
        const pairing all = pair_up(comm, seats, between), one = first_of(comm, &all);
        measure_link(between ? &f->net.between : &f->net.within, comm, &all, r, false, most);
        measure_link(&f->alone[between], comm, &one, r, true, most);
    }
}

/* --- sums ------------------------------------------------------------------------------------- */

/* Seconds of the slowest rank, the least of some means. */
static double time_sums(lks_comm *comm, lks_comm *chosen, int64_t *values, double bytes) {
    const size_t n = bytes < 8 ? 1 : (size_t)(bytes / 8);
    double means[BATCHES];
    int rounds = 1;
    for (int i = -2; i < BATCHES; i++) {
        lks_comm_barrier(comm);
        const double started = lks_now();
        for (int k = 0; k < rounds; k++)
            lks_comm_sum_i64(chosen, values, n);
        double mean = (lks_now() - started) / rounds;
        lks_comm_max_f64(comm, &mean, 1);
        if (i >= 0)
            means[i] = mean;
        else
            rounds = rounds_for(mean);
    }
    return least_of(means);
}

static void try_algorithms(lks_network_figures *f, lks_comm *comm, int64_t *values) {
    lks_comm chosen;
    f->tried[0] = f->sums[2].seconds;
    for (int a = 1; a <= LKS_PROBE_ALGORITHMS; a++) {
        if ((a == LKS_ALLREDUCE_LINEAR && comm->size > LINEAR_MOST) ||
            !lks_probe_choose(&chosen, comm, a))
            continue;
        f->tried[a] = time_sums(comm, &chosen, values, f->message);
        lks_probe_drop(&chosen);
    }
}

static void measure_sums(lks_network_figures *f, lks_comm *comm, const room *r) {
    const double around[LKS_SUM_SIZES] = {8, 1024, f->message, f->message / 4, f->message * 4};
    int64_t *values = (int64_t *)(void *)r->send;
    f->net.addition =
        lks_probe_addition(comm, values, (int64_t *)(void *)r->receive, 8192, 50) / 65536;
    lks_comm_max_f64(comm, &f->net.addition, 1);
    if (comm->size == 1)
        return;
    for (int i = 0; i < LKS_SUM_SIZES; i++) {
        f->sums[i] = (lks_sum_time){around[i], 0};
        if (i < 4 || f->sums[2].seconds < SLOW)
            f->sums[i].seconds = time_sums(comm, comm, values, around[i]);
    }
    try_algorithms(f, comm, values);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void judge(lks_diagnosis *d, const lks_network_figures *f, int ranks) {
    static const char name[] = "allreduce";
    int best = 0;
    for (int a = 1; a <= LKS_PROBE_ALGORITHMS; a++)
        if (f->tried[a] > 0 && f->tried[a] < f->tried[best])
            best = a;
    if (f->tried[0] == 0)
        return;
    if (best == LKS_ALLREDUCE_RABENSEIFNER && lks_comm_training_steers() &&
        lks_comm_steers(ranks, f->message))
        lks_diagnose(
            d, LKS_VERDICT_OK, name, "",
            "%.0f bytes in %.3f ms by the library's choice, %.3f ms by %s, which training takes",
            f->message, 1e3 * f->tried[0], 1e3 * f->tried[best], lks_probe_algorithm(best));
    else if (f->tried[best] < FASTER * f->tried[0])
        lks_diagnose(d, LKS_VERDICT_WARNING, name,
                     "for this number of ranks set OMPI_MCA_coll_tuned_use_dynamic_rules=1 and "
                     "OMPI_MCA_coll_tuned_allreduce_algorithm to that number on all ranks",
                     "%.0f bytes take %.3f ms by the library's choice, %.3f ms by algorithm %d, %s",
                     f->message, 1e3 * f->tried[0], 1e3 * f->tried[best], best,
                     lks_probe_algorithm(best));
    else
        lks_diagnose(d, LKS_VERDICT_OK, name, "", "%.0f bytes in %.3f ms by the library's choice",
                     f->message, 1e3 * f->tried[0]);
}

lks_status lks_doctor_network(lks_network_figures *f, lks_diagnosis *d, lks_comm *comm,
                              const lks_seats *seats, double message, lks_error *err) {
    const double most = 4 * message > 4194304 ? 4 * message : 4194304;
    memset(f, 0, sizeof *f);
    f->message = message;
    f->net.host_ranks = comm->local_size;
    room r = {lks_alloc_lazy((size_t)most, 1, "messages", err),
              lks_alloc_lazy((size_t)most, 1, "messages", err)};
    lks_status status = r.send && r.receive ? LKS_OK : err->status;
    status = lks_comm_agree(comm, status, err);
    if (status == LKS_OK) {
        measure_links(f, comm, seats, &r);
        measure_sums(f, comm, &r);
        status = lks_comm_check(comm, err);
    }
    lks_free_lazy(r.send);
    lks_free_lazy(r.receive);
    if (status == LKS_OK && comm->rank == 0)
        judge(d, f, comm->size);
    return status;
}
