#include "lockstep/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void lks_json_text(FILE *f, const char *text) {
    fputc('"', f);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(f, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(f, "\\u%04x", *c);
        else
            fputc(*c, f);
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

bool lks_json_get_text(const char *json, const char *key, char *text, size_t size) {
    const char *value = value_of(json, key);
    size_t n = 0;
    text[0] = 0;
    if (!value || *value != '"')
        return false;
    for (const char *c = value + 1; *c && *c != '"' && n + 1 < size; c++) {
        unsigned code;
        if (*c != '\\')
            text[n++] = *c;
        else if (c[1] == 'u' && sscanf(c + 2, "%4x", &code) == 1) {
            text[n++] = (char)code;
            c += 5;
        } else if (c[1])
            text[n++] = *++c;
    }
    text[n] = 0;
    return true;
}
