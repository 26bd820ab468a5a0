#include "feed/place/room.h"

#include "base/memory.h"

static lks_status open_own(lks_room *room, lks_comm *comm, size_t bytes, const char *what,
                           lks_error *err) {
    room->first = true;
    room->memory = lks_alloc(bytes, 1, what, err);
    return lks_comm_agree(comm, room->memory ? LKS_OK : err->status, err);
}

static lks_status open_shared(lks_room *room, lks_comm *comm, size_t bytes, lks_error *err) {
    LKS_TRY(lks_host_open(&room->host, comm, bytes, 0, 0, err));
    room->shared = true;
    room->first = comm->local_rank == 0;
    room->memory = lks_host_common(&room->host);
    return LKS_OK;
}

lks_status lks_room_open(lks_room *room, lks_comm *comm, size_t bytes, const char *what,
                         lks_error *err) {
    *room = (lks_room){0};
    return comm->hosts < comm->size ? open_shared(room, comm, bytes, err)
                                    : open_own(room, comm, bytes, what, err);
}

void lks_room_close(lks_room *room) {
    if (room->host.comm)
        lks_host_close(&room->host);
    else
        lks_free(room->memory);
    *room = (lks_room){0};
}

void lks_room_meet(lks_room *room) {
    if (room->shared)
        lks_host_meet(&room->host);
}
