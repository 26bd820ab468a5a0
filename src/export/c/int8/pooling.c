/* Largest values and means of windows. */
#include "export/c/int8/int8.h"
#include "export/c/kernels.h"

#include "export/c/text/int8_limited.c99"
#include "export/c/text/int8_logit.c99"
#include "export/c/text/int8_pool.c99"

#include "export/c/text/int8_max_pool.c99"
#include "export/c/text/int8_mean.c99"
#include "export/c/text/int8_mean_last.c99"
#include "export/c/text/int8_mean_pool.c99"

#define CELLS_MAX (1 << 22) /* of a mean, whose sum then fits into 32 bits */
#define SHIFT_MAX 40        /* so that cells * 2^shift fits into 63 */

/* The factor of means. LKS_ERR_CONFIG. */
static lks_status mean_factor(const lks_c_step *s, const lks_export_window *v, double value,
                              lks_c_factor *factor, lks_error *err) {
    if ((int64_t)v->size[0] * v->size[1] > CELLS_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "layer '%s': a mean of more than %d values does not fit into 32 bits; "
                        "export it without --int8",
                        s->layer->config->name, CELLS_MAX);
    LKS_TRY(lks_c_factor_of(s, value, factor, err));
    for (; factor->shift > SHIFT_MAX; factor->shift--)
        factor->multiplier /= 2;
    return LKS_OK;
}

static lks_status build_pool(lks_c_step *s, const lks_export_window *v, int cells, lks_error *err) {
    const lks_c_step *from = &s->plan->steps[s->inputs[0]];
    const double out_scale = lks_c_is_last(s) ? LKS_C_LOGIT : s->quantised.scale;
    const lks_shape in = s->layer->in;
    lks_c_factor factor = {0};
    if (!s->kernel->keeps_scale)
        LKS_TRY(mean_factor(s, v, from->quantised.scale / out_scale, &factor, err));
    pool *p = lks_c_constants(s, sizeof *p, err);
    if (!p)
        return err->status;
    *p = (pool){.rows = in.rows,
                .columns = in.columns,
                .channels = in.channels,
                .window_rows = v->size[0],
                .window_columns = v->size[1],
                .row_stride = v->stride[0],
                .column_stride = v->stride[1],
                .top = v->before[0],
                .left = v->before[1],
                .out_rows = s->out.rows,
                .out_columns = s->out.columns,
                .cells = cells,
                .zero_point_in = from->quantised.zero_point,
                .zero_point = s->quantised.zero_point,
                .multiplier = factor.multiplier,
                .shift = factor.shift};
    return LKS_OK;
}

static lks_status build_max(lks_c_step *s, lks_error *err) {
    const lks_export_window v = lks_export_window_of(s->layer);
    return build_pool(s, &v, 0, err);
}

/* Of all pixels: one window, as large as the image. */
static lks_status build_mean(lks_c_step *s, lks_error *err) {
    const lks_shape in = s->layer->in;
    lks_export_window v = {.size = {in.rows, in.columns}, .stride = {1, 1}};
    int cells = 0;
    if (lks_export_is(s->layer, "avgpool")) {
        v = lks_export_window_of(s->layer);
        cells = lks_export_flag(s->layer, "count_padding") ? v.size[0] * v.size[1] : 0;
    }
    return build_pool(s, &v, cells, err);
}

static void run_max(const lks_c_step *s, const lks_c_run *r) {
    max_pool(s->constants, lks_c_in(s, 0, r), lks_c_out(s, r));
}

static void run_mean(const lks_c_step *s, const lks_c_run *r) {
    if (lks_c_is_last(s))
        mean_last(s->constants, lks_c_in(s, 0, r), r->logits);
    else
        mean_pool(s->constants, lks_c_in(s, 0, r), lks_c_out(s, r));
}

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const pool *p = s->constants;
    const lks_c_member members[] = {{"rows", p->rows, NULL},
                                    {"columns", p->columns, NULL},
                                    {"channels", p->channels, NULL},
                                    {"window_rows", p->window_rows, NULL},
                                    {"window_columns", p->window_columns, NULL},
                                    {"row_stride", p->row_stride, NULL},
                                    {"column_stride", p->column_stride, NULL},
                                    {"top", p->top, NULL},
                                    {"left", p->left, NULL},
                                    {"out_rows", p->out_rows, NULL},
                                    {"out_columns", p->out_columns, NULL},
                                    {"cells", p->cells, NULL},
                                    {"zero_point_in", p->zero_point_in, NULL},
                                    {"zero_point", p->zero_point, NULL},
                                    {"multiplier", p->multiplier, NULL},
                                    {"shift", p->shift, NULL}};
    lks_c_constant(w, s, "pool", "layer", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call_max(lks_c_writer *w, const lks_c_step *s) {
    lks_c_padded_call(w, s, "max_pool");
}

static void call_mean(lks_c_writer *w, const lks_c_step *s) {
    lks_c_padded_call(w, s, lks_c_is_last(s) ? "mean_last" : "mean_pool");
}

static void texts_of_mean(lks_c_writer *w, const lks_c_step *s) {
    lks_c_part(w, lks_c_is_last(s) ? "int8_mean_last" : "int8_mean_pool");
}

const lks_c_kernel lks_c_int8_max_pool = {.text = "int8_max_pool",
                                          .build = build_max,
                                          .run = run_max,
                                          .declare = declare,
                                          .call = call_max,
                                          .keeps_scale = true};
const lks_c_kernel lks_c_int8_mean_pool = {.texts = texts_of_mean,
                                           .build = build_mean,
                                           .run = run_mean,
                                           .declare = declare,
                                           .call = call_mean,
                                           .gives_logits = true};
