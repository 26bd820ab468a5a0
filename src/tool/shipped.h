/** @file shipped.h  The configurations that come with the program. Not collective. */
#ifndef LKS_TOOL_SHIPPED_H
#define LKS_TOOL_SHIPPED_H

#include "base/embedded.h"
#include "lockstep/format.h"
#include "lockstep/status.h"

extern const lks_embedded lks_shipped_configs[]; /* the files of configs/; a NULL name ends them */

/** Where @p status says that the configuration @p path could not be had: adds to the message how to write it out
 * if there is no such file and one of that name comes with the program, and where it is if @p path is a run
 * folder. Returns @p status. */
lks_status lks_hint_config(lks_status status, const char *path, lks_error *err);

/** Prints the list of them, as a table, JSON or CSV, with numbers of parameters for MNIST's shape. */
lks_status lks_shipped_list(lks_format format, lks_error *err);

/** Prints the one called @p name. LKS_ERR_USAGE, naming the nearest, if there is none. */
lks_status lks_shipped_print(const char *name, lks_error *err);

#endif
