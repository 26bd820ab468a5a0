/* npz: what numpy.savez() writes, a zip archive with an array in each file
 * (numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Names, shapes and layouts are Lockstep's own, as in a
 * checkpoint. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "export/exporting.h"
#include "files/zip.h"

static const char what[] = "an npz file";

/* Format 1.0: what comes before the array is filled up with blanks to a multiple of 64 bytes. */
static void write_head(FILE *f, const char *type, const char *shape) {
    char text[256];
    const int length = snprintf(
        text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    const int before = 6 + 2 + 2, padded = (before + length + 1 + 63) / 64 * 64 - before;
    fwrite("\x93NUMPY\x01\x00", 1, 8, f);
    fputc(padded % 256, f);
    fputc(padded / 256, f);
    fprintf(f, "%-*s\n", padded - 1, text);
}

/* A tuple of one has a comma in Python. */
static void format_shape(const lks_export_tensor *t, char shape[128]) {
    int used = snprintf(shape, 128, "(");
    for (int d = 0; d < t->ndim; d++)
        used +=
            snprintf(shape + used, 128 - (size_t)used, "%s%" PRId64, d ? ", " : "", t->shape[d]);
    snprintf(shape + used, 128 - (size_t)used, t->ndim == 1 ? ",)" : ")");
}

typedef struct packed_array {
    char name[LKS_TENSOR_NAME_MAX + 8];
    lks_text text;
} packed_array;

static lks_status make_array(packed_array *a, const lks_export_layer *layer,
                             const lks_export_tensor *t, lks_error *err) {
    char shape[128];
    snprintf(a->name, sizeof a->name, "%s/%s.npy", layer->config->name, t->what);
    format_shape(t, shape);
    LKS_TRY(lks_text_open(&a->text, what, err));
    write_head(a->text.f, "<f4", shape);
    lks_export_put(a->text.f, t->values, t->count);
    return lks_text_close(&a->text, what, err);
}

/* The facts as one text, in an array without dimensions: numpy.load() takes it without pickles. */
static lks_status make_metadata(packed_array *a, const lks_exporting *x, lks_error *err) {
    lks_text json;
    char type[32];
    snprintf(a->name, sizeof a->name, "__metadata__.npy");
    LKS_TRY(lks_export_facts_text(x, &json, err));
    snprintf(type, sizeof type, "|S%zu", json.size);
    lks_status status = lks_text_open(&a->text, what, err);
    if (status == LKS_OK) {
        write_head(a->text.f, type, "()");
        fwrite(json.bytes, 1, json.size, a->text.f);
        status = lks_text_close(&a->text, what, err);
    }
    free(json.bytes);
    return status;
}

static lks_status make_arrays(packed_array *arrays, const lks_exporting *x, lks_error *err) {
    LKS_TRY(make_metadata(arrays++, x, err));
    for (int i = 0; i < x->n_layers; i++)
        for (int t = 0; t < x->layers[i].n_tensors; t++)
            LKS_TRY(make_array(arrays++, &x->layers[i], &x->layers[i].tensors[t], err));
    return LKS_OK;
}

static lks_status write_npz(const lks_exporting *x, FILE *const *files, lks_error *err) {
    const size_t n = (size_t)x->model.n_tensors + 1;
    packed_array *arrays = lks_alloc(n, sizeof *arrays, what, err);
    lks_zip_file *packed = lks_alloc(n, sizeof *packed, what, err);
    lks_status status = arrays && packed ? make_arrays(arrays, x, err) : err->status;
    if (status == LKS_OK) {
        for (size_t i = 0; i < n; i++)
            packed[i] = (lks_zip_file){arrays[i].name, arrays[i].text.bytes, arrays[i].text.size};
        status = lks_zip_write(files[0], packed, n, err);
    }
    for (size_t i = 0; arrays && i < n; i++)
        free(arrays[i].text.bytes);
    lks_free(arrays);
    lks_free(packed);
    return status;
}

const lks_export_format lks_export_npz = {.name = "npz", .endings = {"npz"}, .write = write_npz};
