#include "comm/probe.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "comm/call.h"
#include "comm/handle.h"
#include "base/timer.h"

const char *lks_probe_thread_level(lks_comm *comm) {
    int level = MPI_THREAD_SINGLE;
    LKS_CALL_OF_SOME(comm, MPI_Query_thread(&level));
    return level == MPI_THREAD_MULTIPLE     ? "MPI_THREAD_MULTIPLE"
           : level == MPI_THREAD_SERIALIZED ? "MPI_THREAD_SERIALIZED"
           : level == MPI_THREAD_SINGLE     ? "MPI_THREAD_SINGLE"
                                            : "MPI_THREAD_FUNNELED";
}

int lks_probe_first_of_host(lks_comm *comm) {
    int first = comm->rank;
    MPI_Comm local;
    if (LKS_CALL(comm, MPI_Comm_split_type(lks_comm_all(comm), MPI_COMM_TYPE_SHARED, comm->rank,
                                           MPI_INFO_NULL, &local))) {
        LKS_CALL(comm, MPI_Bcast(&first, 1, MPI_INT, 0, local));
        LKS_CALL(comm, MPI_Comm_free(&local));
    }
    return first;
}

/* --- messages between two ranks --------------------------------------------------------------- */

static bool send_to(lks_comm *comm, int peer, const void *data, size_t bytes) {
    return LKS_CALL_OF_SOME(comm,
                            MPI_Send(data, (int)bytes, MPI_BYTE, peer, 0, lks_comm_all(comm)));
}

static bool receive_from(lks_comm *comm, int peer, void *data, size_t bytes) {
    return LKS_CALL_OF_SOME(
        comm, MPI_Recv(data, (int)bytes, MPI_BYTE, peer, 0, lks_comm_all(comm), MPI_STATUS_IGNORE));
}

double lks_probe_one_way(lks_comm *comm, int peer, bool first, void *buffer, size_t bytes,
                         int rounds) {
    const double started = lks_now();
    bool good = true;
    for (int i = 0; i < rounds && good; i++)
        good = first
                   ? send_to(comm, peer, buffer, bytes) && receive_from(comm, peer, buffer, bytes)
                   : receive_from(comm, peer, buffer, bytes) && send_to(comm, peer, buffer, bytes);
    return (lks_now() - started) / rounds / 2;
}

double lks_probe_exchange(lks_comm *comm, int peer, const void *send, void *receive, size_t bytes,
                          int rounds) {
    const double started = lks_now();
    bool good = true;
    for (int i = 0; i < rounds && good; i++)
        good = LKS_CALL_OF_SOME(comm, MPI_Sendrecv(send, (int)bytes, MPI_BYTE, peer, 0, receive,
                                                   (int)bytes, MPI_BYTE, peer, 0,
                                                   lks_comm_all(comm), MPI_STATUS_IGNORE));
    return (lks_now() - started) / rounds;
}

double lks_probe_addition(lks_comm *comm, const int64_t *values, int64_t *sums, size_t n,
                          int rounds) {
    const double started = lks_now();
    bool good = true;
    for (int i = 0; i < rounds && good; i++)
        good =
            LKS_CALL_OF_SOME(comm, MPI_Reduce_local(values, sums, (int)n, MPI_UINT64_T, MPI_SUM));
    return (lks_now() - started) / rounds;
}

static double time_of_day(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double lks_probe_clock(lks_comm *comm, int peer, int rounds, double *error) {
    double answer[2] = {0, 0}; /* how far it is ahead, and the least round trip */
    for (int i = 0; i < rounds; i++) {
        const double sent = time_of_day(), asked = lks_now();
        double there = 0;
        if (comm->rank != 0) {
            receive_from(comm, 0, &there, sizeof there);
            there = time_of_day();
            send_to(comm, 0, &there, sizeof there);
            continue;
        }
        send_to(comm, peer, &there, sizeof there);
        receive_from(comm, peer, &there, sizeof there);
        const double round = lks_now() - asked;
        if (i == 0 || round < answer[1]) {
            answer[0] = there - (sent + round / 2);
            answer[1] = round;
        }
    }
    if (comm->rank == 0)
        send_to(comm, peer, answer, sizeof answer);
    else
        receive_from(comm, 0, answer, sizeof answer);
    *error = answer[1] / 2;
    return answer[0];
}

/* --- algorithms ------------------------------------------------------------------------------- */

const char *lks_probe_algorithm(int number) {
    static const char *const names[] = {
        "its own choice", "basic linear", "reduce, then broadcast", "recursive doubling", "ring",
        "segmented ring", "Rabenseifner"};
    return names[number];
}

#ifdef OPEN_MPI

bool lks_probe_chooses(void) {
    return true;
}

/* Open MPI reads it when MPI starts, and the algorithm's number with each new communicator. */
void lks_probe_prepare(void) {
    setenv(LKS_PROBE_VARIABLE, LKS_PROBE_VALUE, 0);
}

static bool write_variable(const char *name, int value) {
    int index, count, before = -1;
    MPI_T_cvar_handle handle;
    if (MPI_T_cvar_get_index(name, &index) != MPI_SUCCESS ||
        MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) != MPI_SUCCESS)
        return false;
    const bool written = MPI_T_cvar_write(handle, &value) == MPI_SUCCESS &&
                         MPI_T_cvar_read(handle, &before) == MPI_SUCCESS && before == value;
    MPI_T_cvar_handle_free(&handle);
    return written;
}

bool lks_probe_choose(lks_comm *chosen, lks_comm *comm, int number) {
    static const char variable[] = "coll_tuned_allreduce_algorithm";
    int level;
    int64_t can = 0;
    MPI_Comm copy = MPI_COMM_NULL;
    if (MPI_T_init_thread(MPI_THREAD_FUNNELED, &level) == MPI_SUCCESS) {
        can = write_variable(variable, number);
        lks_comm_min_i64(comm, &can, 1);
        if (can)
            LKS_CALL(comm, MPI_Comm_dup(lks_comm_all(comm), &copy));
        write_variable(variable, 0);
        MPI_T_finalize();
    } else {
        lks_comm_min_i64(comm, &can, 1);
    }
    *chosen = (lks_comm){.rank = comm->rank,
                         .size = comm->size,
                         .local_rank = comm->local_rank,
                         .local_size = comm->local_size,
                         .hosts = comm->hosts,
                         .whole = comm};
    memcpy(&chosen->handle, &copy, sizeof copy);
    return copy != MPI_COMM_NULL;
}

void lks_probe_drop(lks_comm *chosen) {
    MPI_Comm copy = lks_comm_all(chosen);
    LKS_CALL(chosen, MPI_Comm_free(&copy));
}

#else

bool lks_probe_chooses(void) {
    return false;
}

void lks_probe_prepare(void) {
}

bool lks_probe_choose(lks_comm *chosen, lks_comm *comm, int number) {
    (void)chosen, (void)comm, (void)number;
    return false;
}

void lks_probe_drop(lks_comm *chosen) {
    (void)chosen;
}

#endif
