/* safetensors: a length, a header in JSON, and the tensors one after the other
 * (github.com/huggingface/safetensors, "Format"). Names and layouts are PyTorch's, so that load_state_dict() takes
 * them. */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/json/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "export/exporting.h"

/* "transformers" and others read tensors only of files that say so. */
static void write_metadata(FILE *f, const lks_exporting *x) {
    fputs("\"__metadata__\":{\"format\":\"pt\"", f);
    for (int i = 0; i < x->n_facts; i++) {
        fputs(",", f);
        lks_json_text(f, x->facts[i].key);
        fputs(":", f);
        lks_json_text(f, x->facts[i].value);
    }
    fputs("}", f);
}

/* Layers' names are of [A-Za-z0-9_-], so nothing has to be escaped. */
static void write_entry(FILE *f, const lks_export_layer *layer, const lks_export_tensor *t,
                        size_t *at) {
    const lks_laid laid = lks_export_laid(layer, t);
    int64_t shape[4];
    lks_layout_shape(&laid, LKS_LAYOUT_TORCH, shape);
    fprintf(f, ",\"%s.%s\":{\"dtype\":\"F32\",\"shape\":[", layer->config->name, t->what);
    for (int d = 0; d < t->ndim; d++)
        fprintf(f, "%s%" PRId64, d ? "," : "", shape[d]);
    fprintf(f, "],\"data_offsets\":[%zu,%zu]}", *at, *at + t->count * sizeof(float));
    *at += t->count * sizeof(float);
}

/* The header ends in blanks, so that the tensors begin at a multiple of 8. */
static lks_status write_header(FILE *f, const lks_exporting *x, lks_error *err) {
    static const char what[] = "the header of a safetensors file";
    lks_text text;
    size_t at = 0;
    LKS_TRY(lks_text_open(&text, what, err));
    fputs("{", text.f);
    write_metadata(text.f, x);
    for (int i = 0; i < x->n_layers; i++)
        for (int t = 0; t < x->layers[i].n_tensors; t++)
            write_entry(text.f, &x->layers[i], &x->layers[i].tensors[t], &at);
    fputs("}", text.f);
    LKS_TRY(lks_text_close(&text, what, err));
    const size_t padding = (8 - text.size % 8) % 8;
    const uint64_t length = htole64(text.size + padding);
    fwrite(&length, sizeof length, 1, f);
    fwrite(text.bytes, 1, text.size, f);
    fprintf(f, "%*s", (int)padding, "");
    free(text.bytes);
    return LKS_OK;
}

static lks_status write_tensor(FILE *f, const lks_export_layer *layer, const lks_export_tensor *t,
                               lks_error *err) {
    const lks_laid laid = lks_export_laid(layer, t);
    float *values = lks_alloc(t->count, sizeof *values, "a tensor", err);
    if (!values)
        return err->status;
    lks_layout_to(&laid, LKS_LAYOUT_TORCH, t->values, values);
    lks_export_put(f, values, t->count);
    lks_free(values);
    return LKS_OK;
}

static lks_status write_safetensors(const lks_exporting *x, FILE *const *files, lks_error *err) {
    LKS_TRY(write_header(files[0], x, err));
    for (int i = 0; i < x->n_layers; i++)
        for (int t = 0; t < x->layers[i].n_tensors; t++)
            LKS_TRY(write_tensor(files[0], &x->layers[i], &x->layers[i].tensors[t], err));
    return LKS_OK;
}

const lks_export_format lks_export_safetensors = {
    .name = "safetensors", .endings = {"safetensors"}, .write = write_safetensors};
