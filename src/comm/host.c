#include "comm/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "comm/call.h"
#include "comm/handle.h"
#include "base/memory.h"
#include "base/observe/pulse.h"
#include "base/timer.h"

/* --- the memory ------------------------------------------------------------------------------- */

/* At its beginning. The last one to arrive lets all go. */
typedef struct meeting {
    _Alignas(LKS_ALIGN) _Atomic uint64_t arrived;  /* since the start */
    _Alignas(LKS_ALIGN) _Atomic uint64_t released; /* meetings that are over */
} meeting;

static size_t aligned(size_t bytes, size_t to) {
    return (bytes + to - 1) / to * to;
}

/* Two turns of lks_host_sum_i64(). */
static size_t room_of_sums(const lks_host *h) {
    return aligned(2 * h->numbers * sizeof(int64_t), LKS_ALIGN);
}

/* How the ranks of a host find the memory that their first one made. */
typedef struct ticket {
    long process;
    int file; /* its number in that process; -1: there is none */
    dev_t device;
    ino_t node;
} ticket;

static lks_status fail_memory(const lks_host *h, const char *what, lks_error *err) {
    return lks_fail(err, LKS_ERR_MEMORY,
                    "the ranks of a host cannot share memory, %.1f MiB: %s: %s",
                    (double)h->bytes / 1048576, what, strerror(errno));
}

/* A file in memory without a name. Whoever has the process's number may open it, too. */
static lks_status make_file(const lks_host *h, ticket *t, lks_error *err) {
    struct stat s;
    t->process = (long)getpid();
    t->file = memfd_create("lockstep", MFD_CLOEXEC);
    if (t->file < 0)
        return fail_memory(h, "memfd_create", err);
    if (ftruncate(t->file, (off_t)h->bytes) != 0 || fstat(t->file, &s) != 0)
        return fail_memory(h, "ftruncate", err);
    t->device = s.st_dev;
    t->node = s.st_ino;
    return LKS_OK;
}

/* The number of a process means another one where ranks do not see the same processes. */
static lks_status open_file(const lks_host *h, const ticket *t, int *file, lks_error *err) {
    char path[64];
    struct stat s;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", t->process, t->file);
    *file = open(path, O_RDWR | O_CLOEXEC);
    if (*file < 0)
        return fail_memory(h, path, err);
    if (fstat(*file, &s) == 0 && s.st_dev == t->device && s.st_ino == t->node)
        return LKS_OK;
    errno = ENOENT;
    return fail_memory(h, "ranks do not see each other's processes", err);
}

/* A rank's own part comes from the memory that is near to it. */
static lks_status take_room(const lks_host *h, int file, lks_error *err) {
    const int place = h->comm->local_rank;
    const size_t own = h->common + (size_t)place * h->own;
    errno = place == 0 ? posix_fallocate(file, 0, (off_t)h->common) : 0;
    if (errno == 0 && h->own > 0)
        errno = posix_fallocate(file, (off_t)own, (off_t)h->own);
    return errno == 0 ? LKS_OK : fail_memory(h, "posix_fallocate", err);
}

static lks_status map_file(lks_host *h, int file, lks_error *err) {
    LKS_TRY(take_room(h, file, err));
    void *memory = mmap(NULL, h->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        return fail_memory(h, "mmap", err);
    h->memory = memory;
    return LKS_OK;
}

/* The first rank's file stays open until all have it. */
static lks_status share_memory(lks_host *h, MPI_Comm local, lks_error *err) {
    const bool first = h->comm->local_rank == 0;
    ticket t = {.file = -1};
    int file = -1;
    lks_status status = first ? make_file(h, &t, err) : LKS_OK;
    LKS_CALL(h->comm, MPI_Bcast(&t, (int)sizeof t, MPI_BYTE, 0, local));
    if (first)
        file = t.file;
    else if (t.file >= 0 && lks_comm_check(h->comm, NULL) == LKS_OK)
        status = open_file(h, &t, &file, err);
    if (status == LKS_OK && file >= 0)
        status = map_file(h, file, err);
    status = lks_comm_agree(h->comm, status, err);
    if (file >= 0)
        close(file);
    return status;
}

/* Ranks whose place not every host has are with those of no other. */
static void join_others(lks_host *h) {
    lks_comm *comm = h->comm, *b = &h->between;
    int64_t parts = comm->local_size;
    lks_comm_min_i64(comm, &parts, 1);
    h->parts = (int)parts;
    const int colour = comm->local_rank < h->parts ? comm->local_rank : MPI_UNDEFINED;
    MPI_Comm others = MPI_COMM_NULL;
    LKS_CALL(comm, MPI_Comm_split(lks_comm_all(comm), colour, comm->rank, &others));
    *b = (lks_comm){.rank = comm->rank,
                    .size = comm->hosts,
                    .local_size = 1,
                    .hosts = comm->hosts,
                    .whole = comm};
    memcpy(&b->handle, &others, sizeof others);
}

lks_status lks_host_open(lks_host *h, lks_comm *comm, size_t common, size_t own, size_t numbers,
                         lks_error *err) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    MPI_Comm local;
    *h = (lks_host){.comm = comm, .numbers = numbers};
    h->common = aligned(sizeof(meeting) + common, page);
    h->own = aligned(room_of_sums(h) + own, page);
    h->bytes = h->common + (size_t)comm->local_size * h->own;
    join_others(h);
    if (LKS_CALL(comm, MPI_Comm_split_type(lks_comm_all(comm), MPI_COMM_TYPE_SHARED, comm->rank,
                                           MPI_INFO_NULL, &local))) {
        const lks_status status = share_memory(h, local, err);
        LKS_CALL(comm, MPI_Comm_free(&local));
        LKS_TRY(status);
    }
    return lks_comm_check(comm, err);
}

void lks_host_close(lks_host *h) {
    if (!h->comm)
        return;
    MPI_Comm others = lks_comm_all(&h->between);
    if (others != MPI_COMM_NULL)
        LKS_CALL_OF_SOME(h->comm, MPI_Comm_free(&others));
    if (h->memory)
        munmap(h->memory, h->bytes);
    *h = (lks_host){0};
}

void *lks_host_common(const lks_host *h) {
    return h->memory + sizeof(meeting);
}

static char *memory_of(const lks_host *h, int place) {
    return h->memory + h->common + (size_t)place * h->own;
}

void *lks_host_own(const lks_host *h, int local_rank) {
    return memory_of(h, local_rank) + room_of_sums(h);
}

/* --- meetings --------------------------------------------------------------------------------- */

#define SPINS 2000 /* some tens of microseconds: a wait that is longer gives way to others */

static void pause_shortly(void) {
#if defined __x86_64__
    __asm__ volatile("pause");
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* While this rank waits here, MPI may have to go on with what it began: another rank waits for it. */
static void go_on_with_messages(lks_comm *comm) {
    int any;
    LKS_CALL_OF_SOME(
        comm, MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, lks_comm_all(comm), &any, MPI_STATUS_IGNORE));
}

static void wait_until(const _Atomic uint64_t *released, uint64_t turn, lks_comm *comm) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(released, memory_order_acquire) >= turn)
            return;
        pause_shortly();
    }
    while (atomic_load_explicit(released, memory_order_acquire) < turn) {
        go_on_with_messages(comm);
        sched_yield();
    }
}

void lks_host_meet(lks_host *h) {
    const uint64_t ranks = (uint64_t)h->comm->local_size;
    meeting *m = (meeting *)h->memory;
    if (!lks_comm_may_call(h->comm, true))
        return;
    const double started = lks_now();
    const uint64_t before = atomic_fetch_add_explicit(&m->arrived, 1, memory_order_acq_rel);
    const uint64_t turn = before / ranks + 1;
    if (before + 1 == turn * ranks)
        atomic_store_explicit(&m->released, turn, memory_order_release);
    else
        wait_until(&m->released, turn, h->comm);
    lks_pulse_go_on();
    h->comm->seconds += lks_now() - started;
}

/* --- sums ------------------------------------------------------------------------------------- */

static void add_i64(uint64_t *restrict to, const uint64_t *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

static void add_f32(float *restrict to, const float *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

/* A piece stays in the nearest cache while all ranks' numbers are added to it. */
#define PIECE 1024

void lks_host_add_i64(const lks_host *h, size_t offset, size_t n, int threads) {
    const int ranks = h->comm->local_size, own = h->comm->local_rank;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t from = offset + at * sizeof(uint64_t), count = n - at < PIECE ? n - at : PIECE;
        uint64_t *to = (uint64_t *)((char *)lks_host_own(h, own) + from);
        for (int r = 0; r < ranks; r++)
            if (r != own)
                add_i64(to, (const uint64_t *)((char *)lks_host_own(h, r) + from), count);
    }
}

void lks_host_add_f32(const lks_host *h, size_t offset, size_t n, int threads) {
    const int ranks = h->comm->local_size, own = h->comm->local_rank;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t from = offset + at * sizeof(float), count = n - at < PIECE ? n - at : PIECE;
        float sum[PIECE] = {0};
        for (int r = 0; r < ranks; r++)
            add_f32(sum, (const float *)((char *)lks_host_own(h, r) + from), count);
        memcpy((char *)lks_host_own(h, own) + from, sum, count * sizeof *sum);
    }
}

void lks_host_take(const lks_host *h, int local_rank, size_t offset, size_t bytes) {
    if (local_rank != h->comm->local_rank)
        memcpy((char *)lks_host_own(h, h->comm->local_rank) + offset,
               (char *)lks_host_own(h, local_rank) + offset, bytes);
}

/* Where a rank's numbers of the present turn stand: in the next turn they are elsewhere, so that a rank that is
 * ahead writes over nothing that is still read. */
static uint64_t *slot(const lks_host *h, int place) {
    return (uint64_t *)memory_of(h, place) + h->sums % 2 * h->numbers;
}

static void add_slots(const lks_host *h, uint64_t *values, size_t n) {
    memset(values, 0, n * sizeof *values);
    for (int r = 0; r < h->comm->local_size; r++)
        add_i64(values, slot(h, r), n);
}

void lks_host_sum_i64(lks_host *h, int64_t *values, size_t n) {
    const int place = h->comm->local_rank;
    if (lks_comm_check(h->comm, NULL) != LKS_OK)
        return;
    memcpy(slot(h, place), values, n * sizeof *values);
    lks_host_meet(h);
    if (h->comm->hosts == 1) {
        add_slots(h, (uint64_t *)values, n);
    } else {
        if (place == 0) { /* adds up for all, in a slot that the others have no more use for */
            add_slots(h, (uint64_t *)values, n);
            lks_comm_sum_i64(&h->between, values, n);
            memcpy(slot(h, 0), values, n * sizeof *values);
        }
        lks_host_meet(h);
        memcpy(values, slot(h, 0), n * sizeof *values);
    }
    h->sums++;
}
