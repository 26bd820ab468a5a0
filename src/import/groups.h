/* Tensors of a file by the layer that their names tell: "features.0.weight" is the weight of "features.0". */
#ifndef LKS_IMPORT_GROUPS_H
#define LKS_IMPORT_GROUPS_H

#include "import/source.h"

/* What a tensor is to its layer. */
typedef enum lks_import_part {
    LKS_IMPORT_WEIGHT,
    LKS_IMPORT_BIAS,
    LKS_IMPORT_MEAN,
    LKS_IMPORT_VARIANCE,
    LKS_IMPORT_PARTS
} lks_import_part;

/* The kinds of layers that have tensors. */
typedef enum lks_import_kind {
    LKS_IMPORT_CONVOLUTION,
    LKS_IMPORT_DENSE,
    LKS_IMPORT_NORM,
    LKS_IMPORT_STRANGE, /* none that Lockstep has */
    LKS_IMPORT_KINDS
} lks_import_kind;

typedef struct lks_import_group {
    const char *name; /* [length], not ended; "" where tensors are called "weight" alone */
    size_t length;
    int of[LKS_IMPORT_PARTS]; /* numbers of the tensors; -1: there is none */
    lks_import_kind kind;
} lks_import_group;

typedef struct lks_import_groups {
    lks_import_group *
        all; /* [n], in the order of the file or, where that is sorted, of the numbers in the names */
    int n;
    bool told; /* all names tell a part; else there are no groups */
    bool
        sorted; /* the file is by name, in one run or in one for each type: it tells nothing of the network's order */
} lks_import_groups;

/* What the last part of `name` says: "weight", "kernel", "gamma", "moving_mean" ... LKS_IMPORT_PARTS: nothing that is known.
 * *length gets the length of what is before it. */
lks_import_part lks_import_part_of(const char *name, size_t *length);

/* Which name comes first, each [length]: by letters, but for numbers, which count as such: conv2 before conv10. 0 where that
 * tells nothing. */
int lks_import_by_numbers(const char *p, size_t p_length, const char *q, size_t q_length);

/* What numbers alone tell of the order of two names, each [length], that are alike before them: -1 for conv2 and conv10,
 * for dense and dense_1; 0 for names that differ otherwise. */
int lks_import_told_by_numbers(const char *p, size_t p_length, const char *q, size_t q_length);

/* By its tensors: `ndim` is that of its weight, 0 where it has none. */
lks_import_kind lks_import_kind_of(bool has_mean, int ndim);

/* Of the tensors with weights, i.e. of a type that can be read. LKS_ERR_FORMAT where two are the same part of one layer;
 * LKS_ERR_MEMORY. Freed by lks_import_groups_free(), also after a failure. */
lks_status lks_import_groups_make(lks_import_groups *g, const lks_import_source *s, lks_error *err);
void lks_import_groups_free(lks_import_groups *g);

/* Whether a group of that name is the layer `name` [length]: "b1" or, as PyTorch calls operations in ONNX,
 * "/b1/BatchNormalization", "/block/b1/Conv". */
bool lks_import_is_called(const char *theirs, size_t their_length, const char *name, size_t length);

/* The group that is called exactly `name` [length], else the only one of which lks_import_is_called() is true, or NULL. */
const lks_import_group *lks_import_group_find(const lks_import_groups *g, const char *name,
                                              size_t length);

#endif
