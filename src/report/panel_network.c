/* The network as the page computes it: layers as JSON, numbers as text. */
#include "report/panel_network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/json.h"
#include "lockstep/memory.h"

/* --- numbers ---------------------------------------------------------------------------------- */

/* One character a weight takes less room than a byte in Base64. What matters in a page stays out of
 * it, "<" and "&"; zero stays zero. */
#define LEVELS 46

static char character_of(double level) {
    int code = 'O' + (int)level;
    return (char)(code == '<' ? '~' : code);
}

/* A tensor of the layer, of which there must be `count` numbers for each unit; 0: any number. */
static const lks_tensor *find(const lks_flat *flat, const lks_layer_config *layer, const char *what,
                              size_t units, size_t count, lks_error *err) {
    char name[LKS_TENSOR_NAME_MAX];
    snprintf(name, sizeof name, "%s/%s", layer->name, what);
    for (int i = 0; i < flat->n_tensors; i++) {
        const lks_tensor *t = &flat->tensors[i];
        if (strcmp(t->name, name) != 0)
            continue;
        if (t->count > 0 && (count ? t->count == units * count : t->count % units == 0))
            return t;
        lks_fail(err, LKS_ERR_MISMATCH, "the weights' tensor '%s' has %zu numbers for %zu units",
                 name, t->count, units);
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

static lks_status add_products(lks_panel_numbers *to, const lks_flat *flat,
                               const lks_layer_config *layer, size_t units, lks_error *err) {
    const lks_tensor *weight = find(flat, layer, "weight", units, 0, err);
    if (!weight)
        return err->status;
    if (to->text)
        add_rounded(to, flat->values + weight->offset, weight->count, units);
    else
        add_plain(to, flat->values + weight->offset, weight->count);
    if (!layer->bias)
        return LKS_OK;
    const lks_tensor *bias = find(flat, layer, "bias", units, 1, err);
    if (!bias)
        return err->status;
    add_plain(to, flat->values + bias->offset, units);
    return LKS_OK;
}

/* (x - mean) / sqrt(variance + epsilon) * gamma + beta as one scale and one shift. */
static lks_status add_normalisation(lks_panel_numbers *to, const lks_flat *flat,
                                    const lks_layer_config *layer, lks_error *err) {
    static const char *const names[] = {"running_mean", "running_var", "weight", "bias"};
    const lks_tensor *tensors[4] = {NULL};
    for (int i = 0; i < (layer->affine ? 4 : 2); i++) {
        tensors[i] = i ? find(flat, layer, names[i], tensors[0]->count, 1, err)
                       : find(flat, layer, names[i], 1, 0, err);
        if (!tensors[i])
            return err->status;
    }
    const float *mean = flat->values + tensors[0]->offset;
    const float *variance = flat->values + tensors[1]->offset;
    size_t channels = tensors[0]->count;
    float *scale = to->values + to->n, *shift = scale + channels;
    for (size_t c = 0; c < channels; c++) {
        double factor = 1 / sqrt((double)variance[c] + layer->epsilon), beta = 0;
        if (layer->affine) {
            factor *= (double)flat->values[tensors[2]->offset + c];
            beta = (double)flat->values[tensors[3]->offset + c];
        }
        scale[c] = (float)factor;
        shift[c] = (float)(beta - (double)mean[c] * factor);
    }
    to->n += 2 * channels;
    return LKS_OK;
}

/* Nothing becomes more numbers than it has weights, so each array has room for all. */
lks_status lks_panel_numbers_make(lks_panel_numbers *numbers, const lks_panel_source *source,
                                  bool rounded, lks_error *err) {
    const lks_flat *flat = source->weights;
    *numbers = (lks_panel_numbers){0};
    numbers->values = lks_alloc(flat->count, sizeof(float), "the page's network", err);
    if (rounded)
        numbers->text = lks_alloc(flat->count, 1, "the page's network", err);
    if (!numbers->values || (rounded && !numbers->text))
        return err->status;
    for (int i = 0; i < source->config->n_layers; i++) {
        const lks_layer_config *layer = &source->config->layers[i];
        if (layer->kind == LKS_CONV2D)
            LKS_TRY(add_products(numbers, flat, layer, (size_t)layer->filters, err));
        else if (layer->kind == LKS_DENSE)
            LKS_TRY(add_products(numbers, flat, layer, (size_t)layer->units, err));
        else if (layer->kind == LKS_BATCHNORM)
            LKS_TRY(add_normalisation(numbers, flat, layer, err));
    }
    return LKS_OK;
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

static void add_window(lks_html *page, const lks_layer_config *l, const int window[2]) {
    lks_html_printf(page, ",\"window\":[%d,%d],\"stride\":[%d,%d]", window[0], window[1],
                    l->stride[0], l->stride[1]);
    if (l->padding == LKS_PAD_SAME)
        lks_html_add(page, ",\"padding\":\"same\"");
    else if (l->padding == LKS_PAD_EXPLICIT)
        lks_html_printf(page, ",\"padding\":[%d,%d]", l->pad[0], l->pad[1]);
    else
        lks_html_add(page, ",\"padding\":[0,0]");
}

static void add_layer(lks_html *page, const lks_layer_config *l) {
    char number[32];
    lks_html_add(page, "{\"kind\":");
    add_text(page, lks_layer_kind_name(l->kind));
    lks_html_add(page, ",\"name\":");
    add_text(page, l->name);
    lks_html_printf(page, ",\"input\":%d", l->input_layer);
    if (l->kind == LKS_CONV2D)
        add_window(page, l, l->kernel);
    if (l->kind == LKS_MAXPOOL || l->kind == LKS_AVGPOOL)
        add_window(page, l, l->window);
    if (l->kind == LKS_CONV2D || l->kind == LKS_DENSE)
        lks_html_printf(page, ",\"units\":%d,\"bias\":%s",
                        l->kind == LKS_DENSE ? l->units : l->filters, l->bias ? "true" : "false");
    if (l->kind == LKS_AVGPOOL)
        lks_html_printf(page, ",\"countPadding\":%s", l->count_padding ? "true" : "false");
    if (l->kind == LKS_ADD)
        lks_html_printf(page, ",\"from\":%d", l->from_layer);
    if (l->kind == LKS_LEAKY_RELU)
        lks_html_printf(page, ",\"slope\":%s", lks_json_number(l->slope, number));
    if (l->kind == LKS_GELU)
        lks_html_printf(page, ",\"tanhForm\":%s", l->tanh_form ? "true" : "false");
    lks_html_add(page, "}");
}

static void add_numbers(lks_html *page, const char *name, const double *values, int n) {
    char number[32];
    lks_html_printf(page, ",\"%s\":", name);
    for (int i = 0; i < n; i++)
        lks_html_printf(page, "%c%s", i ? ',' : '[', lks_json_number(values[i], number));
    lks_html_add(page, "]");
}

void lks_panel_network_describe(lks_html *page, const lks_panel_source *source) {
    const lks_config *config = source->config;
    const lks_data_identity *data = source->data;
    lks_html_printf(page, "{\"rows\":%d,\"columns\":%d,\"channels\":%d", data->rows, data->columns,
                    data->channels);
    add_numbers(page, "mean", data->mean, data->channels);
    add_numbers(page, "std", data->std, data->channels);
    for (int i = 0; i < data->classes; i++) {
        lks_html_add(page, i ? "," : ",\"classes\":[");
        if (config->data.n_class_names)
            add_text(page, config->data.class_names[i]);
        else
            lks_html_printf(page, "\"%d\"", i);
    }
    for (int i = 0; i < config->n_layers; i++) {
        lks_html_add(page, i ? ",\n" : "],\"layers\":[\n");
        add_layer(page, &config->layers[i]);
    }
    lks_html_add(page, "]}");
}
