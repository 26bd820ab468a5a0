/* Which rank is on which host. */
#include <string.h>

#include "base/memory.h"
#include "comm/probe.h"
#include "tool/doctor/parts.h"

/* s->of[].host is the lowest rank of the host; it becomes the host's number. */
static void number_hosts(lks_seats *s) {
    for (int r = 0; r < s->ranks; r++) {
        const int first = s->of[r].host;
        if (first == r) {
            s->first[s->hosts] = r;
            s->of[r].host = s->hosts++;
        } else {
            s->of[r].host = s->of[first].host;
        }
        s->count[s->of[r].host]++;
    }
}

lks_status lks_seats_find(lks_seats *s, lks_comm *comm, lks_error *err) {
    static const char what[] = "the table of hosts";
    const size_t n = (size_t)comm->size;
    const lks_seat own = {lks_probe_first_of_host(comm), comm->local_rank};
    *s = (lks_seats){.ranks = comm->size};
    s->of = lks_alloc(n, sizeof *s->of, what, err);
    s->first = lks_alloc(n, sizeof *s->first, what, err);
    s->count = lks_alloc(n, sizeof *s->count, what, err);
    const lks_status status = s->of && s->first && s->count ? LKS_OK : err->status;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_gather(comm, &own, 1, sizeof own, s->of, NULL);
    lks_comm_broadcast(comm, s->of, n * sizeof *s->of, 0);
    LKS_TRY(lks_comm_check(comm, err));
    number_hosts(s);
    return LKS_OK;
}

void lks_seats_free(lks_seats *s) {
    lks_free(s->of);
    lks_free(s->first);
    lks_free(s->count);
}

void *lks_seats_gather(const lks_seats *s, lks_comm *comm, const void *own, size_t each) {
    lks_error err;
    char *all = NULL;
    if (comm->rank == 0 && !(all = lks_alloc((size_t)s->hosts, each, "the table of hosts", &err)))
        lks_comm_fail(comm, &err);
    lks_comm_gather(comm, own, comm->local_rank == 0, each, all, NULL);
    return all;
}
