/* ONNX: what the operations of its graph multiply and add (onnx/weights.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/groups.h"
#include "import/source.h"
#include "onnx/weights.h"

static const struct {
    lks_import_part part;
    const char *word;
} parts[] = {[LKS_ONNX_WEIGHT] = {LKS_IMPORT_WEIGHT, "weight"},
             [LKS_ONNX_BIAS] = {LKS_IMPORT_BIAS, "bias"},
             [LKS_ONNX_MEAN] = {LKS_IMPORT_MEAN, "running_mean"},
             [LKS_ONNX_VARIANCE] = {LKS_IMPORT_VARIANCE, "running_var"}};

/* The parts of one operation. */
typedef struct layer {
    const lks_onnx_weight *all; /* [n] */
    int n;
} layer;

static lks_import_type type_of(int type) {
    switch (type) {
    case LKS_ONNX_FLOAT:
        return LKS_IMPORT_F32;
    case LKS_ONNX_DOUBLE:
        return LKS_IMPORT_F64;
    case LKS_ONNX_FLOAT16:
        return LKS_IMPORT_F16;
    case LKS_ONNX_BFLOAT16:
        return LKS_IMPORT_BF16;
    default:
        return LKS_IMPORT_OTHER;
    }
}

/* `lockstep export` has to write scale and shift of a batch normalisation that has none. */
static bool is_filling(const lks_onnx_weight *w) {
    const size_t length = strlen(w->layer);
    return strncmp(w->name, w->layer, length) == 0 &&
           (strcmp(w->name + length, ".ones") == 0 || strcmp(w->name + length, ".zeros") == 0);
}

/* Whether the names of constants tell layer and part, as PyTorch's and our own do. */
static bool names_tell(const layer *l) {
    const char *first = NULL;
    size_t first_length = 0, length;
    for (int i = 0; i < l->n; i++) {
        const char *name = l->all[i].name;
        if (is_filling(&l->all[i]))
            continue;
        if (lks_import_part_of(name, &length) != parts[l->all[i].part].part)
            return false;
        if (!first) {
            first = name;
            first_length = length;
        }
        if (length != first_length || memcmp(first, name, length) != 0)
            return false;
    }
    return true;
}

/* Else they are called after the operation or, where that has no name, its weight. */
static bool set_name(char name[LKS_IMPORT_NAME_MAX], const layer *l, int i, bool tell) {
    const char *owner = l->all[0].layer[0] ? l->all[0].layer : l->all[0].name;
    const int length =
        tell ? snprintf(name, LKS_IMPORT_NAME_MAX, "%s", l->all[i].name)
             : snprintf(name, LKS_IMPORT_NAME_MAX, "%s.%s", owner, parts[l->all[i].part].word);
    return length >= 0 && length < LKS_IMPORT_NAME_MAX;
}

static lks_status add_tensor(lks_import_source *s, char *name, const lks_onnx_weight *w, size_t at,
                             lks_error *err) {
    lks_import_tensor t = {
        .name = name, .type = type_of(w->type), .ndim = w->ndim, .said = w->said, .at = at};
    for (int d = 0; d < w->ndim && d < LKS_IMPORT_DIMENSIONS; d++)
        t.shape[d] = w->shape[d];
    if (w->transposed && w->ndim == 2) {
        t.shape[0] = w->shape[1];
        t.shape[1] = w->shape[0];
        t.column_major = true;
    }
    LKS_TRY(lks_import_add(s, &t, err));
    const uint64_t count = s->tensors[s->n_tensors - 1].count;
    if (t.type != LKS_IMPORT_OTHER && count != w->stored)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: '%.128s' is said to have %" PRIu64 " values, and has %zu", s->path,
                        w->name, count, w->stored);
    return LKS_OK;
}

static lks_status add_layer(lks_import_source *s, const layer *l, size_t first, lks_error *err) {
    const bool tell = names_tell(l);
    char name[LKS_IMPORT_NAME_MAX];
    for (int i = 0; i < l->n; i++) {
        if (is_filling(&l->all[i]))
            continue;
        if (!set_name(name, l, i, tell))
            return lks_fail(err, LKS_ERR_FORMAT, "%s: the name '%.64s...' is too long", s->path,
                            l->all[i].name);
        LKS_TRY(add_tensor(s, name, &l->all[i], first + (size_t)i, err));
    }
    return LKS_OK;
}

static lks_status take_facts(lks_import_source *s, const lks_onnx_file *file, lks_error *err) {
    int n;
    const lks_onnx_fact *facts = lks_onnx_facts(file, &n);
    for (int i = 0; i < n && s->n_facts < LKS_IMPORT_FACTS_MAX; i++) {
        lks_import_fact *to = &s->facts[s->n_facts++];
        to->key = strdup(facts[i].key);
        to->value = strdup(facts[i].value);
        if (!to->key || !to->value)
            return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the facts of %s", s->path);
    }
    return LKS_OK;
}

static lks_status open_file(lks_import_source *s, lks_error *err) {
    lks_onnx_file *file;
    int n;
    const lks_status status = lks_onnx_open(&file, s->path, s->bytes, s->size, err);
    s->own = file;
    LKS_TRY(status);
    const lks_onnx_weight *all = lks_onnx_weights(file, &n);
    for (int i = 0, end = 0; i < n; i = end) {
        while (end < n && all[end].number == all[i].number)
            end++;
        LKS_TRY(add_layer(s, &(layer){all + i, end - i}, (size_t)i, err));
    }
    return take_facts(s, file, err);
}

static lks_status fetch(const lks_import_source *s, int i, void *bytes, lks_error *err) {
    int n;
    const lks_onnx_weight *all = lks_onnx_weights(s->own, &n);
    (void)err;
    lks_onnx_values(&all[s->tensors[i].at], bytes);
    return LKS_OK;
}

static void close_file(lks_import_source *s) {
    lks_onnx_close(s->own);
}

const lks_import_reader lks_import_onnx = {.name = "onnx",
                                           .layout = LKS_LAYOUT_TORCH,
                                           .is = lks_onnx_is,
                                           .open = open_file,
                                           .fetch = fetch,
                                           .close = close_file};
