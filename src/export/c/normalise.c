/* Batch normalisation, by its running moments. */
#include <math.h>

#include "base/memory.h"
#include "export/c/kernels.h"

void lks_c_normalisation(const lks_export_layer *layer, int c, float to[3]) {
    const lks_export_tensor *gamma = lks_export_tensor_of(layer, "weight");
    const lks_export_tensor *beta = lks_export_tensor_of(layer, "bias");
    const float variance = lks_export_tensor_of(layer, "running_var")->values[c];
    const double factor = 1 / sqrt((double)variance + lks_export_number(layer, "epsilon"));
    to[0] = lks_export_tensor_of(layer, "running_mean")->values[c];
    to[1] = (float)((gamma ? (double)gamma->values[c] : 1.0) * factor);
    to[2] = beta ? beta->values[c] : 0.0f;
}

/* [centre, scale, shift][channels] */
static void make_numbers(const lks_c_step *s, float *to) {
    const int channels = s->out.channels;
    for (int c = 0; c < channels; c++) {
        float numbers[3];
        lks_c_normalisation(s->layer, c, numbers);
        for (int k = 0; k < 3; k++)
            to[k * channels + c] = numbers[k];
    }
}

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    const size_t channels = (size_t)s->out.channels;
    const lks_c_member members[] = {{"pixels", (long)(s->out.rows) * s->out.columns, NULL},
                                    {"channels", s->out.channels, NULL},
                                    {"centre", 0, "centre.values"},
                                    {"scale", 0, "scale.values"},
                                    {"shift", 0, "shift.values"}};
    float *numbers = lks_alloc(3 * channels, sizeof *numbers, "a normalisation", err);
    if (!numbers)
        return err->status;
    make_numbers(s, numbers);
    lks_c_floats(w, s, "centre", numbers, channels);
    lks_c_floats(w, s, "scale", numbers + channels, channels);
    lks_c_floats(w, s, "shift", numbers + 2 * channels, channels);
    lks_free(numbers);
    lks_c_constant(w, s, "normalisation", "layer", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call(lks_c_writer *w, const lks_c_step *s) {
    char prefix[LKS_C_NAME_MAX], in[LKS_C_NAME_MAX], out[LKS_C_NAME_MAX];
    fprintf(w->out, "    normalise(&%slayer, %s, %s);\n", lks_c_prefix(s, prefix),
            lks_c_input(s, 0, in), lks_c_output(s, out));
}

const lks_c_kernel lks_c_normalise = {
    .text = "normalise", .declare = declare, .call = call, .in_place = true};
