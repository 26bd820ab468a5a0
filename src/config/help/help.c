#include "config/help/help.h"
#include "config/locale.h"
#include "config/print.h"

#include <string.h>

#define WIDTH 100

/* Prints @p text, indented, in lines of at most WIDTH columns. */
static void wrap(FILE *out, const char *text, int indent) {
    int column = fprintf(out, "%*s", indent, "");
    for (bool first = true; *text; first = false) {
        int length = (int)strcspn(text, " ");
        if (!first && column + 1 + length > WIDTH) {
            fputc('\n', out);
            column = fprintf(out, "%*s", indent, "");
            first = true;
        }
        column += fprintf(out, "%s%.*s", first ? "" : " ", length, text);
        text += length;
        text += *text == ' ';
    }
    fputc('\n', out);
}

/* --- the rows --------------------------------------------------------------------------------- */

typedef struct visitor {
    void (*visit)(const lks_key_info *key, void *context);
    void *context;
} visitor;

static char *list_words(const lks_option *option, char *out, size_t size) {
    size_t used = 0;
    *out = '\0';
    if (option->type == LKS_OPT_BOOL)
        snprintf(out, size, "true false");
    for (const lks_word *w = option->words; w && w->word && used < size; w++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", w->word);
    return out;
}

/* The meaning; of the optimizer's name with what each of them is, in @p out. */
static const char *describe(const lks_option *option, char *out, size_t size) {
    if (option->words != lks_optimizer_words)
        return option->meaning;
    size_t used = (size_t)snprintf(out, size, "%s", option->meaning);
    for (const lks_word *w = option->words; w->word && used < size; w++)
        used += (size_t)snprintf(out + used, size - used, "; %s: %s", w->word,
                                 lks_optimizer_keys_of((lks_optimizer_name)w->value)->meaning);
    return out;
}

static void visit_option(const visitor *v, const char *layer, const lks_option *option) {
    char expected[160], words[160], condition[160] = "", only[80], presets[160], meaning[1200];
    if (option->only_with)
        snprintf(condition, sizeof condition, "%s: %s", option->only_with,
                 lks_option_only(option, only, sizeof only));
    const lks_key_info key = {layer,
                              option->key,
                              lks_option_describe(option, expected, sizeof expected),
                              list_words(option, words, sizeof words),
                              lks_option_presets(option, presets, sizeof presets),
                              option->required,
                              condition,
                              describe(option, meaning, sizeof meaning),
                              ""};
    v->visit(&key, v->context);
}

void lks_config_keys(void (*visit)(const lks_key_info *key, void *context), void *context) {
    const visitor v = {visit, context};
    locale_t saved = lks_locale_enter();
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        visit_option(&v, NULL, option);
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++) {
        const lks_layer_kind *info = *kind;
        visit(&(lks_key_info){info->name, NULL, "", "", NULL, false, "", info->meaning,
                              info->example ? info->example : ""},
              context);
        for (int i = 0; i < info->n_options; i++)
            visit_option(&v, info->name, &info->options[i]);
    }
    lks_locale_leave(saved);
}

/* --- as text ---------------------------------------------------------------------------------- */

void lks_key_print(const lks_key_info *key, int indent, FILE *out) {
    if (!key->key) {
        fprintf(out, "%*s%s: %s\n", indent, "", key->layer, key->meaning);
        return;
    }
    fprintf(out, "%*s%s: %s", indent, "", key->key, key->expected);
    if (key->required)
        fputs("; required", out);
    else if (key->preset)
        fprintf(out, "; default %s", key->preset);
    if (key->condition[0])
        fprintf(out, "; only with %s", key->condition);
    fputc('\n', out);
    wrap(out, key->meaning, indent + 4);
}

typedef struct text {
    FILE *out;
    bool layers; /* the rows have come to them */
} text;

static void print_key(const lks_key_info *key, void *context) {
    text *t = context;
    if (key->layer && !t->layers)
        fputs("\nEach entry of 'model' is a kind of layer, alone (- relu), with its first option\n"
              "(- dense: 10), or with a map of options (- conv2d: {filters: 32, kernel: 3}):\n",
              t->out);
    t->layers = key->layer;
    if (!key->key)
        fputc('\n', t->out);
    lks_key_print(key, !key->layer ? 0 : key->key ? 4 : 2, t->out);
}

void lks_config_help(FILE *out) {
    text t = {out, false};
    fputs("Keys of a configuration. In the file, each part of a dotted key is a map of its own; "
          "with\n"
          "--set the key is written with dots (--set train.optimizer.lr=0.01), a layer's option "
          "with\n"
          "the layer's name (--set model.conv1.filters=8). The value is YAML, but a text is taken\n"
          "whole, with spaces, '#' and all, unless it begins with a quote.\n\n",
          out);
    lks_config_keys(print_key, &t);
}
