#ifndef LKS_NN_POOL_H
#define LKS_NN_POOL_H

#include "nn/windows/window.h"

typedef enum lks_pooling {
    LKS_POOL_LARGEST,
    LKS_POOL_MEAN_OF_IMAGE, /* divided by the cells inside the image */
    LKS_POOL_MEAN_OF_WINDOW /* by all cells, padding too */
} lks_pooling;

/* The options of a member `window` in the settings struct `type`. */
#define LKS_POOL_OPTIONS(type, what)                                                               \
    LKS_SIZE_OPTION(type, "window", "size of the window"),                                         \
        {"stride",         "distance between two windows; default: the window",                    \
         LKS_OPT_INT_PAIR, .offset = LKS_SETTING(type, window.stride),                             \
         .min = 1,         .max = 4096},                                                           \
        LKS_PADDING_OPTION(type, what)

/* Windows stand side by side unless a stride is given; 0 means not given, since it is out of range. */
void lks_pool_complete(lks_window *w);

/* The rule of lks_layer_rules.shape for a window. */
lks_status lks_pool_shape(const lks_place *p, const lks_window *w, lks_layer_info *info,
                          lks_error *err);

lks_status lks_pool_new(lks_site *site, const lks_window *w, lks_pooling pooling, lks_error *err);

#endif
