/* The ranks of a host share the state, and add up their sums in memory that all of them see. Each takes a part of the
 * weights: it adds up the part's sums, those of the host's ranks there and those of the hosts by one MPI_Allreduce between
 * ranks of its place, and updates the part for all. */
#include <string.h>

#include "base/memory.h"
#include "train/trainer.h"

/* --- what is shared --------------------------------------------------------------------------- */

/* A rank's own memory: its message, gradients where these are floats, and what others read of its batch. */
typedef struct layout {
    size_t message, gradients, batch; /* offsets */
    size_t bytes;
} layout;

static size_t take(size_t *at, size_t bytes) {
    const size_t from = *at;
    *at += (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    return from;
}

static layout own_layout(const lks_model_view *v) {
    layout l = {0};
    take(&l.bytes, sizeof(int64_t)); /* whether a weight is bad */
    l.message = take(&l.bytes, v->n_message * sizeof *v->message);
    l.gradients = take(&l.bytes, v->gradients ? v->n_weights * sizeof *v->gradients : 0);
    l.batch = take(&l.bytes, v->peer_bytes);
    return l;
}

static int64_t *bad_of(const lks_trainer *t, int place) {
    return lks_host_own(&t->exchange.host, place);
}

static int64_t *message_of(const lks_trainer *t, int place) {
    return (int64_t *)((char *)lks_host_own(&t->exchange.host, place) +
                       own_layout(&t->view).message);
}

static size_t weight_bytes(const lks_trainer *t) {
    return t->view.n_weights * sizeof *t->view.weights;
}

static size_t hash_bytes(const lks_trainer *t) {
    const lks_hashes *h = &t->guard.hashes;
    return (size_t)h->n_arrays * (size_t)h->n_blocks * sizeof(uint64_t);
}

/* Where packed weights stand in the common memory, after all else. */
static size_t packed_at(const lks_trainer *t) {
    size_t bytes = 0;
    take(&bytes, weight_bytes(t));
    take(&bytes, t->average.weights ? weight_bytes(t) : 0);
    take(&bytes, lks_optimizer_shared_bytes(&t->optimizer));
    take(&bytes, hash_bytes(t));
    return bytes;
}

static size_t common_bytes(const lks_trainer *t) {
    return packed_at(t) + t->view.common_bytes;
}

/* A batchnorm's sums over a batch: the number of samples, and two limbs for each of its running moments. */
static size_t most_moments(const lks_model_view *v) {
    size_t most = 0;
    for (int i = 0; i < v->n_tensors; i++)
        if (v->tensors[i].role == LKS_ROLE_MOMENT && v->tensors[i].count > most)
            most = v->tensors[i].count;
    return 1 + 2 * 2 * most;
}

static void meet(void *context) {
    lks_trainer *t = context;
    if (!t->phases.started) { /* before the first step */
        lks_host_meet(&t->exchange.host);
        return;
    }
    lks_phase before = lks_phases_meet(&t->phases);
    lks_host_meet(&t->exchange.host);
    lks_phases_part(&t->phases, before);
}

static void meet_update(void *context, double (*sums)[2]) {
    (void)sums; /* all of it is in memory that all see */
    meet(context);
}

static void move_arrays(lks_trainer *t, const lks_update_share *mine) {
    char *common = lks_host_common(&t->exchange.host);
    const int place = t->comm->local_rank;
    size_t at = 0;
    float *weights = (float *)(common + take(&at, weight_bytes(t)));
    float *average = (float *)(common + take(&at, t->average.weights ? weight_bytes(t) : 0));
    char *own = lks_host_own(&t->exchange.host, place);
    lks_average_share(&t->average, mine, average);
    lks_optimizer_share(&t->optimizer, mine);
    lks_optimizer_move(&t->optimizer,
                       common + take(&at, lks_optimizer_shared_bytes(&t->optimizer)));
    lks_model_move(t->model, weights, message_of(t, place),
                   (float *)(own + own_layout(&t->view).gradients));
    t->view = lks_model_look(t->model);
    lks_guard_share(t, (uint64_t *)(common + take(&at, hash_bytes(t))));
}

/* Gradients of wide layers are made by all ranks together, and their weights packed. Each then has some of the sums
 * alone. */
static void join(lks_trainer *t) {
    const lks_host *h = &t->exchange.host;
    const lks_peers peers = {.n = t->comm->local_size,
                             .own = t->comm->local_rank,
                             .common = (char *)lks_host_common(h) + packed_at(t),
                             .memory = (char *)lks_host_own(h, t->comm->local_rank) +
                                       own_layout(&t->view).batch,
                             .apart = (ptrdiff_t)h->own,
                             .meet = meet,
                             .context = t};
    if (t->view.peer_bytes == 0 || peers.n == 1)
        return;
    lks_model_join(t->model, &peers);
    lks_model_weights_changed(t->model);
}

static size_t edge(const lks_trainer *t, int part) {
    return lks_exchange_edge(t, part, t->exchange.host.parts);
}

static size_t head_of(const lks_model_view *v) {
    return v->n_message - (v->gradients ? 0 : v->n_weights);
}

/* The first part has the head, too. */
static lks_status make_sum(lks_trainer *t, const lks_update_share *mine, lks_error *err) {
    lks_exchange *e = &t->exchange;
    const size_t head = head_of(&t->view), n = t->view.gradients ? 0 : mine->end - mine->first;
    const bool leads = t->comm->local_rank == 0;
    e->first = leads ? 0 : t->view.gradients ? head : head + mine->first;
    e->end = t->view.gradients ? head : head + mine->end;
    return lks_packed_sum_create(&e->sum, &e->host.between, leads ? head : 0, n,
                                 lks_exchange_adders(t), t->config->train.packing, err);
}

static lks_status begin(lks_trainer *t, lks_error *err) {
    lks_exchange *e = &t->exchange;
    const int place = t->comm->local_rank;
    e->writes = place == 0;
    e->sharers = t->comm->local_size;
    LKS_TRY(lks_host_open(&e->host, t->comm, common_bytes(t), own_layout(&t->view).bytes,
                          most_moments(&t->view), err));
    const lks_update_share mine = {edge(t, place), edge(t, place + 1), meet_update, t};
    lks_status status = make_sum(t, &mine, err);
    LKS_TRY(lks_comm_agree(t->comm, status, err));
    move_arrays(t, &mine);
    return LKS_OK;
}

static void end(lks_trainer *t) {
    lks_packed_sum_free(&t->exchange.sum);
    lks_host_close(&t->exchange.host);
}

/* --- a step ----------------------------------------------------------------------------------- */

/* The sums of this rank's weights, which begin `offset` bytes into a rank's own memory and have `size` bytes each. */
static void sum_weights(const lks_trainer *t, size_t offset, size_t size,
                        void (*add)(const lks_host *h, size_t offset, size_t n, int threads)) {
    const lks_host *h = &t->exchange.host;
    for (size_t at = t->optimizer.first, next; at < t->optimizer.end; at = next) {
        const int holder = lks_model_sum_holder(t->model, at, &next);
        next = next < t->optimizer.end ? next : t->optimizer.end;
        if (holder < 0)
            add(h, offset + at * size, next - at, t->threads);
        else
            lks_host_take(h, holder, offset + at * size, (next - at) * size);
    }
}

static void sum_on_host(lks_trainer *t) {
    const lks_host *h = &t->exchange.host;
    const layout l = own_layout(&t->view);
    const size_t head = head_of(&t->view);
    if (t->comm->local_rank == 0)
        lks_host_add_i64(h, l.message, head, 1);
    if (t->view.gradients)
        sum_weights(t, l.gradients, sizeof(float), lks_host_add_f32);
    else
        sum_weights(t, l.message + head * sizeof(int64_t), sizeof(int64_t), lks_host_add_i64);
}

static void sum_between(lks_trainer *t) {
    lks_exchange *e = &t->exchange;
    const size_t first = t->optimizer.first, n = t->optimizer.end - first;
    if (e->end > e->first)
        lks_packed_sum_i64(&e->sum, &e->host.between, t->view.message + e->first, t->threads);
    if (t->view.gradients && e->host.between.size > 1 && n > 0)
        lks_comm_sum_f32(&e->host.between, t->view.gradients + first, n);
}

static void sum(lks_trainer *t) {
    lks_exchange *e = &t->exchange;
    lks_host_meet(&e->host); /* all messages are whole */
    sum_on_host(t);
    sum_between(t);
    lks_host_meet(&e->host); /* the head is there */
    if (t->comm->local_rank != 0)
        memcpy(t->view.message, message_of(t, 0), head_of(&t->view) * sizeof *t->view.message);
}

static void sum_moments(lks_trainer *t, int64_t *values, size_t n) {
    lks_host_sum_i64(&t->exchange.host, values, n);
}

static void share(lks_trainer *t) {
    *bad_of(t, t->comm->local_rank) = t->bad_weights;
    meet(t);
    for (int r = 0; r < t->comm->local_size; r++)
        t->bad_weights |= *bad_of(t, r) != 0;
    lks_guard_read_others(t);
}

static void spread(lks_trainer *t) {
    if (t->comm->local_rank == 0) {
        lks_trainer_broadcast(t, &t->exchange.host.between);
        if (t->comm->rank != 0)
            lks_hashes_wrote_all(&t->guard.hashes, t->threads);
    }
    share(t);
}

static void nothing(lks_trainer *t) {
    (void)t;
}

const lks_exchange_way lks_exchange_host = {.begin = begin,
                                            .join = join,
                                            .end = end,
                                            .sum = sum,
                                            .sum_moments = sum_moments,
                                            .unite = nothing,
                                            .share = share,
                                            .spread = spread,
                                            .gather = nothing};
