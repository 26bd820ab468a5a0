/* Which unit computes a network's products, and what that means for its speed. */
#include <string.h>

#include "kernels/kernels.h"
#include "lockstep/model.h"

const char *lks_products_unit(const lks_config *config, const lks_kernels *kernels) {
    return config->train.precision == LKS_BF16 ? kernels->products->unit : "fma";
}

const char *lks_products_text(const lks_config *config, const lks_kernels *kernels) {
    if (config->train.precision == LKS_FLOAT32)
        return "float32";
    return strcmp(lks_products_unit(config, kernels), "amx") == 0
               ? "bfloat16, on AMX tiles"
               : "bfloat16, by fused multiply-adds (without AMX no faster than float32)";
}
