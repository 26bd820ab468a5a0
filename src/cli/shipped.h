/* The configurations that come with the program. */
#ifndef LKS_CLI_SHIPPED_H
#define LKS_CLI_SHIPPED_H

#include "base/embedded.h"
#include "lockstep/status.h"

extern const lks_embedded lks_shipped_configs[]; /* the files of configs/; a NULL name ends them */

/* Where @p status says that the configuration @p path could not be had: adds to the message how to write it out
 * if there is no such file and one of that name comes with the program, and where it is if @p path is a run
 * folder. Returns @p status. */
lks_status lks_hint_config(lks_status status, const char *path, lks_error *err);

#endif
