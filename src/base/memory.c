#include "lockstep/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *lks_alloc(size_t count, size_t size, const char *what, lks_error *err) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - LKS_ALIGN) {
        lks_fail(err, LKS_ERR_MEMORY, "%s: %zu items of %zu bytes are more than memory can address",
                 what, count, size);
        return NULL;
    }
    /* aligned_alloc() wants a multiple of the alignment; whole vectors may then be read at the end.
     */
    size_t rounded = bytes == 0 ? LKS_ALIGN : (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    void *p = aligned_alloc(LKS_ALIGN, rounded);
    if (!p) {
        lks_fail(err, LKS_ERR_MEMORY, "%s: out of memory (%.1f MiB asked for)", what,
                 (double)bytes / 1048576.0);
        return NULL;
    }
    return memset(p, 0, rounded);
}

void lks_free(void *p) {
    free(p);
}
