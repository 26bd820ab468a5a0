/* Plain convolutions, and dense layers. */
#include "export/c/kernels.h"

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    const lks_c_linear l = lks_c_linear_of(s);
    const lks_c_member members[] = {
        {"columns", lks_c_padded(&l, 1), NULL},   {"channels", l.in.channels, NULL},
        {"kernel_rows", l.window.size[0], NULL},  {"kernel_columns", l.window.size[1], NULL},
        {"row_stride", l.window.stride[0], NULL}, {"column_stride", l.window.stride[1], NULL}};
    LKS_TRY(lks_c_weights(w, s, &l, lks_c_by_lanes, lks_c_floats, err));
    if (lks_export_is_padded(&l.window))
        lks_c_padding(w, s, &l);
    lks_c_layer(w, s, "convolution", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call(lks_c_writer *w, const lks_c_step *s) {
    lks_c_padded_call(w, s, "convolve");
}

static void texts(lks_c_writer *w, const lks_c_step *s) {
    if (s->room.floats > 0)
        lks_c_part(w, "padding");
    lks_c_part(w, "direct");
}

const lks_c_kernel lks_c_direct = {.texts = texts,
                                   .room = lks_c_padded_room,
                                   .declare = declare,
                                   .call = call,
                                   .takes_relu = true,
                                   .takes_pool = true};
