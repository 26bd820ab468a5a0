#include "base/utf8.h"
#include "config/advice.h"
#include "config/model.h"
#include "config/print.h"
#include "base/suggest.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer that is being read: what messages call it, and which options it was given. */
typedef struct layer_reading {
    lks_reader *reader;
    lks_layer_config *layer;
    const lks_layer_kind *info;
    char label[64];
    unsigned given; /* bit i: option i */
} layer_reading;

static lks_status unknown_option(lks_reader *r, const lks_layer_kind *info, const char *key,
                                 size_t offset) {
    char shown[80], text[300];
    lks_printable(shown, sizeof shown, key, strlen(key));
    const lks_advice *advice = lks_advice_find(key);
    const char *meant = NULL;
    lks_nearest nearest = lks_nearest_start(key);
    size_t used = (size_t)snprintf(text, sizeof text, "known options:");
    for (int i = 0; i < info->n_options && used < sizeof text; i++) {
        const char *known = info->options[i].key;
        meant = lks_advice_names(advice, known) ? known : meant;
        lks_nearest_offer(&nearest, known, strlen(known));
        used += (size_t)snprintf(text + used, sizeof text - used, " %s", known);
    }
    meant = meant || (advice && !advice->instead) ? meant : nearest.best;
    if (meant)
        snprintf(text, sizeof text, "did you mean '%s'?", meant);
    else if (advice && !advice->instead)
        snprintf(text, sizeof text, "%s", advice->text);
    return lks_fail_at(&r->problems, &r->now, offset, "%s has no option '%s'; %s", info->name,
                       shown, text);
}

/* After a layer of an unknown kind, default names have other numbers than they will have. */
static lks_status check_unique(lks_reader *r, const lks_layer_config *layer, size_t offset) {
    const lks_config *c = r->config;
    for (int i = 0; i < c->n_layers; i++)
        if (!c->layers[i].kind)
            return LKS_OK;
        else if (&c->layers[i] != layer && strcmp(c->layers[i].name, layer->name) == 0)
            return lks_fail_at(&r->problems, &r->now, offset,
                               "two layers are called '%s' (layers %d and %d): names are unique",
                               layer->name, i + 1, (int)(layer - c->layers) + 1);
    return LKS_OK;
}

static lks_status read_layer_option(layer_reading *l, const lks_option *option,
                                    const lks_node *node) {
    char label[LKS_KEY_MAX];
    snprintf(label, sizeof label, "%s%s", l->label, option->key);
    l->given |= 1u << (option - l->info->options);
    return lks_option_read(option, l->layer, label, node, &l->reader->now, &l->reader->problems);
}

static lks_status read_layer_map(layer_reading *l, const lks_node *map) {
    lks_reader *r = l->reader;
    lks_status status = LKS_OK;
    for (const lks_node *key = map->first; key; key = key->next->next) {
        const lks_option *option =
            key->type == LKS_NODE_SCALAR ? lks_layer_option_find(l->info, key->text) : NULL;
        lks_status one;
        if (key->type != LKS_NODE_SCALAR)
            one = lks_fail_at(&r->problems, &r->now, key->offset, "a key must be a word");
        else if (!option)
            one = unknown_option(r, l->info, key->text, key->offset);
        else if (l->given & 1u << (option - l->info->options))
            one = lks_fail_at(&r->problems, &r->now, key->offset, "duplicate key '%s'", key->text);
        else
            one = read_layer_option(l, option, key->next);
        status = one == LKS_OK ? status : one;
    }
    return status;
}

/* The kind that @p key names, or NULL with the problem noted; @p value, or NULL, stands below it. */
static const lks_layer_kind *find_kind(lks_reader *r, const lks_node *key, const lks_node *value) {
    if (key->type != LKS_NODE_SCALAR) {
        lks_fail_at(&r->problems, &r->now, key->offset,
                    "a layer is a word like 'relu' or a map like 'dense: 10'");
        return NULL;
    }
    const lks_layer_kind *found = lks_layer_kind_find(key->text);
    if (found)
        return found;
    lks_nearest nearest = lks_nearest_start(key->text);
    char shown[80], text[400] = "known kinds:";
    const lks_advice *advice = lks_advice_find(key->text);
    lks_printable(shown, sizeof shown, key->text, strlen(key->text));
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++) {
        const char *name = (*kind)->name;
        const size_t used = strlen(text);
        lks_nearest_offer(&nearest, name, strlen(name));
        snprintf(text + used, sizeof text - used, " %s", name);
    }
    if (advice && advice->text)
        snprintf(text, sizeof text, "%s", advice->text);
    else if (nearest.best)
        snprintf(text, sizeof text, "did you mean '%s'?", nearest.best);
    else if (value && value->next) /* {type: conv2d, filters: 32, kernel: 3} */
        snprintf(text, sizeof text,
                 "a layer has one key, its kind: - conv2d: {filters: 32, kernel: 3}");
    lks_fail_at(&r->problems, &r->now, key->offset, "unknown layer '%s'; %s", shown, text);
    return NULL;
}

static lks_status check_required(const layer_reading *l, size_t offset) {
    for (int i = 0; i < l->info->n_options; i++) {
        const lks_option *option = &l->info->options[i];
        char expected[160];
        if (option->required && !(l->given & 1u << i))
            return lks_fail_at(&l->reader->problems, &l->reader->now, offset,
                               "%sneeds '%s', %s (%s)", l->label, option->key,
                               lks_option_describe(option, expected, sizeof expected),
                               option->meaning);
    }
    return LKS_OK;
}

static void default_name(const lks_config *config, lks_layer_config *layer) {
    int number = 0;
    for (const lks_layer_config *l = config->layers; l <= layer; l++)
        number += l->kind == layer->kind;
    snprintf(layer->name, sizeof layer->name, "%s%d", layer->kind->stem, number);
}

static lks_status read_settings(layer_reading *l, const lks_node *key, const lks_node *value) {
    if (!value)
        return LKS_OK;
    if (value->type == LKS_NODE_MAP)
        return read_layer_map(l, value);
    if (value->type == LKS_NODE_NULL && !l->info->options[0].required)
        return LKS_OK; /* "relu:" is "relu" */
    if (!l->info->short_form)
        return lks_fail_at(&l->reader->problems, &l->reader->now, key->offset,
                           "%s takes no value, at most a map like {name: a}", l->info->name);
    return read_layer_option(l, &l->info->options[0], value);
}

/* The options of a layer that other programs call otherwise are looked at under the kind that is meant,
 * so that what is wrong with them is told as well. Only for that: the layer stays without a kind. */
static void read_meant(lks_reader *r, const lks_node *key, const lks_node *options) {
    const lks_advice *advice = key->type == LKS_NODE_SCALAR ? lks_advice_find(key->text) : NULL;
    lks_layer_config unused = {0};
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++)
        if (lks_advice_names(advice, (*kind)->name) && options && options->type == LKS_NODE_MAP) {
            layer_reading l = {.reader = r, .layer = &unused, .info = *kind};
            snprintf(l.label, sizeof l.label, "%s: ", (*kind)->name);
            read_layer_map(&l, options);
        }
}

/* Reads one entry of the list: a word, or a map with the kind as its only key. */
static lks_status read_layer(lks_reader *r, const lks_node *node, lks_layer_config *layer) {
    const lks_node *key = node, *value = NULL;
    if (node->type == LKS_NODE_MAP && node->first) {
        key = node->first;
        value = key->next;
    }
    const lks_layer_kind *kind = find_kind(r, key, value);
    if (!kind) {
        read_meant(r, key, value);
        return LKS_ERR_CONFIG;
    }
    layer->kind = kind;
    r->layers[layer - r->config->layers] = key->offset;
    layer->line = r->now.kind != LKS_SOURCE_FILE ? 0 : lks_source_line(&r->now, node->offset);
    layer_reading l = {.reader = r, .layer = layer, .info = kind};
    snprintf(l.label, sizeof l.label, "layer %d (%s): ", (int)(layer - r->config->layers) + 1,
             l.info->name);
    for (int i = 0; i < l.info->n_options; i++)
        if (l.info->options[i].preset)
            lks_option_reset(&l.info->options[i], layer);
    lks_status status = read_settings(&l, key, value);
    if (!layer->name[0])
        default_name(r->config, layer);
    if (value && value->next)
        status = lks_fail_at(&r->problems, &r->now, value->next->offset,
                             "a layer has one key, its kind; options go below it or into {...}, "
                             "another layer begins with '- '");
    LKS_TRY(status);
    LKS_TRY(check_required(&l, key->offset));
    return check_unique(r, layer, key->offset);
}

lks_status lks_model_read(lks_reader *r, const lks_node *node) {
    int count = 0;
    for (const lks_node *child = node->first; child; child = child->next)
        count++;
    if (node->type != LKS_NODE_LIST || count == 0 || count > LKS_LAYERS_MAX)
        return lks_fail_at(&r->problems, &r->now, node->offset,
                           "model must be a list of 1 to %d layers, each on a line with '- '%s",
                           LKS_LAYERS_MAX, count > LKS_LAYERS_MAX ? ", it has more" : "");
    free(r->config->layers);
    r->config->n_layers = 0;
    r->config->layers = calloc((size_t)count, sizeof *r->config->layers);
    if (!r->config->layers)
        return lks_fail_memory(&r->problems, "the layers");
    lks_status status = LKS_OK;
    for (const lks_node *child = node->first; child; child = child->next) {
        lks_status one = read_layer(r, child, &r->config->layers[r->config->n_layers++]);
        status = one == LKS_OK ? status : one;
    }
    return status;
}

/* The layer that @p path begins with, or NULL; its name in @p name. */
static lks_layer_config *find_layer(const lks_config *config, const char *path,
                                    char name[LKS_NAME_MAX]) {
    const size_t length = strcspn(path, ".");
    snprintf(name, LKS_NAME_MAX, "%.*s", (int)(length < LKS_NAME_MAX ? length : LKS_NAME_MAX),
             path);
    for (int i = 0; i < config->n_layers && length > 0 && length < LKS_NAME_MAX; i++)
        if (strcmp(config->layers[i].name, name) == 0)
            return &config->layers[i];
    return NULL;
}

static const char *key_of(const char *path) {
    const char *dot = strchr(path, '.');
    return dot ? dot + 1 : "";
}

const lks_option *lks_model_option(const lks_config *config, const char *path) {
    char name[LKS_NAME_MAX];
    const lks_layer_config *layer = find_layer(config, path, name);
    return layer ? lks_layer_option_find(layer->kind, key_of(path)) : NULL;
}

static lks_status unknown_layer(lks_reader *r, const char *name) {
    char shown[80];
    lks_printable(shown, sizeof shown, name, strlen(name));
    lks_nearest nearest = lks_nearest_start(name);
    for (int i = 0; i < r->config->n_layers; i++)
        lks_nearest_offer(&nearest, r->config->layers[i].name, strlen(r->config->layers[i].name));
    return lks_fail_at(&r->problems, &r->now, 0, "no layer is called '%s'%s%s%s", shown,
                       nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                       nearest.best ? "'?" : "");
}

lks_status lks_model_set(lks_reader *r, const char *path, const lks_node *node) {
    char name[LKS_NAME_MAX];
    lks_layer_config *layer = find_layer(r->config, path, name);
    const bool sound = lks_reader_sound(r, "model"); /* else the layer may be one that was wrong */
    if (!layer)
        return sound ? unknown_layer(r, name) : LKS_ERR_CONFIG;
    layer_reading l = {.reader = r, .layer = layer, .info = layer->kind};
    const lks_option *option = lks_layer_option_find(l.info, key_of(path));
    if (!option)
        return *key_of(path)
                   ? unknown_option(r, l.info, key_of(path), 0)
                   : lks_fail_at(&r->problems, &r->now, 0,
                                 "'%s' is a layer, set one of its options: model.%s.%s=...", name,
                                 name, l.info->options[0].key);
    snprintf(l.label, sizeof l.label, "model.%.50s.", name);
    LKS_TRY(read_layer_option(&l, option, node));
    return check_unique(r, layer, 0);
}
