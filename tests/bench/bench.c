#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timer.h"

void bench_die(const lks_error *err) {
    fprintf(stderr, "bench: %s\n", err->text);
    exit(1);
}

int bench_tables(int argc, char **argv, void (*table)(const lks_kernels *)) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n = lks_kernels_usable(tables);
    for (int i = 0; argc == 1 && i < n; i++)
        table(tables[i]);
    for (int i = 1; i < argc; i++) {
        lks_error err;
        const lks_kernels *named;
        if (lks_kernels_select(argv[i], &named, &err) != LKS_OK)
            bench_die(&err);
        table(named);
    }
    return 0;
}

double bench_best(void (*run)(void *), void *context, double patience, int *runs) {
    double best = INFINITY, end = lks_now() + patience;
    for (*runs = 0; *runs < 10 || lks_now() < end; ++*runs) {
        double started = lks_now();
        run(context);
        double seconds = lks_now() - started;
        best = seconds < best ? seconds : best;
    }
    return best;
}
