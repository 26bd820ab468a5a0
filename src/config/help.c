#include "config/locale.h"
#include "config/value.h"

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

static void print_option(FILE *out, const lks_option *option, int indent) {
    char expected[160], words[80];
    fprintf(out, "%*s%s: %s", indent, "", option->key,
            lks_option_describe(option, expected, sizeof expected));
    if (option->required)
        fputs("; required", out);
    else if (option->preset)
        fprintf(out, "; default %s", option->preset);
    if (option->only_with)
        fprintf(out, "; only with %s: %s", option->only_with,
                lks_option_only(option, words, sizeof words));
    fputc('\n', out);
    wrap(out, option->meaning, indent + 4);
}

static void print_layers(FILE *out) {
    fputs("\nEach entry of 'model' is a kind of layer, alone (- relu), with its first option\n"
          "(- dense: 10), or with a map of options (- conv2d: {filters: 32, kernel: 3}):\n",
          out);
    for (int kind = 0; kind < LKS_LAYER_KINDS; kind++) {
        const lks_layer_options *info = &lks_layer_table[kind];
        fprintf(out, "\n  %s: %s\n", info->kind, info->meaning);
        for (int i = 0; i < info->n_options; i++)
            print_option(out, &info->options[i], 4);
    }
}

void lks_config_help(FILE *out) {
    locale_t saved = lks_locale_enter();
    fputs("Keys of a configuration. In the file, each part of a dotted key is a map of its own; "
          "with\n"
          "--set the key is written with dots (--set train.optimizer.lr=0.01), a layer's option "
          "with\n"
          "the layer's name (--set model.conv1.filters=8).\n\n",
          out);
    for (int i = 0; i < lks_n_options; i++)
        print_option(out, &lks_options[i], 0);
    print_layers(out);
    lks_locale_leave(saved);
}
