/** @file describe.h  What a path is, told on standard output. */
#ifndef LOCKSTEP_DESCRIBE_H
#define LOCKSTEP_DESCRIBE_H

#include "lockstep/status.h"

/** Prints what is to be known of @p path: a run folder, a folder of IDX files, one IDX file, an HDF5 data set, a
 * checkpoint, or else a configuration. @p sets [n_sets] are "KEY=VALUE" as --set takes them, for a configuration or
 * a checkpoint's; LKS_ERR_USAGE with anything else. Writes no file. Errors of writing are left to ferror(). Returns
 * LKS_OK, LKS_ERR_CONFIG, or what reading the file gives. Not collective. */
lks_status lks_describe(const char *path, const char *const *sets, int n_sets, lks_error *err);

#endif
