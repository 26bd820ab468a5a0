/* Which tensor of a file becomes which of the network's. */
#ifndef LKS_IMPORT_MATCH_H
#define LKS_IMPORT_MATCH_H

#include "import/maps.h"
#include "import/source.h"
#include "lockstep/tensor.h"

/* A tensor of the network. */
typedef struct lks_import_target {
    const lks_tensor *tensor; /* "conv1/weight" */
    lks_laid laid;
    lks_shape in; /* what the layer reads first */
    int layer;    /* tensors of one layer have one number, and stand side by side */
} lks_import_target;

/* Fills from [n] with the number of the file's tensor for each target. First what the user says, of tensors before layers;
 * then layers that are called alike in the file, by their names; the others by order: convolutions, dense layers and batch
 * normalisations each in their own, or, where the file's names tell nothing, all tensors in theirs. Shapes have to fit in
 * `layout`. Warns where the order is a guess. LKS_ERR_MISMATCH names the first tensor that does not fit, with both shapes,
 * what is missing or left over, or what order would do against names; LKS_ERR_USAGE a wrong word of the user;
 * LKS_ERR_MEMORY. */
lks_status lks_import_match(const lks_import_source *s, const lks_import_target *targets, int n,
                            lks_layout layout, const lks_import_maps *maps, int *from,
                            lks_error *err);

/* "64 x 32 x 3 x 3"; "1" for no dimension. Returns `text`. */
const char *lks_import_shape_text(const int64_t *shape, int ndim, char text[192]);

#endif
