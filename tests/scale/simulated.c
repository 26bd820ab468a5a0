/* What simulated ranks do in another way: the linker puts __wrap_F in F's place (--wrap). */
#include <smpi/smpi.h>
#include <stdlib.h>

#include "lockstep/model.h"

int __wrap_MPI_Waitall(int n, MPI_Request *requests, MPI_Status *statuses);
void __real_lks_model_train(lks_model *m, const lks_batch *batch);
void __wrap_lks_model_train(lks_model *m, const lks_batch *batch);

/* SMPI takes the time that this machine's processor needs for what stands between two calls of MPI; what slows that down
 * by chance counts as often as there are ranks. Where LOCKSTEP_IMAGE_SECONDS is set, forward and backward take that time
 * for each image: the work is done while the simulated clock stands still. */
void __wrap_lks_model_train(lks_model *m, const lks_batch *batch) {
    const char *seconds = getenv("LOCKSTEP_IMAGE_SECONDS");
    if (!seconds) {
        __real_lks_model_train(m, batch);
        return;
    }
    smpi_bench_end();
    __real_lks_model_train(m, batch);
    smpi_execute(strtod(seconds, NULL) * batch->n);
    smpi_bench_begin();
}

/* SMPI asks all requests for each one that it waits for, and each of these asks the others: of 500 requests a rank, a
 * minute. Here they are waited for one by one, and end at the same time. The program wants no statuses. */
int __wrap_MPI_Waitall(int n, MPI_Request *requests, MPI_Status *statuses) {
    int code = MPI_SUCCESS;
    (void)statuses;
    for (int i = 0; i < n && code == MPI_SUCCESS; i++)
        code = MPI_Wait(&requests[i], MPI_STATUS_IGNORE);
    return code;
}
