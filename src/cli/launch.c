#include "cli/launch.h"

#include "cli/fit.h"
#include "cli/process.h"
#include "io/h5/confined.h"
#include "lockstep/log.h"

/* Tells the error of a job; returns the exit status. One that only this rank knows of, a failure of its
 * communicator, ends the others with it, since they wait for it. */
static int tell(const lks_comm *comm, const lks_error *err) {
    lks_error failure;
    if (lks_comm_check(comm, &failure) == LKS_OK)
        return comm->rank == 0 ? lks_report(err) : lks_exit_status(err->status);
    int exit_status = lks_report(&failure);
    if (comm->size > 1)
        lks_comm_abort(comm, exit_status);
    return exit_status;
}

int lks_with_comm(lks_common_options *common,
                  lks_status (*work)(lks_comm *comm, void *input, int *exit_status, lks_error *err),
                  void *input) {
    lks_comm comm = {0};
    lks_error err = {.status = LKS_OK};
    int exit_status = 0;
    lks_status status = lks_confined_start(&err); /* what MPI holds must not be forked */
    if (status == LKS_OK)
        status = lks_fit_start(&comm, &err);
    if (status != LKS_OK)
        return tell(&comm, &err);
    lks_log_setup(common->level);
    status = lks_fit_check(&comm, common->given, &err);
    const bool fits = status == LKS_OK; /* on all ranks, or on none */
    if (fits) {
        common->watchdog =
            lks_watchdog_start(&comm, common->stall_timeout, lks_process_end_at_once);
        status = work(&comm, input, &exit_status, &err);
    }
    bool told = status != LKS_OK;
    if (told)
        exit_status = tell(&comm, &err);
    if (fits) /* else others may be in lks_fit_refuse() */
        lks_watchdog_stop(common->watchdog, &comm);
    common->watchdog = NULL;
    lks_comm_stop(&comm);
    return !told && lks_comm_check(&comm, &err) != LKS_OK ? tell(&comm, &err) : exit_status;
}
