/* Normalisation, within the exported network. */
#include <string.h>

#include "export/onnx/onnx.h"

#define OWNER "input" /* no layer is called so */
#define BYTES 256

/* A number for each channel, [channels][1][1]. */
static const char *of_channels(lks_onnx *m, const lks_exporting *x, const char *what,
                               const double *values) {
    const int64_t shape[] = {x->input.channels, 1, 1};
    const lks_onnx_constant c = lks_onnx_constant_add(m, OWNER, what, LKS_ONNX_FLOAT, 3, shape);
    for (int k = 0; c.values && k < x->input.channels; k++)
        ((float *)c.values)[k] = (float)(255.0 * values[k]);
    return c.name;
}

/* (pixel - 255 mean) / (255 std) */
static const char *normalized(lks_onnx *m, const lks_exporting *x, const char *pixels) {
    const lks_data_identity *d = &x->network->data;
    const char *centred = lks_onnx_operation_add(
        m, &(lks_onnx_operation){.type = "Sub",
                                 .owner = OWNER,
                                 .what = "centred",
                                 .inputs = {pixels, of_channels(m, x, "mean", d->mean)}});
    return lks_onnx_operation_add(
        m, &(lks_onnx_operation){.type = "Div",
                                 .owner = OWNER,
                                 .what = "normalized",
                                 .inputs = {centred, of_channels(m, x, "std", d->std)}});
}

/* Where a channel's floats begin in the table, [channels][1][1]. */
static const char *rows_of_table(lks_onnx *m, const lks_exporting *x) {
    const int64_t shape[] = {x->input.channels, 1, 1};
    const lks_onnx_constant c = lks_onnx_constant_add(m, OWNER, "rows", LKS_ONNX_INT32, 3, shape);
    for (int k = 0; c.values && k < x->input.channels; k++)
        ((int32_t *)c.values)[k] = k * BYTES;
    return c.name;
}

/* Each byte's float as training had it, from a table: no rounding of its own. */
static const char *looked_up(lks_onnx *m, const lks_exporting *x, const char *pixels) {
    const int64_t size = (int64_t)x->input.channels * BYTES;
    const lks_onnx_constant table =
        lks_onnx_constant_add(m, OWNER, "table", LKS_ONNX_FLOAT, 1, &size);
    if (table.values)
        memcpy(table.values, x->model.pixels, (size_t)size * sizeof(float));
    const char *index = lks_onnx_operation_add(
        m, &(lks_onnx_operation){.type = "Cast",
                                 .owner = OWNER,
                                 .what = "index",
                                 .inputs = {pixels},
                                 .attributes = {lks_onnx_int("to", LKS_ONNX_INT32)}});
    if (x->input.channels > 1)
        index = lks_onnx_operation_add(
            m, &(lks_onnx_operation){.type = "Add",
                                     .owner = OWNER,
                                     .what = "place",
                                     .inputs = {index, rows_of_table(m, x)}});
    return lks_onnx_operation_add(m, &(lks_onnx_operation){.type = "Gather",
                                                           .owner = OWNER,
                                                           .what = "normalized",
                                                           .inputs = {table.name, index}});
}

lks_onnx_value lks_onnx_pixels(lks_onnx *m, const lks_exporting *x) {
    const bool ready = lks_export_has(x, LKS_EXPORT_NORMALIZED);
    const char *about = ready ? "[batch][channel][row][column]: (pixel / 255 - mean) / std, with "
                                "mean and std as in metadata_props, normalization"
                              : "[batch][channel][row][column]: pixels from 0 to 255";
    const lks_onnx_port port = {.name = OWNER,
                                .type = x->options->bytes ? LKS_ONNX_UINT8 : LKS_ONNX_FLOAT,
                                .n = 3,
                                .shape = {x->input.channels, x->input.rows, x->input.columns},
                                .about = about};
    const char *input = lks_onnx_input(m, &port);
    if (ready)
        return (lks_onnx_value){.name = input};
    return (lks_onnx_value){.name = x->options->bytes ? looked_up(m, x, input)
                                                      : normalized(m, x, input)};
}
