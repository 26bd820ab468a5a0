/* The kernels of programs in C, one file for those of a kind. */
#ifndef LKS_EXPORT_C_KERNELS_H
#define LKS_EXPORT_C_KERNELS_H

#include "export/c/writer.h"

extern const lks_c_kernel lks_c_image, lks_c_direct, lks_c_grouped, lks_c_winograd, lks_c_bf16;
extern const lks_c_kernel lks_c_max_pool, lks_c_mean_pool, lks_c_global_mean;
extern const lks_c_kernel lks_c_normalise, lks_c_add, lks_c_concat;
extern const lks_c_kernel lks_c_relu, lks_c_leaky, lks_c_tanh, lks_c_sigmoid, lks_c_gelu,
    lks_c_gelu_tanh, lks_c_silu;

/* Kernels of floats with the bits of the network, and of whole numbers. */
extern const lks_c_kernels lks_c_floats_kernels, lks_c_int8_kernels;

/* LKS_ERR_CONFIG names a layer that no kernel computes. */
lks_status lks_c_check_kinds(const lks_exporting *x, lks_error *err);

/* What src/nn/layers/batchnorm.c makes of channel c's tensors for evaluation: centre, scale, shift. */
void lks_c_normalisation(const lks_export_layer *layer, int c, float to[3]);

/* --- convolutions and dense layers ------------------------------------------------------------ */

/* A layer with weights: a dense layer is the convolution of one pixel. */
typedef struct lks_c_linear {
    lks_shape in, out; /* out: before the step's pooling */
    lks_export_window window;
    int groups;
    const float *weights; /* [kernel row][kernel column][channel of a group][filter] */
    size_t count;
    const float *bias; /* NULL: there is none */
} lks_c_linear;
lks_c_linear lks_c_linear_of(const lks_c_step *s);

/* What the input is with its padding. */
int lks_c_padded(const lks_c_linear *l, int d); /* rows or columns */
size_t lks_c_padded_values(const lks_c_linear *l);

/* Values of the padded input; 0 where there is no padding. */
size_t lks_c_padded_room_of(const lks_c_linear *l);
size_t lks_c_padded_room(const lks_c_step *s);

/* Writes the constant PREFIXpadding. */
void lks_c_padding(lks_c_writer *w, const lks_c_step *s, const lks_c_linear *l);

/* Writes the call of `function` for a layer whose input is padded first, where it has padding. */
void lks_c_padded_call(lks_c_writer *w, const lks_c_step *s, const char *function);

/* Weights with LANES filters after the other, as text/lanes.c99 has them, into [l->count]. */
void lks_c_by_lanes(const lks_c_linear *l, float *to);

/* Writes PREFIXweights in the order that `order` gives, by `write`, and PREFIXbias, zeros where there is none.
 * LKS_ERR_MEMORY. */
typedef void (*lks_c_order)(const lks_c_linear *l, float *to);
typedef void (*lks_c_numbers)(lks_c_writer *w, const lks_c_step *s, const char *what,
                              const float *values, size_t n);
lks_status lks_c_weights(lks_c_writer *w, const lks_c_step *s, const lks_c_linear *l,
                         lks_c_order order, lks_c_numbers write, lks_error *err);

/* Writes the constant PREFIXlayer of type `type`: the members given, then what all of them end with. */
void lks_c_layer(lks_c_writer *w, const lks_c_step *s, const char *type,
                 const lks_c_member *members, int n);

#endif
