/* What an operation says besides the values that it reads. For weights.c. */
#ifndef LKS_ONNX_SAID_H
#define LKS_ONNX_SAID_H

#include "onnx/onnx.pb-c.h"
#include "onnx/weights.h"

/* The attribute called `name`, or NULL. */
const Lks__Onnx__AttributeProto *lks_onnx_attribute(const Lks__Onnx__NodeProto *n,
                                                    const char *name);

/* Whether the operation is of that type: "Conv". */
bool lks_onnx_is_type(const Lks__Onnx__NodeProto *n, const char *type);

/* Of a convolution or batch normalisation, with ONNX's defaults. */
lks_onnx_said lks_onnx_said_of(const Lks__Onnx__NodeProto *n);

/* What such an operation says that no layer here does, as the rest of a sentence: "is dilated". NULL: nothing. */
const char *lks_onnx_foreign(const Lks__Onnx__NodeProto *n);

/* What a Transpose does to a matrix. */
typedef enum lks_onnx_turn {
    LKS_ONNX_TURN_NOT, /* nothing, to values of any rank */
    LKS_ONNX_TURN,
    LKS_ONNX_TURN_OTHER
} lks_onnx_turn;
lks_onnx_turn lks_onnx_turn_of(const Lks__Onnx__NodeProto *n);

#endif
