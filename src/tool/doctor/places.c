/* Cores, masks, quotas, MPI, program, instruction set and clocks of all ranks. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/cgroup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "comm/probe.h"
#include "tool/doctor/parts.h"

#define CLOCK_ROUNDS 20
#define BUSY         0.5 /* processes a core before doctor itself began */
#define CLOCK_OFF    1.0 /* seconds: from there on times in logs no longer tell what came first */

typedef struct place {
    char host[256], mpi[128], level[32], isa[32], program[LKS_SHA256_HEX];
    int threads, online; /* its own, and processors of the host */
    cpu_set_t mask;
    lks_cpu_quota quota;
    double ahead, error; /* of the host's clock, in seconds; of first ranks of hosts */
    double load; /* processes that ran there in the minute before, on average; below 0: unknown */
} place;

/* --- of this rank ----------------------------------------------------------------------------- */

static lks_status digest_program(char hex[LKS_SHA256_HEX], lks_error *err) {
    double bytes = 0;
    lks_error ignored; /* where /proc is not there: none */
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return err->status;
    lks_doctor_digest_file(digest, "/proc/self/exe", &bytes, &ignored);
    lks_sha256_finish(digest, hex);
    return LKS_OK;
}

static lks_status look(place *p, lks_comm *comm, int threads, const lks_kernels *kernels,
                       lks_error *err) {
    memset(p, 0, sizeof *p);
    snprintf(p->host, sizeof p->host, "%s", comm->host);
    snprintf(p->level, sizeof p->level, "%s", lks_probe_thread_level(comm));
    snprintf(p->isa, sizeof p->isa, "%s", kernels->isa);
    lks_comm_library(p->mpi, sizeof p->mpi);
    p->threads = threads;
    if (getloadavg(&p->load, 1) != 1)
        p->load = -1;
    p->online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    sched_getaffinity(0, sizeof p->mask, &p->mask);
    p->quota = lks_cpu_quota_read("/proc/self/cgroup", "/proc/self/mountinfo");
    return comm->local_rank == 0 ? digest_program(p->program, err) : LKS_OK;
}

/* Rank 0 and one host's first rank after the other. */
static void compare_clocks(place *p, lks_comm *comm, const lks_seats *seats) {
    for (int h = 1; h < seats->hosts; h++) {
        if (comm->rank == 0)
            lks_probe_clock(comm, seats->first[h], CLOCK_ROUNDS, &p->error);
        else if (comm->rank == seats->first[h])
            p->ahead = lks_probe_clock(comm, 0, CLOCK_ROUNDS, &p->error);
        lks_comm_barrier(comm);
    }
}

/* --- judged by rank 0 ------------------------------------------------------------------------- */

static const char *plural(int n) {
    return n == 1 ? "" : "s";
}

static void judge_ranks(lks_diagnosis *d, const lks_seats *seats) {
    int fewest = seats->count[0], most = seats->count[0];
    for (int h = 1; h < seats->hosts; h++) {
        fewest = seats->count[h] < fewest ? seats->count[h] : fewest;
        most = seats->count[h] > most ? seats->count[h] : most;
    }
    if (fewest == most)
        lks_diagnose(d, LKS_VERDICT_OK, "ranks", "", "%d rank%s on %d host%s, %d a host",
                     seats->ranks, plural(seats->ranks), seats->hosts, plural(seats->hosts), most);
    else
        lks_diagnose(d, LKS_VERDICT_WARNING, "ranks",
                     "start as many on each: the fullest host decides how long a step takes",
                     "%d ranks on %d hosts, from %d to %d a host", seats->ranks, seats->hosts,
                     fewest, most);
}

/* What the ranks of one host may use, and want. */
typedef struct host_use {
    const char *name;
    int ranks, threads, online, cores; /* cores: in the masks of its ranks */
    int narrow, least;    /* ranks with more threads than their masks have cores, and such a mask */
    int widest;           /* threads of one rank */
    double quota, wanted; /* cores of the tightest quota, and threads of all ranks that share it */
} host_use;

/* Of the group whose quota allows the smallest part of the threads that share it. */
static void find_quota(host_use *u, const place *all, const lks_seats *seats, int host) {
    uint64_t before = 0;
    for (int r = seats->first[host]; r < seats->ranks; r++) {
        if (seats->of[r].host != host || all[r].quota.cpus == 0 ||
            (u->quota > 0 && all[r].quota.group == before))
            continue;
        double wanted = 0;
        before = all[r].quota.group; /* as a rule ranks of a group follow one another */
        for (int i = seats->first[host]; i < seats->ranks; i++)
            if (seats->of[i].host == host && all[i].quota.group == all[r].quota.group)
                wanted += all[i].threads;
        if (u->quota == 0 || all[r].quota.cpus / wanted < u->quota / u->wanted) {
            u->quota = all[r].quota.cpus;
            u->wanted = wanted;
        }
    }
}

static host_use use_of(const place *all, const lks_seats *seats, int host) {
    host_use u = {.name = all[seats->first[host]].host, .online = all[seats->first[host]].online};
    cpu_set_t together;
    CPU_ZERO(&together);
    for (int r = seats->first[host]; r < seats->ranks; r++) {
        if (seats->of[r].host != host)
            continue;
        const int cores = CPU_COUNT(&all[r].mask);
        CPU_OR(&together, &together, &all[r].mask);
        u.ranks++;
        u.threads += all[r].threads;
        u.widest = all[r].threads > u.widest ? all[r].threads : u.widest;
        if (all[r].threads > cores && u.narrow++ == 0)
            u.least = cores;
    }
    u.cores = CPU_COUNT(&together);
    find_quota(&u, all, seats, host);
    return u;
}

static void judge_threads(lks_diagnosis *d, const host_use *u) {
    const char *const name = "threads";
    if (u->narrow)
        lks_diagnose(d, LKS_VERDICT_WARNING, name,
                     "start with `mpirun --map-by slot:PE=THREADS` or `--bind-to none`, or give "
                     "fewer --threads",
                     "%s: %d of %d rank%s with more threads (%d) than cores in its mask (%d)",
                     u->name, u->narrow, u->ranks, plural(u->ranks), u->widest, u->least);
    else if (u->threads > u->cores)
        lks_diagnose(d, LKS_VERDICT_WARNING, name,
                     "give one thread or rank for each core: who waits takes time from who works",
                     "%s: %d rank%s with %d threads in all share %d core%s", u->name, u->ranks,
                     plural(u->ranks), u->threads, u->cores, plural(u->cores));
    else if (u->threads < u->online && u->quota == 0)
        lks_diagnose(
            d, LKS_VERDICT_WARNING, name,
            "more ranks or --threads would use the others, if they are yours; where a mask "
            "is too narrow, `mpirun --map-by slot:PE=THREADS` or `--bind-to none`",
            "%s: %d rank%s with %d thread%s in all, bound to %d of %d cores", u->name, u->ranks,
            plural(u->ranks), u->threads, plural(u->threads), u->cores, u->online);
    else
        lks_diagnose(d, LKS_VERDICT_OK, name, "", "%s: %d rank%s with %d thread%s in all, %d cores",
                     u->name, u->ranks, plural(u->ranks), u->threads, plural(u->threads), u->cores);
}

static void judge_quota(lks_diagnosis *d, const host_use *u) {
    if (u->quota > 0 && u->wanted > u->quota)
        lks_diagnose(d, LKS_VERDICT_WARNING, "quota",
                     "ask for more processors, or give fewer ranks or --threads: whoever is over a "
                     "quota stands still for a while, and all wait",
                     "%s: %.0f threads share a CPU quota of %.4g cores (cgroup)", u->name,
                     u->wanted, u->quota);
    else if (u->quota > 0)
        lks_diagnose(d, LKS_VERDICT_OK, "quota", "",
                     "%s: %.0f threads within a CPU quota of %.4g cores (cgroup)", u->name,
                     u->wanted, u->quota);
}

/* Hosts that are as they should be are told together. */
static void judge_hosts(lks_diagnosis *d, const place *all, const lks_seats *seats) {
    int good = 0;
    for (int h = 0; h < seats->hosts; h++) {
        const host_use u = use_of(all, seats, h);
        const bool right = !u.narrow && u.threads <= u.cores &&
                           (u.threads >= u.online || u.quota > 0) && u.wanted <= u.quota;
        if (!right || good++ == 0) {
            judge_threads(d, &u);
            judge_quota(d, &u);
        }
    }
    if (good > 1)
        lks_diagnose(d, LKS_VERDICT_OK, "threads", "", "the same on %d more host%s", good - 1,
                     plural(good - 1));
}

/* Ranks whose text at `offset` of a place is another than rank 0's; *lowest gets the first of them. */
static int differ(const place *all, const lks_seats *seats, size_t offset, int *lowest) {
    const char *wanted = (const char *)&all[0] + offset;
    int n = 0;
    for (int r = 0; r < seats->ranks; r++) {
        const char *text = (const char *)&all[r] + offset;
        if (*text && strcmp(text, wanted) != 0 && n++ == 0)
            *lowest = r;
    }
    return n;
}

static void judge_text(lks_diagnosis *d, const place *all, const lks_seats *seats, size_t offset,
                       const char *name, lks_verdict verdict, const char *advice) {
    int other = 0;
    const int n = differ(all, seats, offset, &other);
    const char *text = (const char *)&all[0] + offset;
    if (n == 0)
        lks_diagnose(d, LKS_VERDICT_OK, name, "", "%s%s", text, seats->ranks > 1 ? " on all" : "");
    else
        lks_diagnose(d, verdict, name, advice,
                     "rank %d on %s has %.100s, rank 0 has %.100s; %d rank%s differ%s", other,
                     all[other].host, (const char *)&all[other] + offset, text, n, plural(n),
                     n == 1 ? "s" : "");
}

static void judge_texts(lks_diagnosis *d, const place *all, const lks_seats *seats) {
    judge_text(d, all, seats, offsetof(place, mpi), "mpi", LKS_VERDICT_FAULT,
               "start all ranks with one MPI library: another one may not understand its messages");
    judge_text(d, all, seats, offsetof(place, level), "mpi threads", LKS_VERDICT_WARNING,
               "start all ranks with one build of the MPI library");
    judge_text(d, all, seats, offsetof(place, program), "program", LKS_VERDICT_WARNING,
               "install the same program on all hosts (SHA-256 of the file that runs)");
    judge_text(d, all, seats, offsetof(place, isa), "processor", LKS_VERDICT_WARNING,
               "bits stay the same, but the slowest host decides: take hosts of one kind");
}

/* Of the host with most. */
static void judge_load(lks_diagnosis *d, const place *all, const lks_seats *seats) {
    const place *worst = &all[0];
    for (int h = 1; h < seats->hosts; h++) {
        const place *p = &all[seats->first[h]];
        if (p->load / p->online > worst->load / worst->online)
            worst = p;
    }
    const bool busy = worst->load > BUSY * worst->online;
    if (worst->load >= 0)
        lks_diagnose(d, busy ? LKS_VERDICT_WARNING : LKS_VERDICT_OK, "load",
                     busy ? "wait until others are done, or ask for hosts of your own: what is "
                            "measured and forecast holds beside that work alone"
                          : "",
                     "%s: %.1f processes on %d cores in the minute before", worst->host,
                     worst->load, worst->online);
}

static void judge_clocks(lks_diagnosis *d, const place *all, const lks_seats *seats) {
    int worst = 0;
    for (int h = 1; h < seats->hosts; h++)
        if (fabs(all[seats->first[h]].ahead) > fabs(all[worst].ahead) || worst == 0)
            worst = seats->first[h];
    const place *p = &all[worst];
    if (worst == 0)
        return;
    const bool off = fabs(p->ahead) > CLOCK_OFF;
    lks_diagnose(d, off ? LKS_VERDICT_WARNING : LKS_VERDICT_OK, "clocks",
                 off ? "let NTP or chrony set them: logs and times of files no longer tell what "
                       "came first"
                     : "",
                 "%s is %.6f s %s %s (to within %.6f s), the most of %d host%s", p->host,
                 fabs(p->ahead), p->ahead < 0 ? "behind" : "ahead of", all[0].host, p->error,
                 seats->hosts - 1, plural(seats->hosts - 1));
}

lks_status lks_doctor_places(lks_diagnosis *d, lks_comm *comm, const lks_seats *seats, int threads,
                             const lks_kernels *kernels, lks_error *err) {
    place own, *all = NULL;
    lks_status status = look(&own, comm, threads, kernels, err);
    if (status == LKS_OK && comm->rank == 0 &&
        !(all = lks_alloc((size_t)comm->size, sizeof *all, "the table of ranks", err)))
        status = err->status;
    status = lks_comm_agree(comm, status, err);
    if (status != LKS_OK) {
        lks_free(all);
        return status;
    }
    compare_clocks(&own, comm, seats);
    lks_comm_gather(comm, &own, 1, sizeof own, all, NULL);
    if (comm->rank == 0 && lks_comm_check(comm, NULL) == LKS_OK) {
        judge_ranks(d, seats);
        judge_hosts(d, all, seats);
        judge_load(d, all, seats);
        judge_texts(d, all, seats);
        judge_clocks(d, all, seats);
    }
    lks_free(all);
    return lks_comm_check(comm, err);
}
