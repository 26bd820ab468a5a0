#include "import/network.h"

#include <string.h>

#include "base/memory.h"
#include "import/compare.h"
#include "infer/restore.h"
#include "lockstep/log.h"

/* --- making it -------------------------------------------------------------------------------- */

/* The tensors of a network stand in the order of its layers. */
static void fill_targets(lks_import_network *n, const lks_layer_info *info, lks_shape input,
                         const lks_shape *orders) {
    lks_import_target *to = n->targets;
    for (int i = 0; i < n->config->n_layers; i++) {
        const int from = n->config->layers[i].inputs[0];
        for (int t = 0; t < info[i].n_tensors; t++, to++) {
            to->tensor = &n->view.tensors[to - n->targets];
            to->layer = i;
            to->in = from < 0 ? input : info[from].out;
            to->laid.ndim = to->tensor->ndim;
            to->laid.order = lks_layout_input(n->config, i, input, orders);
            memcpy(to->laid.shape, to->tensor->shape, sizeof to->laid.shape);
        }
    }
}

static lks_status find_targets(lks_import_network *n, lks_shape input, int classes,
                               lks_error *err) {
    const size_t layers = (size_t)n->config->n_layers;
    lks_layer_info *info = lks_alloc(layers, sizeof *info, "layers", err);
    lks_shape *orders = lks_alloc(layers, sizeof *orders, "layers", err);
    lks_status status = info && orders ? LKS_OK : err->status;
    if (status == LKS_OK)
        status = lks_model_shapes(n->config, input, classes, info, err);
    if (status == LKS_OK) {
        lks_layout_orders(n->config, info, input, orders);
        fill_targets(n, info, input, orders);
    }
    lks_free(info);
    lks_free(orders);
    return status;
}

lks_status lks_import_network_make(lks_import_network *n, const lks_config *config,
                                   const lks_data_identity *data, lks_error *err) {
    const lks_shape input = {data->rows, data->columns, data->channels};
    *n = (lks_import_network){.config = config};
    LKS_TRY(lks_restore_model(&n->model, config, data, 1, 1, err));
    n->view = lks_model_look(n->model);
    const size_t tensors = (size_t)n->view.n_tensors;
    n->targets = lks_alloc(tensors, sizeof *n->targets, "tensors", err);
    n->from = lks_alloc(tensors, sizeof *n->from, "tensors", err);
    return n->targets && n->from ? find_targets(n, input, data->classes, err) : err->status;
}

void lks_import_network_free(lks_import_network *n) {
    lks_model_free(n->model);
    lks_free(n->targets);
    lks_free(n->from);
    *n = (lks_import_network){0};
}

/* --- weights ---------------------------------------------------------------------------------- */

static bool is_variance(const lks_tensor *t) {
    const char *what = strchr(t->name, '/');
    return what && strcmp(what, "/running_var") == 0;
}

/* A batchnorm divides by its root. */
static lks_status check_variance(const lks_import_network *n, const lks_import_source *s,
                                 int target, lks_error *err) {
    const lks_tensor *t = n->targets[target].tensor;
    const float *values = n->view.weights + t->offset;
    for (size_t i = 0; is_variance(t) && i < t->count; i++)
        if (values[i] < 0)
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "%s: value %zu of '%.128s' is %g, which no variance can be", s->path, i,
                            s->tensors[n->from[target]].name, (double)values[i]);
    return LKS_OK;
}

static lks_status take_tensor(lks_import_network *n, const lks_import_source *s, int target,
                              lks_layout layout, lks_error *err) {
    const lks_import_target *to = &n->targets[target];
    float *values = lks_alloc(to->tensor->count, sizeof *values, "a tensor", err);
    if (!values)
        return err->status;
    lks_status status = lks_import_values(s, n->from[target], values, err);
    if (status == LKS_OK) {
        lks_layout_from(&to->laid, layout, values, n->view.weights + to->tensor->offset);
        status = check_variance(n, s, target, err);
    }
    lks_free(values);
    return status;
}

lks_status lks_import_network_take(lks_import_network *n, const lks_import_source *s,
                                   lks_layout layout, const lks_import_maps *maps, lks_error *err) {
    const int tensors = n->view.n_tensors;
    LKS_TRY(lks_import_match(s, n->targets, tensors, layout, maps, n->from, err));
    for (int t = 0; t < tensors; t++)
        LKS_TRY(take_tensor(n, s, t, layout, err));
    return LKS_OK;
}

void lks_import_network_tell(const lks_import_network *n, const lks_import_source *s) {
    char shape[192];
    for (int t = 0; t < n->view.n_tensors; t++) {
        const lks_import_tensor *theirs = &s->tensors[n->from[t]];
        lks_info("%-24s  from %s, %s", n->targets[t].tensor->name, theirs->name,
                 lks_import_shape_text(theirs->shape, theirs->ndim, shape));
    }
    lks_import_compare(n->config, n->targets, n->from, n->view.n_tensors, s);
}
