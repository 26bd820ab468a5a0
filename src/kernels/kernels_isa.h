/* The functions of one instruction set's table; each source in this folder is compiled once per
 * set. */
#ifndef LKS_KERNELS_ISA_H
#define LKS_KERNELS_ISA_H

#include "kernels/kernels.h"
#include "kernels/simd.h"

void LKS_KERNEL(lks_forward)(const lks_forward_args *a);
void LKS_KERNEL(lks_list)(const lks_list_args *a);
void LKS_KERNEL(lks_scatter)(float *dx, const float *w, const lks_lists *l);
void LKS_KERNEL(lks_gather)(float *dw, const float *x, const lks_lists *l);
bool LKS_KERNEL(lks_wgrad)(const lks_wgrad_args *a);
void LKS_KERNEL(lks_bias)(float *db, const float *dy, size_t n, int channels);
bool LKS_KERNEL(lks_accumulate)(int64_t *sum, const float *p, size_t n);
void LKS_KERNEL(lks_dequantise_all)(float *out, const int64_t *sum, size_t n, int64_t count);
void LKS_KERNEL(lks_philox_fill)(uint32_t *out, const lks_stream *stream, uint64_t first_block,
                                 size_t blocks);
void LKS_KERNEL(lks_dropout)(float *y, uint8_t *keep, const float *x, const uint32_t *words,
                             size_t n, uint32_t threshold, float scale);
void LKS_KERNEL(lks_dropout_backward)(float *dx, const float *dy, const uint8_t *keep, size_t n,
                                      float scale);
void LKS_KERNEL(lks_activate)(lks_activation_kind kind, float *y, const float *x, size_t n,
                              float slope);
void LKS_KERNEL(lks_activate_backward)(lks_activation_kind kind, float *dx, const float *dy,
                                       const float *x, const float *y, size_t n, float slope);
void LKS_KERNEL(lks_relu_backward)(float *dx, const float *dy, const float *y, size_t n);
void LKS_KERNEL(lks_add)(float *y, const float *a, const float *b, size_t n, bool relu);
void LKS_KERNEL(lks_max_pool)(float *y, void *places, const float *x, const lks_pool_args *a);
void LKS_KERNEL(lks_max_pool_backward)(float *dx, const float *dy, const void *places, int first,
                                       const lks_pool_args *a);
void LKS_KERNEL(lks_mean_pool)(float *y, const float *x, float cells, const lks_pool_args *a);
void LKS_KERNEL(lks_mean_pool_backward)(float *dx, const float *dy, float cells,
                                        const lks_pool_args *a);
void LKS_KERNEL(lks_moments)(double *sum, double *square, const float *x, size_t pixels,
                             int channels);
void LKS_KERNEL(lks_gradient_moments)(double *sum, double *product, const float *dy,
                                      const double *mean, const double *factor,
                                      const lks_norm_args *a);
void LKS_KERNEL(lks_normalise)(float *y, const lks_norm_args *a);
void LKS_KERNEL(lks_normalise_backward)(float *dx, const float *dy, const float *slope,
                                        const float *constant, const lks_norm_args *a);
void LKS_KERNEL(lks_multiply)(const lks_multiply_args *m);
bool LKS_KERNEL(lks_sgd)(float *w, float *const state[LKS_UPDATE_STATES], const float *g, size_t n,
                         const lks_update *s);
bool LKS_KERNEL(lks_adam)(float *w, float *const state[LKS_UPDATE_STATES], const float *g, size_t n,
                          const lks_update *s);
bool LKS_KERNEL(lks_adamw)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                           size_t n, const lks_update *s);
bool LKS_KERNEL(lks_rmsprop)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                             size_t n, const lks_update *s);
bool LKS_KERNEL(lks_adadelta)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                              size_t n, const lks_update *s);

void LKS_KERNEL(lks_resample)(const lks_resample_args *a);
void LKS_KERNEL(lks_smooth)(const lks_smooth_args *a);

void LKS_KERNEL(lks_winograd_input)(const lks_winograd_input_args *a);
void LKS_KERNEL(lks_winograd_multiply)(const lks_winograd_multiply_args *a);
void LKS_KERNEL(lks_winograd_output)(const lks_winograd_output_args *a);
void LKS_KERNEL(lks_winograd_weights)(float *u, size_t u_stride, const float w[9][LKS_BLOCK]);
void LKS_KERNEL(lks_winograd_gradient)(const lks_winograd_gradient_args *a);
void LKS_KERNEL(lks_winograd_weight_gradients)(float *dw, const float *du, size_t u_stride,
                                               size_t n);
uint64_t LKS_KERNEL(lks_hash)(const void *words, size_t n, uint32_t first);
double LKS_KERNEL(lks_peak)(float *out, size_t rounds);

extern const lks_products LKS_KERNEL(lks_fma);
extern const lks_kernels LKS_KERNEL(lks_table);

#endif
