/* What is computed value by value: the image, activation functions, sums, channels side by side. */
#include "export/c/kernels.h"

#include <string.h>

/* The first arguments of a function that makes values of values: "input, output". */
static void call_with_values(lks_c_writer *w, const lks_c_step *s, const char *function) {
    char in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    %s(%s, %s, %zu", function, lks_c_input(s, 0, in), lks_c_output(s, out),
            lks_c_values(s->out));
}

/* --- the image -------------------------------------------------------------------------------- */

static lks_status declare_image(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const size_t n = (size_t)s->out.channels * 256;
    fputs("/* What a byte becomes: by channel. */\n", w->out);
    lks_c_floats(w, s, "pixels", s->plan->x->model.pixels, n);
    return LKS_OK;
}

static void call_image(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    read_image(%spixels.values, image, %s);\n", lks_c_prefix(s, prefix),
            lks_c_output(s, out));
}

const lks_c_kernel lks_c_image = {.text = "image", .declare = declare_image, .call = call_image};

/* --- activation functions --------------------------------------------------------------------- */

static void call_named(lks_c_writer *w, const lks_c_step *s) {
    call_with_values(w, s, s->kernel->text);
    fputs(");\n", w->out);
}

/* The slope as its bits, so that no compiler has to round it. */
static void call_leaky(lks_c_writer *w, const lks_c_step *s) {
    const float slope = (float)lks_export_number(s->layer, "slope");
    uint32_t bits;
    memcpy(&bits, &slope, sizeof bits);
    call_with_values(w, s, "leaky_relu");
    fprintf(w->out, ", float_of(UINT32_C(0x%08x))); /* slope %g */\n", (unsigned)bits,
            (double)slope);
}

const lks_c_kernel lks_c_relu = {.text = "relu", .call = call_named, .in_place = true};
const lks_c_kernel lks_c_leaky = {.text = "leaky", .call = call_leaky, .in_place = true};
const lks_c_kernel lks_c_tanh = {.text = "tanh_all", .call = call_named, .in_place = true};
const lks_c_kernel lks_c_sigmoid = {.text = "sigmoid", .call = call_named, .in_place = true};
const lks_c_kernel lks_c_gelu = {.text = "gelu", .call = call_named, .in_place = true};
const lks_c_kernel lks_c_gelu_tanh = {.text = "gelu_tanh", .call = call_named, .in_place = true};
const lks_c_kernel lks_c_silu = {.text = "silu", .call = call_named, .in_place = true};

/* --- several inputs --------------------------------------------------------------------------- */

static void call_add(lks_c_writer *w, const lks_c_step *s) {
    char a[LKS_C_NAME_MAX], b[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    add(%s, %s, %s, %zu);\n", lks_c_input(s, 0, a), lks_c_input(s, 1, b),
            lks_c_output(s, out), lks_c_values(s->out));
}

static void call_concat(lks_c_writer *w, const lks_c_step *s) {
    char in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    const size_t pixels = (size_t)s->out.rows * (size_t)s->out.columns;
    int first = 0;
    for (int k = 0; k < s->n_inputs; k++) {
        const int channels = s->plan->steps[s->inputs[k]].out.channels;
        fprintf(w->out, "    put_channels(%s, %d, %zu, %s + %d, %d);\n", lks_c_input(s, k, in),
                channels, pixels, lks_c_output(s, out), first, s->out.channels);
        first += channels;
    }
}

const lks_c_kernel lks_c_add = {.text = "add", .call = call_add, .in_place = true};
const lks_c_kernel lks_c_concat = {.text = "concat", .call = call_concat};
