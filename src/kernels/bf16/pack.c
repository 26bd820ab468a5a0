/* The weights of a layer, rounded and in the order in which products want them: [block of outputs][run][place][16]. */
#include "kernels/bf16/bf16.h"

size_t LKS_KERNEL(lks_fma_packed_bytes)(int n_runs, int run_length, int blocks, bool one_block) {
    (void)one_block;
    return (size_t)n_runs * run_length * blocks * LKS_BLOCK * sizeof(float);
}

/* Channel i of a tap for one block of outputs; w is what its first output has. */
LKS_INLINE void pack_channel(float *out, const float *w, int outputs, size_t output_step) {
    float lanes[LKS_BLOCK] = {0};
    for (int o = 0; o < outputs; o++)
        lanes[o] = w[o * output_step];
    for (int v = 0; v < VPB; v++)
        v_store(out + v * LKS_VL, v_round(v_load(lanes + v * LKS_VL)));
}

/* [run][place][channel][16] of one block of outputs */
static void pack_block(const lks_pack_args *a, float *out, int first) {
    const int outputs = a->outputs - first < LKS_BLOCK ? a->outputs - first : LKS_BLOCK;
    for (int t = 0; t < a->n_runs * a->run_taps; t++) {
        const float *w = a->w + a->tap[t] * a->tap_step + first * a->output_step;
        for (int i = 0; i < a->logical_channels; i++, out += LKS_BLOCK)
            pack_channel(out, w + i * a->channel_step, outputs, a->output_step);
        size_t rest = (size_t)(a->channels - a->logical_channels) * LKS_BLOCK;
        memset(out, 0, rest * sizeof *out);
        out += rest;
    }
}

void LKS_KERNEL(lks_fma_pack)(const lks_pack_args *a, int part, int parts) {
    const int blocks = (a->outputs + LKS_BLOCK - 1) / LKS_BLOCK;
    const size_t block = (size_t)a->n_runs * a->run_taps * a->channels * LKS_BLOCK;
    for (int b = blocks * part / parts; b < blocks * (part + 1) / parts; b++)
        pack_block(a, (float *)a->out + b * block, b * LKS_BLOCK);
}
