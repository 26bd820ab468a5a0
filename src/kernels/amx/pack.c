/* Weights as tiles on the right of products: [pair of output blocks][block of the recurrence][2][16][16][2]; where the
 * number of output blocks is odd, the last one stands alone. */
#include "kernels/amx/amx.h"

static int per_run(int run_length) {
    return (run_length + LKS_CHAINS - 1) / LKS_CHAINS;
}

size_t LKS_KERNEL(lks_tile_packed_bytes)(int n_runs, int run_length, int blocks, bool one_block) {
    (void)one_block;
    return (size_t)n_runs * per_run(run_length) * blocks * LKS_TILE_BYTES;
}

/* Of 32 products the sources of 16 outputs each; NULL where the weights are zero. */
typedef struct sources {
    const float *w[LKS_CHAINS];
} sources;

static sources sources_of(const lks_pack_args *a, int run, int block, int first_output) {
    sources s = {{0}};
    for (int k = 0; k < LKS_CHAINS; k++) {
        const int t = (block * LKS_CHAINS + k) / a->channels,
                  i = (block * LKS_CHAINS + k) % a->channels;
        if (t < a->run_taps && i < a->logical_channels)
            s.w[k] = a->w + a->tap[run * a->run_taps + t] * a->tap_step + i * a->channel_step +
                     first_output * a->output_step;
    }
    return s;
}

/* Rounded weights of one product, as floats. */
static void one_product(const float *w, int outputs, size_t step, float out[LKS_BLOCK]) {
    float lanes[LKS_BLOCK] = {0};
    for (int o = 0; w && o < outputs; o++)
        lanes[o] = w[o * step];
    for (int v = 0; v < VPB; v++)
        v_store(out + v * LKS_VL, v_round(v_load(lanes + v * LKS_VL)));
}

static void pack_tile(const lks_pack_args *a, const sources *s, int outputs, lks_operand *to) {
    for (int k = 0; k < LKS_CHAINS; k += 2, to += 2 * LKS_BLOCK) {
        float even[LKS_BLOCK], odd[LKS_BLOCK];
        one_product(s->w[k], outputs, a->output_step, even);
        one_product(s->w[k + 1], outputs, a->output_step, odd);
        for (int o = 0; o < LKS_BLOCK; o++) {
            uint32_t e, d;
            memcpy(&e, &even[o], sizeof e);
            memcpy(&d, &odd[o], sizeof d);
            to[2 * o] = (lks_operand)(e >> 16);
            to[2 * o + 1] = (lks_operand)(d >> 16);
        }
    }
}

/* Output blocks [first, first + n) */
static void pack_pair(const lks_pack_args *a, int first, int n) {
    const int k_blocks = per_run(a->run_taps * a->channels);
    lks_operand *to =
        (lks_operand *)a->out + (size_t)first * a->n_runs * k_blocks * LKS_TILE_OPERANDS;
    for (int r = 0; r < a->n_runs; r++)
        for (int k = 0; k < k_blocks; k++)
            for (int b = first; b < first + n; b++, to += LKS_TILE_OPERANDS) {
                const sources s = sources_of(a, r, k, b * LKS_BLOCK);
                const int left = a->outputs - b * LKS_BLOCK;
                pack_tile(a, &s, left < LKS_BLOCK ? left : LKS_BLOCK, to);
            }
}

void LKS_KERNEL(lks_tile_pack)(const lks_pack_args *a, int part, int parts) {
    const int blocks = (a->outputs + LKS_BLOCK - 1) / LKS_BLOCK, pairs = (blocks + 1) / 2;
    for (int p = pairs * part / parts; p < pairs * (part + 1) / parts; p++)
        pack_pair(a, 2 * p, blocks - 2 * p < 2 ? 1 : 2);
}
