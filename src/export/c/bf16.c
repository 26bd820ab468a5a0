/* Layers whose products are in bfloat16. */
#include "base/memory.h"
#include "export/c/kernels.h"
#include "nn/plan.h"
#include "nn/products/linear.h"

#define PRODUCTS 32 /* of a block */

/* The layer as src/nn sees it, since that decides which products make a block. */
static lks_linear seen(const lks_c_step *s, const lks_c_linear *l) {
    const lks_exporting *x = s->plan->x;
    const bool dense = lks_export_is(s->layer, "dense");
    const lks_shape in = dense ? s->layer->order : l->in;
    const int stored = lks_plan_stride(&x->network->config, s->layer->config->inputs[0],
                                       in.channels, x->input.channels);
    if (dense)
        return lks_linear_dense(in, stored);
    return (lks_linear){.channels = in.channels,
                        .stored = stored,
                        .kernel = {l->window.size[0], l->window.size[1]}};
}

/* The input, rounded, with its padding. */
static size_t room(const lks_c_step *s) {
    const lks_c_linear l = lks_c_linear_of(s);
    return lks_c_padded_values(&l);
}

/* Rounds a layer's weights as the network itself does. */
static lks_status round_weights(const lks_c_step *s, const lks_c_linear *l, float *to,
                                lks_error *err) {
    const lks_exporting *x = s->plan->x;
    const lks_narrow_args a = {.x = l->weights,
                               .rows = 1,
                               .columns = 1,
                               .channels = (int)l->count,
                               .out_row = l->count,
                               .out = to};
    if (x->model.kernels->few->narrow(&a))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_NUMERIC, "layer '%s': a weight is infinite as a bfloat16",
                    s->layer->config->name);
}

static lks_status weights(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    lks_c_linear l = lks_c_linear_of(s);
    float *rounded = lks_alloc(l.count, sizeof *rounded, "weights", err);
    if (!rounded)
        return err->status;
    lks_status status = round_weights(s, &l, rounded, err);
    l.weights = rounded;
    if (status == LKS_OK)
        status = lks_c_weights(w, s, &l, lks_c_by_lanes, lks_c_halves, err);
    lks_free(rounded);
    return status;
}

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    const lks_c_linear l = lks_c_linear_of(s);
    const lks_linear own = seen(s, &l);
    const int row = own.kernel[1] * own.stored, blocks = (row + PRODUCTS - 1) / PRODUCTS;
    const bool dense = lks_export_is(s->layer, "dense");
    const lks_c_member members[] = {
        {"columns", dense ? own.size[1] : lks_c_padded(&l, 1), NULL},
        {"channels", own.channels, NULL},
        {"kernel_rows", own.kernel[0], NULL},
        {"kernel_columns", own.kernel[1], NULL},
        {"row_stride", l.window.stride[0], NULL},
        {"column_stride", l.window.stride[1], NULL},
        {"row_places", lks_linear_in_one_block(&own) ? row : blocks * PRODUCTS, NULL},
        {"column_places", own.stored, NULL}};
    LKS_TRY(weights(w, s, err));
    lks_c_padding(w, s, &l);
    lks_c_layer(w, s, "bf16_convolution", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    lks_c_prefix(s, prefix);
    fprintf(w->out, "    convolve_bf16(&%slayer, &%spadding, %s, %s, %sroom);\n", prefix, prefix,
            lks_c_input(s, 0, in), lks_c_output(s, out), prefix);
}

const lks_c_kernel lks_c_bf16 = {.text = "bf16",
                                 .room = room,
                                 .declare = declare,
                                 .call = call,
                                 .halves = true,
                                 .takes_relu = true,
                                 .takes_pool = true};
