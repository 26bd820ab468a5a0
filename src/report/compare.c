/* Runs side by side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/json.h"
#include "report/section.h"
#include "report/stats.h"

/* --- the table of runs ------------------------------------------------------------------------ */

static void cell(lks_html *page, const char *text) {
    lks_html_printf(page, "<td>%s</td>", text);
}

static void count_cell(lks_html *page, const lks_report_run *run, const char *key) {
    char text[LKS_FIGURE_ROOM];
    cell(page, lks_grouped_double(lks_report_number(run, key), text));
}

static void test_cells(lks_html *page, const lks_report_run *run) {
    char text[LKS_FIGURE_ROOM];
    const lks_counts *c = run->counts;
    double low, high;
    if (c->total == 0) {
        lks_html_add(page, "<td>–</td><td>–</td><td>–</td>");
        return;
    }
    lks_wilson(c->correct, c->total, &low, &high);
    cell(page, lks_percent(lks_accuracy(c), c->total, text));
    lks_html_printf(page, "<td>%.2f – %.2f %%</td><td>%.2f %%</td>", 100 * low, 100 * high,
                    100 * lks_calibrate(&run->test).error);
}

static void write_run(lks_html *page, const lks_report_run *run, int colour) {
    char text[LKS_FIGURE_ROOM], digest[80] = "";
    lks_html_printf(page, "<tr><th scope=\"row\"><i class=\"key s%d\"></i>", colour % 6 + 1);
    lks_html_text(page, run->label);
    lks_html_printf(page, "</th><td>%llu</td>", (unsigned long long)run->config.seed);
    test_cells(page, run);
    cell(page, lks_percent(lks_report_number(run, "validation_accuracy"), 10000, text));
    count_cell(page, run, "epochs");
    count_cell(page, run, "parameters");
    count_cell(page, run, "images_per_second");
    if (run->summary)
        lks_json_get_text(run->summary, "weights_sha256", digest, sizeof digest);
    else if (run->has_checkpoint)
        snprintf(digest, sizeof digest, "%s", run->checkpoint.weights_sha256);
    digest[12] = '\0';
    lks_html_add(page, "<td><code>");
    lks_html_text(page, digest);
    lks_html_add(page, "</code></td></tr>\n");
}

static void write_runs(lks_html *page, const lks_report *r) {
    lks_table_open(page, "figures",
                   "The runs; intervals are Wilson's at 95 %, ECE is the expected "
                   "calibration error");
    lks_html_add(page,
                 "<thead><tr><th scope=\"col\">run</th><th scope=\"col\">seed</th>"
                 "<th scope=\"col\">test accuracy</th><th scope=\"col\">interval</th>"
                 "<th scope=\"col\">ECE</th><th scope=\"col\">validation</th>"
                 "<th scope=\"col\">epochs</th><th scope=\"col\">parameters</th>"
                 "<th scope=\"col\">images/s</th><th scope=\"col\">weights</th></tr></thead>\n"
                 "<tbody>\n");
    for (int i = 0; i < r->n; i++)
        write_run(page, &r->runs[i], i);
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

/* --- pairs ------------------------------------------------------------------------------------ */

static bool comparable(const lks_report_run *a, const lks_report_run *b) {
    return a->test.n > 0 && a->test.n == b->test.n &&
           memcmp(a->test.labels, b->test.labels, (size_t)a->test.n) == 0;
}

static const char *p_text(double p, char text[LKS_FIGURE_ROOM]) {
    if (p < 1e-6)
        snprintf(text, LKS_FIGURE_ROOM, "below 0.000001");
    else
        snprintf(text, LKS_FIGURE_ROOM, "%.*g", 4, p);
    return text;
}

static void write_pair(lks_html *page, const lks_report_run *a, const lks_report_run *b) {
    char text[LKS_FIGURE_ROOM], raw[32];
    const lks_pair pair = lks_compare_predictions(&a->test, &b->test);
    lks_html_add(page, "<tr><th scope=\"row\">");
    lks_html_text(page, a->label);
    lks_html_add(page, " – ");
    lks_html_text(page, b->label);
    lks_html_printf(
        page,
        "</th><td>%+.2f</td><td>%+.2f – %+.2f</td><td>%lld</td><td>%lld</td><td>%lld</td>"
        "<td>%lld</td><td><data value=\"%s\">%s</data></td><td class=\"text\">%s</td></tr>\n",
        100 * pair.difference, 100 * pair.low, 100 * pair.high, (long long)pair.both,
        (long long)pair.first, (long long)pair.second,
        (long long)(pair.n - pair.both - pair.first - pair.second), lks_json_number(pair.p, raw),
        p_text(pair.p, text), pair.p < 0.05 ? "beyond chance" : "may be chance");
}

static void write_pairs(lks_html *page, const lks_report *r) {
    bool any = false;
    for (int a = 0; a < r->n; a++)
        for (int b = a + 1; b < r->n; b++)
            any = any || comparable(&r->runs[a], &r->runs[b]);
    lks_html_add(page, "<h3>Do they differ by more than chance?</h3>\n");
    if (!any) {
        lks_missing(page, "No two of these runs were scored on the same test set.");
        return;
    }
    lks_table_open(page, "figures",
                   "Pairs of runs on the same test images: difference of their "
                   "accuracies in percentage points, images that both, one or none "
                   "got right, and McNemar's exact test");
    lks_html_add(page,
                 "<thead><tr><th scope=\"col\">first – second</th><th scope=\"col\">difference"
                 "</th><th scope=\"col\">95 % interval</th><th scope=\"col\">both right</th>"
                 "<th scope=\"col\">only first</th><th scope=\"col\">only second</th>"
                 "<th scope=\"col\">both wrong</th><th scope=\"col\">p</th>"
                 "<th scope=\"col\" class=\"text\">verdict</th></tr></thead>\n<tbody>\n");
    for (int a = 0; a < r->n; a++)
        for (int b = a + 1; b < r->n; b++)
            if (comparable(&r->runs[a], &r->runs[b]))
                write_pair(page, &r->runs[a], &r->runs[b]);
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
    lks_html_add(
        page, "<p class=\"note\">p is of McNemar's test (1947) in its exact binomial form, "
              "two-sided, whatever the number of images that only one run got right; beyond chance "
              "means p below 0.05, which one of twenty pairs without a difference reaches, too. "
              "The interval is Agresti and Min's (2005). What is compared are these two networks: "
              "seeds of one configuration differ as well.</p>\n");
}

void lks_section_compare(lks_html *page, const lks_report *r) {
    if (r->n < 2)
        return;
    lks_section_open(page, "compare", "The runs compared");
    write_runs(page, r);
    write_pairs(page, r);
    lks_section_close(page);
}
