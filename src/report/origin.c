/* Where the result comes from, and how to get it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
#include "run/run_folder.h"
#include "base/shell.h"
#include "report/sections.h"
#include "report/weights.h"

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
    char text[LKS_PROVENANCE_TEXT_MAX + 64], count[LKS_FIGURE_ROOM], average[LKS_SHA256_HEX];
    lks_error ignored;
    fact(page, "weights, SHA-256", c->weights_sha256, true);
    if (lks_checkpoint_evaluated(c) != c->flats &&
        lks_checkpoint_evaluated_digest(c, average, &ignored) == LKS_OK)
        fact(page, "average, SHA-256", average, true);
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
    fact(page, "precision", lks_precision_word(run->config.train.precision), false);
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
    const lks_report_weights w = lks_report_weights_of(run);
    fact(page, "tested weights", lks_report_weights_text(&w, text), false);
}

static void add_word(lks_html *page, const char *word) {
    char *quoted = lks_shell_word(word);
    page->failed = page->failed || !quoted;
    if (quoted)
        lks_html_text(page, quoted);
    free(quoted);
}

/* Commands, and a claim that holds for this very run. */
static void write_again(lks_html *page, const lks_report_run *run) {
    const bool exact = lks_report_reproducible(run);
    const lks_provenance *p = &run->checkpoint.provenance;
    const bool layout = !exact && run->has_checkpoint;
    char config[LKS_FOLDER_PATH_MAX];
    lks_html_add(page, "<h3>To get it again</h3>\n<p>");
    lks_html_add(page, exact
                           ? "Train again with the same data, then compare. Any number of ranks, "
                             "threads and hosts gives the same weights, bit for bit."
                           : "This run added float32 sums (<code>train.reduce: fp32</code>). Other "
                             "numbers of ranks or threads may give other weights.");
    lks_html_add(page, "</p>\n<pre tabindex=\"0\"><code>");
    if (layout && p->ranks > 1)
        lks_html_printf(page, "mpirun -n %d ", p->ranks);
    lks_html_add(page, "lockstep train ");
    lks_folder_path(run->folder, LKS_FOLDER_CONFIG, config);
    add_word(page, config);
    if (layout)
        lks_html_printf(page, " --threads %d", p->threads);
    if (run->has_checkpoint && p->init_from.path[0]) {
        lks_html_add(page, " --init-from ");
        add_word(page, p->init_from.path);
    }
    lks_html_add(page, " --out again\nlockstep diff again ");
    add_word(page, run->folder);
    lks_html_add(page, "</code></pre>\n");
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
    write_again(page, run);
    lks_html_add(page, "<details><summary>The whole configuration, defaults included</summary>\n"
                       "<pre tabindex=\"0\"><code>");
    lks_html_text(page, run->config_yaml);
    lks_html_add(page, "</code></pre></details>\n");
    lks_section_close(page);
}
