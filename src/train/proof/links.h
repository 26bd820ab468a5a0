/* Rank 0 keeps the chain of the run (io/chain.h): a row a step, whatever is recorded besides, and a link an
 * epoch. Not collective. */
#ifndef LKS_TRAIN_PROOF_LINKS_H
#define LKS_TRAIN_PROOF_LINKS_H

#include "train/trainer.h"

typedef struct lks_links {
    lks_layers layers;
    uint64_t *hashes; /* [layers.n] of the newest step */
} lks_links;

/* LKS_ERR_MEMORY. Ended by lks_links_close(), also after a failure. */
lks_status lks_links_open(lks_links *l, const lks_trainer *t, lks_error *err);
void lks_links_close(lks_links *l);

/* What decides a run's bits, as text: rules, seed, data, the source of its first weights, and of the configuration all
 * that may not change on the way. malloc'd; NULL where memory is short. */
char *lks_links_origin(const lks_config *config, const char *data_digest,
                       const lks_init_source *init_from, lks_error *err);

/* Begins the chain of `h`, which has none, with the state as it is. */
lks_status lks_links_begin(lks_links *l, const lks_trainer *t, const lks_init_source *init_from,
                           lks_chain *chain, lks_error *err);

/* After a step. */
lks_status lks_links_step(lks_links *l, const lks_trainer *t, lks_chain *chain, lks_error *err);

/* After an epoch, with what validation decided: `h` has its record. */
lks_status lks_links_epoch(const lks_trainer *t, lks_history *h, lks_error *err);

#endif
