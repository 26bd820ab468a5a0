/* The page as a whole. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "files/publish.h"
#include "lockstep/report.h"
#include "lockstep/predict.h"
#include "panel/panel.h"
#include "report/sections.h"

/* Nothing may be loaded from anywhere: the browser enforces that the page is self-contained. */
static const char policy[] =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'";

/* A page is shorter, so that it can be mailed: the network to draw for gets what the rest leaves. */
#define PAGE_BYTES ((size_t)2 << 20)

typedef enum shown_when { ALWAYS, COMPARES /* several runs */, OF_TRAINING } shown_when;

static const struct {
    const char *id, *name;
    void (*write)(lks_html *page, const lks_report *r); /* NULL: write_draw() */
    shown_when when;
} sections[] = {
    {"headline", "Result", lks_section_headline, ALWAYS},
    {"draw", "Draw", NULL, ALWAYS},
    {"curves", "Training", lks_section_curves, OF_TRAINING},
    {"compare", "Runs compared", lks_section_compare, COMPARES},
    {"confusion", "Confusion", lks_section_confusion, OF_TRAINING},
    {"classes", "Classes", lks_section_classes, OF_TRAINING},
    {"errors", "Mistakes", lks_section_errors, OF_TRAINING},
    {"shared", "Shared mistakes", lks_section_shared, COMPARES},
    {"training", "Labels", lks_section_training, OF_TRAINING},
    {"calibration", "Calibration", lks_section_calibration, OF_TRAINING},
    {"filters", "Inside", lks_section_filters, ALWAYS},
    {"network", "Network", lks_section_network, ALWAYS},
    {"configuration", "Origin", lks_section_configuration, ALWAYS},
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* Of several runs those without figures say so. */
static bool is_shown(const lks_report *r, int section) {
    switch (sections[section].when) {
    case COMPARES:
        return r->n > 1;
    case OF_TRAINING:
        return r->n > 1 || !lks_report_imported(&r->runs[0]);
    default:
        return true;
    }
}

static void write_head(lks_html *page, const lks_report *r) {
    lks_html_printf(page,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
                    policy);
    lks_html_text(page, r->runs[0].label);
    if (r->n > 1)
        lks_html_printf(page, " and %d more", r->n - 1);
    lks_html_add(page, " – Lockstep report</title>\n<style>\n");
    lks_html_asset(page, "style");
    lks_html_add(page, "</style>\n</head>\n");
}

/* "Network mnist-convnet, seed 1, 2026-01-31 12:00 UTC" */
static void write_about(lks_html *page, const lks_report_run *run) {
    lks_html_add(page, "<p class=\"note\">Network ");
    lks_html_text(page, run->config.name);
    lks_html_printf(page, ", seed %llu", (unsigned long long)run->config.seed);
    if (run->has_checkpoint) {
        const char *time = run->checkpoint.provenance.time; /* 2026-01-31T12:00:59Z */
        char text[32];
        lks_html_add(page, ", <time datetime=\"");
        lks_html_text(page, time);
        lks_html_add(page, "\">");
        snprintf(text, sizeof text, "%.10s %.5s UTC", time, strlen(time) > 11 ? time + 11 : "");
        lks_html_text(page, text);
        lks_html_add(page, "</time>");
    }
    lks_html_add(page, "</p>\n");
}

static void write_header(lks_html *page, const lks_report *r) {
    lks_html_add(page, "<body>\n<a class=\"skip\" href=\"#main\">Skip to the result</a>\n<header>\n"
                       "<p class=\"brand\">Lockstep report</p>\n<h1>");
    lks_html_text(page, r->runs[0].label);
    lks_html_add(page, "</h1>\n");
    write_about(page, r->runs);
    if (r->n > 1) {
        lks_html_add(page, "<p class=\"note\">Compared with ");
        for (int i = 1; i < r->n; i++) {
            lks_html_add(page, i > 1 ? ", <b>" : "<b>");
            lks_html_text(page, r->runs[i].label);
            lks_html_add(page, "</b>");
        }
        lks_html_printf(
            page,
            ". Curves, comparison and shared mistakes show all runs. Everything else is of <b>");
        lks_html_text(page, r->runs[0].label);
        lks_html_add(page, "</b>.</p>\n");
    }
    lks_html_add(page, "<nav aria-label=\"Sections\"><ul>\n");
    for (int i = 0; i < SECTIONS; i++)
        if (is_shown(r, i))
            lks_html_printf(page, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id,
                            sections[i].name);
    lks_html_add(page, "</ul></nav>\n</header>\n");
}

static void write_end(lks_html *page) {
    lks_html_add(page,
                 "</main>\n<footer><p>Made by <code>lockstep report</code> from the files of the "
                 "run folder. This page loads nothing from anywhere.</p></footer>\n<script>\n");
    lks_html_asset(page, "charts");
    lks_html_add(page, "</script>\n</body>\n</html>\n");
}

/* The panel to draw on, of the first run's network. `end` as in lks_panel_write(). */
static void write_draw(lks_html *page, const lks_report *r, size_t end) {
    const lks_report_run *run = &r->runs[0];
    if (!run->has_checkpoint) {
        lks_section_open(page, "draw", "Draw");
        lks_missing_since(page, "There is no network to try", run->problem);
        lks_section_close(page);
        return;
    }
    const lks_panel_source source = {.config = &run->config,
                                     .data = &run->checkpoint.data,
                                     .weights = lks_checkpoint_evaluated(&run->checkpoint),
                                     .temperature = lks_report_temperature(run),
                                     .unsure_below = LKS_UNSURE_BELOW,
                                     .steady = LKS_STEADY,
                                     .steady_temperature = LKS_STEADY_TEMPERATURE,
                                     .steady_sure = LKS_STEADY_SURE};
    lks_error err;
    lks_panel_write(page, &source, end, &err); /* what went wrong stands in the section */
}

/* What stands after the section to draw in is made before it, to know how long it is. */
static lks_status write_page(lks_html *page, const lks_report *r, lks_error *err) {
    lks_html after = {0}, *to = page;
    write_head(page, r);
    write_header(page, r);
    lks_html_add(page, "<main id=\"main\">\n");
    for (int i = 0; i < SECTIONS; i++)
        if (!sections[i].write)
            to = &after;
        else if (is_shown(r, i))
            sections[i].write(to, r);
    write_end(&after);
    write_draw(page, r, after.size < PAGE_BYTES ? PAGE_BYTES - after.size : 0);
    lks_html_bytes(page, after.text, after.size);
    page->failed = page->failed || after.failed;
    page->missing = page->missing ? page->missing : after.missing;
    lks_html_free(&after);
    return lks_html_status(page, err);
}

/* Folders of one name are told apart by their whole paths. */
static void tell_apart(lks_report *r) {
    for (int a = 0; a < r->n; a++)
        for (int b = 0; b < r->n; b++)
            if (a != b && strcmp(r->runs[a].label, r->runs[b].label) == 0) {
                for (int i = 0; i < r->n; i++)
                    snprintf(r->runs[i].label, sizeof r->runs[i].label, "%s", r->runs[i].folder);
                return;
            }
}

lks_status lks_report_write(const char *const *folders, int n, const lks_report_options *o,
                            const char *path, lks_error *err) {
    lks_html page = {0};
    if (n < 1 || n > LKS_REPORT_RUNS_MAX)
        return lks_fail(err, LKS_ERR_USAGE, "a report takes 1 to %d run folders, not %d",
                        LKS_REPORT_RUNS_MAX, n);
    lks_report r = {lks_alloc((size_t)n, sizeof *r.runs, "the runs", err), 0, o->train_errors,
                    o->threads};
    lks_status status = r.runs ? LKS_OK : LKS_ERR_MEMORY;
    for (; status == LKS_OK && r.n < n; r.n += status == LKS_OK)
        status = lks_report_run_read(&r.runs[r.n], folders[r.n], o->data, err);
    const bool print = strcmp(path, "-") == 0;
    if (status == LKS_OK && !print)
        status = lks_publish_check(path, err);
    if (status == LKS_OK) {
        tell_apart(&r);
        status = write_page(&page, &r, err);
    }
    if (status == LKS_OK && print)
        fwrite(page.text, 1, page.size, stdout);
    else if (status == LKS_OK)
        status = lks_publish_text(path, page.text, page.size, err);
    lks_html_free(&page);
    for (int i = 0; i < r.n; i++)
        lks_report_run_free(&r.runs[i]);
    lks_free(r.runs);
    return status;
}
