/* Files of Keras: the weights of a model, HDF5, alone or in a .keras archive. HDF5 is read in confined processes
 * (io/h5/h5_tensors.h). */
#include <stdlib.h>
#include <string.h>

#include "base/json/json_scan.h"
#include "files/zip.h"
#include "import/keras/config.h"
#include "import/keras/names.h"
#include "import/source.h"
#include "lockstep/log.h"

#define WEIGHTS  "model.weights.h5"
#define METADATA "metadata.json"
#define CONFIG   "config.json"
#define OUR_OWN  "/lockstep" /* what `lockstep export` says of a network, beside its weights */

/* Keras packs nothing; and no weights shrink that far. */
#define EXPANSION_MAX 100
#define TEXT_MAX      ((uint64_t)4 << 20)

static const char signature[8] = "\x89HDF\r\n\x1a\n";

static bool is_hdf5(const unsigned char *bytes, size_t size) {
    return size >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

/* The number of a file in an archive; how many there are, where it has none of that name. */
static size_t find_file(const lks_zip *zip, const char *name) {
    size_t i = 0;
    while (i < lks_zip_count(zip) && strcmp(lks_zip_name(zip, i), name) != 0)
        i++;
    return i;
}

static bool is_keras(const unsigned char *bytes, size_t size) {
    lks_zip *zip;
    lks_error none;
    if (is_hdf5(bytes, size))
        return true;
    if (size < 4 || memcmp(bytes, "PK", 2) != 0 || lks_zip_open(&zip, bytes, size, "", &none))
        return false;
    const bool is = find_file(zip, WEIGHTS) < lks_zip_count(zip);
    lks_zip_close(zip);
    return is;
}

/* --- facts ------------------------------------------------------------------------------------ */

static lks_status take_facts(lks_import_source *s, const char *text, lks_error *err) {
    lks_json_scan json = {text};
    return lks_import_take_facts(s, &json, err);
}

static lks_status too_long(const lks_import_source *s, const char *what, uint64_t size,
                           lks_error *err) {
    return lks_fail(err, LKS_ERR_FORMAT, "%s: '%s' in it says to have %llu bytes", s->path, what,
                    (unsigned long long)size);
}

static char *new_text(const lks_import_source *s, uint64_t size, lks_error *err) {
    char *text = calloc(size + 1, 1);
    if (!text)
        lks_fail(err, LKS_ERR_MEMORY, "out of memory for what %s says of its network", s->path);
    return text;
}

/* *text becomes the file called `name` in the archive, freed by free(); NULL: there is none. */
static lks_status read_text(const lks_import_source *s, const lks_zip *zip, const char *name,
                            char **text, lks_error *err) {
    const size_t i = find_file(zip, name);
    *text = NULL;
    if (i == lks_zip_count(zip))
        return LKS_OK;
    const uint64_t size = lks_zip_size(zip, i);
    if (size > TEXT_MAX)
        return too_long(s, name, size, err);
    *text = new_text(s, size, err);
    return *text ? lks_zip_read(zip, i, 0, *text, size, err) : err->status;
}

static lks_status take_metadata(lks_import_source *s, const lks_zip *zip, lks_error *err) {
    char *text;
    lks_status status = read_text(s, zip, METADATA, &text, err);
    if (status == LKS_OK && text)
        status = take_facts(s, text, err);
    free(text);
    return status;
}

/* Python writes numbers into it that JSON has not. */
static lks_status take_config(const lks_import_source *s, const lks_zip *zip, lks_keras_config *c,
                              lks_error *err) {
    char *text;
    const lks_status status = read_text(s, zip, CONFIG, &text, err);
    if (status == LKS_OK && text && !lks_keras_config_read(c, text)) {
        lks_warn("%s: its " CONFIG " cannot be read, so strides, padding and epsilons are not "
                 "compared",
                 s->path);
        lks_keras_config_free(c);
    }
    free(text);
    return status;
}

static lks_status take_own_facts(lks_import_source *s, size_t i, lks_error *err) {
    const lks_h5_tensors *file = s->own;
    const uint64_t size = file->all[i].dims[0];
    if (size > TEXT_MAX)
        return too_long(s, OUR_OWN, size, err);
    char *text = new_text(s, size, err);
    if (!text)
        return err->status;
    lks_status status = lks_h5_tensors_read(file, i, text, size, err);
    if (status == LKS_OK)
        status = take_facts(s, text, err);
    free(text);
    return status;
}

/* --- weights ---------------------------------------------------------------------------------- */

static lks_import_type type_of(uint32_t number) {
    static const lks_import_type types[] = {
        [LKS_H5_NUMBER_OTHER] = LKS_IMPORT_OTHER, [LKS_H5_NUMBER_F16] = LKS_IMPORT_F16,
        [LKS_H5_NUMBER_BF16] = LKS_IMPORT_BF16,   [LKS_H5_NUMBER_F32] = LKS_IMPORT_F32,
        [LKS_H5_NUMBER_F64] = LKS_IMPORT_F64,     [LKS_H5_NUMBER_TEXT] = LKS_IMPORT_OTHER};
    return types[number];
}

/* The filters of all channels stand as those of one do here. */
static void join_filters(lks_import_tensor *t) {
    int64_t out;
    if (t->ndim == 4 && !__builtin_mul_overflow(t->shape[2], t->shape[3], &out)) {
        t->shape[2] = 1;
        t->shape[3] = out;
    }
}

static lks_status add(lks_import_source *s, lks_keras_variable *v, size_t at,
                      const lks_keras_config *c, lks_error *err) {
    const lks_keras_layer *layer = lks_keras_config_find(c, v->tensor->label);
    lks_import_tensor t = {.name = v->name,
                           .type = type_of(v->tensor->type),
                           .big_endian = v->tensor->big_endian,
                           .ndim = (int)v->tensor->ndim,
                           .at = at};
    for (int d = 0; d < t.ndim; d++) {
        if (v->tensor->dims[d] > INT64_MAX)
            return lks_fail(err, LKS_ERR_FORMAT, "%s: '%s' has a shape that nothing can have",
                            s->path, v->tensor->path);
        t.shape[d] = (int64_t)v->tensor->dims[d];
    }
    if (layer && layer->dilated)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: its layer '%.64s' is dilated, which no convolution here is", s->path,
                        layer->name);
    if (layer)
        t.said = layer->said;
    if (v->depthwise)
        join_filters(&t);
    return lks_import_add(s, &t, err);
}

static lks_status take_weights(lks_import_source *s, const lks_keras_config *c, lks_error *err) {
    const lks_h5_tensors *file = s->own;
    lks_keras_variable *all;
    int weights = 0;
    LKS_TRY(lks_keras_variables(file, s->path, &all, err));
    lks_status status = LKS_OK;
    for (size_t k = 0; k < file->n && status == LKS_OK; k++) {
        const size_t at = (size_t)(all[k].tensor - file->all);
        const bool text = all[k].tensor->type == LKS_H5_NUMBER_TEXT;
        if (text && strcmp(all[k].tensor->path, OUR_OWN) == 0)
            status = take_own_facts(s, at, err);
        else if (!text && all[k].name[0])
            status = add(s, &all[k], at, c, err);
        weights += status == LKS_OK && type_of(all[k].tensor->type) != LKS_IMPORT_OTHER;
    }
    free(all);
    if (status == LKS_OK && weights == 0)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: has no weights as Keras writes them", s->path);
    return status;
}

static lks_status open_weights(lks_import_source *s, const void *bytes, size_t size,
                               const lks_keras_config *c, lks_error *err) {
    lks_h5_tensors *file = calloc(1, sizeof *file);
    if (!file)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", s->path);
    s->own = file;
    LKS_TRY(lks_h5_tensors_open(file, s->path, bytes, size, err));
    return take_weights(s, c, err);
}

/* --- the file --------------------------------------------------------------------------------- */

static lks_status unpack_weights(lks_import_source *s, const lks_zip *zip,
                                 const lks_keras_config *c, lks_error *err) {
    const size_t i = find_file(zip, WEIGHTS);
    const uint64_t size = lks_zip_size(zip, i);
    if (size / EXPANSION_MAX > s->size)
        return too_long(s, WEIGHTS, size, err);
    unsigned char *bytes = malloc(size + 1);
    if (!bytes)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the weights in %s", s->path);
    lks_status status = lks_zip_read(zip, i, 0, bytes, size, err);
    if (status == LKS_OK)
        status = open_weights(s, bytes, size, c, err);
    free(bytes);
    return status;
}

static lks_status open_archive(lks_import_source *s, const lks_zip *zip, lks_error *err) {
    lks_keras_config c = {0};
    lks_status status = take_metadata(s, zip, err);
    if (status == LKS_OK)
        status = take_config(s, zip, &c, err);
    if (status == LKS_OK)
        status = unpack_weights(s, zip, &c, err);
    lks_keras_config_free(&c);
    return status;
}

static lks_status open_file(lks_import_source *s, lks_error *err) {
    lks_zip *zip;
    if (is_hdf5(s->bytes, s->size))
        return open_weights(s, s->bytes, s->size, &(lks_keras_config){0}, err);
    LKS_TRY(lks_zip_open(&zip, s->bytes, s->size, s->path, err));
    const lks_status status = open_archive(s, zip, err);
    lks_zip_close(zip);
    return status;
}

static lks_status fetch(const lks_import_source *s, int i, void *bytes, lks_error *err) {
    const lks_import_tensor *t = &s->tensors[i];
    return lks_h5_tensors_read(s->own, t->at, bytes, t->count * lks_import_value_bytes(t->type),
                               err);
}

static void close_file(lks_import_source *s) {
    if (s->own)
        lks_h5_tensors_close(s->own);
    free(s->own);
}

const lks_import_reader lks_import_keras = {.name = "keras",
                                            .layout = LKS_LAYOUT_NATIVE,
                                            .is = is_keras,
                                            .open = open_file,
                                            .fetch = fetch,
                                            .close = close_file};
