/* MPI_Allreduce over all ranks. */
#include "train/trainer.h"

int lks_exchange_adders(const lks_trainer *t) {
    const lks_train_config *c = &t->config->train;
    const int64_t chunks = (int64_t)lks_chunks(c->global_batch, c->chunk) * c->accumulate;
    return chunks < t->comm->size ? (int)chunks : t->comm->size;
}

size_t lks_exchange_edge(const lks_trainer *t, int part, int parts) {
    const size_t least = (size_t)(part < parts ? part : parts);
    return lks_hashes_edge(&t->guard.hashes, t->view.n_weights * least / (size_t)parts);
}

static lks_status begin(lks_trainer *t, lks_error *err) {
    const lks_model_view *v = &t->view;
    const size_t packable = v->gradients ? 0 : v->n_weights;
    t->exchange.writes = true;
    t->exchange.sharers = 1;
    const lks_status status =
        lks_packed_sum_create(&t->exchange.sum, t->comm, v->n_message - packable, packable,
                              lks_exchange_adders(t), t->config->train.packing, err);
    return lks_comm_agree(t->comm, status, err);
}

static void end(lks_trainer *t) {
    lks_packed_sum_free(&t->exchange.sum);
}

static void sum(lks_trainer *t) {
    lks_packed_sum_i64(&t->exchange.sum, t->comm, t->view.message, t->threads);
    if (t->view.gradients)
        lks_comm_sum_f32(t->comm, t->view.gradients, t->view.n_weights);
}

void lks_replicas_sum_moments(lks_trainer *t, int64_t *values, size_t n) {
    lks_comm_sum_i64(t->comm, values, n);
}

static void nothing(lks_trainer *t) {
    (void)t;
}

void lks_replicas_spread(lks_trainer *t) {
    lks_trainer_broadcast(t, t->comm);
    t->whole = true;
    if (t->comm->rank != 0)
        lks_hashes_wrote_all(&t->guard.hashes, t->threads);
}

const lks_exchange_way lks_exchange_allreduce = {.begin = begin,
                                                 .join = nothing,
                                                 .end = end,
                                                 .sum = sum,
                                                 .sum_moments = lks_replicas_sum_moments,
                                                 .unite = nothing,
                                                 .share = nothing,
                                                 .spread = lks_replicas_spread,
                                                 .gather = nothing};
