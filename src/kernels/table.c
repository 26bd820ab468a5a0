/* The table of the instruction set this file is compiled for. AMX has tiles for products in bfloat16, and all else from
 * AVX-512. */
#include "kernels/kernels_isa.h"

#define NAME_(x) #x
#define NAME(x)  NAME_(x)

#ifdef LKS_TILES_AMX
#define TABLE    lks_table_amx
#define PRODUCTS lks_tile_products_amx
extern const lks_kernels TABLE;
extern const lks_products PRODUCTS;
#else
#define TABLE    LKS_KERNEL(lks_table)
#define PRODUCTS LKS_KERNEL(lks_fma)
#endif

const lks_kernels TABLE = {
    .isa = NAME(LKS_ISA_NAME),
    .forward = LKS_KERNEL(lks_forward),
    .winograd_input = LKS_KERNEL(lks_winograd_input),
    .winograd_multiply = LKS_KERNEL(lks_winograd_multiply),
    .winograd_output = LKS_KERNEL(lks_winograd_output),
    .winograd_weights = LKS_KERNEL(lks_winograd_weights),
    .winograd_gradient = LKS_KERNEL(lks_winograd_gradient),
    .winograd_weight_gradients = LKS_KERNEL(lks_winograd_weight_gradients),
    .list = LKS_KERNEL(lks_list),
    .scatter = LKS_KERNEL(lks_scatter),
    .gather = LKS_KERNEL(lks_gather),
    .wgrad = LKS_KERNEL(lks_wgrad),
    .bias = LKS_KERNEL(lks_bias),
    .accumulate = LKS_KERNEL(lks_accumulate),
    .dequantise = LKS_KERNEL(lks_dequantise_all),
    .philox = LKS_KERNEL(lks_philox_fill),
    .dropout = {.forward = LKS_KERNEL(lks_dropout), .backward = LKS_KERNEL(lks_dropout_backward)},
    .activate = LKS_KERNEL(lks_activate),
    .activate_backward = LKS_KERNEL(lks_activate_backward),
    .relu_backward = LKS_KERNEL(lks_relu_backward),
    .add = LKS_KERNEL(lks_add),
    .pool = {.max = LKS_KERNEL(lks_max_pool),
             .max_backward = LKS_KERNEL(lks_max_pool_backward),
             .mean = LKS_KERNEL(lks_mean_pool),
             .mean_backward = LKS_KERNEL(lks_mean_pool_backward)},
    .norm = {.moments = LKS_KERNEL(lks_moments),
             .gradient_moments = LKS_KERNEL(lks_gradient_moments),
             .normalise = LKS_KERNEL(lks_normalise),
             .normalise_backward = LKS_KERNEL(lks_normalise_backward)},
    .image = {.resample = LKS_KERNEL(lks_resample), .smooth = LKS_KERNEL(lks_smooth)},
    .multiply = LKS_KERNEL(lks_multiply),
    .update = {[LKS_UPDATE_SGD] = LKS_KERNEL(lks_sgd),
               [LKS_UPDATE_ADAM] = LKS_KERNEL(lks_adam),
               [LKS_UPDATE_ADAMW] = LKS_KERNEL(lks_adamw),
               [LKS_UPDATE_RMSPROP] = LKS_KERNEL(lks_rmsprop),
               [LKS_UPDATE_ADADELTA] = LKS_KERNEL(lks_adadelta)},
    .hash = LKS_KERNEL(lks_hash),
    .peak = LKS_KERNEL(lks_peak),
    .products = &PRODUCTS,
    .few = &LKS_KERNEL(lks_fma),
};
