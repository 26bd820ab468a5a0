/* `lockstep info --digest`: the digests of a data set, for feed/set_digest.h's checks. */
#ifndef LKS_TOOL_DIGESTS_H
#define LKS_TOOL_DIGESTS_H

#include "lockstep/status.h"

/* Reads all images and labels of `path`, a folder of IDX files, an HDF5 data set or a configuration (with `sets`,
 * [n_sets]), and writes the file of digests of each set that is there; one that is right already stays. Prints a
 * line each. LKS_ERR_DATA, LKS_ERR_CONFIG, LKS_ERR_USAGE, LKS_ERR_IO. Not collective. */
lks_status lks_write_digests(const char *path, const char *const *sets, int n_sets, lks_error *err);

#endif
