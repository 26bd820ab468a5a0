#include "base/json/json_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
#include "base/utf8.h"

static void skip_space(lks_json_scan *s) {
    s->at += strspn(s->at, " \t\r\n");
}

char lks_json_next(lks_json_scan *s) {
    skip_space(s);
    return *s->at;
}

bool lks_json_eat(lks_json_scan *s, char c) {
    if (lks_json_next(s) != c)
        return false;
    s->at++;
    return true;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* An escape or a character that may stand in a text: the bytes that it takes; 0: there is none. */
static size_t step(const char *c) {
    if ((unsigned char)*c < 0x20)
        return 0;
    if (*c != '\\')
        return lks_utf8_sequence(c, strnlen(c, 4));
    if (c[1] != 'u')
        return c[1] && strchr("\"\\/bfnrt", c[1]) ? 2 : 0;
    return strspn(c + 2, "0123456789abcdefABCDEF") >= 4 && strncmp(c + 2, "0000", 4) != 0 ? 6 : 0;
}

/* The quote that ends the text which begins at c; NULL where it does not end well. */
static const char *end_of_text(const char *c) {
    while (*c != '"') {
        const size_t n = step(c);
        if (n == 0)
            return NULL;
        c += n;
    }
    return c;
}

bool lks_json_take_text(lks_json_scan *s, char **text) {
    *text = NULL;
    if (lks_json_next(s) != '"')
        return false;
    const char *end = end_of_text(s->at + 1);
    if (!end || !(*text = malloc((size_t)(end - s->at)))) /* unescaped it is no longer */
        return false;
    size_t length = 0;
    for (const char *c = s->at + 1; c < end;) {
        char bytes[4];
        size_t used;
        const size_t n = lks_json_unescape(c, bytes, &used);
        memcpy(*text + length, bytes, n);
        length += n;
        c += used;
    }
    (*text)[length] = '\0';
    s->at = end + 1;
    return true;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static size_t digits(const char *c) {
    return strspn(c, "0123456789");
}

/* The length of the number at c, by the grammar of JSON; 0: there is none. */
static size_t length_of_number(const char *c) {
    const char *const begin = c;
    c += *c == '-';
    const size_t whole = digits(c);
    if (whole == 0 || (whole > 1 && *c == '0'))
        return 0;
    c += whole;
    if (*c == '.') {
        if (digits(c + 1) == 0)
            return 0;
        c += 1 + digits(c + 1);
    }
    if (*c == 'e' || *c == 'E') {
        c += 1 + (c[1] == '+' || c[1] == '-');
        if (digits(c) == 0)
            return 0;
        c += digits(c);
    }
    return (size_t)(c - begin);
}

bool lks_json_take_count(lks_json_scan *s, uint64_t *count) {
    skip_space(s);
    const size_t n = length_of_number(s->at);
    if (n == 0 || n != digits(s->at))
        return false;
    errno = 0;
    *count = strtoull(s->at, NULL, 10);
    if (errno)
        return false;
    s->at += n;
    return true;
}

bool lks_json_take_number(lks_json_scan *s, double *number) {
    skip_space(s);
    const size_t n = length_of_number(s->at);
    if (n == 0)
        return false;
    *number = strtod(s->at, NULL);
    s->at += n;
    return true;
}

/* --- anything --------------------------------------------------------------------------------- */

static bool skip_text(lks_json_scan *s) {
    const char *end = end_of_text(s->at + 1);
    if (end)
        s->at = end + 1;
    return end != NULL;
}

/* A value that holds no others. */
static bool skip_simple(lks_json_scan *s) {
    static const char *const words[] = {"true", "false", "null"};
    if (lks_json_next(s) == '"')
        return skip_text(s);
    for (int i = 0; i < 3; i++)
        if (strncmp(s->at, words[i], strlen(words[i])) == 0) {
            s->at += strlen(words[i]);
            return true;
        }
    const size_t n = length_of_number(s->at);
    s->at += n;
    return n > 0;
}

/* The name of a member and its colon. */
static bool skip_name(lks_json_scan *s) {
    return lks_json_next(s) == '"' && skip_text(s) && lks_json_eat(s, ':');
}

/* After a value: closes what ends with it, and steps to the next one, if there is any. */
static bool go_on(lks_json_scan *s, const char *closing, int *depth) {
    while (*depth > 0 && lks_json_eat(s, closing[*depth - 1]))
        --*depth;
    if (*depth == 0)
        return true;
    return lks_json_eat(s, ',') && (closing[*depth - 1] == ']' || skip_name(s));
}

bool lks_json_skip(lks_json_scan *s) {
    char closing[LKS_JSON_DEPTH_MAX];
    int depth = 0;
    do {
        const char first = lks_json_next(s);
        if (first != '[' && first != '{') {
            if (!skip_simple(s) || !go_on(s, closing, &depth))
                return false;
            continue;
        }
        if (depth == LKS_JSON_DEPTH_MAX)
            return false;
        s->at++;
        closing[depth++] = first == '[' ? ']' : '}';
        const bool empty = lks_json_next(s) == closing[depth - 1];
        if (empty ? !go_on(s, closing, &depth) : first == '{' && !skip_name(s))
            return false;
    } while (depth > 0);
    return true;
}
