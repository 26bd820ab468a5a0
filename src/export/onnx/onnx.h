/* From Lockstep's network to ONNX's operators. Images are [batch][channel][row][column] there, so tensors are laid out as
 * in PyTorch. */
#ifndef LKS_EXPORT_ONNX_H
#define LKS_EXPORT_ONNX_H

#include "export/exporting.h"
#include "onnx/graph.h"

/* What a layer gives. Name NULL: something failed before. */
typedef struct lks_onnx_value {
    const char *name;
    bool vector; /* [batch][channel], else [batch][channel][row][column] */
} lks_onnx_value;

/* The input, as the options have it, to pixels as the network sees them. */
lks_onnx_value lks_onnx_pixels(lks_onnx *m, const lks_exporting *x);

/* What a layer makes of its inputs [config->n_inputs]. LKS_ERR_CONFIG, naming the layer: ONNX has no operator for it that
 * is known here. */
lks_status lks_onnx_layer(lks_onnx *m, const lks_exporting *x, const lks_export_layer *layer,
                          const lks_onnx_value *in, lks_onnx_value *out, lks_error *err);

/* The value as a vector: an image's in the order [channel][row][column]. A name for its operation. */
lks_onnx_value lks_onnx_flat(lks_onnx *m, const char *owner, lks_onnx_value v);

#endif
