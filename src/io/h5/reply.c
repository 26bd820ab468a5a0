#include "io/h5/reply.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 65536

void *lks_reply_room(lks_reply *r, size_t n, lks_error *err) {
    if (n > r->most - r->size) {
        lks_fail(err, LKS_ERR_FORMAT, "more than its size can hold");
        return NULL;
    }
    if (n > r->capacity - r->size) {
        size_t capacity = r->capacity ? r->capacity : FIRST_ROOM;
        while (capacity < r->size + n)
            capacity *= 2;
        unsigned char *bytes = realloc(r->bytes, capacity);
        if (!bytes) {
            lks_fail(err, LKS_ERR_MEMORY, "out of memory: %zu bytes", capacity);
            return NULL;
        }
        r->bytes = bytes;
        r->capacity = capacity;
    }
    r->size += n;
    return memset(r->bytes + r->size - n, 0, n);
}
