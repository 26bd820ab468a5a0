/* Attributes by github.com/onnx/onnx, docs/Operators.md. */
#include "onnx/said.h"

#include <string.h>

typedef Lks__Onnx__NodeProto node;
typedef Lks__Onnx__AttributeProto attribute;

#define SIZE_MAX_SAID ((int64_t)1 << 20) /* of strides and padding; larger ones are all alike */

const attribute *lks_onnx_attribute(const node *n, const char *name) {
    for (size_t i = 0; i < n->n_attribute; i++)
        if (n->attribute[i]->name && strcmp(n->attribute[i]->name, name) == 0)
            return n->attribute[i];
    return NULL;
}

bool lks_onnx_is_type(const node *n, const char *type) {
    return n->op_type && strcmp(n->op_type, type) == 0;
}

/* Number i of a list that has n of them, else `missing`. */
static int64_t number_of(const attribute *list, size_t n, size_t i, int64_t missing) {
    if (!list || list->n_ints != n)
        return missing;
    const int64_t value = list->ints[i];
    return value < 0 || value > SIZE_MAX_SAID ? SIZE_MAX_SAID : value;
}

static bool is_text(const attribute *a, const char *text) {
    return a && a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

static void read_padding(lks_onnx_said *said, const node *n) {
    const attribute *kind = lks_onnx_attribute(n, "auto_pad");
    const attribute *pads = lks_onnx_attribute(n, "pads");
    said->padding = is_text(kind, "SAME_UPPER")   ? LKS_ONNX_PAD_SAME_UPPER
                    : is_text(kind, "SAME_LOWER") ? LKS_ONNX_PAD_SAME_LOWER
                                                  : LKS_ONNX_PAD_NUMBERS;
    for (size_t d = 0; d < 2 && !is_text(kind, "VALID"); d++) {
        said->before[d] = number_of(pads, 4, d, 0);
        said->after[d] = number_of(pads, 4, 2 + d, 0);
    }
}

lks_onnx_said lks_onnx_said_of(const node *n) {
    lks_onnx_said said = {0};
    if (lks_onnx_is_type(n, "Conv")) {
        const attribute *group = lks_onnx_attribute(n, "group");
        const attribute *strides = lks_onnx_attribute(n, "strides");
        said.groups = group ? group->i : 1;
        for (size_t d = 0; d < 2; d++)
            said.stride[d] = number_of(strides, 2, d, 1);
        read_padding(&said, n);
    } else if (lks_onnx_is_type(n, "BatchNormalization")) {
        const attribute *epsilon = lks_onnx_attribute(n, "epsilon");
        said.epsilon = epsilon ? (double)epsilon->f : 1e-5;
    }
    return said;
}

const char *lks_onnx_foreign(const node *n) {
    const attribute *dilations = lks_onnx_attribute(n, "dilations");
    const attribute *spatial = lks_onnx_attribute(n, "spatial");
    for (size_t i = 0; dilations && i < dilations->n_ints; i++)
        if (dilations->ints[i] != 1)
            return "is dilated, which no convolution here is";
    if (spatial && spatial->i == 0)
        return "normalizes each place of an image by itself, which no batchnorm here does";
    return NULL;
}

lks_onnx_turn lks_onnx_turn_of(const node *n) {
    const attribute *perm = lks_onnx_attribute(n, "perm");
    bool same = true;
    if (!perm || perm->n_ints == 0)
        return LKS_ONNX_TURN;
    if (perm->n_ints == 2 && perm->ints[0] == 1 && perm->ints[1] == 0)
        return LKS_ONNX_TURN;
    for (size_t i = 0; i < perm->n_ints; i++)
        same = same && perm->ints[i] == (int64_t)i;
    return same ? LKS_ONNX_TURN_NOT : LKS_ONNX_TURN_OTHER;
}
