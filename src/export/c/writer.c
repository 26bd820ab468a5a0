#include "export/c/writer.h"

#include <ctype.h>
#include <string.h>

#include "base/embedded.h"

extern const lks_embedded lks_c_texts[];

/* --- names ------------------------------------------------------------------------------------ */

static bool is_word(const char *text) {
    bool word = isalpha((unsigned char)*text);
    for (const char *c = text; *c; c++)
        word &= (isalnum((unsigned char)*c) || *c == '_') && (unsigned char)*c < 0x80;
    return word;
}

void lks_c_writer_name(lks_c_writer *w, const char *file) {
    const size_t length = strlen(file) - strlen(".c");
    const bool letter = isalpha((unsigned char)*file);
    snprintf(w->name, sizeof w->name, "%s%.*s", letter ? "" : "net_",
             (int)(length < 64 ? length : 64), file);
    snprintf(w->upper, sizeof w->upper, "%s", w->name);
    for (size_t i = 0; w->name[i]; i++) {
        const unsigned char c = (unsigned char)w->name[i];
        if (!isalnum(c) || c >= 0x80)
            w->name[i] = w->upper[i] = '_';
        w->upper[i] = (char)toupper((unsigned char)w->upper[i]);
    }
}

/* A layer's own name, where it is a word in C that no other layer can get. */
const char *lks_c_prefix(const lks_c_step *s, char prefix[LKS_C_NAME_MAX]) {
    const lks_exporting *x = s->plan->x;
    const char *name = s->layer ? s->layer->config->name : "input";
    if (!s->layer ||
        (is_word(name) && strncmp(name, "layer_", 6) != 0 && strcmp(name, "input") != 0))
        snprintf(prefix, LKS_C_NAME_MAX, "%s_", name);
    else
        snprintf(prefix, LKS_C_NAME_MAX, "layer_%d_", (int)(s->layer - x->layers));
    return prefix;
}

static const char *value_of(const lks_c_plan *plan, int step, char name[LKS_C_NAME_MAX]) {
    char prefix[LKS_C_NAME_MAX];
    if (step == plan->n_steps - 1)
        return "logits";
    snprintf(name, LKS_C_NAME_MAX, "%.100sout", lks_c_prefix(&plan->steps[step], prefix));
    return name;
}

const char *lks_c_input(const lks_c_step *s, int k, char name[LKS_C_NAME_MAX]) {
    return value_of(s->plan, s->inputs[k], name);
}

const char *lks_c_output(const lks_c_step *s, char name[LKS_C_NAME_MAX]) {
    return value_of(s->plan, (int)(s - s->plan->steps), name);
}

/* --- texts ------------------------------------------------------------------------------------ */

#define LINE 100 /* columns */

static const char needs[] = "/* needs:";

/* Copies text with the network's name in the place of @name@ and @NAME@. */
static void copy(const lks_c_writer *w, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        const bool lower = size - i >= 6 && strncmp(text + i, "@name@", 6) == 0;
        const bool upper = size - i >= 6 && strncmp(text + i, "@NAME@", 6) == 0;
        if (lower || upper)
            fputs(lower ? w->name : w->upper, w->out);
        else
            putc(text[i], w->out);
        i += lower || upper ? 5 : 0;
    }
}

/* Writes the texts that the first line names; returns its length. */
static size_t give_needs(lks_c_writer *w, const char *text, size_t size) {
    const char *end = memchr(text, '\n', size);
    char line[128], *rest = line;
    if (!end || strncmp(text, needs, sizeof needs - 1) != 0)
        return 0;
    snprintf(line, sizeof line, "%.*s", (int)(end - text), text);
    strsep(&rest, ":");
    for (char *name; (name = strsep(&rest, " ")) != NULL;)
        if (isalpha((unsigned char)*name))
            lks_c_part(w, name);
    return (size_t)(end - text) + 1;
}

static void give(lks_c_writer *w, const char *name, const char *after) {
    int i = 0;
    while (lks_c_texts[i].name && strcmp(lks_c_texts[i].name, name) != 0)
        i++;
    if (!lks_c_texts[i].name || i >= LKS_C_TEXTS_MAX) {
        fprintf(w->out, "#error \"the text %s is missing\"\n", name); /* so that no file compiles */
        return;
    }
    if (w->given[i])
        return;
    w->given[i] = true;
    const char *text = (const char *)lks_c_texts[i].text;
    const size_t skipped = give_needs(w, text, lks_c_texts[i].size);
    copy(w, text + skipped, lks_c_texts[i].size - skipped);
    fputs(after, w->out);
}

void lks_c_text(lks_c_writer *w, const char *name) {
    give(w, name, "");
}

void lks_c_part(lks_c_writer *w, const char *name) {
    give(w, name, "\n");
}

void lks_c_remark(FILE *out, const char *text) {
    for (char before = 0; *text; before = *text++) {
        const unsigned char c = (unsigned char)*text;
        if ((before == '*' && c == '/') || (before == '/' && c == '*') ||
            (before == '?' && c == '?'))
            putc(' ', out);
        if (c >= 0x80)
            fprintf(out, "\\%03o", c); /* some compilers warn of letters from right to left */
        else
            putc(c < 0x20 || c == 0x7f ? ' ' : c, out);
    }
}

void lks_c_string(FILE *out, const char *text) {
    putc('"', out);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c == '?')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            fprintf(out, "\\%03o", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* n hexadecimal numbers of the upper `bits` bits of floats, in lines of about 100 columns. */
static void write_bits(FILE *out, const float *values, size_t n, int bits) {
    const size_t line = bits == 32 ? 8 : 12;
    for (size_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, &values[i], sizeof word);
        fprintf(out, "%s0x%0*x,", i % line ? " " : "\n    ", bits / 4,
                (unsigned)(word >> (32 - bits)));
    }
    fputs("\n", out);
}

void lks_c_floats(lks_c_writer *w, const lks_c_step *s, const char *what, const float *values,
                  size_t n) {
    char prefix[LKS_C_NAME_MAX];
    fprintf(w->out,
            "static const union {\n    uint32_t bits[%zu];\n    float values[%zu];\n} %s%s = {{", n,
            n, lks_c_prefix(s, prefix), what);
    write_bits(w->out, values, n, 32);
    fputs("}};\n\n", w->out);
}

void lks_c_halves(lks_c_writer *w, const lks_c_step *s, const char *what, const float *values,
                  size_t n) {
    char prefix[LKS_C_NAME_MAX];
    fprintf(w->out, "static const uint16_t %s%s[%zu] = {", lks_c_prefix(s, prefix), what, n);
    write_bits(w->out, values, n, 16);
    fputs("};\n\n", w->out);
}

static void begin_table(lks_c_writer *w, const lks_c_step *s, const char *type, const char *what,
                        size_t n) {
    char prefix[LKS_C_NAME_MAX];
    fprintf(w->out, "static const %s %s%s[%zu] = {", type, lks_c_prefix(s, prefix), what, n);
}

/* The function that writes tables of `type`, with as many numbers in a line as `line` says. */
#define DEFINE_TABLE(function, type, line)                                                         \
    void function(lks_c_writer *w, const lks_c_step *s, const char *what, const type *values,      \
                  size_t n) {                                                                      \
        begin_table(w, s, #type, what, n);                                                         \
        for (size_t i = 0; i < n; i++)                                                             \
            fprintf(w->out, "%s%ld,", i % (line) ? " " : "\n    ", (long)values[i]);               \
        fputs("\n};\n\n", w->out);                                                                 \
    }
DEFINE_TABLE(lks_c_int8s, int8_t, 16)
DEFINE_TABLE(lks_c_uint8s, uint8_t, 16)
DEFINE_TABLE(lks_c_int32s, int32_t, 8)

/* --- constants -------------------------------------------------------------------------------- */

void lks_c_constant(lks_c_writer *w, const lks_c_step *s, const char *type, const char *what,
                    const lks_c_member *members, int n) {
    char prefix[LKS_C_NAME_MAX], text[2 * LKS_C_NAME_MAX];
    int column = fprintf(w->out, "static const %s %s%s = {", type, lks_c_prefix(s, prefix), what);
    for (int i = 0; i < n; i++) {
        const lks_c_member *m = &members[i];
        const char *end = i < n - 1 ? "," : "};";
        const int length =
            m->own ? snprintf(text, sizeof text, ".%s = %s%s%s", m->name, prefix, m->own, end)
                   : snprintf(text, sizeof text, ".%s = %ld%s", m->name, m->value, end);
        const bool wraps = column + 1 + length > LINE;
        column = wraps ? 4 : column + (i > 0);
        fprintf(w->out, "%s%s", wraps ? "\n    " : i ? " " : "", text);
        column += length;
    }
    fputs("\n\n", w->out);
}
