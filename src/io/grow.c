#include "io/grow.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

lks_status lks_grow(void **records, size_t n, size_t *capacity, size_t size, lks_error *err) {
    if (n < *capacity)
        return LKS_OK;
    size_t wanted = *capacity ? 2 * *capacity : FIRST_CAPACITY;
    void *larger = wanted > *capacity ? reallocarray(*records, wanted, size) : NULL;
    if (!larger)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: history of %zu records", wanted);
    *records = larger;
    *capacity = wanted;
    return LKS_OK;
}
