#include "io/checkpoint_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/history_tables.h"

#define AXIS_NAME 16

/* --- what the caller passes ------------------------------------------------------------------- */

static bool terminated(const char *text, size_t size) {
    return text[0] && strnlen(text, size) < size;
}

/** True if the tensor has a name and a shape that makes @p t->count elements. */
static bool sound_tensor(const lks_tensor *t) {
    if (!terminated(t->name, sizeof t->name) || t->ndim < 1 || t->ndim > 4)
        return false;
    size_t count = 1;
    for (int i = 0; i < t->ndim; i++)
        if (t->shape[i] < 1 || __builtin_mul_overflow(count, (size_t)t->shape[i], &count))
            return false;
    return count == t->count;
}

/** The tensors must fill the flat array without gaps, or reading would give something else back. */
static lks_status check_flat(const char *path, const lks_flat *flat, lks_error *err) {
    size_t offset = 0;
    bool sound = terminated(flat->group, sizeof flat->group) && flat->n_tensors > 0;
    for (int i = 0; sound && i < flat->n_tensors; i++) {
        sound = sound_tensor(&flat->tensors[i]) && flat->tensors[i].offset == offset;
        offset += flat->tensors[i].count;
    }
    if (sound && offset == flat->count)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_FORMAT, "cannot write %s: the tensors of \"%.*s\" do not fill it",
                    path, (int)sizeof flat->group, flat->group);
}

static lks_status check_flats(const char *path, const lks_checkpoint *c, lks_error *err) {
    if (c->n_flats < 1 || c->n_flats > LKS_CHECKPOINT_FLATS)
        return lks_fail(err, LKS_ERR_FORMAT, "cannot write %s: %d flat arrays, 1 to %d are allowed",
                        path, c->n_flats, LKS_CHECKPOINT_FLATS);
    for (int i = 0; i < c->n_flats; i++)
        LKS_TRY(check_flat(path, &c->flats[i], err));
    return LKS_OK;
}

/* --- the parts of the file -------------------------------------------------------------------- */

static lks_status put_text_field(lks_h5 *h, const lks_field *f, const char *text) {
    char copy[LKS_PROVENANCE_TEXT_MAX];
    size_t length = strnlen(text, f->size - 1);
    memcpy(copy, text, length);
    copy[length] = 0;
    return lks_h5_put_text(h, f->object, f->name, copy);
}

static bool is_zero(const char *bytes, size_t size) {
    while (size > 0 && !bytes[size - 1])
        size--;
    return size == 0;
}

static lks_status put_fields(lks_h5 *h, const lks_checkpoint *c) {
    const int32_t format = LKS_CHECKPOINT_FORMAT;
    LKS_TRY(lks_h5_put(h, "/", "format", LKS_H5_I32, &format, 1));
    for (int i = 0; i < lks_n_checkpoint_fields; i++) {
        const lks_field *f = &lks_checkpoint_fields[i];
        const char *member = (const char *)c + f->offset;
        if (f->optional && is_zero(member, f->size))
            continue;
        LKS_TRY(lks_h5_group(h, f->object));
        if (f->type == LKS_H5_TEXT)
            LKS_TRY(put_text_field(h, f, member));
        else
            LKS_TRY(lks_h5_put(h, f->object, f->name, f->type, member, 1));
    }
    return LKS_OK;
}

static lks_status put_normalisation(lks_h5 *h, const lks_data_identity *data) {
    size_t n = (size_t)lks_stored_channels(data->channels);
    if (n == 0)
        return LKS_OK;
    LKS_TRY(lks_h5_put(h, "/data", "mean", LKS_H5_F64, data->mean, n));
    return lks_h5_put(h, "/data", "std", LKS_H5_F64, data->std, n);
}

/** Tells readers of the file what the dimensions are; three-dimensional tensors have no fixed
 * meaning. */
static lks_status put_axes(lks_h5 *h, const char *path, int ndim) {
    static const char axes[][AXIS_NAME] = {"kernel_row", "kernel_column", "in", "out"};
    if (ndim == 3)
        return LKS_OK;
    return lks_h5_put_texts(h, path, "axes", axes[4 - ndim], AXIS_NAME, (size_t)ndim);
}

static lks_status put_flat(lks_h5 *h, const lks_flat *flat) {
    char path[160];
    for (int i = 0; i < flat->n_tensors; i++) {
        const lks_tensor *t = &flat->tensors[i];
        lks_tensor_path(path, flat, t);
        LKS_TRY(lks_h5_put_array(h, path, LKS_H5_F32, t->ndim, t->shape, flat->values + t->offset));
        LKS_TRY(put_axes(h, path, t->ndim));
    }
    /* HDF5 lists groups by name; this keeps the order of the flat array. */
    snprintf(path, sizeof path, "/%s", flat->group);
    return lks_h5_put_texts(h, path, "tensors", flat->tensors[0].name, sizeof(lks_tensor),
                            (size_t)flat->n_tensors);
}

static lks_status put_all(lks_h5 *h, const lks_checkpoint *c) {
    LKS_TRY(put_fields(h, c));
    LKS_TRY(put_normalisation(h, &c->data));
    LKS_TRY(lks_h5_put_string(h, "/config", c->config_yaml ? c->config_yaml : ""));
    LKS_TRY(lks_h5_put_texts(h, "/", "groups", c->flats[0].group, sizeof(lks_flat),
                             (size_t)c->n_flats));
    for (int i = 0; i < c->n_flats; i++)
        LKS_TRY(put_flat(h, &c->flats[i]));
    return lks_history_put(h, "/history", &c->history);
}

/** The file's bytes, seal included, freed with free(). */
static lks_status encode(const char *path, const lks_checkpoint *c, unsigned char **bytes,
                         size_t *size, lks_error *err) {
    lks_h5 h;
    *bytes = NULL;
    LKS_TRY(lks_h5_create(&h, path, LKS_SEAL_SIZE, err));
    lks_status status = put_all(&h, c);
    if (status == LKS_OK)
        status = lks_h5_finish(&h, bytes, size);
    lks_h5_close(&h);
    if (status == LKS_OK)
        status = lks_seal_write(*bytes, *size, err);
    if (status != LKS_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

/* --- what a later program will find ----------------------------------------------------------- */

static bool same_fields(const lks_checkpoint *a, const lks_checkpoint *b) {
    for (int i = 0; i < lks_n_checkpoint_fields; i++) {
        const lks_field *f = &lks_checkpoint_fields[i];
        const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
        if (f->type == LKS_H5_TEXT ? strncmp(x, y, f->size - 1) != 0 : memcmp(x, y, f->size) != 0)
            return false;
    }
    return true;
}

static bool same_values(const lks_checkpoint *a, const lks_checkpoint *b) {
    bool same = a->n_flats == b->n_flats;
    for (int f = 0; same && f < a->n_flats; f++)
        same =
            a->flats[f].count == b->flats[f].count &&
            memcmp(a->flats[f].values, b->flats[f].values, a->flats[f].count * sizeof(float)) == 0;
    return same && a->history.n_steps == b->history.n_steps &&
           a->history.n_epochs == b->history.n_epochs && a->history.chain.n == b->history.chain.n;
}

/** Values are compared themselves, which takes a tenth of the time of digests made once more. */
static lks_status check_decodes(const char *path, const unsigned char *bytes, size_t size,
                                const lks_checkpoint *expected, lks_error *err) {
    lks_checkpoint found;
    lks_status status =
        lks_checkpoint_parse(path, bytes, size, true, expected->numerics, &found, err);
    if (status != LKS_OK) {
        lks_fail_context(err, "not written, the file made for it does not read back");
        return status;
    }
    if (!same_fields(&found, expected) || !same_values(&found, expected))
        status = lks_fail(err, LKS_ERR_IO, "cannot write %s: HDF5 stored other values", path);
    lks_checkpoint_free(&found);
    return status;
}

lks_status lks_checkpoint_prepare(lks_unpublished **prepared, const char *path,
                                  const lks_checkpoint *c, lks_error *err) {
    lks_checkpoint sealed = *c;
    unsigned char *bytes = NULL;
    size_t size = 0;
    *prepared = NULL;
    LKS_TRY(check_flats(path, c, err));
    LKS_TRY(lks_checkpoint_digest(&sealed, err));
    LKS_TRY(encode(path, &sealed, &bytes, &size, err));
    lks_status status = check_decodes(path, bytes, size, &sealed, err);
    if (status == LKS_OK)
        status = lks_publish_prepare(prepared, path, (const char *)bytes, size, err);
    free(bytes);
    return status;
}

lks_status lks_checkpoint_write(const char *path, const lks_checkpoint *c, lks_error *err) {
    lks_unpublished *prepared;
    LKS_TRY(lks_checkpoint_prepare(&prepared, path, c, err));
    return lks_publish_commit(prepared, err);
}
