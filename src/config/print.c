#include "config/print.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/locale.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* %g writes 1000 as "1e+03" and 1e-7 without a point, which YAML 1.1 readers take for a text. The fewest digits that
 * read back exactly; needs the C locale; returns `out`. */
static char *shortest(double value, char out[32]) {
    if (fabs(value) < 1e9 && (double)(long)value == value) {
        snprintf(out, 32, "%ld", (long)value);
        return out;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    char *exponent = strchr(out, 'e');
    if (exponent && !strchr(out, '.')) {
        memmove(exponent + 2, exponent, strlen(exponent) + 1);
        memcpy(exponent, ".0", 2);
    }
    return out;
}

/* --- what a value must be --------------------------------------------------------------------- */

static void describe_range(const lks_option *o, char *out, size_t size) {
    char low[32], high[32];
    shortest(o->min, low);
    shortest(o->max, high);
    if (isinf(o->min) && isinf(o->max))
        snprintf(out, size, "%s", "");
    else if (isinf(o->max))
        snprintf(out, size, " %s %s", o->min_open ? ">" : ">=", low);
    else if (o->min_open || o->max_open)
        snprintf(out, size, " %s %s and %s %s", o->min_open ? ">" : ">=", low,
                 o->max_open ? "<" : "<=", high);
    else
        snprintf(out, size, " from %s to %s", low, high);
}

static size_t join_words(char *out, size_t size, const lks_word *words) {
    size_t used = 0;
    for (const lks_word *w = words; w->word && used < size; w++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", w == words ? "" : ", ", w->word);
    return used;
}

char *lks_option_describe(const lks_option *o, char *out, size_t size) {
    char range[80], words[120] = "";
    describe_range(o, range, sizeof range);
    if (o->words)
        join_words(words, sizeof words, o->words);
    switch (o->type) {
    case LKS_OPT_BOOL:
        snprintf(out, size, "true or false");
        break;
    case LKS_OPT_INT:
    case LKS_OPT_INT64:
    case LKS_OPT_UINT64:
        snprintf(out, size, "a whole number%s", range);
        break;
    case LKS_OPT_DOUBLE:
        snprintf(out, size, "a number%s", range);
        break;
    case LKS_OPT_STRING:
        snprintf(out, size, o->min < 1 ? "a text, \"\" for none" : "a text");
        break;
    case LKS_OPT_NAME:
        snprintf(out, size, "a name of letters, digits, '_' and '-'");
        break;
    case LKS_OPT_WORD:
        snprintf(out, size, "one of %s", words);
        break;
    case LKS_OPT_DOUBLES:
        snprintf(out, size, "a number%s or a list of up to %d", range, o->room);
        break;
    case LKS_OPT_NAMES:
        if (o->room == 1)
            snprintf(out, size, "a name of letters, digits, '_' and '-'");
        else
            snprintf(out, size, "a name of letters, digits, '_' and '-', or a list of up to %d",
                     o->room);
        break;
    case LKS_OPT_STRINGS:
        snprintf(out, size, "a list of up to %d texts of 1 to %d bytes", o->room, LKS_NAME_MAX - 1);
        break;
    case LKS_OPT_INT_PAIR:
        snprintf(out, size, "a whole number%s or a list [rows, columns]", range);
        break;
    case LKS_OPT_PADDING:
        snprintf(out, size, "one of %s, a whole number%s or a list [rows, columns]", words, range);
        break;
    case LKS_OPT_MODEL:
        snprintf(out, size, "a list of layers");
        break;
    }
    return out;
}

/* --- values ----------------------------------------------------------------------------------- */

/* True for a text that means itself without quotes, in a block and between braces, to any YAML
 * reader. */
static bool is_plain(const char *text) {
    static const char *const taken[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    if (!isalpha((unsigned char)text[0]) && text[0] != '/')
        return false;
    for (const char *s = text; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("/._-", *s))
            return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(text, taken[i]) == 0)
            return false;
    return true;
}

/* Characters that YAML does not print as they are, or that some readers take for line ends. */
static bool needs_escape(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0xA0) || code == 0x2028 || code == 0x2029 ||
           code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

static void write_text(FILE *out, const char *text) {
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (size_t n; *text; text += n) {
        n = lks_utf8_sequence(text, strlen(text));
        if (n == 0)
            n = 1;
        uint32_t code = 'x'; /* what stands for itself, also a byte that is not UTF-8 */
        if (n == 1 && (unsigned char)*text < 0x80)
            code = (unsigned char)*text;
        else if (n == 2)
            code = (text[0] & 0x1Fu) << 6 | (text[1] & 0x3Fu);
        else if (n == 3)
            code = (text[0] & 0x0Fu) << 12 | (text[1] & 0x3Fu) << 6 | (text[2] & 0x3Fu);
        if (needs_escape(code))
            fprintf(out, "\\u%04" PRIX32, code);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fwrite(text, 1, n, out);
    }
    fputc('"', out);
}

/* A single number or name needs no brackets. */
static void write_list(FILE *out, const lks_option *o, const char *at, int n) {
    bool brackets = n != 1 || o->type == LKS_OPT_STRINGS;
    if (brackets)
        fputc('[', out);
    for (int i = 0; i < n; i++) {
        if (i)
            fputs(", ", out);
        if (o->type != LKS_OPT_DOUBLES) {
            write_text(out, at + (size_t)i * LKS_NAME_MAX);
        } else {
            double value;
            char text[32];
            memcpy(&value, at + (size_t)i * sizeof value, sizeof value);
            fputs(shortest(value, text), out);
        }
    }
    if (brackets)
        fputc(']', out);
}

static void write_pair(FILE *out, const int pair[2]) {
    if (pair[0] == pair[1])
        fprintf(out, "%d", pair[0]);
    else
        fprintf(out, "[%d, %d]", pair[0], pair[1]);
}

void lks_option_write(FILE *out, const lks_option *o, const void *base) {
    const char *at = (const char *)base + o->offset, *second = (const char *)base + o->second;
    int number, pair[2];
    int64_t wide;
    double real;
    char text[32];
    switch (o->type) {
    case LKS_OPT_BOOL:
        fputs(*(const bool *)at ? "true" : "false", out);
        break;
    case LKS_OPT_INT:
        memcpy(&number, at, sizeof number);
        fprintf(out, "%d", number);
        break;
    case LKS_OPT_INT64:
        memcpy(&wide, at, sizeof wide);
        fprintf(out, "%" PRId64, wide);
        break;
    case LKS_OPT_UINT64:
        memcpy(&wide, at, sizeof wide);
        fprintf(out, "%" PRIu64, (uint64_t)wide);
        break;
    case LKS_OPT_DOUBLE:
        memcpy(&real, at, sizeof real);
        fputs(shortest(real, text), out);
        break;
    case LKS_OPT_STRING:
    case LKS_OPT_NAME:
        write_text(out, at);
        break;
    case LKS_OPT_WORD:
        memcpy(&number, at, sizeof number);
        fputs(lks_word_of(o->words, number), out);
        break;
    case LKS_OPT_DOUBLES:
    case LKS_OPT_NAMES:
    case LKS_OPT_STRINGS:
        memcpy(&number, second, sizeof number);
        write_list(out, o, at, number);
        break;
    case LKS_OPT_INT_PAIR:
        memcpy(pair, at, sizeof pair);
        write_pair(out, pair);
        break;
    case LKS_OPT_PADDING:
        memcpy(&number, at, sizeof number);
        memcpy(pair, second, sizeof pair);
        if (number == LKS_PAD_EXPLICIT)
            write_pair(out, pair);
        else
            fputs(lks_word_of(o->words, number), out);
        break;
    case LKS_OPT_MODEL:
        break; /* a block of its own, lks_layer_write() */
    }
}

/* Names and lists that are not given have no text that reads back as that. */
static bool has_value(const lks_option *o, const void *base) {
    int count = 1;
    if (o->room)
        memcpy(&count, (const char *)base + o->second, sizeof count);
    return count > 0 && (o->type != LKS_OPT_NAME || ((const char *)base)[o->offset]);
}

void lks_layer_write(FILE *out, const lks_layer_config *layer) {
    const lks_layer_kind *info = layer->kind;
    fprintf(out, "%s: {", info->name);
    bool first = true;
    for (int i = 0; i < info->n_options; i++) {
        const lks_option *o = &info->options[i];
        if (!has_value(o, layer))
            continue;
        fprintf(out, "%s%s: ", first ? "" : ", ", o->key);
        lks_option_write(out, o, layer);
        first = false;
    }
    fputc('}', out);
}

/* --- a layer as JSON -------------------------------------------------------------------------- */

/* Numbers, lists of them and truth values are written as in YAML; words and names want quotes. */
static void write_json(FILE *out, const lks_option *o, const void *base) {
    const char *at = (const char *)base + o->offset;
    int number = LKS_PAD_EXPLICIT;
    if (o->type == LKS_OPT_PADDING || o->type == LKS_OPT_WORD)
        memcpy(&number, at, sizeof number);
    const bool quoted = o->type == LKS_OPT_WORD || o->type == LKS_OPT_NAME ||
                        (o->type == LKS_OPT_PADDING && number != LKS_PAD_EXPLICIT);
    if (o->type == LKS_OPT_NAMES) {
        int n;
        memcpy(&n, (const char *)base + o->second, sizeof n);
        for (int i = 0; i < n; i++)
            fprintf(out, "%s\"%s\"", i ? "," : "[", at + (size_t)i * LKS_NAME_MAX);
        fputc(']', out);
        return;
    }
    fputs(quoted ? "\"" : "", out);
    if (o->type == LKS_OPT_NAME) /* letters, digits, '_' and '-' */
        fputs(at, out);
    else
        lks_option_write(out, o, base);
    fputs(quoted ? "\"" : "", out);
}

static void write_layer_json(FILE *out, const void *what, const char *key) {
    const lks_layer_config *layer = what;
    (void)key;
    fprintf(out, "{\"kind\":\"%s\",\"inputs\":", layer->kind->name);
    for (int i = 0; i < layer->n_inputs; i++)
        fprintf(out, "%c%d", i ? ',' : '[', layer->inputs[i]);
    fputc(']', out);
    for (int i = 0; i < layer->kind->n_options; i++) {
        const lks_option *o = &layer->kind->options[i];
        if (!has_value(o, layer))
            continue;
        fprintf(out, ",\"%s\":", o->key);
        write_json(out, o, layer);
    }
    fputc('}', out);
}

/* --- the whole file --------------------------------------------------------------------------- */

/* Length of the sections, dots included, that two keys share. */
static size_t shared_sections(const char *a, const char *b) {
    size_t shared = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.')
            shared = i + 1;
    return shared;
}

/* Opens the sections of @p key that @p before was not in, and writes the indented key. */
static void write_key(FILE *out, const char *key, const char *before) {
    size_t start = shared_sections(key, before);
    int depth = 0;
    for (size_t i = 0; i < start; i++)
        depth += key[i] == '.';
    for (const char *dot; (dot = strchr(key + start, '.')); start = (size_t)(dot - key) + 1)
        fprintf(out, "%*s%.*s:\n", 2 * depth++, "", (int)(dot - (key + start)), key + start);
    fprintf(out, "%*s%s:", 2 * depth, "", key + start);
}

static void write_config(FILE *out, const void *what, const char *key) {
    const lks_config *config = what;
    const char *before = "";
    (void)key;
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++) {
        if (!lks_option_applies(option, config) || !has_value(option, config))
            continue;
        write_key(out, option->key, before);
        before = option->key;
        if (option->type == LKS_OPT_MODEL) {
            for (int k = 0; k < config->n_layers; k++) {
                fputs("\n  - ", out);
                lks_layer_write(out, &config->layers[k]);
            }
        } else {
            fputc(' ', out);
            lks_option_write(out, option, config);
        }
        fputc('\n', out);
    }
}

/* What @p write puts into a file, as malloc'd text. */
static char *text_of(void (*write)(FILE *out, const void *what, const char *key), const void *what,
                     const char *key, lks_error *err) {
    lks_text text;
    if (lks_text_open(&text, "the configuration", err) != LKS_OK)
        return NULL;
    locale_t saved = lks_locale_enter();
    write(text.f, what, key);
    lks_locale_leave(saved);
    lks_text_close(&text, "the configuration", err);
    return text.bytes;
}

char *lks_config_to_yaml(const lks_config *config, lks_error *err) {
    return text_of(write_config, config, NULL, err);
}

static void write_assignment(FILE *out, const void *config, const char *key) {
    fprintf(out, "%s=", key);
    lks_option_write(out, lks_option_find(key), config);
}

char *lks_config_assignment(const lks_config *config, const char *key, lks_error *err) {
    return text_of(write_assignment, config, key, err);
}

static void write_value(FILE *out, const void *config, const char *key) {
    lks_option_write(out, lks_option_find(key), config);
}

/* Only what is not at its default. */
static void write_augment(FILE *out, const void *config, const char *unused) {
    const lks_option *option;
    const char *between = "";
    (void)unused;
    for (int i = 0, k = 0; (option = lks_augment_option(&k)); k = ++i) {
        char *value = text_of(write_value, config, option->key, NULL);
        if (value && strcmp(value, option->preset) != 0) {
            fprintf(out, "%s%s %s", between, strchr(option->key, '.') + 1, value);
            between = ", ";
        }
        if (!value)
            fputs("?", out);
        free(value);
    }
}

char *lks_config_augment_text(const lks_config *config, lks_error *err) {
    return text_of(write_augment, config, NULL, err);
}

char *lks_layer_to_json(const lks_layer_config *layer, lks_error *err) {
    return text_of(write_layer_json, layer, NULL, err);
}
