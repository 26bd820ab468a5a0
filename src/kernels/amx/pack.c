/* Weights as tiles on the right of products: [pair of output blocks][block of the recurrence][2][16][16][2]; where the
 * number of output blocks is odd, the last one stands alone. */
#include "kernels/amx/amx.h"
#include "kernels/amx/turn.h"

static int per_run(int run_length) {
    return (run_length + LKS_CHAINS - 1) / LKS_CHAINS;
}

size_t LKS_KERNEL(lks_tile_packed_bytes)(int n_runs, int run_length, int blocks, bool one_block) {
    return (size_t)(one_block ? 1 : n_runs * per_run(run_length)) * blocks * LKS_TILE_BYTES;
}

/* The first n of 16 floats `step` apart, rounded; +0 for the others. */
LKS_INLINE void round_some(const float *w, size_t step, int n, lks_operand out[LKS_BLOCK]) {
    float lanes[LKS_BLOCK] = {0};
    const float *from = lanes;
    if (n == LKS_BLOCK && step == 1)
        from = w;
    else
        for (int i = 0; i < n; i++)
            lanes[i] = w[i * step];
    LKS_FOR (int v = 0; v < VPB; v++)
        r_store(out + v * LKS_VL, r_round(v_load(from + v * LKS_VL)));
}

/* Products 32 * block to 32 * block + 31 of a run, for `outputs` outputs from the one on that w belongs to. Lines are
 * products with their outputs, or, where the channels of an output stand side by side, outputs with half of the products:
 * what is read in one go. */
typedef struct source {
    const lks_pack_args *a;
    const float *w;
    int run, block, outputs;
} source;

/* Product k of the block: its first output's weight, and how many channels of its tap follow from there on. */
LKS_INLINE const float *product_of(const source *s, int k, int *channels) {
    const lks_pack_args *a = s->a;
    const int at = s->block * LKS_CHAINS + k, t = at / a->channels, i = at % a->channels;
    *channels = t < a->run_taps ? a->logical_channels - i : 0;
    return *channels > 0
               ? s->w + a->tap[s->run * a->run_taps + t] * a->tap_step + i * a->channel_step
               : s->w;
}

static void pack_by_products(const source *s, lks_operand *to) {
    lks_operand lines[LKS_CHAINS][LKS_BLOCK];
    const lks_operand *from[LKS_CHAINS];
    for (int k = 0; k < LKS_CHAINS; k++) {
        int channels;
        const float *w = product_of(s, k, &channels);
        round_some(w, s->a->output_step, channels > 0 ? s->outputs : 0, lines[k]);
        from[k] = lines[k];
    }
    turn_to_columns(from, 0, to);
}

/* Blocks of 16 channels belong to one tap. */
static void pack_by_outputs(const source *s, lks_operand *to) {
    lks_operand lines[LKS_BLOCK][LKS_CHAINS];
    for (int half = 0; half < LKS_CHAINS; half += LKS_BLOCK) {
        int channels;
        const float *w = product_of(s, half, &channels);
        channels = channels < 0 ? 0 : channels < LKS_BLOCK ? channels : LKS_BLOCK;
        for (int o = 0; o < LKS_BLOCK; o++)
            round_some(w + o * s->a->output_step, 1, o < s->outputs ? channels : 0,
                       lines[o] + half);
    }
    turn_pairs(lines, to);
}

/* Output blocks [first, first + n) */
static void pack_pair(const lks_pack_args *a, int first, int n) {
    const int k_blocks = per_run(a->run_taps * a->channels);
    const bool by_outputs = a->channel_step == 1 && a->channels % LKS_BLOCK == 0;
    lks_operand *to =
        (lks_operand *)a->out + (size_t)first * a->n_runs * k_blocks * LKS_TILE_OPERANDS;
    for (int r = 0; r < a->n_runs; r++)
        for (int k = 0; k < k_blocks; k++)
            for (int b = first; b < first + n; b++, to += LKS_TILE_OPERANDS) {
                const int output = b * LKS_BLOCK, left = a->outputs - output;
                const source s = {a, a->w + output * a->output_step, r, k,
                                  left < LKS_BLOCK ? left : LKS_BLOCK};
                if (by_outputs)
                    pack_by_outputs(&s, to);
                else
                    pack_by_products(&s, to);
            }
}

void LKS_KERNEL(lks_tile_pack)(const lks_pack_args *args, int part, int parts) {
    lks_pack_args b = *args;
    const lks_pack_args *a = &b;
    if (b.one_block) { /* the runs follow each other as one */
        b.run_taps *= b.n_runs;
        b.n_runs = 1;
    }
    const int blocks = (a->outputs + LKS_BLOCK - 1) / LKS_BLOCK, pairs = (blocks + 1) / 2;
    for (int p = pairs * part / parts; p < pairs * (part + 1) / parts; p++)
        pack_pair(a, 2 * p, blocks - 2 * p < 2 ? 1 : 2);
}
