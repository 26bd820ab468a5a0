#include "nn/plan.h"

#include "base/memory.h"
#include "nn/input.h"
#include "nn/layer.h"

/* --- operations ------------------------------------------------------------------------------- */

/* Appends what starts at the site's layer. A view is read by its own readers, in its input's place. */
static lks_status add_operation(lks_site *site, lks_error *err) {
    const lks_layer_rules *rules = site->layer->kind->rules;
    const bool view = !rules->make;
    if (!view)
        LKS_TRY(rules->make(site, err));
    const int last = site->index + site->used - 1;
    lks_activation *out = view ? lks_site_input(site, 0) : lks_model_last(site->model);
    out->readers += site->readers[last] - view; /* a view's readers, not the view */
    site->model->layer_out[last] = out;
    return LKS_OK;
}

static lks_status add_operations(lks_model *m, const lks_config *config, const lks_layer_info *info,
                                 int *readers, lks_error *err) {
    for (int i = 0; i < config->n_layers; i++)
        for (int k = 0; k < config->layers[i].n_inputs; k++)
            if (config->layers[i].inputs[k] >= 0)
                readers[config->layers[i].inputs[k]]++;
    for (int i = 0; i < config->n_layers;) {
        lks_site site = {m, config, i, &config->layers[i], &info[i], readers, 1};
        LKS_TRY(add_operation(&site, err));
        i += site.used;
    }
    return LKS_OK;
}

/* --- gradients -------------------------------------------------------------------------------- */

static bool reads(const lks_op *op, const lks_activation *a) {
    bool found = op->in == a;
    for (int k = 0; k < op->n_more; k++)
        found |= op->more[k].from == a;
    return found;
}

static bool read_later(const lks_model *m, const lks_activation *a, int op) {
    for (int i = op + 1; i < m->n_ops; i++)
        if (reads(m->ops[i], a))
            return true;
    return false;
}

/* The last operation to read an activation is the first one backward: it writes the gradient, the
 * others' are added to it, in the order in which backward comes by. `again`: the operation itself reads
 * it as an earlier input, too. */
static const lks_samples *connect(const lks_op *op, const lks_activation *in, lks_samples *apart,
                                  bool again) {
    if (!lks_has_gradient(in) || !op->out->gradient)
        return NULL;
    if (!again && !read_later(op->model, in, op->index))
        return in->gradient;
    apart->each = in->gradient->each;
    return apart;
}

static void connect_operation(lks_op *op) {
    op->dx = connect(op, op->in, &op->apart, false);
    for (int k = 0; k < op->n_more; k++) {
        bool again = op->more[k].from == op->in;
        for (int j = 0; j < k; j++)
            again |= op->more[k].from == op->more[j].from;
        op->more[k].dx = connect(op, op->more[k].from, &op->more[k].apart, again);
    }
}

/* --- the input -------------------------------------------------------------------------------- */

/* Whether layer i gives images of the input's channels, laid out as the input is. */
static bool keeps_input_channels(const lks_config *config, int i) {
    for (; i >= 0; i = config->layers[i].inputs[0])
        if (config->layers[i].kind->rules->new_channels)
            return false;
    return true;
}

/* Whether the input's channels have to be padded: where a batchnorm works on them, and where gradients
 * flow back to activations of that shape, as to a sum with something that learns. */
static bool pads_input_channels(const lks_config *config) {
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        if (l->kind->rules->pads_input && keeps_input_channels(config, l->inputs[0]))
            return true;
    }
    return false;
}

int lks_plan_stride(const lks_config *config, int i, int channels, int image_channels) {
    if (!keeps_input_channels(config, i))
        return lks_padded(channels);
    return image_channels <= 4 && !pads_input_channels(config) ? image_channels
                                                               : lks_padded(image_channels);
}

lks_status lks_plan(lks_model *m, const lks_config *config, const lks_layer_info *info,
                    const float (*pixels)[256], lks_error *err) {
    const int channels = m->input.channels;
    LKS_TRY(lks_input_new(m, pixels, lks_plan_stride(config, -1, channels, channels), err));
    int *readers = lks_alloc((size_t)config->n_layers, sizeof *readers, "the network", err);
    if (!readers)
        return err->status;
    lks_status status = add_operations(m, config, info, readers, err);
    lks_free(readers);
    LKS_TRY(status);
    for (int i = 1; i < m->n_ops; i++)
        connect_operation(m->ops[i]);
    return LKS_OK;
}
