/* What is taken for what, and how well each class is found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/sections.h"

/* With up to TABLE_CLASSES classes the matrix is a table; with more, a picture and its largest errors. */
#define TABLE_CLASSES 20
#define PAIRS_MAX     20

typedef struct confused {
    int truth, answer;
    int64_t n;
} confused;

static int by_count(const void *a, const void *b) {
    const confused *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return x->truth != y->truth ? x->truth - y->truth : x->answer - y->answer;
}

/* The off-diagonal cells that are not 0, the largest first. *n: how many. */
static confused *find_confused(const lks_counts *c, int *n, lks_html *page) {
    lks_error err;
    const size_t cells = (size_t)c->classes * (size_t)c->classes;
    confused *list = lks_alloc(cells, sizeof *list, "confusions", &err);
    *n = 0;
    if (!list) {
        page->failed = true;
        return NULL;
    }
    for (int t = 0; t < c->classes; t++)
        for (int a = 0; a < c->classes; a++)
            if (a != t && c->confusion[t * c->classes + a] > 0)
                list[(*n)++] = (confused){t, a, c->confusion[t * c->classes + a]};
    qsort(list, (size_t)*n, sizeof *list, by_count);
    return list;
}

static void class_name(lks_html *page, const lks_report_run *run, int k) {
    char name[LKS_NAME_MAX];
    lks_html_text(page, lks_report_class(run, k, name));
}

/* "Most often: 4 taken for 9 (7 times), ..." */
static void write_most_frequent(lks_html *page, const lks_report_run *run, const confused *list,
                                int n) {
    if (n == 0) {
        lks_html_add(page, "<p>No image is taken for another class.</p>\n");
        return;
    }
    lks_html_add(page, "<p>Most frequent errors: ");
    for (int i = 0; i < n && i < 5; i++) {
        lks_html_add(page, i ? ", <b>" : "<b>");
        class_name(page, run, list[i].truth);
        lks_html_add(page, "</b> taken for <b>");
        class_name(page, run, list[i].answer);
        lks_html_printf(page, "</b> (%lld×)", (long long)list[i].n);
    }
    lks_html_add(page, ".</p>\n");
}

static int64_t support(const lks_counts *c, int truth) {
    int64_t n = 0;
    for (int a = 0; a < c->classes; a++)
        n += c->confusion[truth * c->classes + a];
    return n;
}

/* --- a table ---------------------------------------------------------------------------------- */

/* Hits are shaded by the row's share, errors by their share of the largest error. */
static void write_cell(lks_html *page, const lks_counts *c, int truth, int answer, int64_t row,
                       int64_t largest) {
    const int64_t n = c->confusion[truth * c->classes + answer];
    const double share = row ? (double)n / (double)row : 0;
    if (n == 0) {
        lks_html_add(page, "<td class=\"zero\">0</td>");
        return;
    }
    const double shade = truth == answer ? share : (double)n / (double)largest;
    lks_html_printf(page, "<td class=\"%s\" style=\"--v:%.2f\">%lld<small>%.*f %%</small></td>",
                    truth == answer ? "hit" : "error", 0.1 + 0.9 * shade, (long long)n,
                    share < 0.1 ? 2 : 1, 100 * share);
}

static void write_matrix(lks_html *page, const lks_report_run *run, int64_t largest) {
    const lks_counts *c = run->counts;
    lks_table_open(page, "matrix",
                   "Confusion matrix. Rows: true classes. Columns: answers of the network. "
                   "Counts, and percent of the row");
    lks_html_add(page, "<thead><tr><td class=\"corner\">true ↓ said →</td>");
    for (int k = 0; k < c->classes; k++) {
        lks_html_add(page, "<th scope=\"col\">");
        class_name(page, run, k);
        lks_html_add(page, "</th>");
    }
    lks_html_add(page, "<th scope=\"col\" class=\"sum\">images</th></tr></thead>\n<tbody>\n");
    for (int t = 0; t < c->classes; t++) {
        const int64_t row = support(c, t);
        lks_html_add(page, "<tr><th scope=\"row\">");
        class_name(page, run, t);
        lks_html_add(page, "</th>");
        for (int a = 0; a < c->classes; a++)
            write_cell(page, c, t, a, row, largest);
        lks_html_printf(page, "<td class=\"sum\">%lld</td></tr>\n", (long long)row);
    }
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

/* --- a picture, for many classes ---------------------------------------------------------------- */

/* Blue hits and orange errors, as strong as their share of the row; errors raised so that few show. */
static void write_picture(lks_html *page, const lks_counts *c) {
    lks_error err;
    const size_t cells = (size_t)c->classes * (size_t)c->classes;
    unsigned char *pixels = lks_alloc(cells, 4, "a picture", &err);
    if (!pixels) {
        page->failed = true;
        return;
    }
    for (int t = 0; t < c->classes; t++) {
        const int64_t row = support(c, t);
        for (int a = 0; a < c->classes; a++) {
            const int64_t n = c->confusion[t * c->classes + a];
            unsigned char *p = pixels + 4 * ((size_t)t * (size_t)c->classes + (size_t)a);
            const double share = row ? (double)n / (double)row : 0;
            const double shade = t == a ? share : share * 10 < 1 ? share * 10 : 1;
            const unsigned char hit[3] = {20, 110, 190}, error[3] = {215, 95, 10};
            memcpy(p, t == a ? hit : error, 3);
            p[3] = n ? (unsigned char)(55 + 200 * shade) : 0;
        }
    }
    char alt[160];
    snprintf(
        alt, sizeof alt,
        "Confusion matrix of %d classes as a picture. Rows: true classes. Columns: answers of the "
        "network. The table of the most frequent errors follows",
        c->classes);
    lks_html_add(page, "<p class=\"matrix-picture\">");
    lks_html_picture(page, pixels, c->classes, c->classes, 4, c->classes > 100 ? 3 : 8, alt);
    lks_html_add(page, "</p>\n");
    lks_free(pixels);
}

static void write_pairs(lks_html *page, const lks_report_run *run, const confused *list, int n) {
    lks_table_open(page, "figures", "The most frequent errors");
    lks_html_add(page,
                 "<thead><tr><th scope=\"col\">true class</th><th scope=\"col\">taken for</th>"
                 "<th scope=\"col\">images</th><th scope=\"col\">of the class</th></tr></thead>"
                 "\n<tbody>\n");
    for (int i = 0; i < n && i < PAIRS_MAX; i++) {
        lks_html_add(page, "<tr><th scope=\"row\">");
        class_name(page, run, list[i].truth);
        lks_html_add(page, "</th><td>");
        class_name(page, run, list[i].answer);
        lks_html_printf(page, "</td><td>%lld</td><td>%.2f %%</td></tr>\n", (long long)list[i].n,
                        100 * (double)list[i].n / (double)support(run->counts, list[i].truth));
    }
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

void lks_section_confusion(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    int n;
    lks_section_open(page, "confusion", "What is taken for what");
    if (run->test.n == 0) {
        lks_missing_test(page, run);
    } else {
        confused *list = find_confused(run->counts, &n, page);
        if (list) {
            write_most_frequent(page, run, list, n);
            if (run->counts->classes <= TABLE_CLASSES) {
                write_matrix(page, run, n ? list[0].n : 1);
            } else {
                write_picture(page, run->counts);
                write_pairs(page, run, list, n);
            }
        }
        lks_free(list);
    }
    lks_section_close(page);
}

/* --- classes ---------------------------------------------------------------------------------- */

static void write_metrics(lks_html *page, const lks_class_metrics *m) {
    const double figures[] = {m->precision, m->recall, m->f1};
    for (int i = 0; i < 3; i++)
        lks_html_printf(page, "<td>%.4f</td>", figures[i]);
    lks_html_printf(page, "<td>%lld</td>", (long long)m->support);
}

/* The share of the worst class is in the bar: what recall lacks to 1, beside the largest lack. */
static void write_class(lks_html *page, const lks_report_run *run, int k, double most) {
    const lks_class_metrics m = lks_class_metrics_of(run->counts, k);
    const int64_t missed = m.support - run->counts->confusion[k * run->counts->classes + k];
    lks_html_add(page, "<tr><th scope=\"row\">");
    class_name(page, run, k);
    lks_html_add(page, "</th>");
    write_metrics(page, &m);
    lks_html_printf(page,
                    "<td>%lld</td><td aria-hidden=\"true\"><i class=\"bar error\" "
                    "style=\"width:%.1f%%\"></i></td></tr>\n",
                    (long long)missed, most > 0 && m.support ? 100 * (1 - m.recall) / most : 0.0);
}

static void write_classes(lks_html *page, const lks_report_run *run) {
    double most = 0;
    for (int k = 0; k < run->counts->classes; k++) {
        const lks_class_metrics m = lks_class_metrics_of(run->counts, k);
        most = m.support && 1 - m.recall > most ? 1 - m.recall : most;
    }
    lks_table_open(page, "bars", "Precision, recall and F1 of every class on the test set");
    lks_html_add(page, "<thead><tr><th scope=\"col\">class</th><th scope=\"col\">precision</th>"
                       "<th scope=\"col\">recall</th><th scope=\"col\">F1</th>"
                       "<th scope=\"col\">images</th><th scope=\"col\">missed</th>"
                       "<th scope=\"col\" aria-hidden=\"true\"></th></tr></thead>\n<tbody>\n");
    for (int k = 0; k < run->counts->classes; k++)
        write_class(page, run, k, most);
    const lks_class_metrics mean = lks_macro_metrics(run->counts);
    lks_html_add(page, "</tbody>\n<tfoot><tr><th scope=\"row\">mean</th>");
    write_metrics(page, &mean);
    lks_html_printf(page, "<td>%lld</td><td aria-hidden=\"true\"></td></tr></tfoot>\n",
                    (long long)(run->counts->total - run->counts->correct));
    lks_table_close(page);
    lks_html_add(page,
                 "<p class=\"note\">Precision: of the images said to be of the class, the share "
                 "that is. Recall: of the class's images, the share found. F1: their harmonic "
                 "mean. A figure without a denominator is 0. The mean is over the classes that "
                 "have images.</p>\n");
}

void lks_section_classes(lks_html *page, const lks_report *r) {
    lks_section_open(page, "classes", "Class by class");
    if (r->runs->test.n == 0)
        lks_missing_test(page, r->runs);
    else
        write_classes(page, r->runs);
    lks_section_close(page);
}
