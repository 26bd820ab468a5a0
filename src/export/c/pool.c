/* Largest values and means of windows. */
#include "export/c/kernels.h"

static void declare_pool(lks_c_writer *w, const lks_c_step *s, const lks_export_window *v,
                         int cells) {
    const lks_shape in = s->layer->in;
    const lks_c_member members[] = {{"rows", in.rows, NULL},
                                    {"columns", in.columns, NULL},
                                    {"channels", in.channels, NULL},
                                    {"window_rows", v->size[0], NULL},
                                    {"window_columns", v->size[1], NULL},
                                    {"row_stride", v->stride[0], NULL},
                                    {"column_stride", v->stride[1], NULL},
                                    {"top", v->before[0], NULL},
                                    {"left", v->before[1], NULL},
                                    {"out_rows", s->out.rows, NULL},
                                    {"out_columns", s->out.columns, NULL},
                                    {"cells", cells, NULL}};
    lks_c_constant(w, s, "pool", "layer", members, LKS_COUNT(members));
}

static lks_status declare_max(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const lks_export_window v = lks_export_window_of(s->layer);
    declare_pool(w, s, &v, 0);
    return LKS_OK;
}

static lks_status declare_mean(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const lks_export_window v = lks_export_window_of(s->layer);
    const bool whole = lks_export_flag(s->layer, "count_padding");
    declare_pool(w, s, &v, whole ? v.size[0] * v.size[1] : 0);
    return LKS_OK;
}

/* One window, as large as the image. */
static lks_status declare_global(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const lks_shape in = s->layer->in;
    const lks_export_window v = {.size = {in.rows, in.columns}, .stride = {1, 1}};
    declare_pool(w, s, &v, 0);
    return LKS_OK;
}

static void call_pool(lks_c_writer *w, const lks_c_step *s, const char *function) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    %s(&%slayer, %s, %s);\n", function, lks_c_prefix(s, prefix),
            lks_c_input(s, 0, in), lks_c_output(s, out));
}

static void call_max(lks_c_writer *w, const lks_c_step *s) {
    call_pool(w, s, "max_pool");
}

static void call_mean(lks_c_writer *w, const lks_c_step *s) {
    call_pool(w, s, "mean_pool");
}

const lks_c_kernel lks_c_max_pool = {.text = "max_pool", .declare = declare_max, .call = call_max};
const lks_c_kernel lks_c_mean_pool = {
    .text = "mean_pool", .declare = declare_mean, .call = call_mean};
const lks_c_kernel lks_c_global_mean = {
    .text = "mean_pool", .declare = declare_global, .call = call_mean};
