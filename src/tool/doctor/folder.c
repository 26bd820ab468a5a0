/* The folder of runs: is what rank 0 writes there soon seen by all hosts, and does it bear what a run does with it? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/timer.h"
#include "tool/doctor/parts.h"

#define WAIT_MOST   10.0 /* seconds until a file has to be seen */
#define WAIT_LONG   1.0
#define CHECKPOINTS 20 /* that there should be room for */

typedef char place[LKS_PATH_MAX + 64];

/* What one host's first rank found: seconds, -1: not within WAIT_MOST; an errno each, 0: good. */
typedef struct sight {
    char host[256];
    double seen, renamed;
    int own;  /* making a file of its own */
    int lock; /* on what rank 0 has locked: EWOULDBLOCK is as it should be */
} sight;

/* What rank 0 found, errnos. */
typedef struct abilities {
    int made; /* the folder itself */
    int flush, rename, link;
    double free; /* bytes */
    place folder;
} abilities;

/* --- rank 0 ----------------------------------------------------------------------------------- */

/* The nearest folder of `path` that is there. */
static void find_ancestor(const char *path, place folder) {
    struct stat s;
    snprintf(folder, sizeof(place), "%s", path);
    while (stat(folder, &s) != 0) {
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder) {
            snprintf(folder, sizeof(place), "%s", slash ? "/" : ".");
            return;
        }
        *slash = 0;
    }
}

static const char *in(const abilities *a, const char *name, place path) {
    snprintf(path, sizeof(place), "%.*s/%s", LKS_PATH_MAX + 16, a->folder, name);
    return path;
}

static void make_folder(abilities *a, const char *path) {
    struct statvfs s;
    place above;
    find_ancestor(path, above);
    snprintf(a->folder, sizeof a->folder, "%.*s/.lockstep-doctor-XXXXXX", LKS_PATH_MAX - 16, above);
    a->made = mkdtemp(a->folder) ? 0 : errno;
    a->free = statvfs(above, &s) == 0 ? (double)s.f_bavail * (double)s.f_frsize : -1;
    if (a->made) /* for messages */
        snprintf(a->folder, sizeof a->folder, "%s", above);
}

/* 0, or the errno of what failed. */
static int write_file(const char *path, const char *text, int *flush) {
    const int f = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f < 0)
        return errno;
    const int wrote = write(f, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
    if (flush)
        *flush = fsync(f) == 0 ? 0 : errno;
    close(f);
    return wrote;
}

static void try_link(abilities *a) {
    char target[64] = "";
    place link;
    if (symlink("seen", in(a, "link", link)) != 0 || readlink(link, target, sizeof target - 1) < 0)
        a->link = errno;
    unlink(link);
}

static int lock_file(const abilities *a, int *file) {
    place path;
    *file = open(in(a, "lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*file < 0)
        return errno;
    return flock(*file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

/* --- each host's first rank ------------------------------------------------------------------- */

static bool holds(const char *path, const char *text) {
    char found[64] = "";
    const int f = open(path, O_RDONLY | O_CLOEXEC);
    const bool read_it = f >= 0 && read(f, found, sizeof found - 1) >= 0;
    if (f >= 0)
        close(f);
    return read_it && strcmp(found, text) == 0;
}

static double wait_for(const char *path, const char *text) {
    const struct timespec pause = {0, 1000000};
    const double started = lks_now();
    for (;;) {
        const double waited = lks_now() - started;
        if (holds(path, text))
            return waited;
        if (waited > WAIT_MOST)
            return -1;
        nanosleep(&pause, NULL);
    }
}

static int make_own(const abilities *a, int host) {
    char name[32];
    place path;
    snprintf(name, sizeof name, "host-%d", host);
    const int reason = write_file(in(a, name, path), name, NULL);
    unlink(path);
    return reason;
}

/* --- all -------------------------------------------------------------------------------------- */

static void try_all(abilities *a, sight *s, lks_comm *comm, const lks_seats *seats) {
    place path, next;
    const bool root = comm->rank == 0, looks = comm->local_rank == 0;
    int lock = -1, unused = -1;
    in(a, "seen", path);
    in(a, "next", next);
    if (root)
        a->rename = write_file(path, "one", &a->flush);
    lks_comm_barrier(comm);
    if (looks) {
        s->seen = wait_for(path, "one");
        s->own = make_own(a, seats->of[comm->rank].host);
    }
    lks_comm_barrier(comm);
    if (root && write_file(next, "two", NULL) == 0)
        a->rename = rename(next, path) == 0 ? 0 : errno;
    if (root) {
        try_link(a);
        s->lock = lock_file(a, &lock);
    }
    lks_comm_barrier(comm);
    if (looks) {
        s->renamed = wait_for(path, "two");
        if (!root)
            s->lock = lock_file(a, &unused);
    }
    lks_comm_barrier(comm);
    if (unused >= 0)
        close(unused);
    if (lock >= 0)
        close(lock);
}

static void clean(const abilities *a) {
    static const char *const names[] = {"seen", "next", "lock"};
    place path;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in(a, names[i], path));
    rmdir(a->folder);
}

/* --- judged by rank 0 ------------------------------------------------------------------------- */

static void judge_sight(lks_diagnosis *d, const sight *all, int hosts, const char *folder) {
    int blind = -1, barred = -1;
    double latest = 0;
    for (int h = hosts - 1; h >= 0; h--) {
        if (all[h].seen < 0 || all[h].renamed < 0)
            blind = h;
        else if (all[h].own)
            barred = h;
        latest = all[h].seen > latest ? all[h].seen : latest;
        latest = all[h].renamed > latest ? all[h].renamed : latest;
    }
    if (blind >= 0)
        lks_diagnose(
            d, LKS_VERDICT_FAULT, "folder seen",
            "give --out a folder on a file system that all hosts share: a run that goes on "
            "with another host as rank 0 would not find its checkpoints",
            "%s: a file of rank 0, %s, was not seen on %s within %.0f s", folder,
            all[blind].seen < 0 ? "made" : "renamed", all[blind].host, WAIT_MOST);
    else if (barred >= 0)
        lks_diagnose(d, LKS_VERDICT_WARNING, "folder seen",
                     "let all hosts write there: any of them may be rank 0's when a run goes on",
                     "%s: %s cannot write: %s", folder, all[barred].host,
                     strerror(all[barred].own));
    else
        lks_diagnose(d, latest > WAIT_LONG ? LKS_VERDICT_WARNING : LKS_VERDICT_OK, "folder seen",
                     latest > WAIT_LONG ? "mount it with a shorter cache of attributes (actimeo)"
                                        : "",
                     "files that rank 0 makes and renames are seen on %d host%s within %.3f s",
                     hosts, hosts == 1 ? "" : "s", latest);
}

static void judge_ability(lks_diagnosis *d, const char *name, int reason, lks_verdict verdict,
                          const char *can, const char *advice) {
    if (reason)
        lks_diagnose(d, verdict, name, advice, "%s", strerror(reason));
    else
        lks_diagnose(d, LKS_VERDICT_OK, name, "", "%s", can);
}

static void judge_locks(lks_diagnosis *d, const sight *all, int hosts) {
    static const char name[] = "folder locks",
                      advice[] = "Lockstep needs none; where libhdf5 refuses files, set "
                                 "HDF5_USE_FILE_LOCKING=FALSE";
    int free = 0;
    for (int h = 1; h < hosts; h++)
        free += all[h].lock == 0;
    if (all[0].lock)
        lks_diagnose(d, LKS_VERDICT_WARNING, name, advice, "flock: %s", strerror(all[0].lock));
    else if (free)
        lks_diagnose(d, LKS_VERDICT_WARNING, name, advice,
                     "%d of %d hosts do not see a lock (flock) that another one holds", free,
                     hosts);
    else
        lks_diagnose(d, LKS_VERDICT_OK, name, "", "flock%s",
                     hosts > 1 ? ", seen by all hosts" : "");
}

static void judge_room(lks_diagnosis *d, double room, double checkpoint) {
    const bool narrow = room < CHECKPOINTS * checkpoint;
    if (room >= 0)
        lks_diagnose(d, narrow ? LKS_VERDICT_WARNING : LKS_VERDICT_OK, "folder room",
                     narrow ? "make room, or keep fewer checkpoints (checkpoint.keep)" : "",
                     "%.1f GiB free%s", room / 1073741824,
                     narrow ? ": less than 20 checkpoints take" : "");
}

static void judge(lks_diagnosis *d, const abilities *a, const sight *all, int hosts,
                  double checkpoint) {
    judge_sight(d, all, hosts, a->folder);
    judge_ability(d, "folder rename", a->rename, LKS_VERDICT_FAULT, "files can be replaced whole",
                  "take another file system for --out");
    judge_ability(d, "folder flush", a->flush, LKS_VERDICT_WARNING, "fsync is taken",
                  "a file may be lost when the power fails: take another file system for --out");
    judge_ability(d, "folder links", a->link, LKS_VERDICT_WARNING, "symbolic links can be made",
                  "last.h5 and best.h5 will be other names of the files, or copies");
    judge_locks(d, all, hosts);
    judge_room(d, a->free, checkpoint);
}

lks_status lks_doctor_folder(lks_diagnosis *d, lks_comm *comm, const lks_seats *seats,
                             const char *folder, double checkpoint, lks_error *err) {
    abilities a;
    sight own;
    memset(&a, 0, sizeof a);
    memset(&own, 0, sizeof own);
    snprintf(own.host, sizeof own.host, "%s", comm->host);
    if (comm->rank == 0)
        make_folder(&a, folder);
    lks_comm_broadcast(comm, &a, sizeof a, 0);
    LKS_TRY(lks_comm_check(comm, err));
    if (a.made) {
        if (comm->rank == 0)
            lks_diagnose(d, LKS_VERDICT_FAULT, "folder",
                         "give --out a folder that this user may write to", "%s: %s", a.folder,
                         strerror(a.made));
        return LKS_OK;
    }
    try_all(&a, &own, comm, seats);
    sight *all = lks_seats_gather(seats, comm, &own, sizeof own);
    if (comm->rank == 0)
        clean(&a);
    if (all && lks_comm_check(comm, NULL) == LKS_OK)
        judge(d, &a, all, seats->hosts, checkpoint);
    lks_free(all);
    return lks_comm_check(comm, err);
}
