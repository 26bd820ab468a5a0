/* Where the result comes from, and how to get it again. */
#include <stdio.h>
#include <string.h>

#include "lockstep/json.h"
#include "report/section.h"

static void fact(lks_html *page, const char *name, const char *value, bool code) {
    if (!value[0])
        return;
    lks_html_printf(page, "<dt>%s</dt><dd>%s", name, code ? "<code>" : "");
    lks_html_text(page, value);
    lks_html_printf(page, "%s</dd>\n", code ? "</code>" : "");
}

static void write_provenance(lks_html *page, const lks_report_run *run) {
    const lks_checkpoint *c = &run->checkpoint;
    const lks_provenance *p = &c->provenance;
    char text[LKS_PROVENANCE_TEXT_MAX + 64], count[LKS_FIGURE_ROOM];
    fact(page, "weights, SHA-256", c->weights_sha256, true);
    fact(page, "state, SHA-256", c->state_sha256, true);
    fact(page, "data digest", c->data.digest, true);
    snprintf(text, sizeof text, "%s of %d × %d × %d, in %d classes",
             lks_grouped(c->data.n_train, count), c->data.rows, c->data.columns, c->data.channels,
             c->data.classes);
    fact(page, "training images", text, false);
    snprintf(text, sizeof text, "%llu", (unsigned long long)c->seed);
    fact(page, "seed", text, false);
    snprintf(text, sizeof text, "version %d", c->numerics);
    fact(page, "numerics", text, false);
    snprintf(text, sizeof text, "%d rank%s × %d thread%s, %s", p->ranks, p->ranks == 1 ? "" : "s",
             p->threads, p->threads == 1 ? "" : "s", p->isa);
    fact(page, "computed by", text, false);
    fact(page, "hosts", p->hosts, false);
    fact(page, "MPI", p->mpi, false);
    snprintf(text, sizeof text, "%s (%s), %s", p->version, p->revision, p->compiler);
    fact(page, "lockstep", text, false);
    fact(page, "written", p->time, false);
    if (p->init_from.path[0])
        fact(page, "started from", p->init_from.path, true);
    fact(page, "weights there", p->init_from.weights_sha256, true);
}

static void write_summary(lks_html *page, const lks_report_run *run) {
    char text[LKS_PATH_MAX + 64];
    if (!run->summary)
        return;
    if (lks_json_get_text(run->summary, "resumed_from", text, sizeof text))
        fact(page, "resumed from", text, true);
    if (lks_json_get_text(run->summary, "test_weights", text, sizeof text))
        fact(page, "tested weights", strcmp(text, "best") == 0 ? "best by validation" : "last",
             false);
    if (lks_json_get_text(run->summary, "evaluated", text, sizeof text) &&
        strcmp(text, LKS_AVERAGE) == 0)
        fact(page, "evaluated with", "averaged weights", false);
}

void lks_section_configuration(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    lks_section_open(page, "configuration", "Where it comes from");
    lks_html_add(page, "<dl class=\"origin\">\n");
    fact(page, "configuration", run->config.name, false);
    fact(page, "run folder", run->folder, true);
    if (run->has_checkpoint)
        write_provenance(page, run);
    write_summary(page, run);
    lks_html_add(page, "</dl>\n");
    if (!run->has_checkpoint)
        lks_missing_since(page, "The checkpoint cannot be read", run->problem);
    lks_html_add(page,
                 "<h3>To get it again</h3>\n<p>The weights follow from configuration, data and "
                 "seed, on any number of ranks, threads and hosts. Train again and compare the "
                 "digest of the weights:</p>\n<pre tabindex=\"0\"><code>lockstep train ");
    lks_html_text(page, run->folder);
    lks_html_add(page, "/config.yaml --out again</code></pre>\n"
                       "<details><summary>The whole configuration, defaults included</summary>\n"
                       "<pre tabindex=\"0\"><code>");
    lks_html_text(page, run->config_yaml);
    lks_html_add(page, "</code></pre></details>\n");
    lks_section_close(page);
}
