#include "base/json/json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

size_t lks_json_character(const char *text, char out[8]) {
    const size_t n = lks_utf8_sequence(text, strnlen(text, 4));
    if (n == 0)
        snprintf(out, 8, "\\ufffd");
    else if (lks_utf8_shown(text, n) == 0) /* all of them are below U+10000 */
        snprintf(out, 8, "\\u%04x", (unsigned)lks_utf8_code(text, n) & 0xFFFF);
    else
        snprintf(out, 8, "%s%.*s", *text == '"' || *text == '\\' ? "\\" : "", (int)n, text);
    return n ? n : 1;
}

void lks_json_text(FILE *f, const char *text) {
    char out[8];
    fputc('"', f);
    while (*text) {
        text += lks_json_character(text, out);
        fputs(out, f);
    }
    fputc('"', f);
}

const char *lks_json_number(double x, char text[32]) {
    if (!isfinite(x)) {
        snprintf(text, 32, "null");
        return text;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    return text;
}

void lks_json_numbers(FILE *f, const double *values, int n) {
    char text[32];
    for (int i = 0; i < n; i++)
        fprintf(f, "%s%s", i ? ", " : "[", lks_json_number(values[i], text));
    fputs("]", f);
}

const char *lks_json_float(float x, char text[32]) {
    if (!isfinite(x))
        return lks_json_number((double)x, text);
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, 32, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x)
            break;
    }
    return text;
}

lks_json_object lks_json_begin(FILE *f, const char *before) {
    fputc('{', f);
    return (lks_json_object){f, before, true};
}

void lks_json_key(lks_json_object *o, const char *name) {
    fprintf(o->f, "%s%s\"%s\": ", o->first ? "" : ",", o->before, name);
    o->first = false;
}

void lks_json_put_text(lks_json_object *o, const char *name, const char *value) {
    lks_json_key(o, name);
    lks_json_text(o->f, value);
}

void lks_json_put_text_or_null(lks_json_object *o, const char *name, const char *value) {
    if (value && *value)
        lks_json_put_text(o, name, value);
    else
        lks_json_put_number(o, name, NAN);
}

void lks_json_put_number(lks_json_object *o, const char *name, double value) {
    char text[32];
    lks_json_key(o, name);
    fputs(lks_json_number(value, text), o->f);
}

void lks_json_put_integer(lks_json_object *o, const char *name, int64_t value) {
    lks_json_key(o, name);
    fprintf(o->f, "%lld", (long long)value);
}

void lks_json_put_bool(lks_json_object *o, const char *name, bool value) {
    lks_json_key(o, name);
    fputs(value ? "true" : "false", o->f);
}

void lks_json_end(const lks_json_object *o, const char *after) {
    fprintf(o->f, "}%s", after);
}

/* What follows `"key":` and spaces, or NULL. Quotes inside a text are escaped, so that a text never
 * holds `"key"` itself. */
static const char *value_of(const char *json, const char *key) {
    size_t length = strlen(key);
    for (const char *at = json; (at = strstr(at, key)); at += length) {
        const char *after = at + length;
        if (at == json || at[-1] != '"' || *after++ != '"')
            continue;
        after += strspn(after, " \t\n");
        if (*after != ':')
            continue;
        after++;
        return after + strspn(after, " \t\n");
    }
    return NULL;
}

const char *lks_json_get_object(const char *json, const char *key) {
    const char *value = value_of(json, key);
    return value && *value == '{' ? value : NULL;
}

double lks_json_get_number(const char *json, const char *key) {
    const char *value = value_of(json, key);
    char *end;
    if (!value || !strchr("-0123456789", *value) || !*value)
        return NAN;
    double x = strtod(value, &end);
    return end > value ? x : NAN;
}

int64_t lks_json_get_integer(const char *json, const char *key, int64_t most, int64_t missing) {
    const double x = lks_json_get_number(json, key);
    return x >= 0 && x <= (double)most && rint(x) == x && x < 0x1p63 ? (int64_t)x : missing;
}

/* Four hexadecimal digits, or -1. */
static long hex4(const char *c) {
    char digits[5] = "";
    for (int i = 0; i < 4; i++)
        if (!isxdigit((unsigned char)(digits[i] = c[i])))
            return -1;
    return strtol(digits, NULL, 16);
}

/* UTF-8 of the \u escape at c; bytes of it in *used, 0 where it is none. Half a surrogate pair and 0,
 * which would end the text, become U+FFFD. */
static size_t unescape(const char *c, char out[4], size_t *used) {
    long code = hex4(c + 2);
    *used = code < 0 ? 0 : 6;
    if (code >= 0xD800 && code < 0xDC00 && c[6] == '\\' && c[7] == 'u') {
        const long low = hex4(c + 8);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            *used = 12;
        }
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000))
        code = 0xFFFD;
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(first[more] | code >> 6 * more);
    for (int i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3F));
    return (size_t)more + 1;
}

size_t lks_json_unescape(const char *c, char out[4], size_t *used) {
    if (c[0] == '\\' && c[1] == 'u')
        return unescape(c, out, used);
    if (c[0] != '\\') {
        const size_t n = lks_utf8_sequence(c, strnlen(c, 4));
        *used = n ? n : 1;
        memcpy(out, c, *used);
        return *used;
    }
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *special = c[1] ? strchr(from, c[1]) : NULL;
    out[0] = special ? to[special - from] : c[1];
    *used = c[1] ? 2 : 0;
    return 1;
}

bool lks_json_get_text(const char *json, const char *key, char *text, size_t size) {
    const char *value = value_of(json, key);
    size_t length = 0;
    text[0] = 0;
    if (!value || *value != '"')
        return false;
    for (const char *c = value + 1; *c && *c != '"';) {
        char bytes[4];
        size_t used;
        const size_t n = lks_json_unescape(c, bytes, &used);
        if (used == 0 || length + n >= size)
            break;
        memcpy(text + length, bytes, n);
        length += n;
        c += used;
    }
    text[length] = 0;
    return true;
}
