/* Scales, and the factors between them. */
#include "export/c/int8/int8.h"

#include <math.h>

#include "base/memory.h"

const char *lks_c_layer_name(const lks_c_step *s) {
    return s->layer ? s->layer->config->name : "input";
}

lks_status lks_c_factor_of(const lks_c_step *s, double value, lks_c_factor *factor,
                           lks_error *err) {
    const int most = 62; /* bits to be shifted: less than a sum has */
    int exponent;
    const double fraction = frexp(value, &exponent); /* 0.5 to 1 */
    double multiplier = rint(ldexp(fraction, 31));
    if (multiplier >= 0x1p31) {
        multiplier /= 2;
        exponent++;
    }
    *factor = (lks_c_factor){(int32_t)multiplier, 31 - exponent};
    if (factor->shift > most)
        *factor = (lks_c_factor){0, 1};
    if (factor->shift >= 1)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_CONFIG,
                    "layer '%s': its values are too large for whole numbers; export it without "
                    "--int8",
                    lks_c_layer_name(s));
}

int8_t lks_c_rounded(const lks_c_step *s, double value) {
    const double q = rint(value / s->quantised.scale) + s->quantised.zero_point;
    return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

void *lks_c_constants(lks_c_step *s, size_t bytes, lks_error *err) {
    s->constants = lks_alloc(1, bytes, "a layer in whole numbers", err);
    return s->constants;
}

bool lks_c_is_last(const lks_c_step *s) {
    return s == &s->plan->steps[s->plan->n_steps - 1];
}

int8_t *lks_c_out(const lks_c_step *s, const lks_c_run *r) {
    return r->scratch + s->plan->steps[s->stands_in].value.at;
}

int8_t *lks_c_in(const lks_c_step *s, int k, const lks_c_run *r) {
    return lks_c_out(&s->plan->steps[s->inputs[k]], r);
}

void lks_c_compute(const lks_c_plan *plan, const uint8_t *image, int8_t *scratch, int32_t *logits) {
    const lks_c_run r = {image, scratch, logits};
    for (int i = 0; i < plan->n_steps; i++)
        plan->steps[i].kernel->run(&plan->steps[i], &r);
}
