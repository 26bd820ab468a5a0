/* keras: what model.save("NAME.keras") of Keras 3 writes, a zip archive of config.json, metadata.json and
 * model.weights.h5. keras_weights: what model.save_weights("NAME.weights.h5") writes, for a model that is there. */
#include <stdlib.h>

#include "export/keras/keras.h"
#include "files/zip.h"
#include "lockstep/log.h"

static const char what[] = "a file for Keras";

static lks_status write_archive(FILE *f, const lks_text *config, const lks_text *metadata,
                                const lks_keras_graph *g) {
    unsigned char *weights;
    size_t size;
    LKS_TRY(lks_keras_weights(g, false, &weights, &size));
    const lks_zip_file files[] = {{"metadata.json", metadata->bytes, metadata->size},
                                  {"config.json", config->bytes, config->size},
                                  {"model.weights.h5", weights, size}};
    const lks_status status = lks_zip_write(f, files, 3, g->err);
    free(weights);
    return status;
}

static lks_status write_model(FILE *f, const lks_keras_graph *g) {
    lks_text config, metadata;
    LKS_TRY(lks_text_open(&config, what, g->err));
    lks_keras_config(config.f, g);
    LKS_TRY(lks_text_close(&config, what, g->err));
    lks_status status = lks_text_open(&metadata, what, g->err);
    if (status == LKS_OK) {
        lks_keras_metadata(metadata.f, g->x);
        status = lks_text_close(&metadata, what, g->err);
    }
    if (status == LKS_OK) {
        status = write_archive(f, &config, &metadata, g);
        free(metadata.bytes);
    }
    free(config.bytes);
    return status;
}

static lks_status write_weights(FILE *f, const lks_keras_graph *g) {
    unsigned char *weights;
    size_t size;
    LKS_TRY(lks_keras_weights(g, true, &weights, &size));
    fwrite(weights, 1, size, f);
    free(weights);
    return LKS_OK;
}

/* Nothing in Keras multiplies float32 values rounded to bfloat16 and adds up in float32, as such a run does. */
static void tell_precision(const lks_exporting *x) {
    if (x->network->config.train.precision == LKS_BF16)
        lks_warn("the run multiplied in bfloat16, layers of Keras do in float32: logits differ by "
                 "that rounding");
}

static lks_status with_graph(lks_status (*write)(FILE *f, const lks_keras_graph *g),
                             const lks_exporting *x, FILE *f, lks_error *err) {
    lks_keras_graph g;
    lks_status status = lks_keras_graph_make(&g, x, err);
    if (status == LKS_OK)
        status = write(f, &g);
    if (status == LKS_OK)
        tell_precision(x);
    lks_keras_graph_free(&g);
    return status;
}

static lks_status write_keras(const lks_exporting *x, FILE *const *files, lks_error *err) {
    return with_graph(write_model, x, files[0], err);
}

static lks_status write_keras_weights(const lks_exporting *x, FILE *const *files, lks_error *err) {
    return with_graph(write_weights, x, files[0], err);
}

const lks_export_format lks_export_keras = {.name = "keras",
                                            .endings = {"keras"},
                                            .options = LKS_EXPORT_NORMALIZED | LKS_EXPORT_SOFTMAX |
                                                       LKS_EXPORT_INPUT,
                                            .write = write_keras};

const lks_export_format lks_export_keras_weights = {
    .name = "keras_weights", .endings = {"weights.h5"}, .write = write_keras_weights};
