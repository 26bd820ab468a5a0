#include "import/groups.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- names ------------------------------------------------------------------------------------ */

/* As PyTorch, Keras, JAX's libraries and Lockstep call them. */
static const struct {
    const char *word;
    lks_import_part part;
} words[] = {{"weight", LKS_IMPORT_WEIGHT},     {"kernel", LKS_IMPORT_WEIGHT},
             {"gamma", LKS_IMPORT_WEIGHT},      {"scale", LKS_IMPORT_WEIGHT},
             {"bias", LKS_IMPORT_BIAS},         {"beta", LKS_IMPORT_BIAS},
             {"running_mean", LKS_IMPORT_MEAN}, {"moving_mean", LKS_IMPORT_MEAN},
             {"mean", LKS_IMPORT_MEAN},         {"running_var", LKS_IMPORT_VARIANCE},
             {"var", LKS_IMPORT_VARIANCE},      {"moving_variance", LKS_IMPORT_VARIANCE},
             {"variance", LKS_IMPORT_VARIANCE}};

lks_import_part lks_import_part_of(const char *name, size_t *length) {
    const char *end = name + strlen(name), *last = end;
    while (last > name && last[-1] != '.' && last[-1] != '/')
        last--;
    *length = last > name ? (size_t)(last - name) - 1 : 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(last, words[i].word) == 0)
            return words[i].part;
    return LKS_IMPORT_PARTS;
}

lks_import_kind lks_import_kind_of(bool has_mean, int ndim) {
    if (has_mean)
        return ndim <= 1 ? LKS_IMPORT_NORM : LKS_IMPORT_STRANGE;
    return ndim == 4 ? LKS_IMPORT_CONVOLUTION : ndim == 2 ? LKS_IMPORT_DENSE : LKS_IMPORT_STRANGE;
}

static bool is_called(const lks_import_group *g, const char *name, size_t length) {
    return g->length == length && memcmp(g->name, name, length) == 0;
}

/* Where `name` begins with a slash and ends with an operation, what is before that; else all of it. */
static const char *module_of(const char *name, size_t *length) {
    const char *end = name + *length, *last = end;
    while (last > name && last[-1] != '/')
        last--;
    if (*length == 0 || *name != '/' || last <= name + 1 || last == end ||
        !isupper((unsigned char)*last))
        return name;
    const char *begin = --last;
    while (begin[-1] != '/')
        begin--;
    *length = (size_t)(last - begin);
    return begin;
}

bool lks_import_is_called(const char *theirs, size_t their_length, const char *name,
                          size_t length) {
    const char *module = module_of(theirs, &their_length);
    return their_length == length && memcmp(module, name, length) == 0;
}

const lks_import_group *lks_import_group_find(const lks_import_groups *g, const char *name,
                                              size_t length) {
    const lks_import_group *found = NULL;
    int n = 0;
    for (int i = 0; i < g->n; i++) {
        if (is_called(&g->all[i], name, length))
            return &g->all[i];
        if (lks_import_is_called(g->all[i].name, g->all[i].length, name, length)) {
            found = &g->all[i];
            n++;
        }
    }
    return n == 1 ? found : NULL;
}

/* --- order ------------------------------------------------------------------------------------ */

/* The digits at c as a number; *c goes behind them. */
static unsigned long long take_number(const char **c, const char *end) {
    unsigned long long number = 0;
    for (; *c < end && isdigit((unsigned char)**c); ++*c)
        number = number > UINT32_MAX ? number : 10 * number + (unsigned)(**c - '0');
    return number;
}

int lks_import_by_numbers(const char *p, size_t p_length, const char *q, size_t q_length) {
    const char *p_end = p + p_length, *q_end = q + q_length;
    while (p < p_end && q < q_end) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            const unsigned long long m = take_number(&p, p_end), n = take_number(&q, q_end);
            if (m != n)
                return m < n ? -1 : 1;
        } else if (*p != *q)
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        else
            p++, q++;
    }
    return p < p_end ? 1 : q < q_end ? -1 : 0;
}

static int by_numbers(const void *a, const void *b) {
    const lks_import_group *x = a, *y = b;
    const int order = lks_import_by_numbers(x->name, x->length, y->name, y->length);
    return order ? order : x->of[0] - y->of[0];
}

/* "", "2", "_2", ".2": what a further layer of one name has behind it. */
static bool is_number(const char *c, size_t length) {
    const size_t before = length > 0 && strchr("_.", *c) ? 1 : 0;
    for (size_t i = before; i < length; i++)
        if (!isdigit((unsigned char)c[i]))
            return false;
    return length > before;
}

int lks_import_told_by_numbers(const char *p, size_t p_length, const char *q, size_t q_length) {
    const size_t shorter = p_length < q_length ? p_length : q_length;
    size_t i = 0;
    while (i < shorter && p[i] == q[i])
        i++;
    const bool in_number = (i < p_length && isdigit((unsigned char)p[i])) ||
                           (i < q_length && isdigit((unsigned char)q[i]));
    while (in_number && i > 0 && isdigit((unsigned char)p[i - 1]))
        i--;
    if (i < shorter && isdigit((unsigned char)p[i]) && isdigit((unsigned char)q[i])) {
        const char *c = p + i, *d = q + i;
        const unsigned long long m = take_number(&c, p + p_length),
                                 n = take_number(&d, q + q_length);
        return m < n ? -1 : m > n;
    }
    if (i == p_length && is_number(q + i, q_length - i))
        return -1;
    return i == q_length && is_number(p + i, p_length - i);
}

/* Whether tensor i is the first of its type. */
static bool begins_a_type(const lks_import_source *s, int i) {
    for (int k = 0; k < i; k++)
        if (s->tensors[k].type == s->tensors[i].type)
            return false;
    return true;
}

/* Writers that sort by name leave nothing of the network's order; safetensors' own sorts by type before. */
static bool is_sorted(const lks_import_source *s) {
    const lks_import_tensor *last = NULL;
    for (int i = 0; i < s->n_tensors; i++) {
        const lks_import_tensor *t = &s->tensors[i];
        if (t->type == LKS_IMPORT_OTHER)
            continue;
        if (last &&
            (last->type == t->type ? strcmp(last->name, t->name) > 0 : !begins_a_type(s, i)))
            return false;
        last = t;
    }
    return true;
}

/* --- groups ----------------------------------------------------------------------------------- */

static lks_import_group *find_or_begin(lks_import_groups *g, const char *name, size_t length) {
    /* those of one layer mostly stand side by side */
    for (int i = g->n - 1; i >= 0; i--)
        if (is_called(&g->all[i], name, length))
            return &g->all[i];
    lks_import_group *fresh = &g->all[g->n++];
    *fresh = (lks_import_group){.name = name, .length = length, .of = {-1, -1, -1, -1}};
    return fresh;
}

static lks_status add(lks_import_groups *g, const lks_import_source *s, int i, lks_error *err) {
    const char *name = s->tensors[i].name;
    size_t length;
    const lks_import_part part = lks_import_part_of(name, &length);
    if (part == LKS_IMPORT_PARTS) {
        g->told = false;
        return LKS_OK;
    }
    int *of = &find_or_begin(g, name, length)->of[part];
    if (*of >= 0)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s: '%.128s' and '%.128s' are the same part of a layer", s->path,
                        s->tensors[*of].name, name);
    *of = i;
    return LKS_OK;
}

static lks_import_kind kind_of(const lks_import_source *s, const lks_import_group *g) {
    const int weight = g->of[LKS_IMPORT_WEIGHT];
    return lks_import_kind_of(g->of[LKS_IMPORT_MEAN] >= 0,
                              weight < 0 ? 0 : s->tensors[weight].ndim);
}

lks_status lks_import_groups_make(lks_import_groups *g, const lks_import_source *s,
                                  lks_error *err) {
    *g = (lks_import_groups){.told = true, .sorted = is_sorted(s)};
    g->all = malloc(((size_t)s->n_tensors + 1) * sizeof *g->all);
    if (!g->all)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the tensors of %s", s->path);
    for (int i = 0; i < s->n_tensors && g->told; i++)
        if (s->tensors[i].type != LKS_IMPORT_OTHER)
            LKS_TRY(add(g, s, i, err));
    g->n = g->told ? g->n : 0;
    for (int i = 0; i < g->n; i++)
        g->all[i].kind = kind_of(s, &g->all[i]);
    if (g->sorted)
        qsort(g->all, (size_t)g->n, sizeof *g->all, by_numbers);
    return LKS_OK;
}

void lks_import_groups_free(lks_import_groups *g) {
    free(g->all);
    *g = (lks_import_groups){0};
}
