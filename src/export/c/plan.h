/* A network as a program in C computes it: steps one after the other, and where in the scratch memory each finds and
 * leaves its values. */
#ifndef LKS_EXPORT_C_PLAN_H
#define LKS_EXPORT_C_PLAN_H

#include "export/exporting.h"

typedef struct lks_c_step lks_c_step;
typedef struct lks_c_plan lks_c_plan;
typedef struct lks_c_writer lks_c_writer;

typedef struct lks_c_run lks_c_run; /* int8/int8.h */

/* How a kind of step is computed: a text of text/, and what is written around it for each step. */
typedef struct lks_c_kernel {
    const char *text;                                    /* that has its function; NULL: */
    void (*texts)(lks_c_writer *w, const lks_c_step *s); /* writes those that have */
    /* Floats that it needs beside input and output. NULL: none. */
    size_t (*room)(const lks_c_step *s);
    /* Writes the constants of a step: settings and weights. NULL: none. LKS_ERR_MEMORY. */
    lks_status (*declare)(lks_c_writer *w, const lks_c_step *s, lks_error *err);
    void (*call)(lks_c_writer *w, const lks_c_step *s);
    bool in_place;               /* the output may stand where an input stood */
    bool halves;                 /* weights are the upper halves of floats */
    bool takes_relu, takes_pool; /* those that follow may be computed with it */

    /* Of whole numbers. */
    lks_status (*build)(lks_c_step *s, lks_error *err); /* makes the step's constants */
    void (*run)(const lks_c_step *s, const lks_c_run *r);
    bool takes_norm;   /* a batch normalisation that follows may be computed with it */
    bool keeps_scale;  /* the output has the input's */
    bool gives_logits; /* in 32 bits */
} lks_c_kernel;

/* Floats of the scratch memory, while steps [first, last] run. */
typedef struct lks_c_memory {
    size_t floats, at;
    int first, last;
} lks_c_memory;

/* Whole numbers: a value is scale * (q - zero_point); and the range that the scale is for. */
typedef struct lks_c_quantised {
    double scale, min, max;
    int zero_point;
} lks_c_quantised;

struct lks_c_step {
    const lks_c_plan *plan;
    const lks_c_kernel *kernel;
    const lks_export_layer *layer;              /* NULL: the image */
    int inputs[LKS_LAYER_INPUTS_MAX], n_inputs; /* steps */
    lks_shape out;
    bool relu, pool;              /* computed with it */
    const lks_export_layer *norm; /* likewise: the normalisation, or NULL */
    int last_layer;               /* that is */
    lks_c_quantised quantised;
    void *constants; /* of whole numbers; the kernel's own */
    lks_c_memory value, room;
    int stands_in; /* the step whose memory has the value: itself, or one whose value it replaces */
};

struct lks_c_plan {
    const lks_exporting *x;
    lks_c_step *steps; /* in order; the last one gives the logits */
    int n_steps;
    size_t floats; /* of scratch memory; bytes with whole numbers */
};

/* The kernels of a kind of program. */
typedef struct lks_c_kernels {
    const lks_c_kernel *image;
    /* Of a layer; NULL: it is only another view of its input. */
    const lks_c_kernel *(*choose)(const lks_exporting *x, const lks_export_layer *layer);
    const lks_c_kernel
        *widen; /* what makes logits where the last layer's kernel does not; or NULL */
} lks_c_kernels;

/* Freed by lks_c_plan_free(), after a failure too. LKS_ERR_MEMORY. */
lks_status lks_c_plan_make(lks_c_plan *plan, const lks_exporting *x, const lks_c_kernels *kernels,
                           lks_error *err);
void lks_c_plan_free(lks_c_plan *plan);

/* Values of a shape. */
size_t lks_c_values(lks_shape s);

#endif
