#include "nn/window.h"

void lks_window_pad(const lks_window *w, lks_shape in, int before[2], int64_t padded[2]) {
    const int size[2] = {in.rows, in.columns};
    for (int d = 0; d < 2; d++) {
        int64_t total = 0;
        before[d] = 0;
        if (w->padding == LKS_PAD_EXPLICIT) {
            before[d] = w->pad[d];
            total = 2 * (int64_t)w->pad[d];
        } else if (w->padding == LKS_PAD_SAME) {
            int64_t outputs = (size[d] + (int64_t)w->stride[d] - 1) / w->stride[d];
            total = (outputs - 1) * w->stride[d] + w->size[d] - size[d];
            total = total > 0 ? total : 0;
            before[d] = (int)(total / 2);
        }
        padded[d] = size[d] + total;
    }
}

lks_shape lks_window_outputs(const lks_window *w, const int64_t padded[2], int channels) {
    return (lks_shape){(int)((padded[0] - w->size[0]) / w->stride[0] + 1),
                       (int)((padded[1] - w->size[1]) / w->stride[1] + 1), channels};
}
