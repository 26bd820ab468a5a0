/* How tensors are stored by others. Pure. */
#ifndef LKS_EXPORT_LAYOUT_H
#define LKS_EXPORT_LAYOUT_H

#include "lockstep/config.h"
#include "lockstep/model_data.h"

typedef enum lks_layout {
    /* As lks_tensor says: convolutions [kernel row][kernel column][in of a group][out], dense layers [in][out]; a
     * flattened image's values come in the order [rows][columns][channels]. Keras does the same. */
    LKS_LAYOUT_NATIVE,
    /* PyTorch, ONNX: convolutions [out][in of a group][kernel row][kernel column], dense layers [out][in]; a flattened
     * image's values come in the order [channels][rows][columns]. */
    LKS_LAYOUT_TORCH
} lks_layout;

/* A tensor to be laid out: its native shape, and what its `in` dimension is made of where it is a dense layer's weight. */
typedef struct lks_laid {
    int ndim;
    int64_t shape[4];
    lks_shape order; /* as below */
} lks_laid;

/* How the output of each layer lies, as [rows][columns][channels], into orders [config->n_layers]: its shape, or, behind
 * a flatten, that of the image which was flattened. `info` as lks_model_shapes() made it, for images of `input`. */
void lks_layout_orders(const lks_config *config, const lks_layer_info *info, lks_shape input,
                       lks_shape *orders);

/* The order of what layer `layer` reads first; orders as above. */
lks_shape lks_layout_input(const lks_config *config, int layer, lks_shape input,
                           const lks_shape *orders);

/* The shape in `layout`, into shape [ndim]. */
void lks_layout_shape(const lks_laid *t, lks_layout layout, int64_t shape[4]);

/* Copies a tensor's values, from native to `layout` and back. */
void lks_layout_to(const lks_laid *t, lks_layout layout, const float *native, float *out);
void lks_layout_from(const lks_laid *t, lks_layout layout, const float *values, float *native);

#endif
