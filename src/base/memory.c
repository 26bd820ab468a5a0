#include "lockstep/memory.h"

#include <stdint.h>
#include <stdio.h>
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
