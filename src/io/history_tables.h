/** @file history_tables.h  A history inside an HDF5 file: one data set a figure, of one length. */
#ifndef LKS_IO_HISTORY_TABLES_H
#define LKS_IO_HISTORY_TABLES_H

#include "io/h5/h5.h"
#include "io/history.h"

/** Writes PREFIX/steps/... and PREFIX/epochs/...; @p prefix is "" or "/history". */
lks_status lks_history_put(lks_h5 *h, const char *prefix, const lks_history *history);

/** Reads what lks_history_put() wrote into the empty @p history, which owns it (also after a
 * failure). */
lks_status lks_history_get(lks_h5 *h, const char *prefix, lks_history *history);

#endif
