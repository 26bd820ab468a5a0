/* Runs side by side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json/json.h"
#include "page/chart.h"
#include "report/differences.h"
#include "report/sections.h"
#include "infer/stats.h"
#include "report/weights.h"

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
                    100 * lks_calibrate(&run->test, 1).error);
}

static void open_row(lks_html *page, const lks_report *r, int i) {
    lks_html_printf(page, "<tr><th scope=\"row\"><i class=\"key s%d\"></i>",
                    i % LKS_CHART_COLOURS + 1);
    lks_html_text(page, r->runs[i].label);
    lks_html_add(page, "</th>");
}

/* The first run whose figures are of the very same weights. */
static int same_weights(const lks_report *r, int i) {
    const lks_report_weights w = lks_report_weights_of(&r->runs[i]);
    for (int k = 0; k < i; k++) {
        const lks_report_weights other = lks_report_weights_of(&r->runs[k]);
        if (w.digest[0] && strcmp(w.digest, other.digest) == 0)
            return k;
    }
    return i;
}

static void weights_cell(lks_html *page, const lks_report *r, int i) {
    const lks_report_weights w = lks_report_weights_of(&r->runs[i]);
    const int same = same_weights(r, i);
    lks_html_add(page, "<td class=\"text\"><code>");
    char start[13];
    snprintf(start, sizeof start, "%.12s", w.digest);
    lks_html_text(page, start);
    lks_html_add(page, "</code>");
    if (same < i) {
        lks_html_add(page, "<br>as ");
        lks_html_text(page, r->runs[same].label);
    }
    lks_html_add(page, "</td>");
}

static void write_run(lks_html *page, const lks_report *r, int i) {
    char text[LKS_FIGURE_ROOM];
    const lks_report_run *run = &r->runs[i];
    open_row(page, r, i);
    lks_html_printf(page, "<td>%llu</td>", (unsigned long long)run->config.seed);
    test_cells(page, run);
    cell(page, lks_percent(lks_report_weights_of(run).validation, 10000, text));
    count_cell(page, run, "epochs");
    count_cell(page, run, "parameters");
    weights_cell(page, r, i);
    lks_html_add(page, "</tr>\n");
}

static void write_runs(lks_html *page, const lks_report *r) {
    lks_table_open(
        page, "figures",
        "Results. Intervals are Wilson's at 95 %; ECE is the expected calibration error");
    lks_html_add(page, "<thead><tr><th scope=\"col\">run</th><th scope=\"col\">seed</th>"
                       "<th scope=\"col\">test accuracy</th><th scope=\"col\">interval</th>"
                       "<th scope=\"col\">ECE</th><th scope=\"col\">validation</th>"
                       "<th scope=\"col\">epochs</th><th scope=\"col\">parameters</th>"
                       "<th scope=\"col\" class=\"text\">weights</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < r->n; i++)
        write_run(page, r, i);
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

/* --- how they were computed ------------------------------------------------------------------- */

/* Ranks, threads, hosts and instruction set: of the process that ended the run, or wrote its newest
 * checkpoint. */
static void machine_cells(lks_html *page, const lks_report_run *run) {
    const lks_provenance *p = run->has_checkpoint ? &run->checkpoint.provenance : NULL;
    char hosts[LKS_PROVENANCE_TEXT_MAX] = "", isa[64] = "";
    double ranks = p ? p->ranks : NAN, threads = p ? p->threads : NAN;
    if (p) {
        snprintf(hosts, sizeof hosts, "%s", p->hosts);
        snprintf(isa, sizeof isa, "%s", p->isa);
    }
    if (run->summary) {
        ranks = lks_report_number(run, "world_size");
        threads = lks_report_number(run, "threads_per_rank");
        lks_json_get_text(run->summary, "hosts", hosts, sizeof hosts);
        lks_json_get_text(run->summary, "isa", isa, sizeof isa);
    }
    char a[LKS_FIGURE_ROOM], b[LKS_FIGURE_ROOM];
    lks_html_printf(page, "<td>%s × %s</td>", lks_grouped_double(ranks, a),
                    lks_grouped_double(threads, b));
    lks_html_add(page, "<td class=\"text\">");
    lks_html_text(page, hosts[0] ? hosts : "–");
    lks_html_add(page, "</td><td class=\"text\">");
    lks_html_text(page, isa[0] ? isa : "–");
    lks_html_add(page, "</td>");
}

static void share_cell(lks_html *page, const lks_phase_times *sum, lks_phase phase) {
    char text[LKS_FIGURE_ROOM];
    cell(page, lks_percent(lks_phase_share(sum, phase), 0, text));
}

static void write_machine(lks_html *page, const lks_report *r, int i) {
    const lks_report_run *run = &r->runs[i];
    char text[LKS_FIGURE_ROOM];
    lks_phase_times sum;
    lks_history_phases(&run->history, &sum);
    open_row(page, r, i);
    machine_cells(page, run);
    cell(page, lks_report_reproducible(run) ? "exact" : "float32");
    count_cell(page, run, "images_per_second");
    cell(page, lks_duration(lks_report_number(run, "train_seconds"), text));
    share_cell(page, &sum, LKS_PHASE_COMMUNICATION);
    share_cell(page, &sum, LKS_PHASE_WAIT);
    lks_html_add(page, "</tr>\n");
}

static void write_machines(lks_html *page, const lks_report *r) {
    lks_table_open(page, "figures",
                   "How they were computed. Communication and wait are shares of the ranks' time");
    lks_html_add(page,
                 "<thead><tr><th scope=\"col\">run</th><th scope=\"col\">ranks × threads</th>"
                 "<th scope=\"col\" class=\"text\">hosts * ranks</th>"
                 "<th scope=\"col\" class=\"text\">processor</th><th scope=\"col\">sums</th>"
                 "<th scope=\"col\">images/s</th><th scope=\"col\">time</th>"
                 "<th scope=\"col\">communication</th><th scope=\"col\">wait</th></tr></thead>\n"
                 "<tbody>\n");
    for (int i = 0; i < r->n; i++)
        write_machine(page, r, i);
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

static const char *verdict(const lks_report_run *a, const lks_report_run *b, double p) {
    if (memcmp(a->test.predicted, b->test.predicted, (size_t)a->test.n) == 0)
        return "other weights, the same answers";
    return p < 0.05 ? "they differ" : "no difference shown";
}

static void write_pair(lks_html *page, const lks_report_run *a, const lks_report_run *b) {
    char text[LKS_FIGURE_ROOM], raw[32], interval[LKS_FIGURE_ROOM] = "–";
    const lks_report_weights first = lks_report_weights_of(a), second = lks_report_weights_of(b);
    const bool equal = first.digest[0] && strcmp(first.digest, second.digest) == 0;
    const lks_pair pair = lks_compare_predictions(&a->test, &b->test);
    lks_html_add(page, "<tr><th scope=\"row\">");
    lks_html_text(page, a->label);
    lks_html_add(page, " – ");
    lks_html_text(page, b->label);
    if (!equal)
        snprintf(interval, sizeof interval, "%+.2f to %+.2f", 100 * pair.low, 100 * pair.high);
    lks_html_printf(page,
                    "</th><td>%+.2f</td><td>%s</td><td>%lld</td><td>%lld</td><td>%lld</td>"
                    "<td>%lld</td>",
                    100 * pair.difference, interval, (long long)pair.both, (long long)pair.first,
                    (long long)pair.second,
                    (long long)(pair.n - pair.both - pair.first - pair.second));
    if (equal) /* one network: there is nothing to test */
        lks_html_add(page,
                     "<td>–</td><td class=\"text\">the same weights, bit for bit</td></tr>\n");
    else
        lks_html_printf(page,
                        "<td><data value=\"%s\">%s</data></td><td class=\"text\">%s</td></tr>\n",
                        lks_json_number(pair.p, raw), p_text(pair.p, text), verdict(a, b, pair.p));
}

static void write_pairs(lks_html *page, const lks_report *r) {
    bool any = false;
    for (int a = 0; a < r->n; a++)
        for (int b = a + 1; b < r->n; b++)
            any = any || comparable(&r->runs[a], &r->runs[b]);
    lks_html_add(page, "<h3>Do the results differ by more than chance?</h3>\n");
    if (!any) {
        lks_missing(page, "No two of these runs were scored on the same test set.");
        return;
    }
    lks_table_open(page, "figures",
                   "Pairs of runs on the same test images. Difference of accuracies in percentage "
                   "points; images that both, one or none got right; McNemar's exact test");
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
        page, "<p class=\"note\">p: McNemar's test (1947), exact and two-sided. \"They differ\" "
              "means p below 0.05; one of twenty pairs reaches that by chance. Interval: Agresti "
              "and Min (2005). The test compares these two networks; another seed gives another "
              "network.</p>\n");
}

void lks_section_compare(lks_html *page, const lks_report *r) {
    lks_section_open(page, "compare", "The runs compared");
    write_runs(page, r);
    write_machines(page, r);
    lks_write_differences(page, r);
    write_pairs(page, r);
    lks_section_close(page);
}
