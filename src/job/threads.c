/* How many threads a rank should start. Launchers bind ranks to cores: threads beyond a rank's mask
 * would pile up on it. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/cgroup.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "job/job.h"

enum { THREADS_MOST = 1024 }; /* as --threads has it */

typedef struct place {
    char host[256];
    int rank;
    cpu_set_t bound, allowed; /* the launcher's mask, and what the system would allow */
    lks_cpu_quota quota;
    int asked; /* by the option or the configuration; 0: not */
    int wish;  /* OMP_NUM_THREADS; 0: none */
} place;

/* The ranks of one host, in their order. */
typedef struct host {
    const place *const *ranks;
    int n;
} host;

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
    p.rank = comm->rank;
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

/* Ranks that are in the group whose quota p has. */
static int quota_sharers(const host *h, const place *p) {
    int sharers = 0;
    for (int i = 0; i < h->n; i++)
        sharers += h->ranks[i]->quota.cpus > 0 && h->ranks[i]->quota.group == p->quota.group;
    return sharers;
}

/* Cores of p's mask shared out among the ranks that have the same one, within its quota. */
static int usable(const host *h, const place *p) {
    int sharers = 0;
    for (int i = 0; i < h->n; i++)
        sharers += CPU_EQUAL(&h->ranks[i]->bound, &p->bound);
    return within(CPU_COUNT(&p->bound) / sharers, p->quota, quota_sharers(h, p));
}

static int choose(const host *h, const place *p) {
    if (p->asked)
        return p->asked;
    return p->wish ? p->wish : usable(h, p);
}

/* What decided, where it is not the cores alone; of rank 0, which the others are like as a rule. */
static void tell_choice(const host *h, int threads) {
    const place *p = h->ranks[0];
    const int sharers = quota_sharers(h, p);
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

static void warn_narrow(const host *h, int threads) {
    const place *p = h->ranks[0];
    cpu_set_t together = p->bound;
    for (int i = 0; i < h->n; i++)
        CPU_OR(&together, &together, &h->ranks[i]->bound);
    const bool asked = p->asked || p->wish;
    int have = CPU_COUNT(&p->allowed), used = CPU_COUNT(&together);
    int each = have / h->n > 0 ? have / h->n : 1;
    if (asked && threads > CPU_COUNT(&p->bound))
        lks_warn("%d threads, but this rank is bound to %d core%s: start with `mpirun --bind-to "
                 "none` or `--map-by slot:PE=%d`, or give fewer --threads",
                 threads, CPU_COUNT(&p->bound), CPU_COUNT(&p->bound) == 1 ? "" : "s", threads);
    else if (!asked && used < have && each > threads && p->quota.cpus == 0)
        lks_warn("the launcher bound %d rank%s to %d of %d cores on %s: start with `mpirun "
                 "--map-by slot:PE=%d` or `--bind-to none` to use all",
                 h->n, h->n == 1 ? "" : "s", used, have, p->host, each);
    else if (threads * h->n > have)
        lks_warn("%d ranks x %d thread%s share %d cores of %s: this is slower than one thread for "
                 "each core",
                 h->n, threads, threads == 1 ? "" : "s", have, p->host);
}

static int by_host(const void *left, const void *right) {
    const place *a = *(const place *const *)left, *b = *(const place *const *)right;
    const int hosts = strcmp(a->host, b->host);
    return hosts ? hosts : (a->rank > b->rank) - (a->rank < b->rank);
}

/* Each host is looked at by itself. `sorted` is of all ranks, by host. */
static void choose_all(const place *const *sorted, int ranks, int *threads) {
    for (int first = 0, end; first < ranks; first = end) {
        for (end = first + 1; end < ranks && strcmp(sorted[end]->host, sorted[first]->host) == 0;)
            end++;
        const host h = {sorted + first, end - first};
        for (int i = 0; i < h.n; i++)
            threads[h.ranks[i]->rank] = choose(&h, h.ranks[i]);
        if (h.ranks[0]->rank == 0) {
            tell_choice(&h, threads[0]);
            warn_narrow(&h, threads[0]);
        }
    }
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
    const place **sorted = lks_alloc(n_places, sizeof *sorted, "the table of ranks", err);
    int *threads = lks_alloc(n, sizeof *threads, "the table of ranks", err);
    if (!threads || !sorted || !all)
        lks_comm_fail(comm, err);
    lks_comm_gather(comm, &mine, 1, sizeof mine, all, NULL);
    if (comm->rank == 0 && lks_comm_check(comm, NULL) == LKS_OK) {
        for (size_t r = 0; r < n; r++)
            sorted[r] = &all[r];
        qsort(sorted, n, sizeof *sorted, by_host);
        choose_all(sorted, comm->size, threads);
    }
    lks_comm_broadcast(comm, threads, n * sizeof *threads, 0);
    lks_status status = lks_comm_check(comm, err);
    if (status == LKS_OK)
        *chosen = threads[comm->rank];
    lks_free(threads);
    lks_free(sorted);
    lks_free(all);
    return status;
}
