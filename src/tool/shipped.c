/* A shipped configuration begins with comment lines "# what: ...", "# published: ..." and "# measured: ..." (accuracy
 * on the test set and how it was come by: elsewhere, here) and "# source: ..."; the first is obligatory. Numbers of
 * parameters are computed. */
#include "tool/shipped.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json/rows.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "run/run_folder.h"
#include "base/suggest.h"

/* Copies the value of the line "# key: value" among the comment lines at the top; "" if there is
 * none. */
static const char *header(const lks_embedded *s, const char *key, char *value, size_t size) {
    const char *line = (const char *)s->text, *end = line + s->size;
    size_t n = strlen(key);
    value[0] = 0;
    while (line < end && *line == '#') {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        if ((size_t)(stop - line) > n + 4 && strncmp(line + 2, key, n) == 0 &&
            strncmp(line + 2 + n, ": ", 2) == 0) {
            snprintf(value, size, "%.*s", (int)(stop - line - (long)n - 4), line + n + 4);
            break;
        }
        line = stop + 1;
    }
    return value;
}

/* For images of 28 x 28 x 1 and 10 classes, as in MNIST. */
static lks_status count_parameters(const lks_embedded *s, int64_t *parameters, lks_error *err) {
    lks_config c;
    char file[LKS_NAME_MAX + 8];
    snprintf(file, sizeof file, "%s.yaml", s->name);
    LKS_TRY(lks_config_parse(&c, (const char *)s->text, s->size, file, NULL, 0, err));
    lks_layer_info *info = lks_alloc((size_t)c.n_layers, sizeof *info, "the layer table", err);
    lks_status status =
        info ? lks_model_shapes(&c, (lks_shape){28, 28, 1}, 10, info, err) : err->status;
    *parameters = 0;
    for (int i = 0; status == LKS_OK && i < c.n_layers; i++)
        *parameters += info[i].parameters;
    lks_free(info);
    lks_config_free(&c);
    return status;
}

typedef struct entry {
    int64_t parameters;
    char what[256], published[256], measured[256], source[256];
} entry;

static lks_status describe(const lks_embedded *s, entry *e, lks_error *err) {
    header(s, "what", e->what, sizeof e->what);
    header(s, "published", e->published, sizeof e->published);
    header(s, "measured", e->measured, sizeof e->measured);
    header(s, "source", e->source, sizeof e->source);
    return count_parameters(s, &e->parameters, err);
}

enum { WHAT_COLUMN = 31, DETAIL_COLUMN = 4, COLUMNS = 80 };

/* Prints lead and text, which begin in column `indent`, in lines of at most COLUMNS. */
static void print_wrapped(int indent, const char *lead, const char *text) {
    int column = indent + printf("%s", lead);
    for (bool first = true; *text; first = false) {
        const int length = (int)strcspn(text, " ");
        if (!first && column + 1 + length > COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
            first = true;
        }
        column += printf("%s%.*s", first ? "" : " ", length, text);
        text += length;
        text += *text == ' ';
    }
    printf("\n");
}

static void print_detail(const char *lead, const char *text) {
    if (!text[0])
        return;
    printf("%*s", DETAIL_COLUMN, "");
    print_wrapped(DETAIL_COLUMN, lead, text);
}

static void print_row(const lks_embedded *s, const entry *e) {
    printf("%-18s %10lld  ", s->name, (long long)e->parameters);
    print_wrapped(WHAT_COLUMN, "", e->what);
    print_detail("measured: ", e->measured);
    print_detail("published: ", e->published);
    print_detail("", e->source);
}

static const char *known(const char *text) {
    return text[0] ? text : NULL;
}

static void put_row(lks_rows *r, const char *name, const entry *e) {
    lks_row_begin(r);
    lks_row_text(r, "name", name);
    lks_row_integer(r, "parameters", e->parameters);
    lks_row_text(r, "what", known(e->what));
    lks_row_text(r, "published", known(e->published));
    lks_row_text(r, "measured", known(e->measured));
    lks_row_text(r, "source", known(e->source));
    lks_row_end(r);
}

static lks_status put_list(lks_format format, lks_error *err) {
    static const entry none = {0};
    lks_rows rows = lks_rows_begin(stdout, format);
    lks_rows_head(&rows);
    put_row(&rows, "", &none);
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++) {
        entry e;
        LKS_TRY(describe(s, &e, err));
        put_row(&rows, s->name, &e);
    }
    lks_rows_end(&rows);
    fputs(format == LKS_FORMAT_JSON ? "\n" : "", stdout);
    return LKS_OK;
}

lks_status lks_shipped_list(lks_format format, lks_error *err) {
    if (format != LKS_FORMAT_TEXT)
        return put_list(format, err);
    printf("%-18s %10s  %s\n", "name", "parameters", "what (28 x 28 x 1 images, 10 classes)");
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++) {
        entry e;
        LKS_TRY(describe(s, &e, err));
        print_row(s, &e);
    }
    printf("\n`lockstep configs NAME > FILE` writes one as a file to train with.\n");
    return LKS_OK;
}

lks_status lks_shipped_print(const char *name, lks_error *err) {
    lks_nearest nearest = lks_nearest_start(name);
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++) {
        if (strcmp(s->name, name) == 0) {
            fwrite(s->text, 1, s->size, stdout);
            return LKS_OK;
        }
        lks_nearest_offer(&nearest, s->name, strlen(s->name));
    }
    if (nearest.best)
        return lks_fail(err, LKS_ERR_USAGE, "no configuration '%.64s'; did you mean '%s'?", name,
                        nearest.best);
    return lks_fail(err, LKS_ERR_USAGE, "no configuration '%.64s'; `lockstep configs` lists them",
                    name);
}

/* --- hints ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void add(lks_error *err, const char *format, ...) {
    const size_t used = strlen(err->text);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + used, sizeof err->text - used, format, args);
    va_end(args);
}

static void name_shipped(const char *path, lks_error *err) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        length -= 5;
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++)
        if (strlen(s->name) == length && memcmp(s->name, name, length) == 0)
            add(err, "; `lockstep configs %s > %s.yaml` writes the shipped one", s->name, s->name);
}

lks_status lks_hint_config(lks_status status, const char *path, lks_error *err) {
    if (status != LKS_ERR_CONFIG || !path)
        return status;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        name_shipped(path, err);
    else if (lks_folder_is_run(path))
        add(err, "; the configuration of a run folder is its config.yaml");
    return status;
}
