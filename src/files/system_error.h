/** @file system_error.h  Messages for failed system calls. */
#ifndef LKS_FILES_SYSTEM_ERROR_H
#define LKS_FILES_SYSTEM_ERROR_H

#include "lockstep/status.h"

/** Fills @p err with LKS_ERR_IO: "cannot ACTION PATH: cause, what to do", from errno. */
lks_status lks_fail_system(lks_error *err, const char *action, const char *path);

#endif
