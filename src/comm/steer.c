/* Open MPI 4 and 5 decide by a table (ompi/mca/coll/tuned/coll_tuned_decision_fixed.c). For 64 to 255 ranks it takes
 * recursive doubling or a reduction with a broadcast up to 256 KiB: the whole message goes as often as the ranks have
 * bits. Rabenseifner's algorithm sends it twice in all; fewer ranks and more ranks get that from 128 bytes or 4 KiB on.
 * What is said here of message sizes in between holds where sending 16 KiB takes longer than a message's latency.
 *
 * Rules come to Open MPI in a file, which every process reads. Here it is one without a name. */
#include "comm/steer.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lockstep/comm.h"
#include "comm/probe.h"

bool lks_comm_steers(int ranks, double bytes) {
    return ranks >= LKS_STEERED_RANKS && ranks < LKS_STEERED_BELOW_RANKS &&
           bytes >= LKS_STEERED_BYTES && bytes < LKS_STEERED_BELOW_BYTES;
}

#ifdef OPEN_MPI

/* A message over TCP that is longer than the eager limit, 64 KiB, waits for an answer after its first part. Where ranks send
 * to each other at once, as in an allreduce, the answer stands behind the other's own part: half of it again is what such
 * messages then take. Below the limit they go out as they are. */
static const char eager_limit[] = "OMPI_MCA_btl_tcp_eager_limit";

static const char switched_on[] = "OMPI_MCA_coll_tuned_use_dynamic_rules";
static const char file_name[] = "OMPI_MCA_coll_tuned_dynamic_rules_filename";

/* A choice of the user's own: of the component, or of what it does; `but` is none (NULL: each is). */
static bool user_chose(const char *but) {
    extern char **environ;
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "OMPI_MCA_coll", strlen("OMPI_MCA_coll")) == 0 &&
            (!but || strcmp(*e, but) != 0))
            return true;
    return false;
}

bool lks_comm_training_steers(void) {
    return !user_chose(LKS_PROBE_VARIABLE "=" LKS_PROBE_VALUE);
}

/* One collective, number 2 (allreduce); for communicators from a size on, for messages from so many bytes on: algorithm
 * (6: Rabenseifner's; 0: as the table says), and two zeros that it does not use. */
static bool write_rules(int file) {
    char text[256];
    const int n = snprintf(text, sizeof text,
                           "1\n2\n3\n"
                           "1 1\n0 0 0 0\n"
                           "%d 3\n0 0 0 0\n%d 6 0 0\n%d 0 0 0\n"
                           "%d 1\n0 0 0 0\n",
                           LKS_STEERED_RANKS, LKS_STEERED_BYTES, LKS_STEERED_BELOW_BYTES,
                           LKS_STEERED_BELOW_RANKS);
    return write(file, text, (size_t)n) == n;
}

static void unset_rules(int file) {
    unsetenv(switched_on);
    unsetenv(file_name);
    close(file);
}

/* A file of rules that the environment names; -1: none. */
static int set_rules(int ranks) {
    char path[64];
    if (!lks_comm_steers(ranks, LKS_STEERED_BYTES) || user_chose(NULL))
        return -1;
    const int file = memfd_create("allreduce rules", MFD_CLOEXEC);
    if (file < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    /* Open MPI goes on without rules that it cannot read, as where /proc is not there; then this rank counts as one that has
     * none, which the comparison of settings tells. */
    if (write_rules(file) && access(path, R_OK) == 0 && setenv(file_name, path, 1) == 0 &&
        setenv(switched_on, "1", 1) == 0)
        return file;
    unset_rules(file);
    return -1;
}

lks_steering lks_comm_steer(int ranks) {
    char limit[16];
    snprintf(limit, sizeof limit, "%d", LKS_EAGER_BYTES);
    const bool eager = !getenv(eager_limit) && setenv(eager_limit, limit, 0) == 0;
    return (lks_steering){set_rules(ranks), eager};
}

void lks_comm_steered(lks_steering s) {
    if (s.eager)
        unsetenv(eager_limit);
    if (s.rules >= 0)
        unset_rules(s.rules);
}

#else

bool lks_comm_training_steers(void) {
    return false;
}

lks_steering lks_comm_steer(int ranks) {
    (void)ranks;
    return (lks_steering){.rules = -1};
}

void lks_comm_steered(lks_steering s) {
    (void)s;
}

#endif
