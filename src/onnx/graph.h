/* An ONNX model in the making: constants, operations, inputs and outputs in the order in which they are added, then one
 * file. What fails is remembered: calls behind it give NULL and do nothing, and lks_onnx_write() says what it was. So
 * calls nest without a check each. Names are given as an owner and what is the owner's, "conv1" and "weight", and become
 * "conv1.weight"; each pair once. Nothing is collective.
 *
 * Files are of operator set 13 and IR version 7 (github.com/onnx/onnx, docs/Versioning.md): ONNX 1.8, from 2020, and all
 * that came later. */
#ifndef LKS_ONNX_GRAPH_H
#define LKS_ONNX_GRAPH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/status.h"
#include "onnx/types.h"

typedef struct lks_onnx lks_onnx;

/* An attribute of an operation: constructors below. */
typedef struct lks_onnx_attribute {
    const char *name; /* a literal; NULL: none */
    enum { LKS_ONNX_ONE, LKS_ONNX_SEVERAL, LKS_ONNX_REAL } kind;
    int n;
    int64_t ints[4]; /* ONE: the first; SEVERAL: n */
    float real;
} lks_onnx_attribute;

static inline lks_onnx_attribute lks_onnx_int(const char *name, int64_t value) {
    return (lks_onnx_attribute){.name = name, .kind = LKS_ONNX_ONE, .n = 1, .ints = {value}};
}

static inline lks_onnx_attribute lks_onnx_ints(const char *name, int n, const int64_t values[4]) {
    lks_onnx_attribute a = {.name = name, .kind = LKS_ONNX_SEVERAL, .n = n};
    memcpy(a.ints, values, (size_t)n * sizeof *values);
    return a;
}

static inline lks_onnx_attribute lks_onnx_real(const char *name, double value) {
    return (lks_onnx_attribute){.name = name, .kind = LKS_ONNX_REAL, .real = (float)value};
}

#define LKS_ONNX_INPUTS_MAX     8
#define LKS_ONNX_ATTRIBUTES_MAX 4

/* An operation that gives one value. */
typedef struct lks_onnx_operation {
    const char *type;         /* a literal: "Conv" */
    const char *owner, *what; /* what: NULL for an owner's last one, which has its name */
    const char *inputs[LKS_ONNX_INPUTS_MAX + 1];                /* values, NULL after the last */
    lks_onnx_attribute attributes[LKS_ONNX_ATTRIBUTES_MAX + 1]; /* without a name after the last */
} lks_onnx_operation;

/* A value that a file has: its name, and room for its numbers in row-major order, to be filled in before
 * lks_onnx_write(). Both NULL after a failure. */
typedef struct lks_onnx_constant {
    const char *name;
    void *values;
} lks_onnx_constant;

/* What a model takes or gives. The first dimension is any number, "batch". */
typedef struct lks_onnx_port {
    const char *name;
    lks_onnx_type type;
    int n;
    int64_t shape[3]; /* [n] of one sample */
    const char *about;
} lks_onnx_port;

/* An empty model with its name. Owned by the caller: lks_onnx_free(), which takes NULL. LKS_ERR_MEMORY. */
lks_status lks_onnx_create(lks_onnx **model, const char *name, lks_error *err);
void lks_onnx_free(lks_onnx *model);

/* `n` dimensions; 0: one number. Zeroed. */
lks_onnx_constant lks_onnx_constant_add(lks_onnx *model, const char *owner, const char *what,
                                        lks_onnx_type type, int n, const int64_t *shape);

/* The name of the value that it gives. */
const char *lks_onnx_operation_add(lks_onnx *model, const lks_onnx_operation *operation);

/* The name of the value. */
const char *lks_onnx_input(lks_onnx *model, const lks_onnx_port *port);

/* `value`, which an operation gives and nothing reads, is the model's output, and is called as the port. */
void lks_onnx_output(lks_onnx *model, const char *value, const lks_onnx_port *port);

/* What the file says of itself: a pair of texts. */
void lks_onnx_fact(lks_onnx *model, const char *key, const char *value);

/* Writes the file, once: with the program's version and a text about the model. LKS_ERR_MEMORY; LKS_ERR_CONFIG: it would
 * have 2 GiB or more, which no reader of the format takes. Errors of the stream show to the caller. */
lks_status lks_onnx_write(lks_onnx *model, const char *version, const char *about, FILE *f,
                          lks_error *err);

#endif
