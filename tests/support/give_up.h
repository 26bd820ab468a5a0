/** @file give_up.h  The end of a test on one rank while the others wait for it. */
#ifndef LKS_TEST_GIVE_UP_H
#define LKS_TEST_GIVE_UP_H

#include <stdlib.h>

#include "lockstep/comm.h"
#include "lockstep/log.h"

/** Ends every rank with @p status after telling why, or the failure that @p comm has. */
static inline _Noreturn void lks_give_up(lks_comm *comm, int status, const char *why) {
    lks_error err;
    lks_fail(&err, LKS_ERR_COMM, "%s", why);
    lks_comm_fail(comm, &err);
    lks_error_print(err.text);
    lks_comm_abort(comm, status);
    exit(status);
}

#endif
