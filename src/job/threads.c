/* How many threads a rank should start. Launchers bind ranks to cores: threads beyond a rank's mask
 * would pile up on it. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/cgroup.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/job.h"

enum { THREADS_MOST = 1024 }; /* as --threads has it */

typedef struct place {
    char host[256];
    cpu_set_t bound, allowed; /* the launcher's mask, and what the system would allow */
    lks_cpu_quota quota;
    int asked; /* by the option or the configuration; 0: not */
    int wish;  /* OMP_NUM_THREADS; 0: none */
} place;

static lks_cpu_quota own_quota(void) {
    return lks_cpu_quota_read("/proc/self/cgroup", "/proc/self/mountinfo");
}

/* The first number of OMP_NUM_THREADS, which may be a list for nested loops; 0: none. */
static int own_wish(void) {
    const char *text = getenv("OMP_NUM_THREADS");
    char *end = NULL;
    const long number = text ? strtol(text, &end, 10) : 0;
    return number >= 1 && number <= THREADS_MOST && (!*end || *end == ',') ? (int)number : 0;
}

static place own_place(const lks_comm *comm, int asked) {
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
    p.quota = own_quota();
    p.asked = asked;
    p.wish = own_wish();
    return p;
}

/* Whole processors that a quota gives each of `sharers`: threads that spin on a part of one only wait. */
static int within(int threads, lks_cpu_quota quota, int sharers) {
    const double each = quota.cpus / sharers;
    if (quota.cpus > 0 && each < threads)
        threads = (int)each;
    return threads > 0 ? threads : 1;
}

/* Ranks of r's host that are in the group whose quota r has. */
static int quota_sharers(const place *all, int ranks, int r) {
    int sharers = 0;
    for (int i = 0; i < ranks; i++)
        sharers += all[i].quota.cpus > 0 && all[i].quota.group == all[r].quota.group &&
                   strcmp(all[i].host, all[r].host) == 0;
    return sharers;
}

/* Cores of rank r's mask shared out among the ranks of its host that have the same one, within its quota. */
static int usable(const place *all, int ranks, int r) {
    int sharers = 0;
    for (int i = 0; i < ranks; i++)
        sharers += strcmp(all[i].host, all[r].host) == 0 && CPU_EQUAL(&all[i].bound, &all[r].bound);
    return within(CPU_COUNT(&all[r].bound) / sharers, all[r].quota, quota_sharers(all, ranks, r));
}

static int choose(const place *all, int ranks, int r) {
    if (all[r].asked)
        return all[r].asked;
    return all[r].wish ? all[r].wish : usable(all, ranks, r);
}

/* What decided, where it is not the cores alone; of rank 0, which the others are like as a rule. */
static void tell_choice(const place *all, int ranks, int threads) {
    const place *p = &all[0];
    const int sharers = quota_sharers(all, ranks, 0);
    if (p->asked && p->wish && p->asked != p->wish)
        lks_info("threads    %d a rank as asked for, not OMP_NUM_THREADS=%d", threads, p->wish);
    else if (!p->asked && p->wish)
        lks_info("threads    %d a rank, by OMP_NUM_THREADS", threads);
    if (sharers == 0)
        return;
    char quota[64];
    snprintf(quota, sizeof quota, "a CPU quota of %.4g core%s (cgroup)", p->quota.cpus,
             p->quota.cpus == 1 ? "" : "s");
    if (threads * sharers > p->quota.cpus)
        lks_warn("%d rank%s x %d thread%s on %s have %s: whoever is over it stands still for a "
                 "while, and "
                 "all wait; give fewer ranks or --threads",
                 sharers, sharers == 1 ? "" : "s", threads, threads == 1 ? "" : "s", p->host,
                 quota);
    else if (!p->asked && !p->wish)
        lks_info("threads    %d a rank: %d rank%s on %s have %s", threads, sharers,
                 sharers == 1 ? "" : "s", p->host, quota);
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
    else if (!asked && used < have && each > threads && all[0].quota.cpus == 0)
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
    if (!asked)
        asked = own_wish();
    if (asked || sched_getaffinity(0, sizeof bound, &bound) != 0)
        return asked ? asked : 1;
    return within(CPU_COUNT(&bound), own_quota(), 1);
}

lks_status lks_choose_threads(lks_comm *comm, int asked, int *chosen, lks_error *err) {
    place mine = own_place(comm, asked);
    size_t n = (size_t)comm->size, n_places = comm->rank == 0 ? n : 0;
    place *all = lks_alloc(n_places, sizeof *all, "the table of ranks", err);
    int *threads = lks_alloc(n, sizeof *threads, "the table of ranks", err);
    if (!threads || !all)
        lks_comm_fail(comm, err);
    lks_comm_gather(comm, &mine, 1, sizeof mine, all, NULL);
    if (comm->rank == 0 && lks_comm_check(comm, NULL) == LKS_OK) {
        for (int r = 0; r < comm->size; r++)
            threads[r] = choose(all, comm->size, r);
        tell_choice(all, comm->size, threads[0]);
        warn_narrow(all, comm->size, threads[0], mine.asked || mine.wish);
    }
    lks_comm_broadcast(comm, threads, n * sizeof *threads, 0);
    lks_status status = lks_comm_check(comm, err);
    if (status == LKS_OK)
        *chosen = threads[comm->rank];
    lks_free(threads);
    lks_free(all);
    return status;
}
