/* What the benchmarks share. */
#ifndef LKS_BENCH_H
#define LKS_BENCH_H

#include "kernels/kernels.h"

/* Ends the program with the error's text. */
void bench_die(const lks_error *err);

/* Runs `table` with each of the instruction sets that the arguments name, or with all that the machine
 * has. Returns what main() returns. */
int bench_tables(int argc, char **argv, void (*table)(const lks_kernels *));

/* Seconds of the fastest of the runs that fit into `patience` seconds, at least ten: others on the
 * machine only ever make one longer. *runs becomes their number. */
double bench_best(void (*run)(void *), void *context, double patience, int *runs);

#endif
