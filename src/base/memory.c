#include "lockstep/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room beside what is asked for: to round up, or to align by hand. */
#define BESIDE ((size_t)2 * LKS_ALIGN)

static bool fits(size_t count, size_t size, const char *what, size_t *bytes, lks_error *err) {
    if (!__builtin_mul_overflow(count, size, bytes) && *bytes <= PTRDIFF_MAX - BESIDE)
        return true;
    lks_fail(err, LKS_ERR_MEMORY, "%s: %zu items of %zu bytes are more than memory can address",
             what, count, size);
    return false;
}

static void *out_of_memory(const char *what, size_t bytes, lks_error *err) {
    lks_fail(err, LKS_ERR_MEMORY, "%s: out of memory (%.1f MiB asked for)", what,
             (double)bytes / 1048576.0);
    return NULL;
}

void *lks_alloc(size_t count, size_t size, const char *what, lks_error *err) {
    size_t bytes;
    if (!fits(count, size, what, &bytes, err))
        return NULL;
    /* aligned_alloc() wants a multiple of the alignment; whole vectors may then be read at the end.
     */
    size_t rounded = bytes == 0 ? LKS_ALIGN : (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    void *p = aligned_alloc(LKS_ALIGN, rounded);
    return p ? memset(p, 0, rounded) : out_of_memory(what, bytes, err);
}

void lks_free(void *p) {
    free(p);
}

/* calloc() does not touch what comes fresh from the system, but aligns too little: what it gave is noted right
 * before what is returned. */
void *lks_alloc_lazy(size_t count, size_t size, const char *what, lks_error *err) {
    size_t bytes;
    if (!fits(count, size, what, &bytes, err))
        return NULL;
    char *given = calloc(1, bytes + BESIDE);
    if (!given)
        return out_of_memory(what, bytes, err);
    char *p = given + (LKS_ALIGN - (uintptr_t)given % LKS_ALIGN);
    if (p - given < (ptrdiff_t)sizeof given)
        p += LKS_ALIGN;
    memcpy(p - sizeof given, &given, sizeof given);
    return p;
}

void lks_free_lazy(void *p) {
    char *given = NULL;
    if (p)
        memcpy(&given, (char *)p - sizeof given, sizeof given);
    free(given);
}

/* Not getrusage(): what that tells outlives exec(), so it may be of the program that started this one. */
size_t lks_peak_resident(void) {
    char line[256];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %zu kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib * 1024;
}
