/* `lockstep eval`: a checkpoint's network on its test set. */
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "train/run.h"

/* What rank 0 read, for all ranks. */
typedef struct loaded {
    lks_checkpoint c; /* rank 0 */
    lks_config config;
    lks_data_identity data;
    lks_cursor cursor;
} loaded;

static lks_status parse(loaded *l, const lks_eval_options *o, const char *yaml, lks_error *err) {
    char folder[LKS_PATH_MAX + 16];
    const char **sets = malloc(sizeof *sets * ((size_t)o->n_sets + 1));
    if (!sets)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the settings");
    int n = 0;
    if (o->data) {
        snprintf(folder, sizeof folder, "data.dir=%s", o->data);
        sets[n++] = folder;
    }
    for (int i = 0; i < o->n_sets; i++)
        sets[n++] = o->sets[i];
    lks_status status =
        lks_config_parse(&l->config, yaml, strlen(yaml), o->checkpoint, sets, n, err);
    free(sets);
    return status;
}

static lks_status load(loaded *l, lks_comm *comm, const lks_eval_options *o, lks_error *err) {
    lks_status status = LKS_OK;
    if (comm->rank == 0)
        status = lks_checkpoint_read(o->checkpoint, LKS_NUMERICS, &l->c, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    l->data = l->c.data;
    l->cursor = l->c.cursor;
    lks_comm_broadcast(comm, &l->data, sizeof l->data, 0);
    lks_comm_broadcast(comm, &l->cursor, sizeof l->cursor, 0);
    size_t size = comm->rank == 0 ? strlen(l->c.config_yaml) + 1 : 0;
    lks_comm_broadcast(comm, &size, sizeof size, 0);
    char *yaml = malloc(size);
    if (!yaml)
        lks_comm_abort(comm, 1, "out of memory for the configuration");
    if (comm->rank == 0)
        memcpy(yaml, l->c.config_yaml, size);
    lks_comm_broadcast(comm, yaml, size, 0);
    status = parse(l, o, yaml, err);
    free(yaml);
    return lks_comm_agree(comm, status, err);
}

/* Rank 0. */
static lks_status take_weights(const lks_checkpoint *c, const lks_model_view *v, const char *path,
                               lks_error *err) {
    const lks_flat now = {"model", v->weights, v->n_weights, v->tensors, v->n_tensors};
    if (lks_same_tensors(&c->flats[0], &now, err) != LKS_OK)
        return lks_fail_context(err, "%s", path);
    memcpy(v->weights, lks_checkpoint_evaluated(c)->values, v->n_weights * sizeof(float));
    return LKS_OK;
}

static lks_status make_model(const loaded *l, lks_comm *comm, const lks_eval_options *o,
                             const lks_dataset *d, int threads, lks_model **model, lks_error *err) {
    const lks_kernels *kernels;
    lks_status status = lks_kernels_select(getenv("LOCKSTEP_ISA"), &kernels, err);
    if (status == LKS_OK)
        status = lks_model_create(model, &l->config, lks_dataset_shape(d), l->data.classes,
                                  (const float(*)[256])d->pixels, kernels, threads,
                                  l->config.eval.batch, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_model_view v = lks_model_look(*model);
    if (comm->rank == 0)
        status = take_weights(&l->c, &v, o->checkpoint, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, v.weights, v.n_weights * sizeof(float), 0);
    lks_model_weights_changed(*model);
    return LKS_OK;
}

static lks_status run_eval(loaded *l, lks_comm *comm, const lks_eval_options *o, lks_dataset *d,
                           lks_model **model, lks_error *err) {
    LKS_TRY(load(l, comm, o, err));
    if (!l->config.data.test_images[0])
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s: its configuration names no test set; give one with --set "
                        "data.test_images=FILE --set data.test_labels=FILE",
                        o->checkpoint);
    int threads = lks_choose_threads(comm, o->threads ? o->threads : l->config.threads);
    LKS_TRY(lks_dataset_open(d, comm, &l->config, &l->data, false, err));
    LKS_TRY(make_model(l, comm, o, d, threads, model, err));
    lks_counts *counts = calloc(1, sizeof *counts);
    if (!counts)
        lks_comm_abort(comm, 1, "out of memory for results");
    counts->classes = l->data.classes;
    lks_status status =
        lks_evaluate(*model, &d->test, NULL, 0, l->config.eval.batch, comm, counts, NULL, err);
    if (status == LKS_OK) {
        bool averaged = lks_checkpoint_evaluated(&l->c) != l->c.flats;
        lks_info("%s: network %s after %lld steps (%lld epochs), weights %.16s%s", o->checkpoint,
                 l->config.name, (long long)l->cursor.step, (long long)l->cursor.epoch,
                 l->c.weights_sha256, averaged ? ", evaluated with their average" : "");
        if (comm->rank == 0)
            lks_counts_print(counts, &l->config.data, "test", stdout);
    }
    free(counts);
    return status;
}

lks_status lks_eval(lks_comm *comm, const lks_eval_options *options, lks_error *err) {
    loaded l;
    lks_dataset d;
    lks_model *model = NULL;
    memset(&l, 0, sizeof l);
    memset(&d, 0, sizeof d);
    fesetenv(FE_DFL_ENV);
    lks_status status = run_eval(&l, comm, options, &d, &model, err);
    lks_model_free(model);
    lks_dataset_free(&d);
    lks_config_free(&l.config);
    lks_checkpoint_free(&l.c);
    return status;
}
