/* The weights in an ONNX file that somebody made: the constants that its convolutions, dense layers and batch
 * normalisations read, in the order of the graph. Nothing is computed, so the rest of the graph may be anything; but an
 * operation with weights of its own that is none of these is an error, since what is left out would be another network.
 * So is one of these that no layer here can be: a dilated convolution. Before the first weights, where pixels are
 * normalised, and of single numbers, constants are passed over. Nothing is collective. */
#ifndef LKS_ONNX_WEIGHTS_H
#define LKS_ONNX_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lockstep/status.h"
#include "onnx/types.h"

/* What a constant is to its operation. */
typedef enum lks_onnx_part {
    LKS_ONNX_WEIGHT,
    LKS_ONNX_BIAS,
    LKS_ONNX_MEAN,
    LKS_ONNX_VARIANCE
} lks_onnx_part;

typedef enum lks_onnx_padding {
    LKS_ONNX_PAD_UNKNOWN, /* another operation may have padded before */
    LKS_ONNX_PAD_NUMBERS,
    LKS_ONNX_PAD_SAME_UPPER, /* as many outputs as inputs / stride, rounded up; the odd row or column at the end */
    LKS_ONNX_PAD_SAME_LOWER /* at the beginning */
} lks_onnx_padding;

/* What an operation says besides its weights: numbers are 0 where it is of a kind without. */
typedef struct lks_onnx_said {
    int64_t stride[2], groups; /* a convolution's; rows, then columns */
    lks_onnx_padding padding;
    int64_t before[2], after[2];
    double epsilon; /* a batch normalisation's */
} lks_onnx_said;

/* Strings belong to the file. */
typedef struct lks_onnx_weight {
    const char *layer; /* its operation's name, perhaps "" */
    int number;        /* of that operation: the parts of one stand side by side */
    const char *name;  /* of the constant: "conv1.weight", "onnx::Conv_17" */
    lks_onnx_part part;
    int type; /* lks_onnx_type, or another number of ONNX */
    int ndim;
    const int64_t *shape; /* [ndim] as stored */
    bool transposed;      /* a dense layer's weight as [in][out], else [out][in] */
    size_t
        stored; /* how many values the file has, for types as below; the shape may say otherwise */
    lks_onnx_said said;
    const void *tensor; /* the reader's own */
} lks_onnx_weight;

typedef struct lks_onnx_fact {
    const char *key, *value;
} lks_onnx_fact;

typedef struct lks_onnx_file lks_onnx_file;

/* Whether bytes [size] begin as an ONNX file does. */
bool lks_onnx_is(const unsigned char *bytes, size_t size);

/* Reads bytes [size], which may be given up then; `path` names them in messages. Owned by the caller: lks_onnx_close(),
 * which takes NULL. LKS_ERR_FORMAT for a file that is damaged, has its values in another file, or a graph that cannot be
 * understood so; LKS_ERR_MEMORY. */
lks_status lks_onnx_open(lks_onnx_file **file, const char *path, const unsigned char *bytes,
                         size_t size, lks_error *err);
void lks_onnx_close(lks_onnx_file *file);

/* Its weights [*n], and what it says of itself [*n]. */
const lks_onnx_weight *lks_onnx_weights(const lks_onnx_file *file, int *n);
const lks_onnx_fact *lks_onnx_facts(const lks_onnx_file *file, int *n);

/* Its stored values, little-endian, into out [w->stored * bytes of a value]. For float32, float64, float16, bfloat16. */
void lks_onnx_values(const lks_onnx_weight *w, void *out);

#endif
