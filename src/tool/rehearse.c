#include "tool/rehearse.h"

#include <omp.h>

#include "feed/packed/packed.h"
#include "base/timer.h"

#define PEAK_SECONDS 0.02
#define PEAK_CALLS   2000 /* where the clock is simulated, it may stand still while a rank computes */
#define PEAK_ROUNDS  20000 /* of a call of the kernel: less than a tenth of that time */

lks_status lks_rehearse_data(lks_config *config, lks_comm *comm, const char *data, bool *made_up,
                             lks_error *err) {
    lks_data_config *c = &config->data;
    const lks_key_value folder = {"data.dir", data};
    lks_status status = data ? lks_config_override(config, &folder, 1, err) : LKS_OK;
    if (status != LKS_OK)
        lks_fail_context(err, "--data");
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(lks_packed_take(config, comm, err));
    c->test_images[0] = c->test_labels[0] = 0; /* nothing is evaluated */
    *made_up = !data && comm->rank == 0 && !lks_image_file_exists(c, LKS_PART_TRAIN);
    lks_comm_broadcast(comm, made_up, sizeof *made_up, 0);
    return lks_comm_check(comm, err);
}

lks_status lks_rehearse_step(lks_trainer *t, lks_error *err) {
    if (t->cursor.batch == t->plan.batches) {
        lks_cursor *c = lks_trainer_edit_cursor(t);
        lks_phases_divide(&t->phases, t->comm);
        c->batch = 0;
        lks_loader_seek(t->loader, ++c->epoch, 0);
        lks_trainer_wrote_cursor(t);
    }
    return lks_trainer_step(t, err);
}

static double peak_of_thread(double (*run)(float *out, size_t rounds)) {
    float out[2 + LKS_BLOCK] = {0.5f, 1.0f};
    double flop = 0, started = lks_now(), elapsed = 0;
    for (int i = 0; i < PEAK_CALLS && elapsed < PEAK_SECONDS; i++) {
        flop += run(out, PEAK_ROUNDS);
        elapsed = lks_now() - started;
    }
    return elapsed > 0 ? flop / elapsed : 0;
}

double lks_rehearse_peak(const lks_kernels *kernels, lks_precision precision, int threads) {
    double sum = 0;
#pragma omp parallel num_threads(threads)
    {
        double own =
            peak_of_thread(precision == LKS_BF16 ? kernels->products->peak : kernels->peak);
#pragma omp atomic
        sum += own;
    }
    return sum;
}
