#include "support/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *file;
    char *at; /* the next line */
    int line;
} reader;

static void stop(const reader *r, const char *what) {
    fprintf(stderr, "%s:%d: %s\n", r->file, r->line, what);
    exit(1);
}

static char *read_all(const char *path) {
    FILE *in = fopen(path, "rb");
    long size = -1;
    if (in && fseek(in, 0, SEEK_END) == 0)
        size = ftell(in);
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    if (!text || fseek(in, 0, SEEK_SET) != 0 || fread(text, 1, (size_t)size, in) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(in);
    text[size] = '\0';
    return text;
}

/* One more element, zeroed, at the end of an array of `n`. */
static void *grow(const reader *r, void *array, int n, size_t size) {
    char *longer = realloc(array, ((size_t)n + 1) * size);
    if (!longer)
        stop(r, "out of memory");
    memset(longer + (size_t)n * size, 0, size);
    return longer;
}

/* The next line, ended by a zero; NULL at the end of the file. */
static char *next_line(reader *r) {
    char *line = r->at;
    if (!*line)
        return NULL;
    r->line++;
    r->at += strcspn(line, "\n");
    if (*r->at)
        *r->at++ = '\0';
    return line;
}

/* Cuts the first word off; what follows it. */
static char *cut_word(char *text) {
    char *rest = text + strcspn(text, " ");
    if (*rest)
        *rest++ = '\0';
    return rest;
}

static void read_shape(const reader *r, lks_golden_tensor *t, char *text) {
    t->count = 1;
    while (*text) {
        char *end;
        long long size = strtoll(text, &end, 10);
        if (end == text || size < 1 || t->ndim == LKS_GOLDEN_DIMS)
            stop(r, "the shape is no list of up to four sizes");
        t->shape[t->ndim++] = size;
        t->count *= (size_t)size;
        text = end + strspn(end, " ");
    }
}

static void read_values(reader *r, lks_golden_tensor *t) {
    t->values = calloc(t->count, sizeof *t->values);
    if (!t->values)
        stop(r, "out of memory");
    for (size_t i = 0; i < t->count;) {
        char *text = next_line(r), *end;
        if (!text)
            stop(r, "the file ends within a tensor");
        for (; *text; text = end + strspn(end, " ")) {
            double value = strtod(text, &end);
            if (end == text || i == t->count)
                stop(r, "not a number, or one too many");
            t->values[i++] = value;
        }
    }
}

static lks_golden_tensor *add_tensor(reader *r, lks_golden_case *c, char *text) {
    c->tensors = grow(r, c->tensors, c->n_tensors, sizeof *c->tensors);
    lks_golden_tensor *t = &c->tensors[c->n_tensors++];
    char *shape = cut_word(text);
    t->key = text;
    read_shape(r, t, shape);
    read_values(r, t);
    return t;
}

static void add_text(reader *r, lks_golden_case *c, char *text) {
    c->texts = grow(r, c->texts, c->n_texts, sizeof *c->texts);
    lks_golden_text *t = &c->texts[c->n_texts++];
    t->value = cut_word(text);
    t->key = text;
}

static void add_line(reader *r, lks_golden *g, char *line) {
    char *rest = cut_word(line);
    lks_golden_case *c = g->n_cases > 0 ? &g->cases[g->n_cases - 1] : NULL;
    if (strcmp(line, "case") == 0) {
        g->cases = grow(r, g->cases, g->n_cases, sizeof *g->cases);
        g->cases[g->n_cases++].name = rest;
    } else if (c && strcmp(line, "text") == 0) {
        add_text(r, c, rest);
    } else if (c && strcmp(line, "tensor") == 0) {
        add_tensor(r, c, rest);
    } else {
        stop(r, "neither a case nor part of one");
    }
}

lks_golden lks_golden_read(const char *name) {
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", LKS_GOLDEN_DIR, name);
    lks_golden g = {.text = read_all(path)};
    reader r = {.file = path, .at = g.text};
    for (char *line; (line = next_line(&r));)
        if (*line && *line != '#')
            add_line(&r, &g, line);
    return g;
}

void lks_golden_free(lks_golden *g) {
    for (int i = 0; i < g->n_cases; i++) {
        for (int t = 0; t < g->cases[i].n_tensors; t++)
            free(g->cases[i].tensors[t].values);
        free(g->cases[i].tensors);
        free(g->cases[i].texts);
    }
    free(g->cases);
    free(g->text);
    *g = (lks_golden){0};
}

static void missing(const lks_golden_case *c, const char *what, const char *key) {
    fprintf(stderr, "case '%s' has no %s '%s'\n", c->name, what, key);
    exit(1);
}

const char *lks_golden_find_text(const lks_golden_case *c, const char *key) {
    for (int i = 0; i < c->n_texts; i++)
        if (strcmp(c->texts[i].key, key) == 0)
            return c->texts[i].value;
    return NULL;
}

const lks_golden_tensor *lks_golden_find(const lks_golden_case *c, const char *key) {
    for (int i = 0; i < c->n_tensors; i++)
        if (strcmp(c->tensors[i].key, key) == 0)
            return &c->tensors[i];
    return NULL;
}

const char *lks_golden_text_of(const lks_golden_case *c, const char *key) {
    const char *text = lks_golden_find_text(c, key);
    if (!text)
        missing(c, "text", key);
    return text;
}

const lks_golden_tensor *lks_golden_tensor_of(const lks_golden_case *c, const char *key) {
    const lks_golden_tensor *tensor = lks_golden_find(c, key);
    if (!tensor)
        missing(c, "tensor", key);
    return tensor;
}

double lks_golden_scale(const lks_golden_tensor *t) {
    double scale = 0;
    for (size_t i = 0; i < t->count; i++)
        scale = fmax(scale, fabs(t->values[i]));
    return scale;
}
