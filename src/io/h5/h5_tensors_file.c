/* A stranger's data sets, as a confined process sees them: nothing here may cost more than the file's size allows. */
#include "io/h5/h5_tensors_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/h5/walk.h"

enum { DEPTH_MAX = 16, OBJECTS_MAX = 262144, NAMES_MAX = 65536 };

typedef struct source {
    const char *name; /* for messages */
    lks_error *err;
} source;

static lks_status fail(const source *s, const char *object, const char *why) {
    return lks_fail(s->err, LKS_ERR_FORMAT, "%s: %s: %s", s->name, object, why);
}

/* With HDF5's own words. */
static lks_status fail_call(const source *s, const char *object) {
    char reason[LKS_H5_REASON];
    lks_h5_reason(reason);
    return fail(s, object, reason);
}

/* --- types and shapes ------------------------------------------------------------------------- */

/* Bytes of a value; 0 for others. */
static size_t size_of(uint32_t type) {
    static const size_t sizes[] = {
        [LKS_H5_NUMBER_OTHER] = 0, [LKS_H5_NUMBER_F16] = 2, [LKS_H5_NUMBER_BF16] = 2,
        [LKS_H5_NUMBER_F32] = 4,   [LKS_H5_NUMBER_F64] = 8, [LKS_H5_NUMBER_TEXT] = 1};
    return sizes[type];
}

/* IEEE 754's layout of 16 bits: a sign, `exponent` bits, the fraction. */
static bool is_half(hid_t type, size_t exponent, size_t bias) {
    size_t sign, e_at, e_size, m_at, m_size;
    return H5Tget_fields(type, &sign, &e_at, &e_size, &m_at, &m_size) >= 0 && sign == 15 &&
           e_at == 15 - exponent && e_size == exponent && m_at == 0 && m_size == 15 - exponent &&
           H5Tget_ebias(type) == bias;
}

static lks_h5_number float_of(hid_t type) {
    switch (H5Tget_size(type)) {
    case 2:
        return is_half(type, 5, 15)    ? LKS_H5_NUMBER_F16
               : is_half(type, 8, 127) ? LKS_H5_NUMBER_BF16
                                       : LKS_H5_NUMBER_OTHER;
    case 4:
        return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0
                   ? LKS_H5_NUMBER_F32
                   : LKS_H5_NUMBER_OTHER;
    case 8:
        return H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0
                   ? LKS_H5_NUMBER_F64
                   : LKS_H5_NUMBER_OTHER;
    default:
        return LKS_H5_NUMBER_OTHER;
    }
}

/* Opaque values that Keras says to be such. */
static bool is_called_bfloat16(hid_t dataset, hid_t type);

static lks_h5_number number_of(hid_t dataset, hid_t type) {
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return float_of(type);
    case H5T_OPAQUE:
        return is_called_bfloat16(dataset, type) ? LKS_H5_NUMBER_BF16 : LKS_H5_NUMBER_OTHER;
    case H5T_STRING:
        return H5Tis_variable_str(type) == 0 ? LKS_H5_NUMBER_TEXT : LKS_H5_NUMBER_OTHER;
    default:
        return LKS_H5_NUMBER_OTHER;
    }
}

static void describe_shape(lks_h5_tensor *t, hid_t type, hid_t space) {
    hsize_t dims[H5S_MAX_RANK];
    const int ndim = H5Sget_simple_extent_ndims(space);
    const H5S_class_t class = H5Sget_simple_extent_type(space);
    const bool has_values = class == H5S_SIMPLE || class == H5S_SCALAR;
    if (ndim < 0 || ndim > LKS_H5_TENSOR_DIMS_MAX || !has_values ||
        H5Sget_simple_extent_dims(space, dims, NULL) != ndim)
        t->type = LKS_H5_NUMBER_OTHER;
    if (t->type == LKS_H5_NUMBER_TEXT) {
        const bool one = H5Sget_simple_extent_npoints(space) == 1;
        t->type = one ? LKS_H5_NUMBER_TEXT : LKS_H5_NUMBER_OTHER;
        t->ndim = 1;
        t->dims[0] = H5Tget_size(type);
    } else if (t->type != LKS_H5_NUMBER_OTHER) {
        t->ndim = (uint32_t)ndim;
        for (int d = 0; d < ndim; d++)
            t->dims[d] = dims[d];
    }
}

/* Fills type, order and shape. */
static bool describe(lks_h5_tensor *t, hid_t dataset) {
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const bool good = type >= 0 && space >= 0;
    if (good) {
        t->type = number_of(dataset, type);
        t->big_endian =
            H5Tget_class(type) == H5T_FLOAT && H5Tget_order(type) == H5T_ORDER_BE ? 1 : 0;
        describe_shape(t, type, space);
    }
    H5Tclose(type);
    H5Sclose(space);
    return good;
}

/* --- texts in attributes ---------------------------------------------------------------------- */

typedef struct texts {
    char (*rows)[LKS_H5_TENSOR_LABEL]; /* [n], freed with free(); "": too long */
    size_t n;
} texts;

static void take_text(texts *t, size_t i, const char *from, size_t room) {
    const size_t length = from ? strnlen(from, room) : 0;
    if (length < sizeof t->rows[i])
        memcpy(t->rows[i], from ? from : "", length);
}

/* Pointers, which HDF5 makes. */
static bool read_variable(hid_t attribute, hid_t type, hid_t space, texts *t) {
    char **rows = calloc(t->n, sizeof *rows);
    const hid_t memory = H5Tcopy(H5T_C_S1);
    const bool good = rows && memory >= 0 && H5Tset_size(memory, H5T_VARIABLE) >= 0 &&
                      H5Tset_cset(memory, H5Tget_cset(type)) >= 0 &&
                      H5Aread(attribute, memory, rows) >= 0;
    for (size_t i = 0; i < t->n && good; i++)
        take_text(t, i, rows[i], LKS_H5_TENSOR_LABEL);
    if (good)
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, rows);
    H5Tclose(memory);
    free(rows);
    return good;
}

static bool read_fixed(hid_t attribute, hid_t type, texts *t) {
    const size_t size = H5Tget_size(type);
    char *rows = size > 0 && size <= (size_t)1 << 20 ? calloc(t->n, size) : NULL;
    const bool good = rows && H5Aread(attribute, type, rows) >= 0;
    for (size_t i = 0; i < t->n && good; i++)
        take_text(t, i, rows + i * size, size);
    free(rows);
    return good;
}

static bool read_attribute(hid_t attribute, texts *t) {
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const hssize_t n = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    bool good = type >= 0 && H5Tget_class(type) == H5T_STRING && n > 0 && n <= NAMES_MAX;
    if (good) {
        t->n = (size_t)n;
        t->rows = calloc(t->n, sizeof *t->rows);
        good = t->rows && (H5Tis_variable_str(type) > 0 ? read_variable(attribute, type, space, t)
                                                        : read_fixed(attribute, type, t));
    }
    H5Tclose(type);
    H5Sclose(space);
    return good;
}

/* The texts of an attribute; none, where there is no such attribute, or it has none. */
static texts texts_of(hid_t object, const char *name) {
    texts t = {0};
    if (H5Aexists(object, name) <= 0)
        return t;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute >= 0 && read_attribute(attribute, &t)) {
        H5Aclose(attribute);
        return t;
    }
    H5Aclose(attribute);
    free(t.rows);
    return (texts){0};
}

static bool is_called_bfloat16(hid_t dataset, hid_t type) {
    texts t = {0};
    if (H5Tget_size(type) == 2)
        t = texts_of(dataset, "dtype");
    const bool is = t.n == 1 && strcmp(t.rows[0], "bfloat16") == 0;
    free(t.rows);
    return is;
}

/* --- the walk --------------------------------------------------------------------------------- */

typedef struct walk {
    lks_h5_walk at;
    source s;
    lks_reply *reply;
    const char *label; /* of the group that it is in */
    texts layers;      /* the nearest "layer_names" above */
    size_t layers_end; /* length of the path of the group that has it */
} walk;

/* In the list of layers, of the group below the one with the list. */
static uint32_t place_of(const walk *w) {
    const char *name = w->at.path + w->layers_end;
    name += *name == '/';
    const size_t length = strcspn(name, "/");
    for (size_t i = 0; i < w->layers.n; i++)
        if (strlen(w->layers.rows[i]) == length && memcmp(w->layers.rows[i], name, length) == 0)
            return (uint32_t)i;
    return (uint32_t)w->layers.n;
}

static lks_status add_tensor(walk *w) {
    lks_h5_tensor *t = lks_reply_room(w->reply, sizeof *t, w->s.err);
    if (!t)
        return w->s.err->status == LKS_ERR_FORMAT ? fail(&w->s, w->at.path, "too many data sets")
                                                  : LKS_ERR_MEMORY;
    memcpy(t->path, w->at.path, strlen(w->at.path));
    if (w->label)
        memcpy(t->label, w->label, strlen(w->label));
    t->place = place_of(w);
    return describe(t, w->at.object) ? LKS_OK : fail_call(&w->s, w->at.path);
}

static lks_status walk_group(walk *w) {
    const walk above = *w;
    const texts label = texts_of(w->at.object, "name");
    const texts layers = texts_of(w->at.object, "layer_names");
    w->label = label.n == 1 ? label.rows[0] : NULL;
    if (layers.n > 0) {
        w->layers = layers;
        w->layers_end = strlen(w->at.path);
    }
    const lks_status status = lks_h5_walk_links(&w->at);
    w->label = above.label;
    w->layers = above.layers;
    w->layers_end = above.layers_end;
    free(label.rows);
    free(layers.rows);
    return status;
}

static lks_status walk_object(lks_h5_walk *at) {
    switch (H5Iget_type(at->object)) {
    case H5I_GROUP:
        return walk_group((walk *)at);
    case H5I_DATASET:
        return add_tensor((walk *)at);
    default:
        return LKS_OK; /* a type that has a name */
    }
}

static lks_status fail_walk(lks_h5_walk *at, const char *why) {
    const source *s = &((walk *)at)->s;
    return why ? fail(s, at->path, why) : fail_call(s, at->path);
}

lks_status lks_h5_list_tensors(int input, const void *argument, lks_reply *reply, lks_error *err) {
    lks_h5 h;
    lks_error own = {0};
    walk w = {.at = {.depth_most = DEPTH_MAX,
                     .objects_most = OBJECTS_MAX,
                     .room = LKS_H5_TENSOR_PATH,
                     .visit = walk_object,
                     .fail = fail_walk},
              .s = {argument, &own},
              .reply = reply};
    lks_status status = lks_h5_open_input(&h, w.s.name, input, &own);
    if (status == LKS_OK) {
        status = lks_h5_walk_file(&w.at, h.file);
        lks_h5_close(&h);
    }
    return status == LKS_OK ? LKS_OK : lks_fail(err, status, "%s", own.text);
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_known_filter(H5Z_filter_t filter) {
    return filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
           filter == H5Z_FILTER_FLETCHER32;
}

/* HDF5 may have others, as plugins, which are not loaded. */
static bool has_known_filters(hid_t creation) {
    const int n = H5Pget_nfilters(creation);
    for (int i = 0; i < n; i++) {
        size_t n_values = 0;
        unsigned flags, config;
        if (!is_known_filter(
                H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &config)))
            return false;
    }
    return n >= 0;
}

static lks_status check_place(const source *s, const char *path, hid_t dataset, hid_t creation) {
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL || (layout == H5D_CONTIGUOUS && H5Pget_external_count(creation) != 0))
        return fail(s, path, "its values lie in other files, which are not followed");
    if (!has_known_filters(creation))
        return fail(s, path, "is packed by another filter than HDF5's own (gzip, shuffle)");
    if (H5Dget_storage_size(dataset) == 0)
        return fail(s, path, "was created, but never written");
    return LKS_OK;
}

static lks_status read_values(const source *s, const lks_h5_wanted *wanted, hid_t dataset,
                              lks_reply *reply) {
    lks_h5_tensor found = {0};
    const lks_h5_tensor *t = &wanted->tensor;
    uint64_t bytes = 0;
    if (describe(&found, dataset) && found.type == t->type && found.ndim == t->ndim &&
        memcmp(found.dims, t->dims, sizeof found.dims) == 0) {
        bytes = size_of(t->type);
        for (uint32_t d = 0; d < t->ndim; d++)
            if (__builtin_mul_overflow(bytes, t->dims[d], &bytes))
                bytes = 0;
    }
    if (bytes == 0 || bytes != wanted->bytes)
        return fail(s, t->path, "is not what it was");
    void *to = lks_reply_room(reply, bytes, s->err);
    if (!to)
        return s->err->status;
    const hid_t type = H5Dget_type(dataset);
    const bool good = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0;
    H5Tclose(type);
    return good ? LKS_OK : fail_call(s, t->path);
}

static lks_status read_dataset(const source *s, const lks_h5_wanted *wanted, hid_t file,
                               lks_reply *reply) {
    const char *path = wanted->tensor.path;
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    const hid_t creation = dataset < 0 ? -1 : H5Dget_create_plist(dataset);
    lks_status status = creation < 0 ? fail_call(s, path) : check_place(s, path, dataset, creation);
    if (status == LKS_OK)
        status = read_values(s, wanted, dataset, reply);
    H5Pclose(creation);
    if (dataset >= 0)
        H5Dclose(dataset);
    return status;
}

lks_status lks_h5_read_tensor(int input, const void *argument, lks_reply *reply, lks_error *err) {
    lks_h5 h;
    lks_error own = {0};
    const lks_h5_wanted *wanted = argument;
    const source s = {wanted->name, &own};
    lks_status status = lks_h5_open_input(&h, s.name, input, &own);
    if (status == LKS_OK) {
        status = read_dataset(&s, wanted, h.file, reply);
        lks_h5_close(&h);
    }
    return status == LKS_OK ? LKS_OK : lks_fail(err, status, "%s", own.text);
}
