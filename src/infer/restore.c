#include "infer/restore.h"

#include <string.h>

#include "data/data.h"
#include "base/memory.h"

lks_status lks_restore_model(lks_model **model, const lks_config *config,
                             const lks_data_identity *data, int threads, int capacity,
                             lks_error *err) {
    const lks_shape shape = {data->rows, data->columns, data->channels};
    float(*pixels)[256] = lks_alloc((size_t)data->channels, sizeof *pixels, "pixel table", err);
    if (!pixels)
        return err->status;
    lks_normalization_table(pixels, data->channels, data->mean, data->std);
    lks_status status = lks_model_create(model, config, shape, data->classes,
                                         (const float(*)[256])pixels, NULL, threads, capacity, err);
    lks_free(pixels);
    return status;
}

/* As a double: shapes of a stranger's configuration multiply to any size. */
static double values_of(const lks_layer_info *info) {
    double values = 0;
    for (int t = 0; t < info->n_tensors; t++) {
        double count = 1;
        for (int d = 0; d < info->tensors[t].ndim; d++)
            count *= (double)info->tensors[t].shape[d];
        values += count;
    }
    return values;
}

lks_status lks_restore_fits(const lks_config *config, const lks_checkpoint *c, lks_error *err) {
    const lks_shape shape = {c->data.rows, c->data.columns, c->data.channels};
    lks_layer_info *info = lks_alloc((size_t)config->n_layers, sizeof *info, "layers", err);
    double values = 0;
    if (!info)
        return err->status;
    const lks_status status = lks_model_shapes(config, shape, c->data.classes, info, err);
    for (int i = 0; status == LKS_OK && i < config->n_layers; i++)
        values += values_of(&info[i]);
    lks_free(info);
    LKS_TRY(status);
    if (values == (double)c->flats[0].count)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_MISMATCH,
                    "its model has %zu values, the network of its configuration %.0f",
                    c->flats[0].count, values);
}

lks_status lks_restore_weights(lks_model *model, const lks_checkpoint *c, lks_error *err) {
    const lks_model_view v = lks_model_look(model);
    const lks_flat now = {"model", v.weights, v.n_weights, v.tensors, v.n_tensors};
    LKS_TRY(lks_flat_same(&c->flats[0], &now, err));
    memcpy(v.weights, lks_checkpoint_evaluated(c)->values, v.n_weights * sizeof(float));
    lks_model_weights_changed(model);
    return LKS_OK;
}
