#include "support/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/option.h"
#include "config/value.h"

static void stop(const char *what, const char *where) {
    fprintf(stderr, "layers: %s: %s\n", where, what);
    exit(1);
}

/* One "key=value" of `length` bytes. */
static void set(lks_layer_config *layer, const char *text, size_t length) {
    char key[128], *value;
    lks_problems problems = {0};
    snprintf(key, sizeof key, "%.*s", (int)length, text);
    if (!(value = strchr(key, '=')))
        stop("no value", text);
    *value++ = '\0';
    const lks_option *option = lks_layer_option_find(layer->kind, key);
    if (!option)
        stop("no such option", text);
    const lks_node node = {.type = LKS_NODE_SCALAR, .plain = true, .text = value};
    const lks_source source = {.label = "test", .text = "", .size = 0};
    if (lks_option_read(option, layer, key, &node, &source, &problems) != LKS_OK)
        stop(problems.first[0].text, text);
}

lks_layer_config lks_test_layer(int index, const char *kind, const char *options) {
    lks_layer_config l = {.kind = lks_layer_kind_find(kind), .n_inputs = 1, .inputs = {index - 1}};
    if (!l.kind)
        stop("no such kind", kind);
    snprintf(l.name, sizeof l.name, "layer%d", index + 1);
    for (int i = 0; i < l.kind->n_options; i++)
        if (l.kind->options[i].preset)
            lks_option_reset(&l.kind->options[i], &l);
    for (size_t n; *options; options += n + (options[n] == ' ')) {
        n = strcspn(options, " ");
        set(&l, options, n);
    }
    if (l.kind->complete)
        l.kind->complete(&l);
    return l;
}

bool lks_test_is(const lks_layer_config *layer, const char *kind) {
    return strcmp(lks_layer_kind_name(layer->kind), kind) == 0;
}

bool lks_test_setting(const lks_layer_config *layer, const char *key, void *to, size_t size) {
    const lks_option *option = lks_layer_option_find(layer->kind, key);
    if (option)
        memcpy(to, (const char *)layer + option->offset, size);
    return option != NULL;
}

void lks_test_pad(const lks_layer_config *layer, int pad[2]) {
    const lks_option *option = lks_layer_option_find(layer->kind, "padding");
    memcpy(pad, (const char *)layer + option->second, 2 * sizeof *pad);
}

int lks_test_int(const lks_layer_config *layer, const char *key) {
    int value = 0;
    lks_test_setting(layer, key, &value, sizeof value);
    return value;
}
