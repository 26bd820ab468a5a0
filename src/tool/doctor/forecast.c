#include "tool/doctor/forecast.h"

#include <math.h>

#define WORTH_DOUBLING 0.9 /* of the time before */

/* --- parts of a step -------------------------------------------------------------------------- */

static double power(double x, int n) {
    double product = 1;
    for (; n > 0; n /= 2, x *= x)
        product *= n % 2 ? x : 1;
    return product;
}

double lks_expected_latest(const double *late, int64_t n, int ranks) {
    double mean = 0, below = 0;
    for (int64_t i = 0; i < n;
         i++) { /* the largest is the i-th where all are up to it, and not all below */
        const double upto = power((double)(i + 1) / (double)n, ranks);
        mean += late[i] * (upto - below);
        below = upto;
    }
    return mean > 0 ? mean : 0;
}

static int chunks_of(const lks_constants *c, int64_t batch) {
    return (int)((batch + c->chunk - 1) / c->chunk);
}

/* Straight lines between the points; a share below the first is that much less work. */
static double work_of(const lks_constants *c, double chunks) {
    const lks_work_point *p = c->work;
    if (c->n_work == 1 || chunks <= p[0].chunks)
        return p[0].seconds * chunks / p[0].chunks;
    int i = 1;
    while (i + 1 < c->n_work && p[i].chunks < chunks)
        i++;
    return p[i - 1].seconds + (p[i].seconds - p[i - 1].seconds) * (chunks - p[i - 1].chunks) /
                                  (p[i].chunks - p[i - 1].chunks);
}

/* Bits that a sum of so many parts may have beyond theirs. */
static int growth_of(int parts) {
    int bits = 0;
    while (INT64_C(1) << bits < parts)
        bits++;
    return bits;
}

/* A sum over more parts may be wider; ranks without a chunk have none. */
static double sums_on(const lks_constants *c, int ranks, int chunks) {
    const lks_messages *m = &c->messages;
    if (m->widths == 0)
        return m->most;
    const int measured = chunks_of(c, c->batch);
    const int before = growth_of(c->ranks < measured ? c->ranks : measured),
              now = growth_of(ranks < chunks ? ranks : chunks);
    const double bytes = m->sums + (now - before) * m->a_bit;
    return bytes < m->most ? bytes : m->most;
}

static double allreduce(const lks_constants *c, int ranks, double bytes) {
    return lks_allreduce_seconds(&c->network, lks_allreduce_choice(ranks, bytes, c->sums_by), ranks,
                                 bytes);
}

static double send_moments(const lks_constants *c, int ranks) {
    return c->accumulate * c->messages.moments * allreduce(c, ranks, c->messages.moment);
}

/* Sums of `bytes`, after `widths` bytes of agreement on how they are packed, 0: they are not. */
static double send_sums(const lks_constants *c, int ranks, double bytes, double widths) {
    double seconds = allreduce(c, ranks, bytes);
    if (widths > 0)
        seconds += allreduce(c, ranks, widths);
    return seconds + send_moments(c, ranks);
}

static double send_shares(const lks_constants *c, int ranks) {
    const lks_messages *m = &c->messages;
    return allreduce(c, ranks, m->head) +
           lks_reduce_scatter_seconds(&c->network, ranks, m->shared) +
           lks_allgather_seconds(&c->network, ranks, m->gathered) + send_moments(c, ranks);
}

/* Packed or not, as takes less time: training tries both where it packs. *bytes gets those of the sums. */
static double model_of_communication(const lks_constants *c, int ranks, int chunks, double *bytes) {
    const lks_messages *m = &c->messages;
    if (m->shared > 0) {
        *bytes = m->shared;
        return send_shares(c, ranks);
    }
    const double sums = sums_on(c, ranks, chunks);
    const double packed = send_sums(c, ranks, sums, m->widths),
                 plain = send_sums(c, ranks, m->most, 0);
    *bytes = packed < plain ? sums : m->most;
    return packed < plain ? packed : plain;
}

double lks_exchange_wait(const lks_network *net, int ranks, double images, double image,
                         double before) {
    const double late = lks_alltoall_seconds(net, ranks, images * image) - before;
    return late > 0 ? late : 0;
}

/* Of a step's share in the exchanges of an epoch, where a step has `busy` seconds without messages: sums have the network
 * to themselves. A window has as many images of a rank, however many ranks there are. */
static double exchange_of(const lks_constants *c, int ranks, double steps, double busy) {
    const lks_exchange_cost *e = &c->exchange;
    if (ranks == 1 || e->windows == 0)
        return 0;
    const double images = (double)c->images / ranks;
    const double windows = ceil(e->windows * c->ranks / ranks);
    const double wait =
        lks_exchange_wait(&c->network, ranks, images / windows, e->image, steps / windows * busy);
    return (windows * wait + images * e->seconds_an_image) / steps;
}

/* --- a step ----------------------------------------------------------------------------------- */

static double steps_of_epoch(const lks_constants *c, int64_t batch) {
    const double batches = ceil((double)c->images / (double)batch);
    return ceil(batches / c->accumulate);
}

static lks_forecast step_on(const lks_constants *c, int ranks, int64_t batch) {
    const int chunks = chunks_of(c, batch);
    double sums;
    const double steps = steps_of_epoch(c, batch),
                 sending = model_of_communication(c, ranks, chunks, &sums);
    lks_forecast f = {.ranks = ranks, .batch = batch, .chunks = (chunks + ranks - 1) / ranks};
    f.hosts = (ranks + c->network.host_ranks - 1) / c->network.host_ranks;
    f.algorithm = c->messages.shared > 0
                      ? LKS_ALLREDUCE_RABENSEIFNER /* in two parts, the update between them */
                      : lks_allreduce_choice(ranks, sums, c->sums_by);
    f.compute = c->accumulate * work_of(c, f.chunks);
    f.update = c->steady;
    f.communication = ranks > 1 ? c->scale * sending + c->more : 0;
    f.exchange = exchange_of(c, ranks, steps, f.compute + f.update);
    f.wait = ranks > 1 ? lks_expected_latest(c->late, c->n_late, ranks) : 0;
    f.seconds = f.compute + f.update + f.communication + f.exchange + f.wait;
    f.epochs_an_hour = 3600 / (steps * f.seconds);
    f.node_hours = f.hosts * c->epochs / f.epochs_an_hour;
    return f;
}

lks_forecast lks_forecast_for(const lks_constants *c, int ranks, int64_t batch, int64_t single) {
    const lks_forecast one = step_on(c, 1, single);
    lks_forecast f = step_on(c, ranks, batch);
    f.efficiency = one.seconds / (double)single / (f.seconds / (double)batch * ranks);
    return f;
}

/* --- the limit -------------------------------------------------------------------------------- */

static lks_limit largest_of(const lks_forecast *f) {
    const double parts[] = {f->communication, f->update, f->exchange, f->wait};
    static const lks_limit limits[] = {LKS_LIMIT_COMMUNICATION, LKS_LIMIT_UPDATE,
                                       LKS_LIMIT_EXCHANGE, LKS_LIMIT_WAIT};
    int largest = 0;
    for (int i = 1; i < 4; i++)
        if (parts[i] > parts[largest])
            largest = i;
    return limits[largest];
}

int lks_forecast_limit(const lks_constants *c, int most, lks_limit *why) {
    lks_forecast now = step_on(c, 1, c->batch);
    *why = LKS_LIMIT_NONE;
    while (now.ranks <= most / 2) {
        const lks_forecast next = step_on(c, 2 * now.ranks, c->batch);
        if (next.seconds > WORTH_DOUBLING * now.seconds) {
            *why = next.chunks == now.chunks ? LKS_LIMIT_CHUNKS : largest_of(&next);
            break;
        }
        now = next;
    }
    return now.ranks;
}
