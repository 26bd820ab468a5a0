/* Each rank has a replica, and its share of the work on it: it gets the sums of its weights alone (MPI_Reduce_scatter),
 * updates them with its part of the optimizer's states, and sends them to all (MPI_Allgatherv), with the hashes of what it
 * wrote. Running moments, frozen weights and the average are made by each rank, and compared. */
#include <string.h>

#include "base/memory.h"
#include "train/trainer.h"

/* What a rank sends after its update, in words of 64 bits: whether a weight is bad, hashes of its blocks [1 + states], its
 * weights. */
typedef struct part {
    uint64_t *bad, *hashes;
    float *weights;
} part;

static int arrays_of(const lks_trainer *t) {
    return 1 + t->optimizer.n_states;
}

static int words_of(const lks_trainer *t, const lks_rank_share *s) {
    const size_t n = s->end - s->first;
    return 1 + arrays_of(t) * (s->end_block - s->block) +
           (int)((n * sizeof(float) + sizeof(uint64_t) - 1) / sizeof(uint64_t));
}

static part part_of(const lks_trainer *t, const lks_rank_share *s) {
    part p = {.bad = t->exchange.shares.room + s->at};
    p.hashes = p.bad + 1;
    p.weights = (float *)(p.hashes + arrays_of(t) * (s->end_block - s->block));
    return p;
}

static const lks_rank_share *own_share(const lks_trainer *t) {
    return &t->exchange.shares.of[t->comm->rank];
}

static size_t head_of(const lks_model_view *v) {
    return v->n_message - (v->gradients ? 0 : v->n_weights);
}

/* --- who has what ----------------------------------------------------------------------------- */

/* The weights of ranks before `rank`: whole blocks and, where the optimizer has some, whole matrices. */
static size_t edge(const lks_trainer *t, int rank) {
    return lks_optimizer_edge(&t->optimizer, lks_exchange_edge(t, rank, t->comm->size));
}

static void describe(lks_trainer *t, int rank) {
    lks_shares *s = &t->exchange.shares;
    const lks_hashes *h = &t->guard.hashes;
    const lks_optimizer *o = &t->optimizer;
    lks_rank_share *own = &s->of[rank];
    *own = (lks_rank_share){.first = edge(t, rank), .end = edge(t, rank + 1)};
    own->block = lks_hashes_block(h, own->first);
    own->end_block = lks_hashes_block(h, own->end);
    own->at = rank == 0 ? 0 : own[-1].at + (size_t)s->words[rank - 1];
    s->words[rank] = words_of(t, own);
    s->weights[rank] = (int)(own->end - own->first);
    s->sums[rank] = lks_optimizer_blocks(o, own->end) - lks_optimizer_blocks(o, own->first);
    for (int b = own->block; b < own->end_block; b++)
        s->owner[b] = rank;
}

/* Parts of all, and before that this rank's sums. */
static size_t room_of(const lks_trainer *t) {
    const lks_shares *s = &t->exchange.shares;
    const int last = t->comm->size - 1;
    const size_t parts = s->of[last].at + (size_t)s->words[last];
    const size_t sums = own_share(t)->end - own_share(t)->first;
    return parts > sums ? parts : sums;
}

double lks_exchange_largest(const lks_trainer *t) {
    size_t most = 0;
    for (int r = 0; r < t->comm->size; r++) {
        const lks_rank_share *s = &t->exchange.shares.of[r];
        most = s->end - s->first > most ? s->end - s->first : most;
    }
    return (double)most / (double)t->view.n_weights;
}

static lks_status make_shares(lks_trainer *t, lks_error *err) {
    static const char what[] = "shares of the weights";
    lks_shares *s = &t->exchange.shares;
    const size_t ranks = (size_t)t->comm->size;
    s->of = lks_alloc(ranks, sizeof *s->of, what, err);
    s->owner = lks_alloc((size_t)t->guard.hashes.n_blocks, sizeof *s->owner, what, err);
    s->weights = lks_alloc(3 * ranks, sizeof *s->weights, what, err);
    if (!s->of || !s->owner || !s->weights)
        return err->status;
    s->sums = s->weights + ranks;
    s->words = s->sums + ranks;
    for (int r = 0; r < t->comm->size; r++)
        describe(t, r);
    s->bytes = room_of(t) * sizeof *s->room;
    s->room = lks_alloc(room_of(t), sizeof *s->room, what, err);
    return s->room ? LKS_OK : err->status;
}

/* --- meetings --------------------------------------------------------------------------------- */

/* Norms are of blocks of all ranks; a matrix is one rank's from the first of its weights to the last. */
static void meet(void *context, double (*sums)[2]) {
    lks_trainer *t = context;
    if (!sums)
        return;
    const lks_phase before = lks_phases_meet(&t->phases);
    lks_comm_allgather(t->comm, sums, t->exchange.shares.sums, sizeof *sums);
    lks_phases_part(&t->phases, before);
}

static lks_status begin(lks_trainer *t, lks_error *err) {
    t->exchange.writes = true;
    t->exchange.sharers = 1;
    lks_status status = LKS_OK;
    if (t->view.n_weights > INT32_MAX)
        status = lks_fail(err, LKS_ERR_CONFIG,
                          "train.exchange: scatter takes networks of at most %d weights; set "
                          "train.exchange=allreduce",
                          INT32_MAX);
    if (status == LKS_OK)
        status = make_shares(t, err);
    LKS_TRY(lks_comm_agree(t->comm, status, err));
    const lks_rank_share *own = own_share(t);
    const lks_update_share mine = {own->first, own->end, meet, t};
    lks_optimizer_share(&t->optimizer, &mine);
    lks_hashes_part(&t->guard.hashes, t->optimizer.n_states, own->first, own->end);
    return LKS_OK;
}

static void nothing(lks_trainer *t) {
    (void)t;
}

static void end(lks_trainer *t) {
    lks_shares *s = &t->exchange.shares;
    lks_free(s->of);
    lks_free(s->owner);
    lks_free(s->weights);
    lks_free(s->room);
    *s = (lks_shares){0};
}

/* --- a step ----------------------------------------------------------------------------------- */

static void sum(lks_trainer *t) {
    const lks_model_view *v = &t->view;
    const lks_shares *s = &t->exchange.shares;
    const lks_rank_share *own = own_share(t);
    const size_t head = head_of(v), n = own->end - own->first;
    lks_comm_sum_i64(t->comm, v->message, head);
    if (t->comm->size == 1)
        return;
    if (v->gradients) {
        lks_comm_scatter_sum_f32(t->comm, v->gradients, (float *)s->room, s->weights);
        memcpy(v->gradients + own->first, s->room, n * sizeof *v->gradients);
        return;
    }
    lks_comm_scatter_sum_i64(t->comm, v->message + head, (int64_t *)s->room, s->weights);
    memcpy(v->message + head + own->first, s->room, n * sizeof *v->message);
}

/* This rank's part, to be sent. */
static void offer(const lks_trainer *t) {
    const lks_hashes *h = &t->guard.hashes;
    const lks_rank_share *own = own_share(t);
    const part p = part_of(t, own);
    const size_t blocks = (size_t)(own->end_block - own->block);
    *p.bad = t->bad_weights;
    for (int a = 0; a < arrays_of(t); a++)
        memcpy(p.hashes + (size_t)a * blocks, h->written[a] + own->block,
               blocks * sizeof *p.hashes);
    memcpy(p.weights, t->view.weights + own->first, (own->end - own->first) * sizeof *p.weights);
}

/* Another's block: what this rank had of it in this step is what had come, and so is what comes now. Weights that no step
 * touches stay this rank's own. */
static void take_block(lks_trainer *t, int block) {
    const lks_shares *s = &t->exchange.shares;
    lks_hashes *h = &t->guard.hashes;
    const lks_hash_block *b = &h->blocks[block];
    const lks_rank_share *from = &s->of[s->owner[block]];
    const part p = part_of(t, from);
    lks_hashes_read(h, 0, block);
    if (!h->tensors[b->tensor].trained)
        return;
    for (int a = 0; a < arrays_of(t); a++)
        h->written[a][block] = p.hashes[a * (from->end_block - from->block) + block - from->block];
    memcpy(t->view.weights + b->first, p.weights + (b->first - from->first),
           (size_t)b->count * sizeof *p.weights);
    lks_hashes_came(h, 0, block);
}

static void unite(lks_trainer *t) {
    const lks_shares *s = &t->exchange.shares;
    const int rank = t->comm->rank;
    if (t->comm->size == 1)
        return;
    offer(t);
    const lks_phase before = lks_phases_meet(&t->phases);
    lks_comm_allgather(t->comm, s->room, s->words, sizeof *s->room);
    lks_phases_part(&t->phases, before);
    if (lks_comm_check(t->comm, NULL) != LKS_OK)
        return; /* nothing came, and the next step tells why */
    for (int r = 0; r < t->comm->size; r++)
        t->bad_weights |= *part_of(t, &s->of[r]).bad != 0;
#pragma omp parallel for num_threads(t->threads) schedule(static)
    for (int b = 0; b < t->guard.hashes.n_blocks; b++)
        if (s->owner[b] != rank)
            take_block(t, b);
}

static void gather(lks_trainer *t) {
    const lks_shares *s = &t->exchange.shares;
    lks_hashes *h = &t->guard.hashes;
    if (t->comm->size == 1)
        return;
    for (int k = 0; k < t->optimizer.n_states; k++)
        lks_comm_allgather(t->comm, t->optimizer.state[k], s->weights, sizeof(float));
    if (lks_comm_check(t->comm, NULL) != LKS_OK)
        return;
#pragma omp parallel for num_threads(t->threads) schedule(static)
    for (int b = 0; b < h->n_blocks; b++)
        for (int a = 1; s->owner[b] != t->comm->rank && a < arrays_of(t); a++)
            lks_hashes_came(h, a, b);
}

const lks_exchange_way lks_exchange_scatter = {.begin = begin,
                                               .join = nothing,
                                               .end = end,
                                               .sum = sum,
                                               .sum_moments = lks_replicas_sum_moments,
                                               .unite = unite,
                                               .share = nothing,
                                               .spread = lks_replicas_spread,
                                               .gather = gather};
