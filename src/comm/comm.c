#include "lockstep/comm.h"

#include "comm/call.h"
#include "comm/handle.h"
#include "comm/launch.h"
#include "comm/settings.h"
#include "comm/steer.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/observe/pulse.h"
#include "base/timer.h"

#include <assert.h>
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MPI counts are int, and MPI's reductions take a temporary buffer as large as the message. Pieces
 * of this many elements (or bytes) bound both, and are large enough for the cost of another call
 * not to be seen. */
#define PIECE ((size_t)1 << 22)

/* ---- failures
 * ------------------------------------------------------------------------------------ */

/* The communicator of the job, which has the failure and the time of all its parts. */
static lks_comm *whole(lks_comm *comm) {
    return comm->whole ? comm->whole : comm;
}

static bool failed(const lks_comm *comm) {
    return (comm->whole ? comm->whole : comm)->failure.status != LKS_OK;
}

/* Puts " (rank R on HOST)" at the end of the message's first line: below it may stand a source line
 * with a caret. A message too long for both loses its end. */
static void name_rank(const lks_comm *comm, lks_error *err) {
    char who[320];
    size_t who_length =
        (size_t)snprintf(who, sizeof who, " (rank %d on %s)", comm->rank, comm->host);
    size_t room = sizeof err->text - 1 - who_length;
    size_t length = strnlen(err->text, room);
    err->text[length] = '\0';
    size_t first_line = strcspn(err->text, "\n");
    memmove(err->text + first_line + who_length, err->text + first_line, length - first_line + 1);
    memcpy(err->text + first_line, who, who_length);
}

lks_status lks_comm_fail(lks_comm *comm, lks_error *err) {
    comm = whole(comm);
    if (!failed(comm)) {
        comm->failure = *err;
        name_rank(comm, &comm->failure);
    }
    *err = comm->failure;
    return err->status;
}

lks_status lks_comm_check(const lks_comm *comm, lks_error *err) {
    comm = comm->whole ? comm->whole : comm;
    if (failed(comm) && err)
        *err = comm->failure;
    return comm->failure.status;
}

bool lks_comm_may_call(const lks_comm *comm, bool by_all) {
    if (!failed(comm))
        lks_pulse_wait(by_all && !comm->whole);
    return !failed(comm);
}

/* MPICH tells a stack of calls, a line each: what is at its top and at its bottom says why. */
static void describe_code(int code, char *reason, size_t size) {
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, text, &length);
    const char *last = strrchr(text, '\n');
    char *stack = strstr(text, ", error stack:");
    if (last && stack) {
        *stack = '\0';
        snprintf(reason, size, "%s: %s", text, last + 1);
    } else {
        snprintf(reason, size, "%.*s", (int)strcspn(text, "\n"), text);
    }
}

bool lks_comm_called(lks_comm *comm, int code, const char *call, const char *file, int line) {
    lks_pulse_go_on();
    if (code != MPI_SUCCESS) {
        char reason[MPI_MAX_ERROR_STRING];
        describe_code(code, reason, sizeof reason);
        const char *slash = strrchr(file, '/');
        lks_error err;
        lks_fail(&err, LKS_ERR_COMM, "MPI failed: %s: %s, at %s:%d", call, reason,
                 slash ? slash + 1 : file, line);
        lks_comm_fail(comm, &err);
    }
    return !failed(comm);
}

/* ---- start and stop
 * ------------------------------------------------------------------------------- */

/* The non-negative number in an environment variable; -1 if there is none. */
static int env_number(const char *name) {
    const char *text = getenv(name);
    if (!text || *text < '0' || *text > '9')
        return -1;
    char *end;
    long value = strtol(text, &end, 10);
    return *end == '\0' && value <= INT_MAX ? (int)value : -1;
}

int lks_comm_env_rank(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int rank = env_number(names[i]);
        if (rank >= 0)
            return rank;
    }
    /* A batch script has SLURM_PROCID=0 too, and is no rank: only a step started by srun has an id.
     */
    return getenv("SLURM_STEP_ID") ? env_number("SLURM_PROCID") : -1;
}

static int env_processes(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    int processes = -1;
    for (size_t i = 0; i < sizeof names / sizeof *names && processes < 0; i++)
        processes = env_number(names[i]);
    return processes;
}

/* Ranks on this host, and the number of hosts. */
static void count_hosts(lks_comm *comm) {
    MPI_Comm local;
    if (!LKS_CALL(comm, MPI_Comm_split_type(lks_comm_all(comm), MPI_COMM_TYPE_SHARED, comm->rank,
                                            MPI_INFO_NULL, &local)))
        return;
    if (LKS_CALL(comm, MPI_Comm_rank(local, &comm->local_rank)) &&
        LKS_CALL(comm, MPI_Comm_size(local, &comm->local_size)) &&
        LKS_CALL(comm, MPI_Comm_free(&local)))
        comm->hosts = comm->local_rank == 0;
    LKS_CALL(comm,
             MPI_Allreduce(MPI_IN_PLACE, &comm->hosts, 1, MPI_INT, MPI_SUM, lks_comm_all(comm)));
}

const char *lks_comm_srun(void) {
#ifdef OPEN_MPI
    return "srun --mpi=pmix";
#else
    return "srun --mpi=pmi2"; /* MPICH and its kin, unless they were built for PMIx */
#endif
}

/* Open MPI may end the program from inside MPI_Init where srun offers nothing that it speaks, in
 * words that name no remedy. Whether it will cannot be seen from here, so this is no error yet. */
static void warn_before_start(void) {
#ifdef OPEN_MPI
    if (env_number("SLURM_STEP_NUM_TASKS") > 1 && !getenv("PMIX_RANK") &&
        !getenv("OMPI_COMM_WORLD_SIZE") && lks_comm_env_rank() <= 0)
        lks_warn("this Slurm step has no PMIx; where MPI does not start, start with `%s ...` (or "
                 "with mpirun)",
                 lks_comm_srun());
#endif
}

/* A launcher that the MPI library does not know, or srun without a PMI that it speaks, starts N
 * programs that each believe to be alone. mpirun's own size comes first: inside an allocation its
 * processes inherit the variables of the Slurm step that its daemons run in. */
static lks_status check_alone(lks_error *err) {
    const int processes = env_processes();
    const int tasks = processes < 0 ? env_number("SLURM_STEP_NUM_TASKS") : -1;
    if (tasks > 1)
        return lks_fail(err, LKS_ERR_COMM,
                        "the Slurm step has %d tasks, but each is an MPI job of 1 rank: they would "
                        "all do the same work; start with `%s ...` (or with mpirun)",
                        tasks, lks_comm_srun());
    if (processes > 1) {
        char library[128];
        lks_comm_library(library, sizeof library);
        return lks_fail(err, LKS_ERR_COMM,
                        "the launcher started %d processes, but each is an MPI job of 1 rank: they "
                        "would all do the same work; start with the mpirun of %s",
                        processes, library);
    }
    return LKS_OK;
}

static lks_status check_launch(lks_comm *comm, int thread_level, lks_error *err) {
    if (thread_level < MPI_THREAD_FUNNELED)
        return lks_fail(err, LKS_ERR_COMM,
                        "the MPI library offers no thread support (level %d): OpenMP threads need "
                        "MPI_THREAD_FUNNELED; use an MPI library built with threads",
                        thread_level);
    return comm->size == 1 ? check_alone(err) : lks_comm_check_settings(comm, err);
}

static MPI_Comm everybody(void) {
    return MPI_COMM_WORLD;
}

static void hold(lks_comm *comm, MPI_Comm all) {
    memcpy(&comm->handle, &all, sizeof all);
}

/* Errors of the communicator's calls are values from here on. */
static void look_around(lks_comm *comm) {
    char name[MPI_MAX_PROCESSOR_NAME] = "";
    int length = 0;
    const MPI_Comm all = lks_comm_all(comm);
    if (LKS_CALL(comm, MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN)) &&
        LKS_CALL(comm, MPI_Comm_rank(all, &comm->rank)) &&
        LKS_CALL(comm, MPI_Comm_size(all, &comm->size)))
        LKS_CALL(comm, MPI_Get_processor_name(name, &length));
    snprintf(comm->host, sizeof comm->host, "%.*s", (int)sizeof comm->host - 1, name);
}

/* Before MPI starts. */
static int env_size(void) {
    const int processes = env_processes();
    return processes < 0 ? env_number("SLURM_STEP_NUM_TASKS") : processes;
}

/* What is made once rank, size and host are known. */
static lks_status settle_in(lks_comm *comm, lks_error *err) {
    lks_log_rank(comm->rank);
    comm->numbers =
        lks_alloc(2 * (size_t)comm->size, sizeof *comm->numbers, "counts of an exchange", err);
    if (!comm->numbers)
        return lks_comm_fail(comm, err);
    count_hosts(comm);
    return lks_comm_check(comm, err);
}

static lks_status start(lks_comm *comm, lks_error *err) {
    int thread_level = MPI_THREAD_SINGLE;
    warn_before_start();
    const lks_steering steering = lks_comm_steer(env_size());
    hold(comm, everybody());
    comm->ends_mpi = true;
    if (LKS_CALL(comm, MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &thread_level)))
        look_around(comm);
    comm->steered = steering.rules >= 0;
    comm->eager = steering.eager;
    lks_comm_steered(steering);
    LKS_TRY(lks_comm_check(comm, err));
    lks_status status = check_launch(comm, thread_level, err);
    LKS_TRY(lks_comm_check(comm, err));
    if (status != LKS_OK) {
        MPI_Finalize();
        /* So that of N singletons only the first task tells the user. */
        int rank = lks_comm_env_rank();
        comm->rank = rank > 0 ? rank : comm->rank;
        return status;
    }
    return settle_in(comm, err);
}

lks_status lks_comm_start(lks_comm *comm, lks_error *err) {
    memset(comm, 0, sizeof *comm);
    int started = 0;
    MPI_Initialized(&started);
    return started ? lks_comm_join(comm, NULL, err) : start(comm, err);
}

static lks_status check_running(lks_error *err) {
    int started = 0, ended = 0;
    MPI_Initialized(&started);
    MPI_Finalized(&ended);
    if (started && !ended)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_COMM, "MPI %s",
                    ended ? "was finalised by this program, and does not start twice"
                          : "was not started: call MPI_Init_thread first, or lks_comm_start()");
}

/* MPI_Init alone promises a process without other threads. The libraries known make no difference between that and
 * MPI_THREAD_FUNNELED; the standard does (MPI 3.1, 12.4.3), so it is told, and no error. */
static void warn_of_threads(const lks_comm *comm) {
    int level = MPI_THREAD_SINGLE;
    MPI_Query_thread(&level);
    if (level < MPI_THREAD_FUNNELED && comm->rank == 0)
        lks_warn("MPI was started for a process without threads: call MPI_Init_thread with "
                 "MPI_THREAD_FUNNELED instead of MPI_Init");
}

lks_status lks_comm_join(lks_comm *comm, const void *communicator, lks_error *err) {
    MPI_Comm given = everybody(), own = MPI_COMM_NULL;
    memset(comm, 0, sizeof *comm);
    LKS_TRY(check_running(err));
    if (communicator)
        memcpy(&given, communicator, sizeof given);
    if (given == MPI_COMM_NULL)
        return lks_fail(err, LKS_ERR_COMM,
                        "this process is not in the communicator that it gave: "
                        "only those that are may call");
    if (!LKS_CALL(comm, MPI_Comm_dup(given, &own)))
        return lks_comm_check(comm, err);
    hold(comm, own);
    look_around(comm);
    LKS_TRY(lks_comm_check(comm, err));
    warn_of_threads(comm);
    const lks_status status = comm->size > 1 ? lks_comm_check_settings(comm, err) : LKS_OK;
    LKS_TRY(lks_comm_check(comm, err));
    if (status != LKS_OK) {
        MPI_Comm_free(&own);
        return status;
    }
    return settle_in(comm, err);
}

/* The communicator, or MPI as a whole, whichever this one has made. */
static void let_go(lks_comm *comm) {
    MPI_Comm own = lks_comm_all(comm);
    if (comm->ends_mpi)
        MPI_Finalize();
    else
        MPI_Comm_free(&own);
}

void lks_comm_stop(lks_comm *comm) {
    lks_comm_barrier(comm);
    lks_free(comm->numbers);
    comm->numbers = NULL;
    if (!failed(comm) || comm->size == 1) /* others may still wait in a collective */
        let_go(comm);
}

void lks_comm_abort(const lks_comm *comm, int status) {
    MPI_Abort(lks_comm_all(comm), status);
}

/* MPICH and its kin say "MPICH Version:      4.0.2". */
void lks_comm_library(char *text, size_t size) {
    static const char label[] = " Version";
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, "\n")] = '\0';
    const char *labelled = strstr(version, label), *number = "";
    if (labelled) {
        number = labelled + sizeof label - 1;
        number += strspn(number, ": \t");
    }
    snprintf(text, size, "%.*s%s%s", labelled ? (int)(labelled - version) : length, version,
             *number ? " " : "", number);
}

/* ---- agreement
 * ------------------------------------------------------------------------------------ */

lks_status lks_comm_agree(lks_comm *comm, lks_status status, lks_error *err) {
    int64_t lowest = status != LKS_OK ? comm->rank : comm->size;
    lks_comm_min_i64(comm, &lowest, 1);
    LKS_TRY(lks_comm_check(comm, err));
    if (lowest == comm->size)
        return LKS_OK;

    lks_error agreed = {.status = status, .text = ""};
    if (comm->rank == lowest) {
        snprintf(agreed.text, sizeof agreed.text, "%s", err ? err->text : "failed");
        if (comm->size > 1)
            name_rank(comm, &agreed);
    }
    comm->blamed = (int)lowest;
    lks_comm_broadcast(comm, &agreed, sizeof agreed, comm->blamed);
    LKS_TRY(lks_comm_check(comm, err));
    if (err)
        *err = agreed;
    return agreed.status;
}

/* ---- reductions
 * ----------------------------------------------------------------------------------- */

static bool fail_large(lks_comm *comm, const char *what) {
    lks_error err;
    lks_fail(&err, LKS_ERR_COMM, "%s", what);
    lks_comm_fail(comm, &err);
    return false;
}

/* One item as an MPI type, so that counts and displacements are in items. */
static bool make_item_type(lks_comm *comm, size_t item_bytes, MPI_Datatype *type) {
    if (item_bytes > INT_MAX)
        return fail_large(comm, "an item to be sent is larger than 2 GiB");
    return LKS_CALL(comm, MPI_Type_contiguous((int)item_bytes, MPI_BYTE, type)) &&
           LKS_CALL(comm, MPI_Type_commit(type));
}

static void reduce(lks_comm *comm, void *values, size_t n, size_t size, MPI_Datatype type,
                   MPI_Op op) {
    double start = lks_now();
    char *at = values;
    whole(comm)->sent += comm->size > 1 ? (int64_t)(n * size) : 0;
    for (size_t piece; n > 0; at += piece * size, n -= piece) {
        piece = n < PIECE ? n : PIECE;
        if (!LKS_CALL(comm,
                      MPI_Allreduce(MPI_IN_PLACE, at, (int)piece, type, op, lks_comm_all(comm))))
            break;
    }
    whole(comm)->seconds += lks_now() - start;
}

/* Added as unsigned numbers: the same bits, and wrapping is defined. */
void lks_comm_sum_i64(lks_comm *comm, int64_t *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_UINT64_T, MPI_SUM);
}

void lks_comm_sum_f32(lks_comm *comm, float *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_FLOAT, MPI_SUM);
}

void lks_comm_max_i64(lks_comm *comm, int64_t *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_INT64_T, MPI_MAX);
}

void lks_comm_min_i64(lks_comm *comm, int64_t *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_INT64_T, MPI_MIN);
}

/* Unsigned numbers as signed ones in the same order, and back. */
static void turn(uint8_t *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        values[i] ^= 0x80;
}

/* MPICH 4.0 compares unsigned numbers as if they were signed: 1 is more than 200. */
void lks_comm_max_u8(lks_comm *comm, uint8_t *values, size_t n) {
    turn(values, n);
    reduce(comm, values, n, sizeof *values, MPI_INT8_T, MPI_MAX);
    turn(values, n);
}

void lks_comm_max_f64(lks_comm *comm, double *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_DOUBLE, MPI_MAX);
}

void lks_comm_min_f64(lks_comm *comm, double *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_DOUBLE, MPI_MIN);
}

void lks_comm_sum_f64(lks_comm *comm, double *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_DOUBLE, MPI_SUM);
}

static void join_spreads(void *in, void *inout, int *n, MPI_Datatype *type) {
    const lks_spread *a = in;
    lks_spread *b = inout;
    (void)type;
    for (int i = 0; i < *n; i++) {
        if (a[i].most > b[i].most || (a[i].most == b[i].most && a[i].rank < b[i].rank))
            b[i].rank = a[i].rank;
        b[i].most = a[i].most > b[i].most ? a[i].most : b[i].most;
        b[i].least = a[i].least < b[i].least ? a[i].least : b[i].least;
        b[i].sum += a[i].sum;
    }
}

void lks_comm_spread_f64(lks_comm *comm, const double *own, lks_spread *of, size_t n) {
    MPI_Datatype type;
    MPI_Op join;
    for (size_t i = 0; i < n; i++)
        of[i] = (lks_spread){own[i], own[i], own[i], comm->rank};
    if (!make_item_type(comm, sizeof *of, &type))
        return;
    if (LKS_CALL(comm, MPI_Op_create(join_spreads, true, &join))) {
        reduce(comm, of, n, sizeof *of, type, join);
        LKS_CALL(comm, MPI_Op_free(&join));
    }
    LKS_CALL(comm, MPI_Type_free(&type));
}

/* ---- moving data
 * ---------------------------------------------------------------------------------- */

void lks_comm_broadcast(lks_comm *comm, void *data, size_t bytes, int root) {
    double start = lks_now();
    char *at = data;
    for (size_t piece; bytes > 0; at += piece, bytes -= piece) {
        piece = bytes < PIECE ? bytes : PIECE;
        if (!LKS_CALL(comm, MPI_Bcast(at, (int)piece, MPI_BYTE, root, lks_comm_all(comm))))
            break;
    }
    whole(comm)->seconds += lks_now() - start;
}

/* Where each rank's items start, in items. */
static bool offsets_from_counts(lks_comm *comm, const int *counts, int *offsets) {
    int64_t total = 0;
    for (int r = 0; r < comm->size; r++) {
        if (total > INT_MAX)
            return fail_large(comm, "more than 2^31 items in one exchange");
        offsets[r] = (int)total;
        total += counts[r];
    }
    return true;
}

static void scatter_sum(lks_comm *comm, const void *values, void *own, const int *counts,
                        size_t size, MPI_Datatype type) {
    const double start = lks_now();
    int *offsets = comm->numbers;
    const int last = comm->size - 1;
    if (offsets_from_counts(comm, counts, offsets)) {
        whole(comm)->sent +=
            comm->size > 1 ? ((int64_t)offsets[last] + counts[last]) * (int64_t)size : 0;
        LKS_CALL(comm, MPI_Reduce_scatter(values, own, counts, type, MPI_SUM, lks_comm_all(comm)));
    }
    whole(comm)->seconds += lks_now() - start;
}

void lks_comm_scatter_sum_i64(lks_comm *comm, const int64_t *values, int64_t *own,
                              const int *counts) {
    scatter_sum(comm, values, own, counts, sizeof *values, MPI_UINT64_T);
}

void lks_comm_scatter_sum_f32(lks_comm *comm, const float *values, float *own, const int *counts) {
    scatter_sum(comm, values, own, counts, sizeof *values, MPI_FLOAT);
}

void lks_comm_allgather(lks_comm *comm, void *parts, const int *counts, size_t item_bytes) {
    const double start = lks_now();
    int *offsets = comm->numbers;
    MPI_Datatype item;
    if (offsets_from_counts(comm, counts, offsets) && make_item_type(comm, item_bytes, &item)) {
        whole(comm)->sent += comm->size > 1 ? counts[comm->rank] * (int64_t)item_bytes : 0;
        LKS_CALL(comm, MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, parts, counts, offsets,
                                      item, lks_comm_all(comm)));
        LKS_CALL(comm, MPI_Type_free(&item));
    }
    whole(comm)->seconds += lks_now() - start;
}

void lks_comm_gather(lks_comm *comm, const void *data, int count, size_t item_bytes, void *out,
                     int *counts) {
    double start = lks_now();
    int *all_counts = comm->numbers, *offsets = all_counts + comm->size;
    MPI_Datatype item;
    if (LKS_CALL(comm,
                 MPI_Gather(&count, 1, MPI_INT, all_counts, 1, MPI_INT, 0, lks_comm_all(comm))) &&
        (comm->rank != 0 || offsets_from_counts(comm, all_counts, offsets)) &&
        make_item_type(comm, item_bytes, &item)) {
        if (comm->rank == 0 && counts)
            memcpy(counts, all_counts, (size_t)comm->size * sizeof *counts);
        LKS_CALL(comm, MPI_Gatherv(data, count, item, out, all_counts, offsets, item, 0,
                                   lks_comm_all(comm)));
        LKS_CALL(comm, MPI_Type_free(&item));
    }
    whole(comm)->seconds += lks_now() - start;
}

/* Beside transfers, which may be under way. */
enum { SHIFT_TAG = 2 };

/* Pieces of both ways, as long as there are some: of none nothing is sent. */
void lks_comm_shift(lks_comm *comm, const void *send, size_t bytes, int to, void *receive,
                    size_t receive_bytes, int from) {
    const double start = lks_now();
    const size_t most = bytes > receive_bytes ? bytes : receive_bytes;
    for (size_t at = 0; at < most; at += PIECE) {
        const size_t out = at < bytes ? bytes - at : 0;
        const size_t in = at < receive_bytes ? receive_bytes - at : 0;
        LKS_CALL(comm,
                 MPI_Sendrecv((const char *)send + at, (int)(out < PIECE ? out : PIECE), MPI_BYTE,
                              out ? to : MPI_PROC_NULL, SHIFT_TAG, (char *)receive + at,
                              (int)(in < PIECE ? in : PIECE), MPI_BYTE, in ? from : MPI_PROC_NULL,
                              SHIFT_TAG, lks_comm_all(comm), MPI_STATUS_IGNORE));
    }
    whole(comm)->sent += to == comm->rank ? 0 : (int64_t)bytes;
    whole(comm)->seconds += lks_now() - start;
}

/* In each round a rank has the sum of twice as many ranks up to itself. The round goes in a ring; what comes from beyond
 * its end does not count. */
void lks_comm_before_i64(lks_comm *comm, int64_t *values, size_t n) {
    uint64_t sum[LKS_BEFORE_MAX], got[LKS_BEFORE_MAX] = {0};
    const size_t bytes = n * sizeof *values;
    assert(n <= LKS_BEFORE_MAX);
    memcpy(sum, values, bytes);
    for (int step = 1; step < comm->size; step *= 2) {
        lks_comm_shift(comm, sum, bytes, (comm->rank + step) % comm->size, got, bytes,
                       (comm->rank - step + comm->size) % comm->size);
        for (size_t i = 0; comm->rank >= step && i < n; i++)
            sum[i] += got[i];
    }
    for (size_t i = 0; lks_comm_check(comm, NULL) == LKS_OK && i < n; i++)
        values[i] = (int64_t)(sum[i] - (uint64_t)values[i]);
}

static bool pass_to_root(lks_comm *comm, int from, char *at, int bytes) {
    if (comm->rank == 0)
        return LKS_CALL_OF_SOME(
            comm, MPI_Recv(at, bytes, MPI_BYTE, from, 0, lks_comm_all(comm), MPI_STATUS_IGNORE));
    return LKS_CALL_OF_SOME(comm, MPI_Send(at, bytes, MPI_BYTE, 0, 0, lks_comm_all(comm)));
}

void lks_comm_to_root(lks_comm *comm, int from, void *data, size_t bytes) {
    double start = lks_now();
    char *at = data;
    if (from == 0 || (comm->rank != 0 && comm->rank != from))
        return;
    for (size_t piece; bytes > 0; at += piece, bytes -= piece) {
        piece = bytes < PIECE ? bytes : PIECE;
        if (!pass_to_root(comm, from, at, (int)piece))
            break;
    }
    whole(comm)->seconds += lks_now() - start;
}

void lks_comm_barrier(lks_comm *comm) {
    double start = lks_now();
    LKS_CALL(comm, MPI_Barrier(lks_comm_all(comm)));
    whole(comm)->seconds += lks_now() - start;
}
