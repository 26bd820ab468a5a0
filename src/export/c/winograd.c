/* 3 x 3 convolutions by Winograd's F(2x2, 3x3). */
#include "export/c/kernels.h"

#define TILE 16 /* of text/winograd.c99 */

/* A row of tiles of all channels, and of the products of a filter. */
static size_t room(const lks_c_step *s) {
    const size_t outputs = (size_t)s->out.columns, tiles = s->pool ? outputs : (outputs + 1) / 2;
    return tiles * ((size_t)s->layer->in.channels + 1) * TILE;
}

/* [filter][channel][3 x 3] */
static void by_channel(const lks_c_linear *l, float *to) {
    const size_t filters = (size_t)l->out.channels, channels = (size_t)l->in.channels;
    for (size_t f = 0; f < filters; f++)
        for (size_t c = 0; c < channels; c++)
            for (size_t tap = 0; tap < 9; tap++)
                *to++ = l->weights[(tap * channels + c) * filters + f];
}

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    const lks_c_linear l = lks_c_linear_of(s);
    const lks_c_member members[] = {{"rows", l.in.rows, NULL},
                                    {"columns", l.in.columns, NULL},
                                    {"channels", l.in.channels, NULL},
                                    {"top", l.window.before[0], NULL},
                                    {"left", l.window.before[1], NULL}};
    LKS_TRY(lks_c_weights(w, s, &l, by_channel, lks_c_floats, err));
    lks_c_layer(w, s, "winograd", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    lks_c_prefix(s, prefix);
    fprintf(w->out, "    convolve_by_tiles(&%slayer, %s, %s, %sroom);\n", prefix,
            lks_c_input(s, 0, in), lks_c_output(s, out), prefix);
}

const lks_c_kernel lks_c_winograd = {.text = "winograd",
                                     .room = room,
                                     .declare = declare,
                                     .call = call,
                                     .takes_relu = true,
                                     .takes_pool = true};
