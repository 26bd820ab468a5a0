/* Where a result came from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/agree.h"
#include "base/memory.h"
#include "base/timer.h"
#include "io/h5/confined.h"
#include "job/job.h"
#include "lockstep/library.h"

const char *lks_version(void) {
    return LKS_VERSION;
}

const char *lks_revision(void) {
    return LKS_REVISION;
}

const char *lks_compiler(void) {
    return LKS_COMPILER;
}

lks_status lks_library_begin(lks_error *err) {
    return lks_confined_start(err);
}

#define LIST_END 32 /* " ... (1000000 hosts)" */

/* "node1*4 node2*2": consecutive ranks of a host are counted together. A long list has its beginning and the number. */
static void list_hosts(lks_provenance *p, const char *hosts, const lks_comm *comm, size_t each) {
    char entry[LKS_PROVENANCE_TEXT_MAX];
    size_t length = 0;
    for (int r = 0, n; r < comm->size; r += n) {
        const char *host = hosts + (size_t)r * each;
        for (n = 1; r + n < comm->size && strcmp(host, hosts + (size_t)(r + n) * each) == 0;)
            n++;
        const size_t wrote =
            (size_t)snprintf(entry, sizeof entry, "%s%s*%d", length ? " " : "", host, n);
        if (length + wrote + LIST_END > sizeof p->hosts) {
            snprintf(p->hosts + length, LIST_END, " ... (%d hosts)", comm->hosts);
            return;
        }
        memcpy(p->hosts + length, entry, wrote + 1);
        length += wrote;
    }
}

/* What is noted is rank 0's; where others have something else, that is said. */
static void tell_differences(const lks_provenance *p, lks_comm *comm) {
    static const char harmless[] = "the weights do not depend on it";
    char threads[16];
    lks_error err; /* a failure stays in comm */
    snprintf(threads, sizeof threads, "%d", p->threads);
    const lks_agree_item items[] = {{"the numbers of threads", threads, LKS_AGREE_SAY, harmless},
                                    {"the instruction sets", p->isa, LKS_AGREE_SAY, harmless},
                                    {"the compilers", p->compiler, LKS_AGREE_SAY, harmless},
                                    {"the MPI libraries", p->mpi, LKS_AGREE_SAY, harmless}};
    lks_agree(comm, items, (int)(sizeof items / sizeof *items), LKS_ERR_COMM, &err);
}

void lks_fill_provenance(lks_provenance *p, lks_comm *comm, const lks_kernels *kernels,
                         int threads) {
    memset(p, 0, sizeof *p);
    snprintf(p->version, sizeof p->version, "%s", LKS_VERSION);
    snprintf(p->revision, sizeof p->revision, "%s", LKS_REVISION);
    snprintf(p->compiler, sizeof p->compiler, "%s", LKS_COMPILER);
    snprintf(p->isa, sizeof p->isa, "%s", kernels->isa);
    lks_comm_library(p->mpi, sizeof p->mpi);
    lks_utc(p->time);
    p->ranks = comm->size;
    p->threads = threads;
    tell_differences(p, comm);
    size_t each = sizeof comm->host;
    lks_error err;
    char *hosts = NULL;
    if (comm->rank == 0 && !(hosts = lks_alloc((size_t)comm->size, each, "table of hosts", &err)))
        lks_comm_fail(comm, &err);
    lks_comm_gather(comm, comm->host, 1, each, hosts, NULL);
    if (hosts)
        list_hosts(p, hosts, comm, each);
    lks_free(hosts);
}
