#include "config/value.h"
#include "base/utf8.h"
#include "config/advice.h"
#include "config/print.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What every reading function needs; `at` is the value itself or the element of a list. */
typedef struct reading {
    const lks_option *option;
    char *base;
    const char *label;
    const lks_source *source;
    lks_problems *problems;
} reading;

static bool is_text_type(lks_option_type type) {
    return type == LKS_OPT_STRING || type == LKS_OPT_NAME;
}

/* Fails: "train.epochs must be a whole number >= 1, not 'abc'", and @p remark in parentheses. */
static lks_status wrong(const reading *r, const lks_node *at, const char *remark) {
    char expected[160], shown[64], found[96];
    lks_option_describe(r->option, expected, sizeof expected);
    if (at->type == LKS_NODE_NULL || (at->type == LKS_NODE_SCALAR && at->plain && !at->text[0]))
        return lks_fail_at(r->problems, r->source, at->offset, "%s has no value, it must be %s",
                           r->label, expected);
    if (at->type == LKS_NODE_SCALAR) {
        lks_printable(shown, sizeof shown, at->text, strlen(at->text));
        snprintf(found, sizeof found, at->plain ? "'%s'" : "the quoted text \"%s\"", shown);
    } else {
        snprintf(found, sizeof found, "%s", at->type == LKS_NODE_LIST ? "a list" : "a map");
    }
    return lks_fail_at(r->problems, r->source, at->offset, "%s must be %s, not %s%s%s%s", r->label,
                       expected, found, remark ? " (" : "", remark ? remark : "",
                       remark ? ")" : "");
}

/* --- numbers ---------------------------------------------------------------------------------- */

static const char *skip_digits(const char *s) {
    while (*s >= '0' && *s <= '9')
        s++;
    return s;
}

/* True for what YAML 1.2 writes as a finite decimal number, and nothing else: no hexadecimal, no
 * spaces. */
static bool is_decimal(const char *s) {
    if (*s == '+' || *s == '-')
        s++;
    const char *digits = s;
    s = skip_digits(s);
    size_t count = (size_t)(s - digits);
    if (*s == '.') {
        const char *fraction = ++s;
        s = skip_digits(s);
        count += (size_t)(s - fraction);
    }
    if (count == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-')
            s++;
        const char *exponent = s;
        s = skip_digits(s);
        if (s == exponent)
            return false;
    }
    return *s == '\0';
}

static bool is_nan_or_infinity(const char *s) {
    static const char *const words[] = {"nan", "inf", "infinity"};
    if (*s == '+' || *s == '-')
        s++;
    if (*s == '.')
        s++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(s, words[i]) == 0)
            return true;
    return false;
}

static bool in_range(const lks_option *option, double value) {
    return (option->min_open ? value > option->min : value >= option->min) &&
           (option->max_open ? value < option->max : value <= option->max);
}

/* *too_large is set where the digits exceed 64 bits. */
static bool read_digits(const char *s, uint64_t *value, bool *too_large) {
    if (*s == '+')
        s++;
    *value = 0;
    *too_large = false;
    if (*s == '\0' || *skip_digits(s) != '\0')
        return false;
    for (; *s; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            *too_large = true;
        else
            *value = *value * 10 + digit;
    }
    return true;
}

/* Reads an integer of at most @p limit. No option takes a negative one. */
static lks_status read_integer(const reading *r, const lks_node *at, uint64_t limit,
                               uint64_t *value) {
    bool too_large;
    if (at->type != LKS_NODE_SCALAR || !at->plain || !read_digits(at->text, value, &too_large))
        return wrong(r, at, NULL);
    if (too_large || *value > limit) {
        char remark[64];
        snprintf(remark, sizeof remark, "too large, at most %llu", (unsigned long long)limit);
        return wrong(r, at, remark);
    }
    return in_range(r->option, (double)*value) ? LKS_OK : wrong(r, at, NULL);
}

static lks_status read_int(const reading *r, const lks_node *at, int *value) {
    uint64_t bits;
    LKS_TRY(read_integer(r, at, INT_MAX, &bits));
    *value = (int)bits;
    return LKS_OK;
}

static lks_status read_double(const reading *r, const lks_node *at, double *value) {
    if (at->type != LKS_NODE_SCALAR || !at->plain)
        return wrong(r, at, NULL);
    if (is_nan_or_infinity(at->text))
        return wrong(r, at, "not a finite number");
    if (!is_decimal(at->text))
        return wrong(r, at, NULL);
    double number = strtod(at->text, NULL);
    if (isinf(number))
        return wrong(r, at, "too large");
    bool zero = strcspn(at->text, "123456789eE") == strcspn(at->text, "eE");
    if (number == 0 && !zero)
        return wrong(r, at, "too small");
    if (!in_range(r->option, number))
        return wrong(r, at, NULL);
    *value = number == 0 ? 0 : number; /* no negative zero: it would print and compare apart */
    return LKS_OK;
}

/* --- one function a type ---------------------------------------------------------------------- */

static void store(const reading *r, size_t offset, const void *value, size_t size) {
    memcpy(r->base + offset, value, size);
}

static lks_status read_bool(const reading *r, const lks_node *node) {
    static const char *const words[2][3] = {{"false", "False", "FALSE"}, {"true", "True", "TRUE"}};
    if (node->type == LKS_NODE_SCALAR && node->plain)
        for (int i = 0; i < 6; i++)
            if (strcmp(node->text, words[i / 3][i % 3]) == 0) {
                bool value = i / 3;
                store(r, r->option->offset, &value, sizeof value);
                return LKS_OK;
            }
    return wrong(r, node, NULL);
}

static lks_status read_number(const reading *r, const lks_node *node) {
    const lks_option *o = r->option;
    uint64_t bits;
    int number;
    double real;
    switch (o->type) {
    case LKS_OPT_INT:
        LKS_TRY(read_int(r, node, &number));
        store(r, o->offset, &number, sizeof number);
        return LKS_OK;
    case LKS_OPT_DOUBLE:
        LKS_TRY(read_double(r, node, &real));
        store(r, o->offset, &real, sizeof real);
        return LKS_OK;
    default:
        LKS_TRY(read_integer(r, node, o->type == LKS_OPT_INT64 ? INT64_MAX : UINT64_MAX, &bits));
        store(r, o->offset, &bits, sizeof bits);
        return LKS_OK;
    }
}

static bool is_name(const char *text) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static lks_status read_text(const reading *r, const lks_node *node) {
    const lks_option *o = r->option;
    if (node->type != LKS_NODE_SCALAR)
        return wrong(r, node, NULL);
    size_t length = strlen(node->text);
    if (o->type == LKS_OPT_NAME ? !is_name(node->text) : length < (size_t)o->min)
        return wrong(r, node, NULL);
    if (length >= o->second) {
        char remark[64];
        snprintf(remark, sizeof remark, "longer than %zu bytes", o->second - 1);
        return wrong(r, node, remark);
    }
    memset(r->base + o->offset, 0, o->second);
    store(r, o->offset, node->text, length);
    return LKS_OK;
}

static bool find_word(const lks_word *words, const lks_node *node, int *value) {
    if (node->type != LKS_NODE_SCALAR)
        return false;
    for (; words->word; words++)
        if (strcmp(words->word, node->text) == 0) {
            *value = words->value;
            return true;
        }
    return false;
}

/* Fails with the word that may be meant. */
static lks_status wrong_word(const reading *r, const lks_node *node) {
    if (node->type != LKS_NODE_SCALAR)
        return wrong(r, node, NULL);
    const char *meant = lks_advice_word(r->option->words, node->text);
    const lks_advice *advice = lks_advice_find(node->text);
    char remark[96];
    snprintf(remark, sizeof remark, "did you mean '%s'?", meant ? meant : "");
    if (meant)
        return wrong(r, node, remark);
    return wrong(r, node, advice && !advice->instead ? advice->text : NULL);
}

static lks_status read_word(const reading *r, const lks_node *node) {
    int value;
    if (!find_word(r->option->words, node, &value))
        return wrong_word(r, node);
    store(r, r->option->offset, &value, sizeof value);
    return LKS_OK;
}

static size_t element_size(const lks_option *o) {
    return o->type == LKS_OPT_DOUBLES ? sizeof(double) : LKS_NAME_MAX;
}

/* Whether a text may be an element of the list. */
static bool is_element(const lks_option *o, const char *text) {
    return strlen(text) < LKS_NAME_MAX && (o->type == LKS_OPT_NAMES ? is_name(text) : text[0]);
}

static lks_status read_element(const reading *r, const lks_node *at, char *element) {
    if (r->option->type == LKS_OPT_DOUBLES) {
        double value;
        LKS_TRY(read_double(r, at, &value));
        memcpy(element, &value, sizeof value);
        return LKS_OK;
    }
    if (at->type != LKS_NODE_SCALAR || !is_element(r->option, at->text))
        return wrong(r, at, NULL);
    memcpy(element, at->text, strlen(at->text));
    return LKS_OK;
}

static void clear(const lks_option *o, char *base) {
    if (is_text_type(o->type)) {
        memset(base + o->offset, 0, o->second);
    } else if (o->room) {
        memset(base + o->offset, 0, (size_t)o->room * element_size(o));
        memset(base + o->second, 0, sizeof(int));
    }
}

/* A list, or one number or name. Of one that is wrong nothing is left, which a later check could look at. */
static lks_status read_list(const reading *r, const lks_node *node) {
    const lks_option *o = r->option;
    bool list = node->type == LKS_NODE_LIST;
    if (list ? o->room == 1 : o->type == LKS_OPT_STRINGS)
        return wrong(r, node, NULL);
    clear(o, r->base);
    int n = 0;
    for (const lks_node *at = list ? node->first : node; at; at = list ? at->next : NULL, n++) {
        if (n == o->room)
            return wrong(r, node, "too long");
        LKS_TRY(read_element(r, at, r->base + o->offset + (size_t)n * element_size(o)));
    }
    if (n == 0)
        return wrong(r, node, "empty");
    store(r, o->second, &n, sizeof n);
    return LKS_OK;
}

static lks_status read_pair(const reading *r, const lks_node *node, size_t offset) {
    int pair[2];
    if (node->type == LKS_NODE_LIST) {
        const lks_node *first = node->first, *second = first ? first->next : NULL;
        if (!second || second->next)
            return wrong(r, node, "not of two elements");
        LKS_TRY(read_int(r, first, &pair[0]));
        LKS_TRY(read_int(r, second, &pair[1]));
    } else {
        LKS_TRY(read_int(r, node, &pair[0]));
        pair[1] = pair[0];
    }
    store(r, offset, pair, sizeof pair);
    return LKS_OK;
}

static lks_status read_padding(const reading *r, const lks_node *node) {
    int value = LKS_PAD_EXPLICIT, none[2] = {0};
    if (node->type == LKS_NODE_SCALAR && isalpha((unsigned char)node->text[0]) &&
        !find_word(r->option->words, node, &value))
        return wrong_word(r, node);
    if (find_word(r->option->words, node, &value))
        store(r, r->option->second, none, sizeof none);
    else
        LKS_TRY(read_pair(r, node, r->option->second));
    store(r, r->option->offset, &value, sizeof value);
    return LKS_OK;
}

lks_status lks_option_read(const lks_option *option, void *base, const char *label,
                           const lks_node *node, const lks_source *source, lks_problems *problems) {
    reading r = {option, base, label, source, problems};
    switch (option->type) {
    case LKS_OPT_BOOL:
        return read_bool(&r, node);
    case LKS_OPT_INT:
    case LKS_OPT_INT64:
    case LKS_OPT_UINT64:
    case LKS_OPT_DOUBLE:
        return read_number(&r, node);
    case LKS_OPT_STRING:
    case LKS_OPT_NAME:
        return read_text(&r, node);
    case LKS_OPT_WORD:
        return read_word(&r, node);
    case LKS_OPT_DOUBLES:
    case LKS_OPT_NAMES:
    case LKS_OPT_STRINGS:
        return read_list(&r, node);
    case LKS_OPT_INT_PAIR:
        return read_pair(&r, node, option->offset);
    case LKS_OPT_PADDING:
        return read_padding(&r, node);
    case LKS_OPT_MODEL:
        break;
    }
    return wrong(&r, node, NULL);
}

lks_status lks_option_whole(const char *label, const lks_source *source, lks_node *node,
                            lks_problems *problems) {
    LKS_TRY(lks_source_check(source, problems));
    if (strpbrk(source->text, "\t\r\n"))
        return lks_fail_at(problems, source, 0, "tabs and line breaks are not allowed in %s",
                           label);
    *node = (lks_node){.type = LKS_NODE_SCALAR, .plain = true, .text = (char *)source->text};
    return LKS_OK;
}

lks_status lks_option_set(const lks_option *option, void *base, const char *label,
                          const lks_source *source, lks_problems *problems) {
    lks_node node;
    LKS_TRY(lks_option_whole(label, source, &node, problems));
    return lks_option_read(option, base, label, &node, source, problems);
}

void lks_option_reset(const lks_option *option, void *base) {
    if (!option->preset) {
        clear(option, base);
        return;
    }
    const lks_source preset = {
        .kind = LKS_SOURCE_PROGRAM, .text = option->preset, .size = strlen(option->preset)};
    lks_option_set(option, base, option->key, &preset, NULL);
}
