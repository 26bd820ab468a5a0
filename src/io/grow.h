/** @file grow.h  Arrays that grow by one record at a time. */
#ifndef LKS_IO_GROW_H
#define LKS_IO_GROW_H

#include <stddef.h>
#include "lockstep/status.h"

/** Makes room for one more record of @p size bytes in *records (freed with free()), which has @p n of *capacity and
 * grows by doubling. LKS_ERR_MEMORY, and nothing has changed. */
lks_status lks_grow(void **records, size_t n, size_t *capacity, size_t size, lks_error *err);

#endif
