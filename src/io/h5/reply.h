/** @file reply.h  What a process that works on a stranger's file (confined.h) has to say. */
#ifndef LKS_IO_REPLY_H
#define LKS_IO_REPLY_H

#include <stddef.h>
#include "lockstep/status.h"

/** Bytes that grow while they are made; @p bytes is freed with free(). */
typedef struct lks_reply {
    unsigned char *bytes;
    size_t size, capacity;
    size_t most; /**< more is refused */
} lks_reply;

/** Room for @p n more bytes, zeroed, which count at once; NULL with @p err filled: LKS_ERR_FORMAT beyond the most,
 * LKS_ERR_MEMORY. Good until the next call. */
void *lks_reply_room(lks_reply *reply, size_t n, lks_error *err);

#endif
