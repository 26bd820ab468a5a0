/* What convolutions and dense layers have in common. */
#include <string.h>

#include "base/memory.h"
#include "export/c/kernels.h"

#define LANES 16 /* of text/lanes.c99 */

lks_c_linear lks_c_linear_of(const lks_c_step *s) {
    const lks_export_layer *layer = s->layer;
    const lks_export_tensor *weights = lks_export_tensor_of(layer, "weight");
    const lks_export_tensor *bias = lks_export_tensor_of(layer, "bias");
    lks_c_linear l = {.in = layer->in,
                      .out = layer->out,
                      .window = {.size = {1, 1}, .stride = {1, 1}},
                      .groups = 1,
                      .weights = weights->values,
                      .count = weights->count,
                      .bias = bias ? bias->values : NULL};
    if (lks_export_is(layer, "conv2d")) {
        l.window = lks_export_window_of(layer);
        l.groups = lks_export_int(layer, "groups");
    }
    return l;
}

/* --- padding ---------------------------------------------------------------------------------- */

int lks_c_padded(const lks_c_linear *l, int d) {
    const int size = d == 0 ? l->in.rows : l->in.columns;
    return l->window.before[d] + size + l->window.after[d];
}

size_t lks_c_padded_values(const lks_c_linear *l) {
    return (size_t)lks_c_padded(l, 0) * (size_t)lks_c_padded(l, 1) * (size_t)l->in.channels;
}

size_t lks_c_padded_room_of(const lks_c_linear *l) {
    return lks_export_is_padded(&l->window) ? lks_c_padded_values(l) : 0;
}

size_t lks_c_padded_room(const lks_c_step *s) {
    const lks_c_linear l = lks_c_linear_of(s);
    return lks_c_padded_room_of(&l);
}

void lks_c_padding(lks_c_writer *w, const lks_c_step *s, const lks_c_linear *l) {
    const lks_export_window *v = &l->window;
    const lks_c_member members[] = {
        {"rows", l->in.rows, NULL},         {"columns", l->in.columns, NULL},
        {"channels", l->in.channels, NULL}, {"top", v->before[0], NULL},
        {"bottom", v->after[0], NULL},      {"left", v->before[1], NULL},
        {"right", v->after[1], NULL}};
    lks_c_constant(w, s, "padding", "padding", members, LKS_COUNT(members));
}

void lks_c_padded_call(lks_c_writer *w, const lks_c_step *s, const char *function) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    const char *x = lks_c_input(s, 0, in), *y = lks_c_output(s, out);
    lks_c_prefix(s, prefix);
    if (s->room.floats > 0)
        fprintf(w->out, "    pad_image(&%spadding, %s, %sroom);\n    %s(&%slayer, %sroom, %s);\n",
                prefix, x, prefix, function, prefix, prefix, y);
    else
        fprintf(w->out, "    %s(&%slayer, %s, %s);\n", function, prefix, x, y);
}

/* --- weights ---------------------------------------------------------------------------------- */

void lks_c_by_lanes(const lks_c_linear *l, float *to) {
    const size_t filters = (size_t)l->out.channels, taps = l->count / filters;
    for (size_t first = 0, lanes; first < filters; first += lanes) {
        lanes = filters - first < LANES ? filters - first : LANES;
        for (size_t k = 0; k < taps; k++, to += lanes)
            memcpy(to, l->weights + k * filters + first, lanes * sizeof *to);
    }
}

lks_status lks_c_weights(lks_c_writer *w, const lks_c_step *s, const lks_c_linear *l,
                         lks_c_order order, lks_c_numbers write, lks_error *err) {
    const size_t filters = (size_t)l->out.channels;
    float *room = lks_alloc(l->count + filters, sizeof *room, "weights", err);
    if (!room)
        return err->status;
    order(l, room);
    write(w, s, "weights", room, l->count);
    lks_c_floats(w, s, "bias", l->bias ? l->bias : room + l->count, filters); /* zeros */
    lks_free(room);
    return LKS_OK;
}

void lks_c_layer(lks_c_writer *w, const lks_c_step *s, const char *type,
                 const lks_c_member *members, int n) {
    const lks_c_member rest[] = {{"out_rows", s->out.rows, NULL},
                                 {"out_columns", s->out.columns, NULL},
                                 {"filters", s->out.channels, NULL},
                                 {"weights", 0, s->kernel->halves ? "weights" : "weights.values"},
                                 {"bias", 0, "bias.values"},
                                 {"relu", s->relu, NULL},
                                 {"pool", s->pool ? 2 : 1, NULL}};
    const int n_rest = LKS_COUNT(rest) - !s->kernel->takes_pool;
    lks_c_member all[24];
    memcpy(all, members, (size_t)n * sizeof *all);
    memcpy(all + n, rest, (size_t)n_rest * sizeof *all);
    lks_c_constant(w, s, type, "layer", all, n + n_rest);
}
