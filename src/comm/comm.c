#include "lockstep/comm.h"

#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/timer.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MPI counts are int, and MPI's reductions take a temporary buffer as large as the message. Pieces
 * of this many elements (or bytes) bound both, and are large enough for the cost of another call
 * not to be seen. */
#define PIECE ((size_t)1 << 22)

/* Who speaks when an MPI call fails, since such a failure can come from any depth. */
static int world_rank;
static char world_host[256];

static _Noreturn void abort_all(int status, int rank, const char *host, const char *text) {
    char line[4096];
    snprintf(line, sizeof line, "%s (rank %d on %s)", text, rank, host);
    lks_error_print(line);
    MPI_Abort(MPI_COMM_WORLD, status);
    exit(status);
}

static void check(int code, const char *call, const char *file, int line) {
    if (code == MPI_SUCCESS)
        return;
    char reason[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, reason, &length);
    const char *slash = strrchr(file, '/');
    char text[2048];
    snprintf(text, sizeof text, "MPI failed: %s: %s, at %s:%d", call, reason,
             slash ? slash + 1 : file, line);
    abort_all(1, world_rank, world_host, text);
}

#define CHECK(call) check((call), #call, __FILE__, __LINE__)

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

/* Ranks on this host, and the number of hosts. */
static void count_hosts(lks_comm *comm) {
    MPI_Comm local;
    CHECK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                              &local));
    CHECK(MPI_Comm_rank(local, &comm->local_rank));
    CHECK(MPI_Comm_size(local, &comm->local_size));
    CHECK(MPI_Comm_free(&local));
    comm->hosts = comm->local_rank == 0;
    CHECK(MPI_Allreduce(MPI_IN_PLACE, &comm->hosts, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
}

static const char wrong_srun[] = "start with `srun --mpi=pmix ...` (or with mpirun)";

/* Open MPI may end the program from inside MPI_Init where srun offers nothing that it speaks, in
 * words that name no remedy. Whether it will cannot be seen from here, so this is no error yet. */
static void warn_before_start(void) {
#ifdef OPEN_MPI
    if (env_number("SLURM_STEP_NUM_TASKS") > 1 && !getenv("PMIX_RANK") &&
        !getenv("OMPI_COMM_WORLD_SIZE") && lks_comm_env_rank() <= 0)
        lks_warn("this Slurm step has no PMIx; where MPI does not start, %s", wrong_srun);
#endif
}

/* A launcher that the MPI library does not know, or srun without a PMI that it speaks, starts N
 * programs that each believe to be alone. mpirun's own size comes first: inside an allocation its
 * processes inherit the variables of the Slurm step that its daemons run in. */
static lks_status check_alone(lks_error *err) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    int processes = -1;
    for (size_t i = 0; i < sizeof names / sizeof *names && processes < 0; i++)
        processes = env_number(names[i]);
    int tasks = processes < 0 ? env_number("SLURM_STEP_NUM_TASKS") : -1;
    if (tasks > 1)
        return lks_fail(err, LKS_ERR_COMM,
                        "the Slurm step has %d tasks, but each is an MPI job of 1 rank: they would "
                        "all do the same work; %s",
                        tasks, wrong_srun);
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

static lks_status check_launch(const lks_comm *comm, int thread_level, lks_error *err) {
    if (thread_level < MPI_THREAD_FUNNELED)
        return lks_fail(err, LKS_ERR_COMM,
                        "the MPI library offers no thread support (level %d): OpenMP threads need "
                        "MPI_THREAD_FUNNELED; use an MPI library built with threads",
                        thread_level);
    return comm->size == 1 ? check_alone(err) : LKS_OK;
}

/* A rank without them cannot take part in collectives, and the others would wait. */
static int *numbers_or_abort(const lks_comm *comm, size_t n) {
    lks_error err;
    int *numbers = lks_alloc(n, sizeof *numbers, "counts of an exchange", &err);
    if (!numbers)
        lks_comm_abort(comm, 1, err.text);
    return numbers;
}

lks_status lks_comm_start(lks_comm *comm, lks_error *err) {
    memset(comm, 0, sizeof *comm);
    int thread_level = MPI_THREAD_SINGLE;
    warn_before_start();
    CHECK(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &thread_level));
    CHECK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    CHECK(MPI_Comm_rank(MPI_COMM_WORLD, &comm->rank));
    CHECK(MPI_Comm_size(MPI_COMM_WORLD, &comm->size));
    char name[MPI_MAX_PROCESSOR_NAME] = "";
    int length = 0;
    CHECK(MPI_Get_processor_name(name, &length));
    snprintf(comm->host, sizeof comm->host, "%.*s", (int)sizeof comm->host - 1, name);
    world_rank = comm->rank;
    memcpy(world_host, comm->host, sizeof world_host);

    lks_status status = check_launch(comm, thread_level, err);
    if (status != LKS_OK) {
        CHECK(MPI_Finalize());
        /* So that of N singletons only the first task tells the user. */
        int rank = lks_comm_env_rank();
        comm->rank = rank > 0 ? rank : comm->rank;
        return status;
    }
    comm->numbers = numbers_or_abort(comm, 2 * (size_t)comm->size);
    count_hosts(comm);
    return LKS_OK;
}

void lks_comm_stop(lks_comm *comm) {
    lks_comm_barrier(comm);
    lks_free(comm->numbers);
    comm->numbers = NULL;
    CHECK(MPI_Finalize());
}

void lks_comm_abort(const lks_comm *comm, int status, const char *text) {
    abort_all(status, comm->rank, comm->host, text);
}

void lks_comm_library(char *text, size_t size) {
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    CHECK(MPI_Get_library_version(version, &length));
    snprintf(text, size, "%.*s", (int)strcspn(version, "\n"), version);
}

/* ---- agreement
 * ------------------------------------------------------------------------------------ */

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

lks_status lks_comm_agree(lks_comm *comm, lks_status status, lks_error *err) {
    int64_t lowest = status != LKS_OK ? comm->rank : comm->size;
    lks_comm_min_i64(comm, &lowest, 1);
    if (lowest == comm->size)
        return LKS_OK;

    lks_error agreed = {.status = status, .text = ""};
    if (comm->rank == lowest) {
        snprintf(agreed.text, sizeof agreed.text, "%s", err ? err->text : "failed");
        if (comm->size > 1)
            name_rank(comm, &agreed);
    }
    lks_comm_broadcast(comm, &agreed, sizeof agreed, (int)lowest);
    if (err)
        *err = agreed;
    return agreed.status;
}

/* ---- reductions
 * ----------------------------------------------------------------------------------- */

static void reduce(lks_comm *comm, void *values, size_t n, size_t size, MPI_Datatype type,
                   MPI_Op op) {
    double start = lks_now();
    char *at = values;
    while (n > 0) {
        size_t piece = n < PIECE ? n : PIECE;
        CHECK(MPI_Allreduce(MPI_IN_PLACE, at, (int)piece, type, op, MPI_COMM_WORLD));
        at += piece * size;
        n -= piece;
    }
    comm->seconds += lks_now() - start;
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

void lks_comm_max_u8(lks_comm *comm, uint8_t *values, size_t n) {
    reduce(comm, values, n, sizeof *values, MPI_UINT8_T, MPI_MAX);
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

/* ---- moving data
 * ---------------------------------------------------------------------------------- */

void lks_comm_broadcast(lks_comm *comm, void *data, size_t bytes, int root) {
    double start = lks_now();
    char *at = data;
    while (bytes > 0) {
        size_t piece = bytes < PIECE ? bytes : PIECE;
        CHECK(MPI_Bcast(at, (int)piece, MPI_BYTE, root, MPI_COMM_WORLD));
        at += piece;
        bytes -= piece;
    }
    comm->seconds += lks_now() - start;
}

/* One item as an MPI type, so that counts and displacements are in items. */
static MPI_Datatype item_type(const lks_comm *comm, size_t item_bytes) {
    if (item_bytes > INT_MAX)
        lks_comm_abort(comm, 1, "an item to be sent is larger than 2 GiB");
    MPI_Datatype type;
    CHECK(MPI_Type_contiguous((int)item_bytes, MPI_BYTE, &type));
    CHECK(MPI_Type_commit(&type));
    return type;
}

/* Where each rank's items start, in items. */
static void offsets_from_counts(const lks_comm *comm, const int *counts, int *offsets) {
    int64_t total = 0;
    for (int r = 0; r < comm->size; r++) {
        if (total > INT_MAX)
            lks_comm_abort(comm, 1, "more than 2^31 items in one exchange");
        offsets[r] = (int)total;
        total += counts[r];
    }
}

void lks_comm_exchange(lks_comm *comm, const void *send, const int *send_counts, void *receive,
                       const int *receive_counts, size_t item_bytes) {
    double start = lks_now();
    int *send_offsets = comm->numbers, *receive_offsets = send_offsets + comm->size;
    offsets_from_counts(comm, send_counts, send_offsets);
    offsets_from_counts(comm, receive_counts, receive_offsets);
    MPI_Datatype item = item_type(comm, item_bytes);
    CHECK(MPI_Alltoallv(send, send_counts, send_offsets, item, receive, receive_counts,
                        receive_offsets, item, MPI_COMM_WORLD));
    CHECK(MPI_Type_free(&item));
    comm->seconds += lks_now() - start;
}

void lks_comm_gather(lks_comm *comm, const void *data, int count, size_t item_bytes, void *out,
                     int *counts) {
    double start = lks_now();
    bool root = comm->rank == 0;
    int *all_counts = comm->numbers, *offsets = all_counts + comm->size;
    CHECK(MPI_Gather(&count, 1, MPI_INT, all_counts, 1, MPI_INT, 0, MPI_COMM_WORLD));
    if (root) {
        offsets_from_counts(comm, all_counts, offsets);
        if (counts)
            memcpy(counts, all_counts, (size_t)comm->size * sizeof *counts);
    }
    MPI_Datatype item = item_type(comm, item_bytes);
    CHECK(MPI_Gatherv(data, count, item, out, all_counts, offsets, item, 0, MPI_COMM_WORLD));
    CHECK(MPI_Type_free(&item));
    comm->seconds += lks_now() - start;
}

void lks_comm_to_root(lks_comm *comm, int from, void *data, size_t bytes) {
    double start = lks_now();
    char *at = data;
    if (from == 0 || (comm->rank != 0 && comm->rank != from))
        return;
    while (bytes > 0) {
        size_t piece = bytes < PIECE ? bytes : PIECE;
        if (comm->rank == 0)
            CHECK(MPI_Recv(at, (int)piece, MPI_BYTE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        else
            CHECK(MPI_Send(at, (int)piece, MPI_BYTE, 0, 0, MPI_COMM_WORLD));
        at += piece;
        bytes -= piece;
    }
    comm->seconds += lks_now() - start;
}

void lks_comm_barrier(lks_comm *comm) {
    double start = lks_now();
    CHECK(MPI_Barrier(MPI_COMM_WORLD));
    comm->seconds += lks_now() - start;
}
