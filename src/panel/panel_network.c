/* The network as the page computes it: layers as JSON, numbers as text. */
#include "panel/panel_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "nn/layer.h"
#include "nn/plan.h"

/* --- numbers ---------------------------------------------------------------------------------- */

/* One character a weight takes less room than a byte in Base64. What matters in a page stays out of
 * it, "<" and "&"; zero stays zero. */
#define LEVELS 46

static char character_of(double level) {
    int code = 'O' + (int)level;
    return (char)(code == '<' ? '~' : code);
}

/* The layer's tensor that was planned so. */
static const lks_tensor *find(const lks_flat *flat, const lks_layer_config *layer,
                              const lks_tensor_plan *plan, lks_error *err) {
    char name[LKS_TENSOR_NAME_MAX];
    size_t count = 1;
    for (int d = 0; d < plan->ndim; d++)
        count *= (size_t)plan->shape[d];
    snprintf(name, sizeof name, "%s/%s", layer->name, plan->what);
    for (int i = 0; i < flat->n_tensors; i++) {
        const lks_tensor *t = &flat->tensors[i];
        if (strcmp(t->name, name) != 0)
            continue;
        if (t->count == count)
            return t;
        lks_fail(err, LKS_ERR_MISMATCH,
                 "the weights' tensor '%s' has %zu numbers, the network takes %zu", name, t->count,
                 count);
        return NULL;
    }
    lks_fail(err, LKS_ERR_MISMATCH, "the weights have no tensor '%s'", name);
    return NULL;
}

static void add_plain(lks_panel_numbers *to, const float *values, size_t count) {
    memcpy(to->values + to->n, values, count * sizeof *values);
    to->n += count;
}

/* w [taps][units], in steps of each unit's largest weight. */
static void add_rounded(lks_panel_numbers *to, const float *w, size_t count, size_t units) {
    float *scale = to->values + to->n;
    memset(scale, 0, units * sizeof *scale);
    for (size_t i = 0; i < count; i++)
        scale[i % units] = fmaxf(scale[i % units], fabsf(w[i]));
    for (size_t u = 0; u < units; u++)
        scale[u] /= LEVELS;
    for (size_t i = 0; i < count; i++) {
        double step = (double)scale[i % units];
        double level = step > 0 ? rint((double)w[i] / step) : 0;
        to->text[to->n_text++] = character_of(fmin(fmax(level, -LEVELS), LEVELS));
    }
    to->n += units;
}

static lks_status add_layer_numbers(lks_panel_numbers *to, const lks_flat *flat,
                                    const lks_layer_config *layer, const lks_layer_info *info,
                                    lks_error *err) {
    for (int i = 0; i < info->n_tensors; i++) {
        const lks_tensor_plan *plan = &info->tensors[i];
        const lks_tensor *t = find(flat, layer, plan, err);
        if (!t)
            return err->status;
        if (to->text && plan->role == LKS_ROLE_WEIGHT)
            add_rounded(to, flat->values + t->offset, t->count,
                        (size_t)plan->shape[plan->ndim - 1]);
        else
            add_plain(to, flat->values + t->offset, t->count);
    }
    return LKS_OK;
}

/* Nothing becomes more numbers than it has weights, so each array has room for all. */
static lks_status make_numbers(lks_panel_numbers *numbers, const lks_panel_source *source,
                               const lks_layer_info *info, bool rounded, lks_error *err) {
    const lks_flat *flat = source->weights;
    numbers->values = lks_alloc(flat->count, sizeof(float), "the page's network", err);
    if (rounded)
        numbers->text = lks_alloc(flat->count, 1, "the page's network", err);
    if (!numbers->values || (rounded && !numbers->text))
        return err->status;
    for (int i = 0; i < source->config->n_layers; i++)
        LKS_TRY(add_layer_numbers(numbers, flat, &source->config->layers[i], &info[i], err));
    return LKS_OK;
}

lks_status lks_panel_numbers_make(lks_panel_numbers *numbers, const lks_panel_source *source,
                                  bool rounded, lks_error *err) {
    const lks_data_identity *d = source->data;
    *numbers = (lks_panel_numbers){0};
    lks_layer_info *info =
        lks_alloc((size_t)source->config->n_layers, sizeof *info, "the page's network", err);
    if (!info)
        return err->status;
    lks_status status = lks_model_shapes(
        source->config, (lks_shape){d->rows, d->columns, d->channels}, d->classes, info, err);
    if (status == LKS_OK)
        status = make_numbers(numbers, source, info, rounded, err);
    lks_free(info);
    return status;
}

void lks_panel_numbers_free(lks_panel_numbers *numbers) {
    lks_free(numbers->values);
    lks_free(numbers->text);
    *numbers = (lks_panel_numbers){0};
}

size_t lks_panel_numbers_length(const lks_panel_numbers *numbers) {
    return (numbers->n * sizeof(float) + 2) / 3 * 4 + numbers->n_text;
}

/* --- layers ----------------------------------------------------------------------------------- */

/* Text in quotes; "<" escaped, since "</script" would end what it stands in. */
static void add_text(lks_html *page, const char *text) {
    char out[8];
    lks_html_add(page, "\"");
    while (*text) {
        const bool opens = *text == '<';
        text += lks_json_character(text, out);
        lks_html_add(page, opens ? "\\u003c" : out);
    }
    lks_html_add(page, "\"");
}

static void add_numbers(lks_html *page, const char *name, const double *values, int n) {
    char number[32];
    lks_html_printf(page, ",\"%s\":", name);
    for (int i = 0; i < n; i++)
        lks_html_printf(page, "%c%s", i ? ',' : '[', lks_json_number(values[i], number));
    lks_html_add(page, "]");
}

static void add_pictures(lks_html *page, const lks_pictures_config *p) {
    static const char *const ways[] = {[LKS_PREPROCESS_AUTO] = "auto",
                                       [LKS_PREPROCESS_MNIST] = "mnist",
                                       [LKS_PREPROCESS_NONE] = "none"};
    lks_html_printf(page, ",\"pictures\":{\"preprocess\":\"%s\",\"invert\":%s,\"background\":%d}",
                    ways[p->preprocess], p->invert ? "true" : "false", p->background);
}

static void add_bounds(lks_html *page, const char *name, const int32_t *bounds) {
    double values[LKS_TRAITS];
    for (int t = 0; t < LKS_TRAITS; t++)
        values[t] = bounds[t];
    add_numbers(page, name, values, LKS_TRAITS);
}

/* When an answer should not be trusted. */
static void add_doubt(lks_html *page, const lks_panel_source *source) {
    const lks_traits *traits = &source->data->traits;
    const double numbers[] = {source->unsure_below, source->temperature, source->steady,
                              source->steady_temperature, source->steady_sure};
    add_numbers(page, "unsure", numbers, 5);
    if (traits->images == 0 || source->data->channels != 1)
        return;
    add_bounds(page, "low", traits->low);
    add_bounds(page, "high", traits->high);
}

/* How the image and the layers' outputs lie in memory decides which products stand in one block. */
static lks_status add_layout(lks_html *page, const lks_panel_source *source, lks_error *err) {
    const lks_config *config = source->config;
    const lks_data_identity *d = source->data;
    const int channels = d->channels;
    lks_layer_info *info = lks_alloc((size_t)config->n_layers, sizeof *info, "the layers", err);
    if (!info)
        return err->status;
    const lks_status status =
        lks_model_shapes(config, (lks_shape){d->rows, d->columns, channels}, d->classes, info, err);
    lks_html_printf(page, ",\"stored\":[%d", lks_plan_stride(config, -1, channels, channels));
    for (int i = 0; status == LKS_OK && i < config->n_layers; i++)
        lks_html_printf(page, ",%d", lks_plan_stride(config, i, info[i].out.channels, channels));
    lks_html_add(page, "]");
    lks_free(info);
    return status;
}

lks_status lks_panel_network_describe(lks_html *page, const lks_panel_source *source,
                                      lks_error *err) {
    const lks_config *config = source->config;
    const lks_data_identity *data = source->data;
    lks_html_printf(page, "{\"rows\":%d,\"columns\":%d,\"channels\":%d", data->rows, data->columns,
                    data->channels);
    add_pictures(page, &config->data.pictures);
    add_doubt(page, source);
    add_numbers(page, "mean", data->mean, data->channels);
    add_numbers(page, "std", data->std, data->channels);
    if (config->train.precision == LKS_BF16)
        LKS_TRY(add_layout(page, source, err));
    for (int i = 0; i < data->classes; i++) {
        lks_html_add(page, i ? "," : ",\"classes\":[");
        if (config->data.n_class_names)
            add_text(page, config->data.class_names[i]);
        else
            lks_html_printf(page, "\"%d\"", i);
    }
    for (int i = 0; i < config->n_layers; i++) {
        char *layer = lks_layer_to_json(&config->layers[i], err);
        if (!layer)
            return err->status;
        lks_html_add(page, i ? ",\n" : "],\"layers\":[\n");
        lks_html_add(page, layer);
        free(layer);
    }
    lks_html_add(page, "]}");
    return LKS_OK;
}

const char *lks_panel_network_misses(const lks_config *config) {
    for (int i = 0; i < config->n_layers; i++)
        if (!config->layers[i].kind->rules->script)
            return config->layers[i].kind->name;
    return NULL;
}

void lks_panel_network_kinds(lks_html *page) {
    lks_html_add(page, "const layerKinds = {\n");
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++)
        if ((*kind)->rules->script)
            lks_html_printf(page, "%s: %s,\n", (*kind)->name, (*kind)->rules->script);
    lks_html_add(page, "};\n");
}
