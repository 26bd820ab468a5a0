/* The numbers that one asks for first. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json/json.h"
#include "report/sections.h"
#include "report/weights.h"

/* A value of summary.json: as it is for programs, as `text` for people. */
static void value_of(lks_html *page, const char *key, double value, const char *text) {
    char raw[32];
    lks_html_printf(page, "<data data-key=\"%s\" value=\"%s\">%s</data>", key,
                    lks_json_number(value, raw), text);
}

static void number(lks_html *page, const lks_report_run *run, const char *key, const char *text) {
    value_of(page, key, lks_report_number(run, key), text);
}

static const char *count_of(const lks_report_run *run, const char *key,
                            char text[LKS_FIGURE_ROOM]) {
    return lks_grouped_double(lks_report_number(run, key), text);
}

/* Accuracy with its interval, and the errors. */
static void write_accuracy(lks_html *page, const lks_report_run *run) {
    char text[LKS_FIGURE_ROOM];
    const int64_t images =
        run->summary ? lks_json_get_integer(run->summary, "test_total", INT64_MAX, 0) : 0;
    const double total = (double)images, correct = lks_report_number(run, "test_correct");
    if (images == 0) {
        lks_missing_test(page, run);
        return;
    }
    lks_html_add(page, "<p class=\"lead\"><span class=\"big\">");
    number(page, run, "test_accuracy",
           lks_percent(lks_report_number(run, "test_accuracy"), images, text));
    lks_html_printf(
        page, "</span> <span class=\"what\">of the test images recognised: <b>%s</b> errors, ",
        lks_grouped_double(total - correct, text));
    number(page, run, "test_correct", lks_grouped_double(correct, text));
    lks_html_add(page, " of ");
    number(page, run, "test_total", lks_grouped_double(total, text));
    lks_html_add(page, " right<br>95 % confidence interval (Wilson): ");
    number(page, run, "test_accuracy_low",
           lks_percent(lks_report_number(run, "test_accuracy_low"), images, text));
    lks_html_add(page, " to ");
    number(page, run, "test_accuracy_high",
           lks_percent(lks_report_number(run, "test_accuracy_high"), images, text));
    lks_html_add(page, "</span></p>\n");
}

static void fact_open(lks_html *page, const char *name) {
    lks_html_printf(page, "<div><dt>%s</dt><dd>", name);
}

static void fact_close(lks_html *page, const char *note) {
    lks_html_printf(page, "</dd><dd class=\"note\">%s</dd></div>\n", note);
}

static void write_validation(lks_html *page, const lks_report_weights *w) {
    char text[LKS_FIGURE_ROOM];
    if (isnan(w->validation))
        return;
    fact_open(page, "validation");
    value_of(page, w->validation_key, w->validation, lks_percent(w->validation, 10000, text));
    fact_close(page, "held out of training");
}

/* The digest, of the weights whose figures stand above, and what may be said of it. */
static void write_digest(lks_html *page, const lks_report_run *run, const lks_report_weights *w) {
    char which[LKS_WEIGHTS_ROOM];
    if (!w->digest[0])
        return;
    lks_html_add(page, "<div class=\"wide\"><dt>weights, SHA-256</dt><dd><code>");
    lks_html_text(page, w->digest);
    lks_html_printf(page, "</code></dd><dd class=\"note\">%s; %s</dd></div>\n",
                    lks_report_weights_text(w, which),
                    lks_report_reproducible(run)
                        ? "the same on any number of ranks, threads and hosts"
                        : "float32 sums: other numbers of ranks or threads may give other weights");
}

static void write_work(lks_html *page, const lks_report_run *run) {
    char text[LKS_FIGURE_ROOM], note[96];
    fact_open(page, "speed");
    number(page, run, "images_per_second", count_of(run, "images_per_second", text));
    fact_close(page, "images per second");
    fact_open(page, "training time");
    number(page, run, "train_seconds", lks_duration(lks_report_number(run, "train_seconds"), text));
    snprintf(note, sizeof note, "%s steps", count_of(run, "steps", text));
    fact_close(page, note);
    fact_open(page, "epochs");
    number(page, run, "epochs", count_of(run, "epochs", text));
    snprintf(note, sizeof note, "%s images seen", count_of(run, "samples_seen", text));
    fact_close(page, note);
    fact_open(page, "ranks × threads");
    number(page, run, "world_size", count_of(run, "world_size", text));
    lks_html_add(page, " × ");
    number(page, run, "threads_per_rank", count_of(run, "threads_per_rank", text));
    char isa[64] = "";
    lks_json_get_text(run->summary, "isa", isa, sizeof isa);
    lks_html_add(page, "</dd><dd class=\"note\">");
    lks_html_text(page, isa);
    lks_html_add(page, "</dd></div>\n");
}

/* What it cost beside the time: a rank alone sends nothing, and few systems tell the energy. */
static void write_costs(lks_html *page, const lks_report_run *run) {
    const double joules = lks_report_number(run, "energy_joules");
    char text[LKS_FIGURE_ROOM], note[96];
    if (lks_report_number(run, "sent_bytes_per_step") > 0) {
        fact_open(page, "sent");
        number(page, run, "sent_bytes_per_step", count_of(run, "sent_bytes_per_step", text));
        fact_close(page, "bytes a step, of the rank that sends most");
    }
    if (isnan(joules))
        return;
    fact_open(page, "energy");
    number(page, run, "energy_joules", count_of(run, "energy_joules", text));
    snprintf(note, sizeof note, "joules in the processors, %s an epoch",
             lks_grouped_double(joules / fmax(lks_report_number(run, "epochs"), 1), text));
    fact_close(page, note);
}

static void write_summary(lks_html *page, const lks_report_run *run, const lks_report_weights *w) {
    char text[LKS_FIGURE_ROOM];
    write_validation(page, w);
    fact_open(page, "parameters");
    number(page, run, "parameters", count_of(run, "parameters", text));
    fact_close(page, "trained weights and biases");
    write_work(page, run);
    write_costs(page, run);
}

/* Nothing was trained here, so there are no figures. */
static void write_imported(lks_html *page, const lks_report_run *run) {
    const lks_init_source *from = &run->checkpoint.provenance.init_from;
    lks_html_add(page, "<p class=\"note\">These weights were imported from <code>");
    lks_html_text(page, from->path);
    lks_html_add(page, "</code> (");
    lks_html_text(page, from->flat);
    lks_html_add(
        page,
        "), and not trained here. <code>lockstep eval</code> tests them, <code>lockstep train "
        "--init-from</code> trains them further.</p>\n");
}

/* What a run that has not ended can say. */
static void write_progress(lks_html *page, const lks_report_run *run) {
    char text[LKS_FIGURE_ROOM], note[96];
    if (!run->has_checkpoint)
        return;
    const lks_checkpoint *c = &run->checkpoint;
    fact_open(page, "checkpoint");
    lks_html_printf(page, "%s steps", lks_grouped(c->cursor.step, text));
    snprintf(note, sizeof note, "%lld of %d epochs complete", (long long)c->cursor.epoch,
             run->config.train.epochs);
    fact_close(page, note);
}

void lks_section_headline(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    const lks_report_weights w = lks_report_weights_of(run);
    lks_section_open(page, "headline", "Result");
    if (run->remark[0])
        lks_missing_since(page, "Not all of the run folder is as it was written", run->remark);
    if (lks_report_imported(run))
        write_imported(page, run);
    else if (!run->summary)
        lks_missing(page,
                    "This run has not ended. It was stopped, or is still at work. The weights are "
                    "those that it would be tested with now.");
    else
        write_accuracy(page, run);
    lks_html_add(page, "<dl class=\"facts\">\n");
    if (run->summary)
        write_summary(page, run, &w);
    else
        write_progress(page, run);
    write_digest(page, run, &w);
    lks_html_add(page, "</dl>\n");
    lks_section_close(page);
}
