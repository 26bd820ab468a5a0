/* Steps of training that are only timed: what `bench` and `doctor` share. */
#ifndef LKS_TOOL_REHEARSE_H
#define LKS_TOOL_REHEARSE_H

#include "train/trainer.h"

/* Turns @p config to its data, in the folder @p data where that is not NULL; *made_up where there are none and none were
 * asked for. Nothing is evaluated. Collective; errors are agreed. */
lks_status lks_rehearse_data(lks_config *config, lks_comm *comm, const char *data, bool *made_up,
                             lks_error *err);

/* The next step; behind an epoch's last one the first of the next. Collective; errors are agreed. */
lks_status lks_rehearse_step(lks_trainer *t, lks_error *err);

/* Multiply-adds that this rank's threads do in a second, 2 operations each, by the unit that computes the products of a
 * network of @p precision. Others on the machine only ever make it less. Not collective. */
double lks_rehearse_peak(const lks_kernels *kernels, lks_precision precision, int threads);

#endif
