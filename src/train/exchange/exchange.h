/* How the sums of all ranks become one, and who makes the new state of them (train.exchange). Elementwise: all ways
 * give the same bits. */
#ifndef LKS_TRAIN_EXCHANGE_H
#define LKS_TRAIN_EXCHANGE_H

#include "comm/host.h"
#include "comm/packed_sum.h"
#include "lockstep/status.h"

typedef struct lks_trainer lks_trainer;

/* One way. All but begin(), join() and end() are for a trainer that is open; all are collective. */
typedef struct lks_exchange_way {
    /* Once all arrays are there, and zero. Errors agreed. */
    lks_status (*begin)(lks_trainer *t, lks_error *err);
    /* The initial state is there: from here on ranks may work on one another's batches and weights. */
    void (*join)(lks_trainer *t);
    void (*end)(lks_trainer *t);
    /* The view's message, and its gradients, become sums over all ranks: the head on every rank, sums of
     * gradients where this rank updates weights. */
    void (*sum)(lks_trainer *t);
    /* Small sums of all ranks, in the midst of a batch. */
    void (*sum_moments)(lks_trainer *t, int64_t *values, size_t n);
    /* This rank has updated its weights: where it has a replica of its own, all others' new ones come to it. */
    void (*unite)(lks_trainer *t);
    /* Each rank has written what it had to, of a step or before the first one: now each may read all of it. */
    void (*share)(lks_trainer *t);
    /* Rank 0's weights, states and average go to all replicas, which note them as written; then as share(). */
    void (*spread)(lks_trainer *t);
    /* Rank 0 has all of the optimizer's states, as the newest step left them: see lks_trainer_gather(). */
    void (*gather)(lks_trainer *t);
} lks_exchange_way;

/* allreduce.c: MPI_Allreduce over all ranks, each with a replica of the state. */
extern const lks_exchange_way lks_exchange_allreduce;
/* host.c: the ranks of a host share one replica. */
extern const lks_exchange_way lks_exchange_host;
/* scatter.c: each rank has a replica of the weights, sums and updates a share of them, and keeps the states of that. */
extern const lks_exchange_way lks_exchange_scatter;

/* scatter.c: what one rank updates. */
typedef struct lks_rank_share {
    size_t first, end;    /* weights */
    int block, end_block; /* of the hashes */
    size_t at;            /* in the room of its part */
} lks_rank_share;

typedef struct lks_shares {
    lks_rank_share *of; /* [ranks] */
    int *owner;         /* [blocks of the hashes] who updates it */
    int *weights, *sums,
        *words; /* [ranks] each: counts of a share's weights, optimizer's blocks, words of its part */
    uint64_t *room; /* of a step's messages */
    size_t bytes;
} lks_shares;

typedef struct lks_exchange {
    const lks_exchange_way *way;
    lks_packed_sum sum; /* of what goes between hosts */
    /* This rank writes what no step writes: initial weights, those of a file, running moments. */
    bool writes;
    int sharers;       /* ranks with one copy of the state: those of this host, or this one alone */
    lks_host host;     /* of host.c */
    size_t first, end; /* of host.c: numbers of the message that this rank sums */
    lks_shares shares; /* of scatter.c */
} lks_exchange;

/* How many ranks have sums that are not 0 in a step, at most: those that compute a chunk. */
int lks_exchange_adders(const lks_trainer *t);

/* Where part `part` of `parts` of the weights begins: whole blocks of the hashes. */
size_t lks_exchange_edge(const lks_trainer *t, int part, int parts);

/* scatter.c: the largest share, in parts of all weights. */
double lks_exchange_largest(const lks_trainer *t);

/* What ways have in common where each rank has a replica. */
void lks_replicas_sum_moments(lks_trainer *t, int64_t *values, size_t n);
void lks_replicas_spread(lks_trainer *t);

#endif
