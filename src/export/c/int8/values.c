/* What is computed value by value: the image, functions of one value, sums, channels side by side, logits. */
#include "export/c/int8/int8.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

#include "export/c/text/int8_limited.c99"
#include "export/c/text/int8_logit.c99"
#include "export/c/text/int8_shifted.c99"

#include "export/c/text/int8_add.c99"
#include "export/c/text/int8_concat.c99"
#include "export/c/text/int8_image.c99"
#include "export/c/text/int8_table.c99"
#include "export/c/text/int8_widen.c99"

#define NUMBERS 256 /* of 8 bits */

static double real(const lks_c_step *s, int q) {
    return s->quantised.scale * (q - s->quantised.zero_point);
}

/* --- the image -------------------------------------------------------------------------------- */

static lks_status build_image(lks_c_step *s, lks_error *err) {
    const int n = s->out.channels * NUMBERS;
    int8_t *table = lks_c_constants(s, (size_t)n, err);
    for (int i = 0; table && i < n; i++)
        table[i] = lks_c_rounded(s, (double)s->plan->x->model.pixels[i]);
    return table ? LKS_OK : err->status;
}

static void run_image(const lks_c_step *s, const lks_c_run *r) {
    read_image(s->constants, r->image, s->out.channels, lks_c_values(s->out), lks_c_out(s, r));
}

static lks_status declare_image(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    fputs("/* What a byte becomes: by channel. */\n", w->out);
    lks_c_int8s(w, s, "pixels", s->constants, (size_t)s->out.channels * NUMBERS);
    return LKS_OK;
}

static void call_image(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    read_image(%spixels, image, %d, %zu, %s);\n", lks_c_prefix(s, prefix),
            s->out.channels, lks_c_values(s->out), lks_c_output(s, out));
}

const lks_c_kernel lks_c_int8_image = {.text = "int8_image",
                                       .build = build_image,
                                       .run = run_image,
                                       .declare = declare_image,
                                       .call = call_image};

/* --- functions of one value ------------------------------------------------------------------- */

static lks_activation_kind function_of(const lks_export_layer *layer) {
    static const struct {
        const char *name;
        lks_activation_kind kind;
    } rows[] = {{"leaky_relu", LKS_ACT_LEAKY},
                {"tanh", LKS_ACT_TANH},
                {"sigmoid", LKS_ACT_SIGMOID},
                {"silu", LKS_ACT_SILU}};
    for (int i = 0; i < LKS_COUNT(rows); i++)
        if (lks_export_is(layer, rows[i].name))
            return rows[i].kind;
    if (lks_export_is(layer, "gelu"))
        return lks_export_flag(layer, "tanh_form") ? LKS_ACT_GELU_TANH : LKS_ACT_GELU;
    return LKS_ACT_RELU;
}

static lks_status build_table(lks_c_step *s, lks_error *err) {
    const lks_c_step *from = &s->plan->steps[s->inputs[0]];
    const bool leaky = lks_export_is(s->layer, "leaky_relu");
    const float slope = leaky ? (float)lks_export_number(s->layer, "slope") : 0.0f;
    float x[NUMBERS], y[NUMBERS];
    int8_t *table = lks_c_constants(s, NUMBERS, err);
    if (!table)
        return err->status;
    for (int i = 0; i < NUMBERS; i++)
        x[i] = (float)real(from, i - 128);
    s->plan->x->model.kernels->activate(function_of(s->layer), y, x, NUMBERS, slope);
    for (int i = 0; i < NUMBERS; i++)
        table[i] = lks_c_rounded(s, (double)y[i]);
    return LKS_OK;
}

static void run_table(const lks_c_step *s, const lks_c_run *r) {
    look_up(s->constants, lks_c_in(s, 0, r), lks_c_out(s, r), lks_c_values(s->out));
}

static lks_status declare_table(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    lks_c_int8s(w, s, "table", s->constants, NUMBERS);
    return LKS_OK;
}

static void call_table(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    look_up(%stable, %s, %s, %zu);\n", lks_c_prefix(s, prefix),
            lks_c_input(s, 0, in), lks_c_output(s, out), lks_c_values(s->out));
}

const lks_c_kernel lks_c_int8_table = {.text = "int8_table",
                                       .build = build_table,
                                       .run = run_table,
                                       .declare = declare_table,
                                       .call = call_table,
                                       .in_place = true};

/* --- sums ------------------------------------------------------------------------------------- */

/* Both inputs' multipliers have one shift: that of the larger one. */
static lks_status build_add(lks_c_step *s, lks_error *err) {
    const lks_c_quantised *a = &s->plan->steps[s->inputs[0]].quantised;
    const lks_c_quantised *b = &s->plan->steps[s->inputs[1]].quantised;
    const double out = s->quantised.scale, largest = fmax(a->scale, b->scale);
    lks_c_factor factor;
    LKS_TRY(lks_c_factor_of(s, largest / out, &factor, err));
    addition *sum = lks_c_constants(s, sizeof *sum, err);
    if (!sum)
        return err->status;
    *sum = (addition){.n = lks_c_values(s->out),
                      .zero_point_a = a->zero_point,
                      .zero_point_b = b->zero_point,
                      .zero_point = s->quantised.zero_point,
                      .multiplier_a = (int32_t)rint(factor.multiplier * (a->scale / largest)),
                      .multiplier_b = (int32_t)rint(factor.multiplier * (b->scale / largest)),
                      .shift = factor.shift};
    return LKS_OK;
}

static void run_add(const lks_c_step *s, const lks_c_run *r) {
    add(s->constants, lks_c_in(s, 0, r), lks_c_in(s, 1, r), lks_c_out(s, r));
}

static lks_status declare_add(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const addition *sum = s->constants;
    const lks_c_member members[] = {{"n", (long)sum->n, NULL},
                                    {"zero_point_a", sum->zero_point_a, NULL},
                                    {"zero_point_b", sum->zero_point_b, NULL},
                                    {"zero_point", sum->zero_point, NULL},
                                    {"multiplier_a", sum->multiplier_a, NULL},
                                    {"multiplier_b", sum->multiplier_b, NULL},
                                    {"shift", sum->shift, NULL}};
    lks_c_constant(w, s, "addition", "layer", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call_add(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], a[LKS_C_NAME_MAX], b[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    add(&%slayer, %s, %s, %s);\n", lks_c_prefix(s, prefix),
            lks_c_input(s, 0, a), lks_c_input(s, 1, b), lks_c_output(s, out));
}

const lks_c_kernel lks_c_int8_add = {.text = "int8_add",
                                     .build = build_add,
                                     .run = run_add,
                                     .declare = declare_add,
                                     .call = call_add,
                                     .in_place = true,
                                     .takes_relu = true};

/* --- channels --------------------------------------------------------------------------------- */

/* A table for each input, from its scale to the output's. */
static lks_status build_concat(lks_c_step *s, lks_error *err) {
    int8_t *tables = lks_c_constants(s, (size_t)s->n_inputs * NUMBERS, err);
    for (int k = 0; tables && k < s->n_inputs; k++)
        for (int i = 0; i < NUMBERS; i++)
            tables[k * NUMBERS + i] =
                lks_c_rounded(s, real(&s->plan->steps[s->inputs[k]], i - 128));
    return tables ? LKS_OK : err->status;
}

static void run_concat(const lks_c_step *s, const lks_c_run *r) {
    const int8_t *tables = s->constants;
    int8_t *y = lks_c_out(s, r);
    for (int k = 0; k < s->n_inputs; k++) {
        const int channels = s->plan->steps[s->inputs[k]].out.channels;
        put_channels(tables + (size_t)k * NUMBERS, lks_c_in(s, k, r), channels,
                     (size_t)s->out.rows * (size_t)s->out.columns, y, s->out.channels);
        y += channels;
    }
}

static lks_status declare_concat(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    lks_c_int8s(w, s, "tables", s->constants, (size_t)s->n_inputs * NUMBERS);
    return LKS_OK;
}

static void call_concat(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    int first = 0;
    for (int k = 0; k < s->n_inputs; k++) {
        const int channels = s->plan->steps[s->inputs[k]].out.channels;
        fprintf(w->out, "    put_channels(%stables + %d, %s, %d, %zu, %s + %d, %d);\n",
                lks_c_prefix(s, prefix), k * NUMBERS, lks_c_input(s, k, in), channels,
                (size_t)s->out.rows * (size_t)s->out.columns, lks_c_output(s, out), first,
                s->out.channels);
        first += channels;
    }
}

const lks_c_kernel lks_c_int8_concat = {.text = "int8_concat",
                                        .build = build_concat,
                                        .run = run_concat,
                                        .declare = declare_concat,
                                        .call = call_concat};

/* --- logits of numbers of 8 bits -------------------------------------------------------------- */

static lks_status build_widen(lks_c_step *s, lks_error *err) {
    const lks_c_quantised *in = &s->plan->steps[s->inputs[0]].quantised;
    lks_c_factor *factor = lks_c_constants(s, sizeof *factor, err);
    return factor ? lks_c_factor_of(s, in->scale / LKS_C_LOGIT, factor, err) : err->status;
}

static void run_widen(const lks_c_step *s, const lks_c_run *r) {
    const lks_c_factor *f = s->constants;
    widen(lks_c_in(s, 0, r), r->logits, lks_c_values(s->out),
          s->plan->steps[s->inputs[0]].quantised.zero_point, f->multiplier, f->shift);
}

static void call_widen(lks_c_writer *w, const lks_c_step *s) {
    char in[LKS_C_NAME_MAX];
    const lks_c_factor *f = s->constants;
    fprintf(w->out, "    widen(%s, logits, %zu, %d, %ld, %d);\n", lks_c_input(s, 0, in),
            lks_c_values(s->out), s->plan->steps[s->inputs[0]].quantised.zero_point,
            (long)f->multiplier, f->shift);
}

const lks_c_kernel lks_c_int8_widen = {.text = "int8_widen",
                                       .build = build_widen,
                                       .run = run_widen,
                                       .call = call_widen,
                                       .gives_logits = true};
