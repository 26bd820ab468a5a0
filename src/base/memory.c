#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A page of the larger kind on x86-64, and on AArch64 with pages of 4 KiB. */
#define LARGE_PAGE ((size_t)2 << 20)

/* Room beside what is asked for: to round up, or to align by hand. */
#define BESIDE (2 * LARGE_PAGE)

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

/* What is read in long rows once a step comes up to half as fast again from large pages: the processor keeps the
 * places of few pages, and loads ahead only within one. The system gives them where it is asked. */
static size_t alignment(size_t bytes) {
    return bytes < LARGE_PAGE ? LKS_ALIGN : LARGE_PAGE;
}

/* Whole ones only, so that no more is resident. It is no error if the system has none. */
static void ask_for_large_pages(void *p, size_t bytes) {
    if (bytes >= LARGE_PAGE)
        (void)madvise(p, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
}

void *lks_alloc(size_t count, size_t size, const char *what, lks_error *err) {
    size_t bytes;
    if (!fits(count, size, what, &bytes, err))
        return NULL;
    /* aligned_alloc() wants a multiple of the alignment; whole vectors may then be read at the end.
     */
    size_t rounded = bytes == 0 ? LKS_ALIGN : (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    const size_t align = alignment(bytes);
    void *p = aligned_alloc(align, (rounded + align - 1) / align * align);
    if (!p)
        return out_of_memory(what, bytes, err);
    ask_for_large_pages(p, bytes);
    return memset(p, 0, rounded);
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
    const size_t align = alignment(bytes);
    char *given = calloc(1, bytes + 2 * align);
    if (!given)
        return out_of_memory(what, bytes, err);
    char *p = given + (align - (uintptr_t)given % align);
    if (p - given < (ptrdiff_t)sizeof given)
        p += align;
    ask_for_large_pages(p, bytes);
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
