/** @file library.h  What is asked of the library as a whole. Nothing here is collective. */
#ifndef LOCKSTEP_LIBRARY_H
#define LOCKSTEP_LIBRARY_H

#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

/** Version, as in "lockstep 0.1.0". */
const char *lks_version(void);

/** The commit it was built from, "-dirty" behind it where files were changed; "unknown" outside a
 * repository. */
const char *lks_revision(void);

/** Name and version of the compiler. */
const char *lks_compiler(void);

/** To be called before MPI starts by a program that starts MPI itself and reads checkpoints. They are read in a process of
 * its own, which is forked from a small server; that is forked here, since memory that MPI and its network hold is
 * better not forked. Without this call the first checkpoint that is read does it. The server ends with the program.
 * LKS_ERR_IO where no process can be started. */
lks_status lks_library_begin(lks_error *err);

LKS_PUBLIC_END

#endif
