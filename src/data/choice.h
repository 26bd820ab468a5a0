/* Of each class the samples of the smallest tickets, wherever they are. */
#ifndef LKS_DATA_CHOICE_H
#define LKS_DATA_CHOICE_H

#include "data/data.h"

/* What is drawn. Each purpose has random numbers of its own, so that no choice leans on another. */
typedef enum lks_draw { LKS_DRAW_VALIDATION, LKS_DRAW_LIMIT, LKS_DRAW_REPEATS } lks_draw;

/* Among whom is chosen: the samples of a use; LKS_USE_NONE: all. */
typedef struct lks_choice {
    const lks_labelled *samples;
    const lks_split_rule *rule; /* as far as it is known */
    lks_use among;
    lks_draw draw;
    int classes;
} lks_choice;

/* cutoffs[c] so that `wanted`[c] of the counts[c] samples of class c among whom is chosen are. Collective over the samples'
 * processes; errors are agreed. LKS_ERR_MEMORY. */
lks_status lks_choose(lks_cutoff cutoffs[LKS_CLASSES_MAX], const lks_choice *choice,
                      const int64_t counts[LKS_CLASSES_MAX], const int64_t wanted[LKS_CLASSES_MAX],
                      lks_error *err);

bool lks_chosen(const lks_cutoff *cutoff, uint64_t seed, lks_draw draw, uint32_t id);

#endif
