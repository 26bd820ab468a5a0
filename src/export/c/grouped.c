/* Convolutions in groups. */
#include "export/c/kernels.h"

/* [filter][kernel row][column][channel] */
static void by_filter(const lks_c_linear *l, float *to) {
    const size_t filters = (size_t)l->out.channels, taps = l->count / filters;
    for (size_t i = 0; i < l->count; i++)
        to[i % filters * taps + i / filters] = l->weights[i];
}

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    const lks_c_linear l = lks_c_linear_of(s);
    const lks_c_member members[] = {
        {"rows", lks_c_padded(&l, 0), NULL},         {"columns", lks_c_padded(&l, 1), NULL},
        {"channels", l.in.channels, NULL},           {"kernel_rows", l.window.size[0], NULL},
        {"kernel_columns", l.window.size[1], NULL},  {"row_stride", l.window.stride[0], NULL},
        {"column_stride", l.window.stride[1], NULL}, {"groups", l.groups, NULL}};
    LKS_TRY(lks_c_weights(w, s, &l, by_filter, lks_c_floats, err));
    if (lks_export_is_padded(&l.window))
        lks_c_padding(w, s, &l);
    lks_c_layer(w, s, "grouped_convolution", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call(lks_c_writer *w, const lks_c_step *s) {
    lks_c_padded_call(w, s, "convolve_groups");
}

static void texts(lks_c_writer *w, const lks_c_step *s) {
    if (s->room.floats > 0)
        lks_c_part(w, "padding");
    lks_c_part(w, "grouped");
}

const lks_c_kernel lks_c_grouped = {.texts = texts,
                                    .room = lks_c_padded_room,
                                    .declare = declare,
                                    .call = call,
                                    .takes_relu = true};
