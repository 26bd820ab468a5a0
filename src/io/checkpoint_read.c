#include "io/checkpoint_format.h"

#include <stdlib.h>
#include <string.h>
#include "io/history_tables.h"
#include "files/whole_file.h"
#include "lockstep/log.h"
#include "base/memory.h"

/* --- the parts of the file -------------------------------------------------------------------- */

static lks_status get_fields(lks_h5 *h, lks_checkpoint *c) {
    for (int i = 0; i < lks_n_checkpoint_fields; i++) {
        const lks_field *f = &lks_checkpoint_fields[i];
        char *member = (char *)c + f->offset;
        if (f->optional && !lks_h5_has_attribute(h, f->object, f->name))
            continue;
        if (f->type == LKS_H5_TEXT)
            LKS_TRY(lks_h5_get_text(h, f->object, f->name, member, f->size));
        else
            LKS_TRY(lks_h5_get(h, f->object, f->name, f->type, member, 1));
    }
    size_t n = (size_t)lks_stored_channels(c->data.channels);
    if (n == 0)
        return LKS_OK;
    LKS_TRY(lks_h5_get(h, "/data", "mean", LKS_H5_F64, c->data.mean, n));
    return lks_h5_get(h, "/data", "std", LKS_H5_F64, c->data.std, n);
}

static lks_status check_versions(lks_h5 *h, int numerics) {
    int32_t format, found;
    LKS_TRY(lks_h5_get(h, "/", "format", LKS_H5_I32, &format, 1));
    if (format != LKS_CHECKPOINT_FORMAT)
        return lks_fail(h->err, LKS_ERR_FORMAT,
                        "%s has checkpoint format %d, this program reads %d", h->name, format,
                        LKS_CHECKPOINT_FORMAT);
    LKS_TRY(lks_h5_get(h, "/", "numerics", LKS_H5_I32, &found, 1));
    if (found != numerics)
        return lks_fail(h->err, LKS_ERR_MISMATCH,
                        "%s was made under numerics %d, this program keeps numerics %d: the same "
                        "bits need the version of lockstep that wrote it",
                        h->name, found, numerics);
    return LKS_OK;
}

/** Names, shapes and places of a flat's tensors. What is allocated belongs to the flat at once. */
static lks_status get_tensors(lks_h5 *h, lks_flat *flat) {
    char path[160], *names;
    size_t n;
    snprintf(path, sizeof path, "/%s", flat->group);
    LKS_TRY(lks_h5_get_texts(h, path, "tensors", LKS_TENSOR_NAME_MAX, LKS_TENSORS_MAX, &names, &n));
    lks_tensor *tensors = lks_alloc(n, sizeof *tensors, "tensor names", h->err);
    lks_status status = tensors ? LKS_OK : LKS_ERR_MEMORY;
    flat->tensors = tensors;
    for (size_t i = 0; status == LKS_OK && i < n; i++) {
        lks_tensor *t = &tensors[i];
        memcpy(t->name, names + i * LKS_TENSOR_NAME_MAX, LKS_TENSOR_NAME_MAX);
        lks_tensor_path(path, flat, t);
        status = lks_h5_get_shape(h, path, LKS_H5_F32, &t->ndim, t->shape, &t->count);
        t->offset = flat->count;
        flat->count += t->count;
        flat->n_tensors++;
        /* One data set listed many times would multiply. */
        if (status == LKS_OK && flat->count > h->size / sizeof(float))
            status = lks_h5_fail(h, path, "claims to be larger than the whole file");
    }
    lks_free(names);
    return status;
}

static lks_status get_flat(lks_h5 *h, lks_flat *flat) {
    LKS_TRY(get_tensors(h, flat));
    flat->values = lks_alloc(flat->count, sizeof *flat->values, flat->group, h->err);
    if (!flat->values)
        return LKS_ERR_MEMORY;
    for (int i = 0; i < flat->n_tensors; i++) {
        const lks_tensor *t = &flat->tensors[i];
        char path[160];
        lks_tensor_path(path, flat, t);
        LKS_TRY(lks_h5_get_array(h, path, LKS_H5_F32, t->count, flat->values + t->offset));
    }
    return LKS_OK;
}

static lks_status get_flats(lks_h5 *h, lks_checkpoint *c) {
    char *groups;
    size_t n;
    LKS_TRY(lks_h5_get_texts(h, "/", "groups", sizeof c->flats[0].group, LKS_CHECKPOINT_FLATS,
                             &groups, &n));
    lks_status status = LKS_OK;
    if (n < 1)
        status = lks_h5_fail(h, "/@groups", "it has none");
    for (size_t i = 0; status == LKS_OK && i < n; i++) {
        lks_flat *flat = &c->flats[c->n_flats++];
        memcpy(flat->group, groups + i * sizeof flat->group, sizeof flat->group);
        status = get_flat(h, flat);
    }
    lks_free(groups);
    return status;
}

static lks_status get_all(lks_h5 *h, int numerics, lks_checkpoint *c) {
    LKS_TRY(check_versions(h, numerics));
    LKS_TRY(get_fields(h, c));
    LKS_TRY(lks_h5_get_string(h, "/config", &c->config_yaml));
    LKS_TRY(get_flats(h, c));
    return lks_history_get(h, "/history", &c->history);
}

static lks_status check_digests(const char *path, const lks_checkpoint *c, lks_error *err) {
    lks_checkpoint fresh = *c;
    LKS_TRY(lks_checkpoint_digest(&fresh, err));
    if (strcmp(fresh.weights_sha256, c->weights_sha256) != 0 ||
        strcmp(fresh.state_sha256, c->state_sha256) != 0)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s is damaged: its weights or state do not have the digest it names",
                        path);
    return LKS_OK;
}

lks_status lks_checkpoint_parse(const char *path, const unsigned char *bytes, size_t size, bool own,
                                int numerics, lks_checkpoint *c, lks_error *err) {
    lks_h5 h;
    *c = (lks_checkpoint){0};
    LKS_TRY((own ? lks_h5_open_own : lks_h5_open)(&h, path, bytes, size, err));
    lks_status status = get_all(&h, numerics, c);
    lks_h5_close(&h);
    if (status != LKS_OK)
        lks_checkpoint_free(c);
    return status;
}

static lks_status decode(const char *path, const unsigned char *bytes, size_t size, int numerics,
                         lks_checkpoint *c, lks_error *err) {
    LKS_TRY(lks_seal_check(path, bytes, size, err));
    LKS_TRY(lks_checkpoint_parse(path, bytes, size, false, numerics, c, err));
    lks_status status = check_digests(path, c, err);
    if (status == LKS_OK)
        status = lks_checkpoint_check(path, c, err);
    if (status != LKS_OK)
        lks_checkpoint_free(c);
    return status;
}

lks_status lks_checkpoint_read(const char *path, int numerics, lks_checkpoint *c, lks_error *err) {
    unsigned char *bytes = NULL;
    size_t size = 0;
    *c = (lks_checkpoint){0};
    lks_status status =
        lks_read_whole_file(path, LKS_SEAL_SIZE, lks_seal_check_header, &bytes, &size, err);
    if (status == LKS_OK)
        status = decode(path, bytes, size, numerics, c, err);
    if (status == LKS_OK)
        lks_detail("read %s, %zu bytes, step %lld", path, size, (long long)c->cursor.step);
    free(bytes);
    return status;
}

static void free_flat(lks_flat *flat) {
    lks_free(flat->values);
    /* const in the interface because most flats borrow their tensors; here they are owned. */
    void *tensors;
    memcpy(&tensors, &flat->tensors, sizeof tensors);
    lks_free(tensors);
}

void lks_checkpoint_free(lks_checkpoint *c) {
    for (int i = 0; i < c->n_flats; i++)
        free_flat(&c->flats[i]);
    lks_free(c->config_yaml);
    lks_history_free(&c->history);
    *c = (lks_checkpoint){0};
}
