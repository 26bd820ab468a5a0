/* The kinds of layers: one line each, in the order of help. A kind is defined in layers/NAME.c. */
#include "config/option.h"

#define KINDS(X)                                                                                   \
    X(conv2d)                                                                                      \
    X(maxpool)                                                                                     \
    X(avgpool)                                                                                     \
    X(global_avgpool)                                                                              \
    X(dense)                                                                                       \
    X(batchnorm)                                                                                   \
    X(add)                                                                                         \
    X(concat)                                                                                      \
    X(relu)                                                                                        \
    X(leaky_relu)                                                                                  \
    X(tanh)                                                                                        \
    X(sigmoid)                                                                                     \
    X(gelu)                                                                                        \
    X(silu)                                                                                        \
    X(dropout)                                                                                     \
    X(flatten)

/* Layers do not know this table, so no header declares them. */
#define DECLARE(kind) extern const lks_layer_kind lks_layer_##kind;
KINDS(DECLARE)

#define ENTRY(kind) &lks_layer_##kind,
const lks_layer_kind *const lks_layer_kinds[] = {KINDS(ENTRY) NULL};
