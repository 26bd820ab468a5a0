#include "nn/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lks_status lks_place_refuse(const lks_place *p, lks_error *err, const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    char line[24] = "";
    if (p->layer->line > 0)
        snprintf(line, sizeof line, " (line %d)", p->layer->line);
    return lks_fail(err, LKS_ERR_CONFIG, "layer %d %s '%s'%s: %s", p->index + 1,
                    lks_layer_kind_name(p->layer->kind), p->layer->name, line, what);
}

lks_tensor_plan *lks_info_tensor(lks_layer_info *info, const char *what, lks_role role, int ndim,
                                 const int64_t *shape) {
    if (info->n_tensors == LKS_LAYER_TENSORS_MAX)
        abort(); /* a layer's rule is wrong: found by the first network that has one */
    lks_tensor_plan *t = &info->tensors[info->n_tensors++];
    *t = (lks_tensor_plan){.what = what, .role = role, .ndim = ndim};
    memcpy(t->shape, shape, (size_t)ndim * sizeof *shape);
    return t;
}

void lks_info_weights(lks_layer_info *info, int ndim, const int64_t *shape, bool bias) {
    const int64_t outputs = shape[ndim - 1];
    double inputs = 1, field = 1;
    for (int d = 0; d < ndim - 1; d++)
        inputs *= (double)shape[d];
    for (int d = 0; d < ndim - 2; d++)
        field *= (double)shape[d];
    const int first = info->n_tensors;
    lks_info_tensor(info, "weight", LKS_ROLE_WEIGHT, ndim, shape);
    if (bias)
        lks_info_tensor(info, "bias", LKS_ROLE_BIAS, 1, &outputs);
    for (int i = first; i < info->n_tensors; i++) {
        info->tensors[i].fan_in = inputs;
        info->tensors[i].fan_out = (double)outputs * field;
    }
}

bool lks_site_takes(lks_site *site, lks_fusion fusion) {
    const int last = site->index + site->used - 1;
    if (last + 1 >= site->config->n_layers || site->readers[last] != 1)
        return false;
    const lks_layer_config *next = &site->config->layers[last + 1];
    const lks_layer_rules *rules = next->kind->rules;
    if (next->inputs[0] != last || !rules->fusion || rules->fusion(next) != fusion)
        return false;
    site->used++;
    return true;
}

lks_activation *lks_site_input(const lks_site *site, int i) {
    return lks_model_output_of(site->model, site->layer->inputs[i]);
}

lks_status lks_site_append(lks_site *site, lks_op *op, const lks_op_class *class, int stride,
                           lks_error *err) {
    return lks_model_append(site->model, op, class, site->layer->name, site->info->out, stride,
                            err);
}
