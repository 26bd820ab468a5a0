/* How training went: curves of all runs, and where the first one's time went. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/chart.h"
#include "report/sections.h"

/* A chart in the making. Runs have at most three series in it. */
enum { SERIES_MAX = 3 * LKS_REPORT_RUNS_MAX, NAME_ROOM = 96 };

typedef struct curves {
    lks_html *page;
    const lks_report *r;
    bool by_epoch; /* x counts epochs, else steps */
    lks_series series[SERIES_MAX];
    char names[SERIES_MAX][NAME_ROOM];
    double *numbers[SERIES_MAX][2];
    int n;
} curves;

static double member(const void *record, size_t offset) {
    double value;
    memcpy(&value, (const char *)record + offset, sizeof value);
    return value;
}

/* Optimizer steps of an epoch; 0 while none is complete. */
static double steps_per_epoch(const lks_report_run *run) {
    const lks_history *h = &run->history;
    return h->n_epochs > 0 && h->epochs[0].epoch > 0
               ? (double)h->epochs[0].step / h->epochs[0].epoch
               : 0;
}

static bool all_have_epochs(const lks_report *r) {
    for (int i = 0; i < r->n; i++)
        if (steps_per_epoch(&r->runs[i]) <= 0)
            return false;
    return true;
}

/* "validation", with the run's name before it where there are several. */
static void name_series(curves *c, const lks_report_run *run, const char *what) {
    if (c->r->n == 1)
        snprintf(c->names[c->n], NAME_ROOM, "%s", what);
    else
        snprintf(c->names[c->n], NAME_ROOM, "%.60s%s%s", run->label, what[0] ? ": " : "", what);
}

/* A series of n points to be filled, or NULL without memory or points. */
static lks_series *new_series(curves *c, const lks_report_run *run, const char *what, size_t n) {
    lks_error err;
    if (n == 0 || c->n == SERIES_MAX)
        return NULL;
    for (int k = 0; k < 2; k++) {
        c->numbers[c->n][k] = lks_alloc(n, sizeof(double), "a curve", &err);
        c->page->failed = c->page->failed || !c->numbers[c->n][k];
    }
    name_series(c, run, what);
    lks_series *s = &c->series[c->n];
    *s = (lks_series){.name = c->names[c->n],
                      .colour = (int)(run - c->r->runs),
                      .x = c->numbers[c->n][0],
                      .y = c->numbers[c->n][1],
                      .n = c->page->failed ? 0 : n}; /* whoever looks at all series finds none */
    c->n++;
    return c->page->failed ? NULL : s;
}

/* The member of every recorded step at `offset`, times `scale`. */
static lks_series *add_steps(curves *c, const lks_report_run *run, const char *what, size_t offset,
                             double scale) {
    const lks_history *h = &run->history;
    const double per = c->by_epoch ? steps_per_epoch(run) : 1;
    lks_series *s = new_series(c, run, what, h->n_steps);
    for (size_t i = 0; s && i < h->n_steps; i++) {
        c->numbers[c->n - 1][0][i] = (double)h->steps[i].step / per;
        c->numbers[c->n - 1][1][i] = scale * member(&h->steps[i], offset);
    }
    return s;
}

static bool measured(const lks_history *h, size_t offset) {
    for (size_t i = 0; i < h->n_epochs; i++)
        if (!isnan(member(&h->epochs[i], offset)))
            return true;
    return false;
}

/* The same of every epoch; NULL where it was never measured. */
static lks_series *add_epochs(curves *c, const lks_report_run *run, const char *what, size_t offset,
                              double scale) {
    const lks_history *h = &run->history;
    if (!measured(h, offset))
        return NULL;
    lks_series *s = new_series(c, run, what, h->n_epochs);
    for (size_t i = 0; s && i < h->n_epochs; i++) {
        c->numbers[c->n - 1][0][i] = c->by_epoch ? h->epochs[i].epoch : (double)h->epochs[i].step;
        c->numbers[c->n - 1][1][i] = scale * member(&h->epochs[i], offset);
    }
    if (s)
        s->dots = true;
    return s;
}

/* Draws what was added, and starts afresh. */
static void draw(curves *c, lks_chart chart) {
    chart.series = c->series;
    chart.n_series = c->n;
    chart.x_label = c->by_epoch ? "epoch" : "step";
    chart.x_whole = c->by_epoch;
    chart.x_steps = c->by_epoch ? steps_per_epoch(&c->r->runs[0]) : 0;
    if (!c->page->failed)
        lks_chart_write(c->page, &chart);
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < 2; k++) {
            lks_free(c->numbers[i][k]);
            c->numbers[i][k] = NULL;
        }
    c->n = 0;
}

/* --- loss and accuracy ------------------------------------------------------------------------ */

/* Where loss or accuracy stand in the two kinds of records. */
typedef struct figure {
    size_t step, train, validation, test;
} figure;

static const figure loss = {offsetof(lks_step_record, loss), offsetof(lks_epoch_record, train_loss),
                            offsetof(lks_epoch_record, validation_loss),
                            offsetof(lks_epoch_record, test_loss)};
static const figure accuracy = {
    offsetof(lks_step_record, accuracy), offsetof(lks_epoch_record, train_accuracy),
    offsetof(lks_epoch_record, validation_accuracy), offsetof(lks_epoch_record, test_accuracy)};

static void paint(lks_series *s, int colour) {
    if (s)
        s->colour = colour;
}

/* One run: single steps, epochs, and what was held out. */
static void add_alone(curves *c, const figure *f, double scale) {
    const lks_report_run *run = c->r->runs;
    lks_series *s = add_steps(c, run, "training, single steps", f->step, scale);
    if (s)
        s->faint = true;
    add_epochs(c, run, "training, mean of the epoch", f->train, scale);
    paint(add_epochs(c, run, "validation", f->validation, scale), 1);
    paint(add_epochs(c, run, "test", f->test, scale), 2);
}

/* One of several runs: training dashed, and held-out images, or single steps where no epoch is
 * complete. */
static void add_beside(curves *c, const lks_report_run *run, const figure *f, double scale) {
    lks_series *s = run->history.n_epochs > 0 ? add_epochs(c, run, "training", f->train, scale)
                                              : add_steps(c, run, "training", f->step, scale);
    if (s) {
        s->dashed = true;
        s->dots = false;
    }
    if (!add_epochs(c, run, "validation", f->validation, scale))
        add_epochs(c, run, "test", f->test, scale);
}

static void add_figure(curves *c, const figure *f, double scale) {
    if (c->r->n == 1)
        add_alone(c, f, scale);
    else
        for (int i = 0; i < c->r->n; i++)
            add_beside(c, &c->r->runs[i], f, scale);
}

static bool has_dropout(const lks_config *c) {
    for (int i = 0; i < c->n_layers; i++)
        if (strcmp(lks_layer_kind_name(c->layers[i].kind), "dropout") == 0)
            return true;
    return false;
}

/* In what the loss of training differs from that of held-out images, in some run of the page: "Mean
 * cross-entropy. Training has dropout and label smoothing; validation and test have neither." */
static void describe_loss(const lks_report *r, char note[320]) {
    static const char *const names[] = {"dropout", "label smoothing", "class weights"};
    bool used[3] = {false}, average = false;
    for (int i = 0; i < r->n; i++) {
        const lks_config *c = &r->runs[i].config;
        used[0] = used[0] || has_dropout(c);
        used[1] = used[1] || c->train.label_smoothing > 0;
        used[2] = used[2] || c->train.class_weighting != LKS_WEIGHTING_NONE;
        average = average || c->train.ema_decay > 0;
    }
    int left = used[0] + used[1] + used[2];
    const int all = left;
    int n = snprintf(note, 320, "Mean cross-entropy.%s", left ? " Training has " : "");
    for (int k = 0; k < 3; k++)
        if (used[k]) {
            left--;
            n += snprintf(note + n, 320 - (size_t)n, "%s%s", names[k],
                          left > 1 ? ", "
                          : left   ? " and "
                                   : "");
        }
    if (all)
        n += snprintf(note + n, 320 - (size_t)n, "; validation and test have %s.",
                      all == 1   ? "none"
                      : all == 2 ? "neither"
                                 : "none of them");
    if (average)
        snprintf(note + n, 320 - (size_t)n,
                 " Validation and test take the averaged weights, training does not.");
}

static void draw_loss(curves *c) {
    char note[320];
    describe_loss(c->r, note);
    add_figure(c, &loss, 1);
    draw(c, (lks_chart){.title = "Loss",
                        .note = note,
                        .unit = "",
                        .floor = NAN,
                        .log_y = lks_chart_wants_log(c->series, c->n)});
}

/* Single batches scatter: the axis begins where the epochs do. */
static double accuracy_floor(const curves *c) {
    double least = NAN;
    for (int s = 0; s < c->n; s++)
        for (size_t i = 0; !c->series[s].faint && i < c->series[s].n; i++)
            if (!(c->series[s].y[i] >= least))
                least = isnan(c->series[s].y[i]) ? least : c->series[s].y[i];
    return isnan(least) || least < 50 ? NAN : least - 0.4 * (100 - least);
}

static void draw_accuracy(curves *c) {
    add_figure(c, &accuracy, 100);
    draw(c, (lks_chart){.title = "Accuracy",
                        .note = "Share of images whose most probable class is the right one.",
                        .unit = "%",
                        .floor = accuracy_floor(c)});
}

/* --- the rest --------------------------------------------------------------------------------- */

static void draw_rate(curves *c) {
    for (int i = 0; i < c->r->n; i++) {
        const lks_report_run *run = &c->r->runs[i];
        if (!add_steps(c, run, c->r->n == 1 ? "learning rate" : "", offsetof(lks_step_record, lr),
                       1))
            add_epochs(c, run, c->r->n == 1 ? "learning rate" : "", offsetof(lks_epoch_record, lr),
                       1);
    }
    draw(c, (lks_chart){.title = "Learning rate",
                        .note = "Set by the schedule.",
                        .unit = "",
                        .floor = NAN,
                        .from_zero = true});
}

static void draw_gradient(curves *c) {
    for (int i = 0; i < c->r->n; i++)
        add_steps(c, &c->r->runs[i], c->r->n == 1 ? "norm" : "",
                  offsetof(lks_step_record, gradient_norm), 1);
    draw(c, (lks_chart){.title = "Gradient norm",
                        .note = "Euclidean norm of the mean gradient of a step, before clipping.",
                        .unit = "",
                        .floor = NAN,
                        .log_y = lks_chart_wants_log(c->series, c->n)});
}

static void draw_noise(curves *c) {
    for (int i = 0; i < c->r->n; i++)
        add_epochs(c, &c->r->runs[i], c->r->n == 1 ? "noise scale" : "",
                   offsetof(lks_epoch_record, noise_scale), 1);
    draw(c, (lks_chart){.title = "Noise scale of the gradient",
                        .note = "Images a step with which training takes twice the fewest steps "
                                "(McCandlish et al. 2018): a larger batch, and so more ranks, "
                                "hardly saves steps.",
                        .unit = "images",
                        .floor = NAN,
                        .log_y = lks_chart_wants_log(c->series, c->n)});
}

static void draw_speed(curves *c) {
    for (int i = 0; i < c->r->n; i++)
        add_epochs(c, &c->r->runs[i], c->r->n == 1 ? "images per second" : "",
                   offsetof(lks_epoch_record, images_per_second), 1);
    draw(c, (lks_chart){.title = "Throughput",
                        .note = "Training images per second of wall time, over all ranks, without "
                                "evaluation.",
                        .unit = "",
                        .floor = NAN,
                        .from_zero = true});
}

static void add_communication(curves *c, const lks_report_run *run, bool waiting) {
    const lks_history *h = &run->history;
    const lks_phase phase = waiting ? LKS_PHASE_WAIT : LKS_PHASE_COMMUNICATION;
    const char *what = c->r->n > 1 ? "" : waiting ? "wait for the slowest rank" : "communication";
    lks_series *s = new_series(c, run, what, h->n_epochs);
    for (size_t i = 0; s && i < h->n_epochs; i++) {
        c->numbers[c->n - 1][0][i] = c->by_epoch ? h->epochs[i].epoch : (double)h->epochs[i].step;
        c->numbers[c->n - 1][1][i] = 100 * lks_phase_share(&h->epochs[i].phases, phase);
    }
    if (s) {
        s->dots = true;
        s->dashed = waiting;
    }
}

/* Percent that nobody needs to see drawn. */
#define LITTLE 0.5

static bool all_little(const curves *c) {
    for (int s = 0; s < c->n; s++)
        for (size_t i = 0; i < c->series[s].n; i++)
            if (c->series[s].y[i] >= LITTLE)
                return false;
    return true;
}

static void draw_communication(curves *c) {
    for (int i = 0; i < c->r->n; i++) {
        add_communication(c, &c->r->runs[i], false);
        if (c->r->n == 1) /* more lines than eyes can part, else */
            add_communication(c, &c->r->runs[i], true);
    }
    lks_chart chart = {
        .title = "Communication",
        .note = "Share of the ranks' time that the allreduces of the steps take, without "
                "waiting for the slowest rank.",
        .unit = "%",
        .floor = NAN,
        .from_zero = true};
    if (c->n > 0 && all_little(c))
        chart.instead = "Less than 0.5 % in every epoch.";
    draw(c, chart);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void write_phases(lks_html *page, const lks_report_run *run) {
    lks_phase_times sum;
    char text[LKS_FIGURE_ROOM];
    if (lks_history_phases(&run->history, &sum) == 0)
        return;
    lks_html_add(page, "<h3>Where the time went</h3>\n");
    lks_table_open(page, "bars",
                   "Seconds in each phase over all epochs: mean of the ranks, least and most");
    lks_html_add(page, "<thead><tr><th scope=\"col\">phase</th><th scope=\"col\">mean</th>"
                       "<th scope=\"col\">least – most</th><th scope=\"col\">share</th>"
                       "<th scope=\"col\" aria-hidden=\"true\"></th></tr></thead>\n<tbody>\n");
    for (int p = 0; p < LKS_PHASE_TOTAL; p++) {
        const double share = lks_phase_share(&sum, (lks_phase)p);
        lks_html_printf(page,
                        "<tr><th scope=\"row\">%s</th><td>%.2f s</td><td>%.2f – %.2f s</td>"
                        "<td>%s</td><td aria-hidden=\"true\"><i class=\"bar\" "
                        "style=\"width:%.2f%%\"></i></td></tr>\n",
                        lks_phase_names[p], sum.of[p].avg, sum.of[p].min, sum.of[p].max,
                        lks_percent(share, 0, text), 100 * share);
    }
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

static void cell(lks_html *page, int digits, double value, const char *unit) {
    if (isnan(value))
        lks_html_add(page, "<td>–</td>");
    else
        lks_html_printf(page, "<td>%.*f%s</td>", digits, value, unit);
}

/* More rows than this are thinned out, the last one kept. */
#define ROWS_MAX 200

static void write_epochs(lks_html *page, const lks_report_run *run) {
    const lks_history *h = &run->history;
    const size_t every = h->n_epochs / ROWS_MAX + 1;
    if (h->n_epochs == 0)
        return;
    lks_html_printf(page, "<details><summary>The figures of every %s</summary>\n",
                    every > 1 ? "few epochs" : "epoch");
    lks_table_open(page, "figures", "Figures of the epochs");
    lks_html_add(page, "<thead><tr><th scope=\"col\">epoch</th><th scope=\"col\">step</th>"
                       "<th scope=\"col\">learning rate</th><th scope=\"col\">training loss</th>"
                       "<th scope=\"col\">accuracy</th><th scope=\"col\">validation loss</th>"
                       "<th scope=\"col\">accuracy</th><th scope=\"col\">test loss</th>"
                       "<th scope=\"col\">accuracy</th><th scope=\"col\">images/s</th>"
                       "<th scope=\"col\">seconds</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < h->n_epochs; i++) {
        const lks_epoch_record *e = &h->epochs[i];
        if ((h->n_epochs - 1 - i) % every != 0)
            continue;
        lks_html_printf(page, "<tr><th scope=\"row\">%d</th><td>%lld</td><td>%.4g</td>", e->epoch,
                        (long long)e->step, e->lr);
        cell(page, 4, e->train_loss, "");
        cell(page, 2, 100 * e->train_accuracy, " %");
        cell(page, 4, e->validation_loss, "");
        cell(page, 2, 100 * e->validation_accuracy, " %");
        cell(page, 4, e->test_loss, "");
        cell(page, 2, 100 * e->test_accuracy, " %");
        cell(page, 0, e->images_per_second, "");
        cell(page, 2, e->seconds, "");
        lks_html_add(page, "</tr>\n");
    }
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
    lks_html_add(page, "</details>\n");
}

void lks_section_curves(lks_html *page, const lks_report *r) {
    lks_error err;
    lks_section_open(page, "curves", "How training went");
    curves *c = lks_alloc(1, sizeof *c, "curves", &err);
    page->failed = page->failed || !c;
    if (c) {
        *c = (curves){.page = page, .r = r, .by_epoch = all_have_epochs(r)};
        lks_html_add(page, "<div class=\"charts\">\n");
        draw_loss(c);
        draw_accuracy(c);
        draw_rate(c);
        draw_gradient(c);
        draw_noise(c);
        draw_speed(c);
        draw_communication(c);
        lks_html_add(page, "</div>\n");
    }
    lks_free(c);
    lks_report_augment(page, r->runs);
    write_phases(page, r->runs);
    write_epochs(page, r->runs);
    lks_section_close(page);
}
