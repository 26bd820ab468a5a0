/** @file watch.h  What a rule that watches validation results has seen so far: the plateau schedule
 *  and early stopping. Plain numbers, stored in checkpoints; how they change is said in optim.h. */
#ifndef LKS_BASE_WATCH_H
#define LKS_BASE_WATCH_H

#include <stdint.h>

/** All 0 until the first evaluation. */
typedef struct lks_watch_state {
    int64_t evaluations; /**< seen */
    int64_t best_epoch;  /**< epochs done at the best one */
    double best;         /**< loss or accuracy there */
    int64_t bad;         /**< evaluations since without improvement */
    int64_t cooldown;    /**< plateau: evaluations to come that do not count */
    int64_t reductions;  /**< plateau: of the learning rate, so far */
} lks_watch_state;

#endif
