/* How many threads a rank should start. Launchers bind ranks to cores: threads beyond a rank's mask
 * would pile up on it. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/job.h"

typedef struct place {
    char host[256];
    cpu_set_t bound, allowed; /* the launcher's mask, and what the system would allow */
} place;

static place own_place(const lks_comm *comm) {
    place p;
    memset(&p, 0, sizeof p);
    snprintf(p.host, sizeof p.host, "%s", comm->host);
    cpu_set_t all;
    sched_getaffinity(0, sizeof p.bound, &p.bound);
    memset(&all, 0xff, sizeof all);
    p.allowed = p.bound;
    if (sched_setaffinity(0, sizeof all, &all) == 0) { /* cut to what the cpuset allows */
        sched_getaffinity(0, sizeof p.allowed, &p.allowed);
        sched_setaffinity(0, sizeof p.bound, &p.bound);
    }
    return p;
}

/* Cores of rank r's mask shared out among the ranks of its host that have the same one. */
static int usable(const place *all, int ranks, int r) {
    int sharers = 0;
    for (int i = 0; i < ranks; i++)
        sharers += strcmp(all[i].host, all[r].host) == 0 && CPU_EQUAL(&all[i].bound, &all[r].bound);
    int threads = CPU_COUNT(&all[r].bound) / sharers;
    return threads > 0 ? threads : 1;
}

static void warn_narrow(const place *all, int ranks, int threads, bool asked) {
    cpu_set_t together = all[0].bound;
    int local = 0;
    for (int i = 0; i < ranks; i++)
        if (strcmp(all[i].host, all[0].host) == 0) {
            CPU_OR(&together, &together, &all[i].bound);
            local++;
        }
    int have = CPU_COUNT(&all[0].allowed), used = CPU_COUNT(&together);
    int each = have / local > 0 ? have / local : 1;
    if (asked && threads > CPU_COUNT(&all[0].bound))
        lks_warn("%d threads, but this rank is bound to %d core%s: start with `mpirun --bind-to "
                 "none` or `--map-by slot:PE=%d`, or give fewer --threads",
                 threads, CPU_COUNT(&all[0].bound), CPU_COUNT(&all[0].bound) == 1 ? "" : "s",
                 threads);
    else if (!asked && used < have && each > threads)
        lks_warn("the launcher bound %d rank%s to %d of %d cores on %s: start with `mpirun "
                 "--map-by slot:PE=%d` or `--bind-to none` to use all",
                 local, local == 1 ? "" : "s", used, have, all[0].host, each);
    else if (threads * local > have)
        lks_warn("%d ranks x %d thread%s share %d cores of %s: this is slower than one thread for "
                 "each core",
                 local, threads, threads == 1 ? "" : "s", have, all[0].host);
}

int lks_threads_alone(int asked) {
    cpu_set_t bound;
    if (asked || sched_getaffinity(0, sizeof bound, &bound) != 0)
        return asked ? asked : 1;
    return CPU_COUNT(&bound);
}

lks_status lks_choose_threads(lks_comm *comm, int asked, int *chosen, lks_error *err) {
    place mine = own_place(comm);
    size_t n = (size_t)comm->size, n_places = comm->rank == 0 ? n : 0;
    place *all = lks_alloc(n_places, sizeof *all, "the table of ranks", err);
    int *threads = lks_alloc(n, sizeof *threads, "the table of ranks", err);
    if (!threads || !all)
        lks_comm_fail(comm, err);
    lks_comm_gather(comm, &mine, 1, sizeof mine, all, NULL);
    if (comm->rank == 0 && lks_comm_check(comm, NULL) == LKS_OK) {
        for (int r = 0; r < comm->size; r++)
            threads[r] = asked ? asked : usable(all, comm->size, r);
        warn_narrow(all, comm->size, threads[0], asked != 0);
    }
    lks_comm_broadcast(comm, threads, n * sizeof *threads, 0);
    lks_status status = lks_comm_check(comm, err);
    if (status == LKS_OK)
        *chosen = threads[comm->rank];
    lks_free(threads);
    lks_free(all);
    return status;
}
