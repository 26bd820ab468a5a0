/** @file bundle.h  A run in one archive, with all that somebody else needs to check it but the data. One process;
 * nothing is collective. */
#ifndef LKS_TRAIN_PROOF_BUNDLE_H
#define LKS_TRAIN_PROOF_BUNDLE_H

#include "lockstep/status.h"

/** Writes run folder @p folder as the tar archive @p out: run/ with its configuration, history with the chain,
 * checkpoints, metrics and summary; bundle.json with the data's digests, the program's revision and the
 * environment; README.txt; MANIFEST, which `sha256sum -c` checks. The same run gives the same bytes. The run's records
 * are checked first, as by lks_replay() without computing: its errors, and LKS_ERR_IO. */
lks_status lks_bundle_write(const char *folder, const char *out, lks_error *err);

/** Unpacks the archive @p path into a new folder below TMPDIR, whose name *folder gets, freed with free(); then
 * FOLDER/run is the run. LKS_ERR_FORMAT where it is no such archive, or a file is not what MANIFEST says. Removed
 * with lks_bundle_remove(), which frees, too (NULL: nothing). */
lks_status lks_bundle_unpack(const char *path, char **folder, lks_error *err);
void lks_bundle_remove(char *folder);

#endif
