#include "feed/place/deal.h"

#include <string.h>

#include "feed/place/room.h"
#include "lockstep/log.h"

/* At the beginning of the room: what its ranks tell each other. */
typedef struct desk {
    int64_t first, end;   /* images that the host's ranks want */
    lks_status status[2]; /* whether the piece is there */
} desk;

/* Two pieces lie in the room in turn: one is filled while the other is handed out. */
typedef struct dealing {
    const lks_image_file *file;
    lks_room room;
    int64_t piece; /* images of one */
    size_t image_bytes;
} dealing;

enum { PIECE_BYTES = 1 << 19, DESK_BYTES = 128 };
_Static_assert(sizeof(desk) <= DESK_BYTES, "the pieces begin behind the desk");

static uint8_t *piece_at(const dealing *d, int64_t number) {
    const size_t bytes = (size_t)d->piece * d->image_bytes;
    return (uint8_t *)d->room.memory + DESK_BYTES + (size_t)(number % 2) * bytes;
}

/* From the first image of the host's first rank that wants any to the last one of its last. */
static void agree_range(dealing *d, const lks_comm *comm, lks_range own) {
    desk *common = d->room.memory;
    for (int r = 0; r < comm->local_size; r++) {
        if (r == comm->local_rank && own.count > 0) {
            common->first = common->end ? common->first : own.first;
            common->end = own.first + own.count;
        }
        lks_room_meet(&d->room);
    }
}

static void take(const dealing *d, int64_t first, int64_t n, const uint8_t *piece, lks_range own,
                 uint8_t *images) {
    const int64_t from = first > own.first ? first : own.first;
    const int64_t own_end = own.first + own.count, end = first + n < own_end ? first + n : own_end;
    if (from < end)
        memcpy(images + (size_t)(from - own.first) * d->image_bytes,
               piece + (size_t)(from - first) * d->image_bytes,
               (size_t)(end - from) * d->image_bytes);
}

static lks_status hand_out(dealing *d, lks_image_reader *reader, lks_range own, uint8_t *images,
                           lks_error *err) {
    desk *common = d->room.memory;
    const int64_t begin = common->first, end = common->end;
    int64_t number = 0;
    for (int64_t first = begin, n; first < end; first += n, number++) {
        uint8_t *piece = piece_at(d, number);
        n = end - first < d->piece ? end - first : d->piece;
        if (d->room.first)
            common->status[number % 2] = lks_image_reader_next(reader, first, n, piece, err);
        lks_room_meet(&d->room);
        if (common->status[number % 2] != LKS_OK)
            return d->room.first ? common->status[number % 2] : LKS_OK;
        take(d, first, n, piece, own, images);
    }
    return LKS_OK;
}

/* The first rank of the host may not be able to begin: then there is no piece. */
static lks_status deal(dealing *d, lks_comm *comm, lks_range own, uint8_t *images, lks_error *err) {
    desk *common = d->room.memory;
    lks_image_reader reader = {0};
    lks_status status = LKS_OK;
    agree_range(d, comm, own);
    if (d->room.first) {
        status = lks_image_reader_open(&reader, d->file, err);
        common->end = status == LKS_OK ? common->end : common->first;
    }
    lks_room_meet(&d->room);
    if (status == LKS_OK)
        status = hand_out(d, &reader, own, images, err);
    lks_image_reader_close(&reader);
    return status;
}

lks_status lks_deal_images(const lks_image_file *f, lks_comm *comm, lks_range range,
                           uint8_t *images, lks_error *err) {
    const size_t bytes = (size_t)f->rows * (size_t)f->columns * (size_t)f->channels;
    dealing d = {.file = f, .image_bytes = bytes};
    int64_t compressed = f->compressed; /* perhaps on some hosts only */
    lks_comm_max_i64(comm, &compressed, 1);
    LKS_TRY(lks_comm_check(comm, err));
    if (!compressed || comm->hosts == comm->size)
        return lks_image_file_read(f, range.first, range.count, images, err);
    d.piece = bytes < PIECE_BYTES ? PIECE_BYTES / (int64_t)bytes : 1;
    lks_status status = lks_room_open(&d.room, comm, DESK_BYTES + 2 * (size_t)d.piece * bytes,
                                      "a piece of the images", err);
    if (status == LKS_OK) {
        status = deal(&d, comm, range, images, err);
    } else if (lks_comm_check(comm, err) == LKS_OK) {
        lks_warn("%s: every rank inflates all of %s that stands before its share", err->text,
                 f->path);
        status = lks_image_file_read(f, range.first, range.count, images, err);
    }
    lks_room_close(&d.room);
    return status;
}
