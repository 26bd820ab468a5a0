#include "nn/windows/pool.h"

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    (void)err;
    info->out = (lks_shape){1, 1, p->in[0].channels};
    return LKS_OK;
}

/* One window, as large as the image. */
static lks_status make(lks_site *site, lks_error *err) {
    const lks_shape in = lks_site_input(site, 0)->shape;
    const lks_window window = {.size = {in.rows, in.columns}, .stride = {in.rows, in.columns}};
    return lks_pool_new(site, &window, LKS_POOL_MEAN_OF_IMAGE, err);
}

static const lks_option options[] = {LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .wants_image = true,
                                      .gives_logits = true,
                                      .script = "globalMean"};
const lks_layer_kind lks_layer_global_avgpool = {.name = "global_avgpool",
                                                 .stem = "globalpool",
                                                 .meaning = "mean of each channel",
                                                 .example = "- conv2d: {filters: 10, kernel: 3}\n"
                                                            "- global_avgpool\n",
                                                 .options = options,
                                                 .n_options = LKS_COUNT(options),
                                                 .rules = &rules};
