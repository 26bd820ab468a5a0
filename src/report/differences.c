#include "report/differences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/config.h"
#include "base/memory.h"

/* More keys than this are counted. */
#define KEYS_MAX 60

typedef struct row {
    char key[64];
    char *values[LKS_REPORT_RUNS_MAX]; /* owned; NULL: as the first run's */
} row;

typedef struct table {
    row rows[KEYS_MAX];
    int n, hidden, run; /* run: that is being compared with the first */
    bool failed;
} table;

static row *find(table *t, const char *key) {
    for (int i = 0; i < t->n; i++)
        if (strncmp(t->rows[i].key, key, sizeof t->rows[i].key - 1) == 0)
            return &t->rows[i];
    if (t->n == KEYS_MAX) {
        t->hidden++;
        return NULL;
    }
    row *new = &t->rows[t->n++];
    snprintf(new->key, sizeof new->key, "%s", key);
    return new;
}

static void set(table *t, char **value, const char *text) {
    free(*value);
    *value = strdup(text);
    t->failed = t->failed || !*value;
}

static void note(void *context, const char *key, const char *first, const char *other) {
    table *t = context;
    row *at = find(t, key);
    if (!at)
        return;
    set(t, &at->values[0], first);
    set(t, &at->values[t->run], other);
}

/* No key tells it: equal configurations that start from other weights are other trainings. */
static void note_start(table *t, const lks_report_run *first, const lks_report_run *other) {
    if (!first->has_checkpoint || !other->has_checkpoint)
        return;
    const lks_init_source *a = &first->checkpoint.provenance.init_from;
    const lks_init_source *b = &other->checkpoint.provenance.init_from;
    if (strcmp(a->weights_sha256, b->weights_sha256) != 0)
        note(t, "--init-from", a->path[0] ? a->path : "fresh weights",
             b->path[0] ? b->path : "fresh weights");
}

static void write_row(lks_html *page, const row *at, int n) {
    lks_html_add(page, "<tr><th scope=\"row\"><code>");
    lks_html_text(page, at->key);
    lks_html_add(page, "</code></th>");
    for (int i = 0; i < n; i++) {
        lks_html_add(page, "<td class=\"text\">");
        lks_html_text(page, at->values[i] ? at->values[i] : at->values[0]);
        lks_html_add(page, "</td>");
    }
    lks_html_add(page, "</tr>\n");
}

static void write_table(lks_html *page, const lks_report *r, const table *t) {
    lks_table_open(page, "figures keys", "Keys with different values");
    lks_html_add(page, "<thead><tr><th scope=\"col\">key</th>");
    for (int i = 0; i < r->n; i++) {
        lks_html_add(page, "<th scope=\"col\" class=\"text\">");
        lks_html_text(page, r->runs[i].label);
        lks_html_add(page, "</th>");
    }
    lks_html_add(page, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < t->n; i++)
        write_row(page, &t->rows[i], r->n);
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
    if (t->hidden)
        lks_html_printf(page, "<p class=\"note\">%d further differences are not shown.</p>\n",
                        t->hidden);
}

void lks_write_differences(lks_html *page, const lks_report *r) {
    lks_error err;
    table *t = lks_alloc(1, sizeof *t, "the differences", &err);
    page->failed = page->failed || !t;
    if (!t)
        return;
    for (t->run = 1; t->run < r->n; t->run++) {
        if (lks_config_compare(&r->runs[0].config, &r->runs[t->run].config, note, t, &err) !=
            LKS_OK)
            t->failed = true;
        note_start(t, &r->runs[0], &r->runs[t->run]);
    }
    page->failed = page->failed || t->failed;
    lks_html_add(page, "<h3>What differs in the configurations</h3>\n");
    if (t->n == 0)
        lks_html_add(page, "<p>Nothing: all keys are equal.</p>\n");
    else if (!page->failed)
        write_table(page, r, t);
    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < LKS_REPORT_RUNS_MAX; k++)
            free(t->rows[i].values[k]);
    lks_free(t);
}
