/* ONNX: the network as a graph of operations, for runtimes and compilers. */
#include "export/onnx/onnx.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "lockstep/library.h"

/* --- the graph -------------------------------------------------------------------------------- */

static lks_status add_layer(lks_onnx *m, const lks_exporting *x, int i, lks_onnx_value pixels,
                            lks_onnx_value *values, lks_error *err) {
    const lks_export_layer *layer = &x->layers[i];
    lks_onnx_value in[LKS_LAYER_INPUTS_MAX];
    for (int k = 0; k < layer->config->n_inputs; k++) {
        const int from = layer->config->inputs[k];
        in[k] = from < 0 ? pixels : values[from];
    }
    return lks_onnx_layer(m, x, layer, in, &values[i], err);
}

/* The last layer's output is a vector of logits, which some layers give as an image of one pixel. */
static void add_output(lks_onnx *m, const lks_exporting *x, lks_onnx_value last) {
    const char *owner = x->layers[x->n_layers - 1].config->name;
    const bool softmax = lks_export_has(x, LKS_EXPORT_SOFTMAX);
    lks_onnx_port port = {.name = "logits",
                          .type = LKS_ONNX_FLOAT,
                          .n = 1,
                          .shape = {x->classes},
                          .about = "[batch][class]: logits"};
    const char *value = lks_onnx_flat(m, owner, last).name;
    if (softmax) {
        port.name = "probabilities";
        port.about = "[batch][class]: probabilities, by softmax at temperature 1";
        value = lks_onnx_operation_add(
            m, &(lks_onnx_operation){.type = "Softmax",
                                     .owner = owner,
                                     .what = "softmax",
                                     .inputs = {value},
                                     .attributes = {lks_onnx_int("axis", 1)}});
    }
    lks_onnx_output(m, value, &port);
}

static lks_status add_graph(lks_onnx *m, const lks_exporting *x, lks_error *err) {
    lks_onnx_value *values = lks_alloc((size_t)x->n_layers, sizeof *values, "layers", err);
    if (!values)
        return err->status;
    lks_status status = LKS_OK;
    const lks_onnx_value pixels = lks_onnx_pixels(m, x);
    for (int i = 0; i < x->n_layers && status == LKS_OK; i++)
        status = add_layer(m, x, i, pixels, values, err);
    if (status == LKS_OK)
        add_output(m, x, values[x->n_layers - 1]);
    lks_free(values);
    return status;
}

/* --- the file --------------------------------------------------------------------------------- */

/* For people who open the file in a viewer; programs read the facts. */
static void write_about(FILE *f, const lks_exporting *x) {
    static const char *const parts[][2] = {{"", "config"},
                                           {", trained by Lockstep ", "lockstep"},
                                           {" to step ", "step"},
                                           {".\nWeights: SHA-256 ", "weights_sha256"},
                                           {".\nInput: ", "takes"},
                                           {", ", "input"},
                                           {".\nNormalisation: ", "normalization"},
                                           {".\nPictures: ", "pictures"},
                                           {".\nOutput: ", "gives"},
                                           {" of the classes ", "classes"}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        fprintf(f, "%s%s", parts[i][0], lks_export_fact_of(x, parts[i][1]));
    fputs(".\n", f);
}

static lks_status write_model(lks_onnx *m, const lks_exporting *x, FILE *f, lks_error *err) {
    lks_text about;
    LKS_TRY(add_graph(m, x, err));
    for (int i = 0; i < x->n_facts; i++)
        lks_onnx_fact(m, x->facts[i].key, x->facts[i].value);
    LKS_TRY(lks_text_open(&about, "the ONNX model", err));
    write_about(about.f, x);
    LKS_TRY(lks_text_close(&about, "the ONNX model", err));
    const lks_status status = lks_onnx_write(m, lks_version(), about.bytes, f, err);
    free(about.bytes);
    return status;
}

static lks_status write_onnx(const lks_exporting *x, FILE *const *files, lks_error *err) {
    lks_onnx *m;
    LKS_TRY(lks_onnx_create(&m, x->network->config.name, err));
    const lks_status status = write_model(m, x, files[0], err);
    lks_onnx_free(m);
    return status;
}

const lks_export_format lks_export_onnx = {.name = "onnx",
                                           .endings = {"onnx"},
                                           .options = LKS_EXPORT_NORMALIZED | LKS_EXPORT_SOFTMAX |
                                                      LKS_EXPORT_INPUT,
                                           .write = write_onnx};
