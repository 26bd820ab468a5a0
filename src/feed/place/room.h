/* Memory that the ranks of a host have once, where it has several that can share memory; else each has its own. */
#ifndef LKS_FEED_PLACE_ROOM_H
#define LKS_FEED_PLACE_ROOM_H

#include "lockstep/comm.h"
#include "comm/host.h"

typedef struct lks_room {
    lks_host host;
    bool shared; /* the same bytes on all ranks of the host */
    bool
        first; /* this rank is the first of those that have them, and writes what one of them writes */
    void *memory; /* [bytes], zeroed, aligned as lks_alloc() has it */
} lks_room;

/* Room for `what`. LKS_ERR_MEMORY, also where the ranks of a host cannot share memory. Collective; errors are agreed.
 * Ended by lks_room_close(), also after a failure. */
lks_status lks_room_open(lks_room *room, lks_comm *comm, size_t bytes, const char *what,
                         lks_error *err);

/* Collective, but after a failure of the communicator. */
void lks_room_close(lks_room *room);

/* What the others wrote before, each may read after. Collective. */
void lks_room_meet(lks_room *room);

#endif
