#include "export/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "export/exporting.h"
#include "export/facts.h"
#include "export/request.h"
#include "files/publish.h"

/* --- the network ------------------------------------------------------------------------------ */

/* While its checkpoint is still there. */
static lks_status check_values(const lks_network *n, char digest[LKS_SHA256_HEX], lks_error *err) {
    LKS_TRY(lks_checkpoint_check_values(n->path, &n->checkpoint, err));
    return lks_checkpoint_evaluated_digest(&n->checkpoint, digest, err);
}

static lks_status load(lks_ensemble *e, const lks_export_options *o, char digest[LKS_SHA256_HEX],
                       lks_error *err) {
    const lks_network_source source = {
        .checkpoints = &o->checkpoint, .n = 1, .sets = o->sets, .n_sets = o->n_sets};
    LKS_TRY(lks_ensemble_load(e, NULL, &source, err));
    LKS_TRY(check_values(&e->members[0], digest, err));
    e->capacity = 1;
    return lks_ensemble_build(e, NULL, 1, err);
}

/* The tensors of a network stand in the order of its layers. */
static void fill_layers(const lks_exporting *x, const lks_layer_info *info, const lks_shape *orders,
                        lks_export_layer *layers) {
    const lks_config *config = &x->network->config;
    const lks_tensor *tensor = x->model.tensors;
    for (int i = 0; i < config->n_layers; i++) {
        lks_export_layer *layer = &layers[i];
        const int from = config->layers[i].inputs[0];
        layer->config = &config->layers[i];
        layer->in = from < 0 ? x->input : info[from].out;
        layer->out = info[i].out;
        layer->order = lks_layout_input(config, i, x->input, orders);
        layer->n_tensors = info[i].n_tensors;
        for (int t = 0; t < info[i].n_tensors; t++, tensor++) {
            lks_export_tensor *to = &layer->tensors[t];
            *to = (lks_export_tensor){.what = info[i].tensors[t].what,
                                      .role = tensor->role,
                                      .ndim = tensor->ndim,
                                      .count = tensor->count,
                                      .values = x->model.weights + tensor->offset};
            memcpy(to->shape, tensor->shape, sizeof to->shape);
        }
    }
}

static lks_status find_layers(lks_exporting *x, lks_export_layer *layers, lks_error *err) {
    const lks_config *config = &x->network->config;
    const size_t n = (size_t)config->n_layers;
    lks_layer_info *info = lks_alloc(n, sizeof *info, "layers", err);
    lks_shape *orders = lks_alloc(n, sizeof *orders, "layers", err);
    lks_status status = info && orders ? LKS_OK : err->status;
    if (status == LKS_OK)
        status = lks_model_shapes(config, x->input, x->classes, info, err);
    if (status == LKS_OK) {
        lks_layout_orders(config, info, x->input, orders);
        fill_layers(x, info, orders, layers);
    }
    lks_free(info);
    lks_free(orders);
    return status;
}

/* --- files ------------------------------------------------------------------------------------ */

static const char what[] = "the exported network";

/* Texts that are closed keep their bytes, also after a failure: for free(). */
static lks_status close_texts(lks_text *texts, int n, lks_status so_far, lks_error *err) {
    for (int i = 0; i < n; i++)
        if (so_far == LKS_OK)
            so_far = lks_text_close(&texts[i], what, err);
        else
            lks_text_drop(&texts[i]);
    return so_far;
}

/* Complete in memory before anything has a name. */
static lks_status write_texts(const lks_exporting *x, lks_text *texts, lks_error *err) {
    FILE *files[LKS_EXPORT_FILES_MAX] = {NULL};
    const int n = lks_export_files(x->format);
    int opened = 0;
    lks_status status = LKS_OK;
    while (opened < n && (status = lks_text_open(&texts[opened], what, err)) == LKS_OK) {
        files[opened] = texts[opened].f;
        opened++;
    }
    if (status == LKS_OK)
        status = x->format->write(x, files, err);
    return close_texts(texts, opened, status, err);
}

static lks_status publish(const lks_exporting *x, const lks_text *texts, lks_exported *written,
                          lks_error *err) {
    lks_publish_item items[LKS_EXPORT_FILES_MAX];
    const int n = lks_export_files(x->format);
    for (int i = 0; i < n; i++) {
        items[i] = (lks_publish_item){x->names[i], texts[i].bytes, texts[i].size};
        written->bytes[i] = texts[i].size;
    }
    written->files = n;
    if (!lks_export_to_stdout(x->options))
        return lks_publish_set(items, n, err);
    fwrite(texts[0].bytes, 1, texts[0].size, stdout);
    return LKS_OK;
}

static lks_status write_all(const lks_exporting *x, lks_exported *written, lks_error *err) {
    lks_text texts[LKS_EXPORT_FILES_MAX] = {0};
    const int n = lks_export_files(x->format);
    lks_status status = write_texts(x, texts, err);
    if (status == LKS_OK)
        status = publish(x, texts, written, err);
    for (int i = 0; i < n; i++)
        free(texts[i].bytes);
    return status;
}

static lks_status export_network(lks_exporting *x, lks_exported *written, lks_error *err) {
    const int n = x->network->config.n_layers;
    lks_export_layer *layers = lks_alloc((size_t)n, sizeof *layers, "layers", err);
    if (!layers)
        return err->status;
    lks_status status = find_layers(x, layers, err);
    x->layers = layers;
    x->n_layers = n;
    if (status == LKS_OK)
        status = lks_export_facts_make(x, err);
    if (status == LKS_OK)
        status = write_all(x, written, err);
    lks_export_facts_free(x);
    lks_free(layers);
    return status;
}

lks_status lks_export_write(const lks_export_options *o, lks_exported *written, lks_error *err) {
    lks_ensemble e;
    lks_exporting x = {.options = o, .names = written->paths};
    *written = (lks_exported){0};
    LKS_TRY(lks_export_check(o, err));
    x.format = lks_export_format_of(o, err);
    LKS_TRY(lks_export_find_names(o, x.format, written->paths, err));
    LKS_TRY(lks_export_check_names(o, x.format, written->paths, err));
    lks_status status = load(&e, o, x.weights_sha256, err);
    if (status == LKS_OK) {
        x.network = &e.members[0];
        x.model = lks_model_look(x.network->model);
        x.input = e.shape;
        x.classes = e.classes;
        memcpy(written->source, x.network->path, sizeof written->source);
        written->averaged = x.network->averaged;
        status = export_network(&x, written, err);
    }
    lks_ensemble_free(&e);
    return status;
}
