#include "cli/launch.h"

#include "cli/process.h"
#include "lockstep/log.h"

int lks_with_comm(const lks_common_options *common,
                  lks_status (*work)(lks_comm *comm, void *input, int *exit_status, lks_error *err),
                  void *input) {
    lks_comm comm = {0};
    lks_error err = {.status = LKS_OK};
    int exit_status = 0;
    lks_status status = lks_comm_start(&comm, &err);
    if (status != LKS_OK)
        return comm.rank == 0 ? lks_report(&err) : lks_exit_status(status);
    lks_log_setup(comm.rank, common->level);
    status = work(&comm, input, &exit_status, &err);
    if (status != LKS_OK)
        exit_status = comm.rank == 0 ? lks_report(&err) : lks_exit_status(status);
    lks_comm_stop(&comm);
    return exit_status;
}
