/* Convolutions whose channels fall into groups, down to one channel a group (depthwise). */
#ifndef LKS_NN_GROUPED_H
#define LKS_NN_GROUPED_H

#include "nn/windows/window.h"

/* Appends a convolution with the ReLU that follows it. Outputs [g, g + 1) * filters / groups read the
 * input channels [g, g + 1) * channels / groups; both divide evenly. Weights are
 * [kernel row][kernel column][in / groups][out]. */
lks_status lks_grouped_new(lks_site *site, const lks_window *window, int groups, lks_error *err);

#endif
