#include "export/c/head.h"

#include <stdlib.h>
#include <string.h>

/* --- remarks ---------------------------------------------------------------------------------- */

#define LINE 116 /* columns */

/* Writes " * KEY: text" in lines that end at blanks or behind commas, where they can. */
static void fact(FILE *out, const char *key, const char *text) {
    int column = fprintf(out, " *   %s:", key);
    int blank = 1;
    while (*text) {
        const size_t word = strcspn(text, " ,"), all = word + (text[word] == ',');
        const int n = all < LINE - 8 ? (int)all : LINE - 8;
        char part[LINE];
        snprintf(part, sizeof part, "%.*s", n, text);
        if (column + blank + n > LINE) {
            column = fprintf(out, "\n *    ");
            blank = 1;
        }
        fputs(blank ? " " : "", out);
        lks_c_remark(out, part);
        column += blank + n;
        text += n;
        blank = *text == ' ';
        text += blank;
    }
    putc('\n', out);
}

static void facts(FILE *out, const lks_exporting *x) {
    static const char *const keys[] = {
        "config",      "step",          "epoch",     "weights_sha256", "averaged",
        "data_sha256", "normalization", "precision", "temperature",    "pictures"};
    for (int i = 0; i < LKS_COUNT(keys); i++) {
        const char *value = lks_export_fact_of(x, keys[i]);
        if (*value)
            fact(out, keys[i], value);
    }
}

/* Layers with all settings, a line each. */
static lks_status layers(FILE *out, const lks_exporting *x, lks_error *err) {
    char key[32];
    for (int i = 0; i < x->n_layers; i++) {
        char *layer = lks_layer_to_json(x->layers[i].config, err);
        if (!layer)
            return err->status;
        snprintf(key, sizeof key, "layer %d", i);
        fact(out, key, layer);
        free(layer);
    }
    return LKS_OK;
}

static void made_by(FILE *out, const lks_exporting *x) {
    fprintf(out, "Lockstep %s (numerics %s)", lks_export_fact_of(x, "lockstep"),
            lks_export_fact_of(x, "numerics"));
}

lks_status lks_c_write_top(lks_c_writer *w, const lks_c_plan *plan, const lks_c_form *form,
                           const char *header, const char *measured, lks_error *err) {
    const lks_exporting *x = plan->x;
    fputs("/* A trained network, written by ", w->out);
    made_by(w->out, x);
    fputs(". The header tells how to use it.\n *\n", w->out);
    lks_c_text(w, form->top);
    if (*measured)
        fact(w->out, "rounded", measured);
    facts(w->out, x);
    LKS_TRY(layers(w->out, x, err));
    fprintf(w->out, " */\n#include \"%s\"\n\n", header);
    lks_c_part(w, form->guard);
    return LKS_OK;
}

/* --- the header ------------------------------------------------------------------------------- */

static void define(const lks_c_writer *w, const char *what, size_t value) {
    fprintf(w->out, "#define %s_%s %zu\n", w->upper, what, value);
}

/* What a caller has to do with a picture, as `lockstep predict` does it. */
static const char *preparation(const lks_exporting *x) {
    const char *pictures = lks_export_fact_of(x, "pictures");
    const bool centred = strstr(pictures, "\"mnist\"") != NULL;
    return centred ? "header_mnist" : "header_plain";
}

void lks_c_write_header(lks_c_writer *w, const lks_c_plan *plan, const lks_c_form *form) {
    const lks_exporting *x = plan->x;
    fputs("/* A trained network, written by ", w->out);
    made_by(w->out, x);
    fputs(".\n *\n", w->out);
    lks_c_text(w, preparation(x));
    fprintf(w->out, "#ifndef %s_H\n#define %s_H\n\n", w->upper, w->upper);
    define(w, "ROWS", (size_t)x->input.rows);
    define(w, "COLUMNS", (size_t)x->input.columns);
    define(w, "CHANNELS", (size_t)x->input.channels);
    define(w, "CLASSES", (size_t)x->classes);
    define(w, "SCRATCH", plan->floats);
    lks_c_text(w, form->header);
}

/* --- classes ---------------------------------------------------------------------------------- */

void lks_c_write_classes(lks_c_writer *w, const lks_exporting *x) {
    char number[16];
    fprintf(w->out, "const char *const %s_classes[%s_CLASSES] = {\n", w->name, w->upper);
    for (int k = 0; k < x->classes; k++) {
        fputs("    ", w->out);
        lks_c_string(w->out, lks_export_class_name(x, k, number));
        fputs(",\n", w->out);
    }
    fputs("};\n\n", w->out);
}
