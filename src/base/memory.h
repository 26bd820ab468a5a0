/** @file memory.h  Aligned, zeroed memory with overflow-checked sizes. */
#ifndef LKS_BASE_MEMORY_H
#define LKS_BASE_MEMORY_H

#include <stddef.h>
#include "lockstep/status.h"

/** Alignment of every buffer, in bytes: a cache line, and a 512-bit vector. */
#define LKS_ALIGN 64

/** Returns @p count * @p size zeroed bytes aligned to LKS_ALIGN, or NULL with @p err filled
 *  (LKS_ERR_MEMORY, naming @p what). A zero size gives a valid pointer. From 2 MiB on it is aligned to
 *  that, and the system is asked for large pages. Freed with lks_free(). */
void *lks_alloc(size_t count, size_t size, const char *what, lks_error *err)
    __attribute__((malloc, warn_unused_result));

/** Frees what lks_alloc() returned; NULL is allowed. */
void lks_free(void *p);

/** The same as lks_alloc(), but large memory is left to the system until it is written: only what is used counts as
 *  resident (large pages as a whole), and on a machine with several memories a page lies near the thread that wrote it
 *  first. Freed with lks_free_lazy(). */
void *lks_alloc_lazy(size_t count, size_t size, const char *what, lks_error *err)
    __attribute__((malloc, warn_unused_result));

/** Frees what lks_alloc_lazy() returned; NULL is allowed. */
void lks_free_lazy(void *p);

/** The most memory that this process had resident so far, in bytes; 0 where the system does not tell
 * (/proc/self/status, Linux). */
size_t lks_peak_resident(void);

#endif
