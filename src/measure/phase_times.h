/** @file phase_times.h  Times per phase in metrics.jsonl, summary.json and tables. Nothing is
 * collective. */
#ifndef LKS_MEASURE_PHASE_TIMES_H
#define LKS_MEASURE_PHASE_TIMES_H

#include <stdio.h>
#include "io/history.h"

/** Writes @p t as {"exchange":{"min":s,"avg":s,"max":s,"rank":r},...}, "total" last. */
void lks_phase_times_put(FILE *f, const lks_phase_times *t);

/** Reads member "phases" of the object in @p json, as written above. What is missing is NaN, with
 * rank -1. */
lks_phase_times lks_phase_times_get(const char *json);

/** A table of least, mean and most with the rank of the most, and the mean's share of the total,
 * under @p title. */
void lks_phase_times_print(FILE *f, const char *title, const lks_phase_times *t);

#endif
