/* {"class_name": "Sequential", "config": {"name": ..., "layers": [{"class_name": "Conv2D", "config": {"name": ..., "strides":
 * [1, 1], "padding": "valid" ...}}, ...]}}: a layer may be such a model itself. */
#include "import/keras/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json/json_scan.h"

enum { LAYERS_MAX = 4096, DEPTH_MAX = 16 };

#define SIZE_MAX_SAID ((double)(1 << 20)) /* of strides; larger ones are all alike */

/* An object of a layer or model while it is read. */
typedef struct reading {
    lks_keras_config *to;
    int depth;
    char *class, *name, *padding;
    double stride[2], dilation[2], groups, epsilon;
} reading;

typedef bool (*taking)(reading *r, const char *key, lks_json_scan *s);

/* Calls `take` for each member, which steps over its value. */
static bool each_member(reading *r, lks_json_scan *s, taking take) {
    if (!lks_json_eat(s, '{'))
        return lks_json_skip(s);
    if (lks_json_eat(s, '}'))
        return true;
    do {
        char *key;
        const bool named = lks_json_take_text(s, &key);
        const bool well = named && lks_json_eat(s, ':') && take(r, key, s);
        if (named)
            free(key);
        if (!well)
            return false;
    } while (lks_json_eat(s, ','));
    return lks_json_eat(s, '}');
}

static bool take_text(lks_json_scan *s, char **text) {
    if (*text || lks_json_next(s) != '"')
        return lks_json_skip(s);
    if (lks_json_take_text(s, text))
        return true;
    *text = NULL;
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* One number for both, or a list of two; anything else is passed over. */
static bool take_pair(lks_json_scan *s, double pair[2]) {
    const lks_json_scan before = *s;
    double read[2];
    if (is_digit(lks_json_next(s)) && lks_json_take_number(s, &read[0]))
        pair[0] = pair[1] = read[0];
    else if (lks_json_eat(s, '[') && lks_json_take_number(s, &read[0]) && lks_json_eat(s, ',') &&
             lks_json_take_number(s, &read[1]) && lks_json_eat(s, ']'))
        memcpy(pair, read, sizeof read);
    else {
        *s = before;
        return lks_json_skip(s);
    }
    return true;
}

static bool take_number(lks_json_scan *s, double *number) {
    return is_digit(lks_json_next(s)) ? lks_json_take_number(s, number) : lks_json_skip(s);
}

/* --- layers ----------------------------------------------------------------------------------- */

static bool take_object(lks_keras_config *c, lks_json_scan *s, int depth);

static bool take_layers(const reading *r, lks_json_scan *s) {
    if (r->depth >= DEPTH_MAX || !lks_json_eat(s, '['))
        return lks_json_skip(s);
    if (lks_json_eat(s, ']'))
        return true;
    do
        if (!take_object(r->to, s, r->depth + 1))
            return false;
    while (lks_json_eat(s, ','));
    return lks_json_eat(s, ']');
}

static bool take_setting(reading *r, const char *key, lks_json_scan *s) {
    if (strcmp(key, "layers") == 0)
        return take_layers(r, s);
    if (strcmp(key, "name") == 0)
        return take_text(s, &r->name);
    if (strcmp(key, "padding") == 0)
        return take_text(s, &r->padding);
    if (strcmp(key, "strides") == 0)
        return take_pair(s, r->stride);
    if (strcmp(key, "dilation_rate") == 0)
        return take_pair(s, r->dilation);
    if (strcmp(key, "groups") == 0)
        return take_number(s, &r->groups);
    if (strcmp(key, "epsilon") == 0)
        return take_number(s, &r->epsilon);
    return lks_json_skip(s);
}

static bool take_part(reading *r, const char *key, lks_json_scan *s) {
    if (strcmp(key, "class_name") == 0)
        return take_text(s, &r->class);
    return strcmp(key, "config") == 0 ? each_member(r, s, take_setting) : lks_json_skip(s);
}

static int64_t whole(double x) {
    return x >= 0 && x < SIZE_MAX_SAID ? (int64_t)x : (int64_t)SIZE_MAX_SAID;
}

/* Groups of a depthwise one are its input's channels, which are not said. */
static lks_keras_layer convolution(const reading *r, bool depthwise) {
    const bool same = r->padding && strcmp(r->padding, "same") == 0;
    return (lks_keras_layer){
        .said = {.stride = {whole(r->stride[0]), whole(r->stride[1])},
                 .groups = depthwise ? 0 : whole(r->groups),
                 .padding = same ? LKS_ONNX_PAD_SAME_UPPER : LKS_ONNX_PAD_NUMBERS},
        .dilated = r->dilation[0] != 1 || r->dilation[1] != 1};
}

static bool add(reading *r, lks_keras_layer layer) {
    lks_keras_config *c = r->to;
    if (!r->name)
        return true;
    if (c->n == c->room) {
        const int room = 2 * c->room + 16;
        lks_keras_layer *all =
            room > 2 * LAYERS_MAX ? NULL : realloc(c->all, (size_t)room * sizeof *all);
        if (!all)
            return false;
        c->all = all;
        c->room = room;
    }
    layer.name = r->name;
    r->name = NULL;
    c->all[c->n++] = layer;
    return true;
}

static bool add_known(reading *r) {
    const char *class = r->class ? r->class : "";
    r->to->padded = r->to->padded || strcmp(class, "ZeroPadding2D") == 0;
    if (strcmp(class, "Conv2D") == 0 || strcmp(class, "DepthwiseConv2D") == 0)
        return add(r, convolution(r, class[0] == 'D'));
    if (strcmp(class, "BatchNormalization") == 0)
        return add(r, (lks_keras_layer){.said = {.epsilon = r->epsilon}});
    return true;
}

/* Defaults as Keras has them. */
static bool take_object(lks_keras_config *c, lks_json_scan *s, int depth) {
    reading r = {.to = c,
                 .depth = depth,
                 .stride = {1, 1},
                 .dilation = {1, 1},
                 .groups = 1,
                 .epsilon = 1e-3};
    const bool well = each_member(&r, s, take_part) && add_known(&r);
    free(r.class);
    free(r.name);
    free(r.padding);
    return well;
}

/* --- from outside ----------------------------------------------------------------------------- */

bool lks_keras_config_read(lks_keras_config *c, const char *text) {
    lks_json_scan s = {text};
    *c = (lks_keras_config){0};
    if (!take_object(c, &s, 0))
        return false;
    for (int i = 0; i < c->n && c->padded; i++)
        c->all[i].said.padding = LKS_ONNX_PAD_UNKNOWN;
    return true;
}

void lks_keras_config_free(lks_keras_config *c) {
    for (int i = 0; i < c->n; i++)
        free(c->all[i].name);
    free(c->all);
    *c = (lks_keras_config){0};
}

const lks_keras_layer *lks_keras_config_find(const lks_keras_config *c, const char *name) {
    const lks_keras_layer *found = NULL;
    for (int i = 0; i < c->n; i++) {
        if (strcmp(c->all[i].name, name) != 0)
            continue;
        if (found)
            return NULL;
        found = &c->all[i];
    }
    return found;
}
