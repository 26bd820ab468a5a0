/* --dry-run: everything up to the first step has been done in memory; what a run would need, and
 * where it would start, is told. Nothing stays in the folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "files/publish.h"
#include "train/run.h"

typedef struct row {
    const char *what;
    double bytes;
} row;

/* A table of what this rank holds at most, as least and most over the ranks. Collective. */
static void print_memory(lks_trainer *t) {
    const lks_dataset *d = &t->data;
    const double weights = (double)t->view.n_weights * sizeof(float);
    const double each = weights / t->exchange.sharers;  /* of what the ranks of a host may share */
    const double packed = (double)t->view.common_bytes; /* likewise */
    row rows[] = {{"images and labels",
                   (double)(lks_image_set_bytes(&d->train) + lks_image_set_bytes(&d->test))},
                  {"lists of images", (double)lks_dataset_list_bytes(d, t->comm)},
                  {"exchange buffers, in the first epoch", (double)lks_loader_forecast(t->loader)},
                  {"activations, gradients, packed weights",
                   (double)t->view.bytes - packed - weights - (double)lks_trainer_message_bytes(t) +
                       packed / t->exchange.sharers},
                  {"weights", each},
                  {"optimizer state", t->optimizer.n_states * each},
                  {"averaged weights", t->average.weights ? each : 0},
                  {"snapshots for checkpoints", (double)lks_run_snapshot_bytes(t)},
                  {"message of a step", (double)lks_trainer_message_bytes(t)},
                  {"packed message", (double)lks_packed_sum_bytes(&t->exchange.sum)},
                  {"shares of sums and weights", (double)t->exchange.shares.bytes},
                  {"together", 0}};
    enum { N = sizeof rows / sizeof *rows };
    double least[N], most[N];
    for (int i = 0; i + 1 < N; i++)
        rows[N - 1].bytes += rows[i].bytes;
    for (int i = 0; i < N; i++)
        least[i] = most[i] = rows[i].bytes / 1048576;
    lks_comm_min_f64(t->comm, least, N);
    lks_comm_max_f64(t->comm, most, N);
    lks_info("\n%-40s %10s %10s", "memory per rank, MiB", "least", "most");
    for (int i = 0; i < N; i++)
        lks_info("  %-38s %10.2f %10.2f", rows[i].what, least[i], most[i]);
    if (t->config->train.exchange == LKS_EXCHANGE_HOST)
        lks_info(
            "  weights, copies of wide layers, state and average are once on a host: here they "
            "are divided by its ranks");
    if (t->config->data.placement == LKS_PLACE_HOST)
        lks_info("  training images are once on a host: here they are divided by its ranks");
}

/* Where the run would start. Rank 0. */
static lks_status print_start(const lks_run *run, lks_error *err) {
    const char *how = run->options->resume;
    char **paths = NULL;
    int n = 0;
    LKS_TRY(lks_checkpoint_list(run->place.checkpoints, false, &paths, &n, err));
    free(paths);
    if (run->place.resumed_from[0])
        lks_info("start      from %s: step %lld of %lld%s", run->place.resumed_from,
                 (long long)run->trainer.cursor.step, (long long)run->trainer.plan.last_step,
                 lks_trainer_over(&run->trainer) ? ", where nothing is left to train" : "");
    else if (n > 0 && how && strcmp(how, "never") == 0)
        lks_info("start      at step 0; %d checkpoint%s of %s would be removed", n,
                 n == 1 ? "" : "s", run->place.checkpoints);
    else
        lks_info("start      at step 0: no checkpoint in %s", run->place.folder);
    return LKS_OK;
}

/* Whether the run folder, or the nearest folder above it that there is, takes what a run writes. Rank 0. */
static lks_status print_folder(const lks_place *place, lks_error *err) {
    static const char *const texts[] = {[LKS_LINK_SYMBOLIC] = "symbolic links",
                                        [LKS_LINK_NAME] =
                                            "other names of the files: there are no symbolic links",
                                        [LKS_LINK_COPY] = "copies: there are no links"};
    char nearest[LKS_FOLDER_PATH_MAX];
    lks_link_kind links;
    LKS_TRY(lks_place_nearest(place->checkpoints, nearest, err));
    LKS_TRY(lks_publish_try(nearest, &links, err));
    lks_info("folder     takes files; last.h5 and best.h5 would be %s", texts[links]);
    return LKS_OK;
}

lks_status lks_run_report(lks_run *run, lks_error *err) {
    print_memory(&run->trainer);
    lks_info("\nrun folder %s", run->place.folder);
    lks_status status = LKS_OK;
    if (run->trainer.comm->rank == 0) {
        status = print_folder(&run->place, err);
        if (status == LKS_OK)
            status = print_start(run, err);
    }
    LKS_TRY(lks_comm_agree(run->trainer.comm, status, err));
    lks_info("dry run    configuration, data and network are in order; nothing was trained or "
             "written");
    return LKS_OK;
}
