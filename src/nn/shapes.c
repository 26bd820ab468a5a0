/* Shapes, parameters and costs, layer by layer, without building anything. */
#include <stdio.h>
#include <string.h>

#include "lockstep/model.h"
#include "nn/layer.h"

static const lks_layer_rules *rules_of(const lks_config *config, int i) {
    return config->layers[i].kind->rules;
}

static lks_place place_of(const lks_config *config, int i) {
    return (lks_place){.config = config, .index = i, .layer = &config->layers[i]};
}

/* A flattened image keeps its place in memory until a dense layer makes a true vector of it. */
static bool is_flat(const lks_config *config, int i) {
    for (; i >= 0; i = config->layers[i].inputs[0]) {
        if (rules_of(config, i)->flattens)
            return true;
        if (rules_of(config, i)->new_channels)
            return false;
    }
    return false;
}

static bool reads(const lks_layer_config *l, int layer) {
    for (int k = 0; k < l->n_inputs; k++)
        if (l->inputs[k] == layer)
            return true;
    return false;
}

static lks_status check_place(const lks_place *p, lks_error *err) {
    const lks_config *config = p->config;
    for (int k = 0; k < p->layer->n_inputs; k++)
        if (p->layer->kind->rules->wants_image && is_flat(config, p->layer->inputs[k]))
            return lks_place_refuse(p, err, "it comes after a flatten layer; put it before");
    if (p->index + 1 == config->n_layers)
        return LKS_OK;
    for (int k = p->index + 1; k < config->n_layers; k++)
        if (reads(&config->layers[k], p->index))
            return LKS_OK;
    return lks_place_refuse(p, err, "no layer reads its output");
}

/* "conv2d, avgpool, dense" and so on: what may be the last layer. */
static char *logit_kinds(char *out, size_t size) {
    size_t used = 0;
    *out = '\0';
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind && used < size; kind++)
        if ((*kind)->rules->gives_logits)
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", (*kind)->name);
    return out;
}

static lks_status check_last(const lks_config *config, lks_shape out, int classes, lks_error *err) {
    const lks_place p = place_of(config, config->n_layers - 1);
    const char *option = p.layer->kind->rules->outputs;
    char kinds[256], mend[128] = "";
    if (option && out.rows == 1 && out.columns == 1)
        snprintf(mend, sizeof mend, "; --set model.%s.%s=%d makes it fit", p.layer->name, option,
                 classes);
    if (out.rows != 1 || out.columns != 1 || out.channels != classes)
        return lks_place_refuse(&p, err,
                                "the last layer gives %dx%dx%d values, but the data have %d "
                                "classes%s",
                                out.rows, out.columns, out.channels, classes, mend);
    if (!p.layer->kind->rules->gives_logits)
        return lks_place_refuse(&p, err,
                                "the last layer's outputs are the logits: it must be one of %s",
                                logit_kinds(kinds, sizeof kinds));
    return LKS_OK;
}

static bool has_role(const lks_layer_info *info, lks_role role) {
    for (int i = 0; i < info->n_tensors; i++)
        if (info->tensors[i].role == role)
            return true;
    return false;
}

/* Without a weight to train there is no gradient either. */
static lks_status check_trained(const lks_config *config, const lks_layer_info *info,
                                lks_error *err) {
    for (int i = 0; i < config->n_layers; i++)
        if (config->layers[i].trainable && info[i].parameters > 0)
            return LKS_OK;
    return lks_fail(err, LKS_ERR_CONFIG, "model: no layer has weights that may be trained");
}

static bool is_trained(const lks_layer_config *l, const lks_layer_info *info) {
    return l->trainable && info->n_tensors > 0;
}

static bool learns_at(const lks_layer_info *info, int layer) {
    return layer >= 0 && info[layer].learns;
}

static double values_of(lks_shape s, int channels) {
    return (double)s.rows * s.columns * channels;
}

/* What follows from the layer's own rule, which has filled in the rest. */
static void complete(lks_layer_info *all, int i, const lks_layer_config *l) {
    lks_layer_info *info = &all[i];
    for (int t = 0; t < info->n_tensors; t++) {
        int64_t count = 1;
        for (int d = 0; d < info->tensors[t].ndim; d++)
            count *= info->tensors[t].shape[d];
        info->parameters += info->tensors[t].role == LKS_ROLE_MOMENT ? 0 : count;
    }
    info->out_bytes = (int64_t)values_of(info->out, info->out.channels) * (int64_t)sizeof(float);
    info->learns = is_trained(l, info);
    for (int k = 0; k < l->n_inputs; k++)
        info->learns |= learns_at(all, l->inputs[k]);
}

lks_status lks_model_shapes(const lks_config *config, lks_shape input, int classes,
                            lks_layer_info *info, lks_error *err) {
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        lks_place p = place_of(config, i);
        for (int k = 0; k < l->n_inputs; k++)
            p.in[k] = l->inputs[k] < 0 ? input : info[l->inputs[k]].out;
        LKS_TRY(check_place(&p, err));
        info[i] = (lks_layer_info){.out = p.in[0], .flop = values_of(p.in[0], p.in[0].channels)};
        if (l->kind->rules->shape)
            LKS_TRY(l->kind->rules->shape(&p, &info[i], err));
        lks_shape out = info[i].out;
        if (values_of(out, lks_padded(out.channels)) > INT32_MAX / 8)
            return lks_place_refuse(&p, err, "an output of %dx%dx%d values is too large", out.rows,
                                    out.columns, out.channels);
        complete(info, i, l);
    }
    LKS_TRY(check_last(config, info[config->n_layers - 1].out, classes, err));
    return check_trained(config, info, err);
}

double lks_training_flop(const lks_config *config, const lks_layer_info *info) {
    double flop = 0;
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        if (has_role(&info[i], LKS_ROLE_WEIGHT))
            flop += info[i].flop * (1 + is_trained(l, &info[i]) + learns_at(info, l->inputs[0]));
    }
    return flop;
}

/* The last layer that has an option for the number of its outputs, and that; NULL: none has. */
static const lks_layer_config *last_with_outputs(const lks_config *config, int *outputs) {
    for (int i = config->n_layers - 1; i >= 0; i--) {
        const lks_layer_config *l = &config->layers[i];
        const char *key = l->kind->rules->outputs;
        if (!key)
            continue;
        memcpy(outputs, (const char *)l + lks_layer_option_find(l->kind, key)->offset,
               sizeof *outputs);
        return l;
    }
    return NULL;
}

int lks_model_outputs(const lks_config *config) {
    int outputs;
    return last_with_outputs(config, &outputs) ? outputs : 0;
}

void lks_model_fit_outputs(const lks_config *config, int outputs, char *set, size_t size) {
    int now;
    const lks_layer_config *l = last_with_outputs(config, &now);
    *set = '\0';
    if (l && now != outputs)
        snprintf(set, size, "model.%s.%s=%d", l->name, l->kind->rules->outputs, outputs);
}
