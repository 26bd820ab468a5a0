#include "tool/follow/screen.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/timer.h"
#include "base/utf8.h"
#include "lockstep/log.h"
#include "tool/follow/plot.h"

enum {
    NARROW = 20, /* columns of the least that a chart is drawn on, */
    LOW = 3,     /* and rows, */
    HIGH = 14,   /* and the most, */
    WIDE = 72,   /* of one chart */
    SCALE = 10,  /* of its numbers at the left: -1.23e+308 */
    BESIDE = 2,  /* between two */
    HEAD = 5,    /* lines above them */
    AROUND = 3,  /* title, scale and space of a chart */
    LINE = 1024  /* bytes of a line */
};

/* --- lines ------------------------------------------------------------------------------------- */

/* Writes a line, cut to the screen: what comes from files is shown, not obeyed. */
__attribute__((format(printf, 3, 4))) static void put_line(FILE *to, const lks_screen *s,
                                                           const char *format, ...) {
    char text[LINE], shown[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lks_printable(shown, sizeof shown, text, strlen(text));
    int width = 0;
    for (const char *at = shown; *at && width < s->columns - 1; width++) {
        const size_t n = lks_utf8_sequence(at, strlen(at));
        fwrite(at, 1, n ? n : 1, to);
        at += n ? n : 1;
    }
    putc('\n', to);
}

static void put_bar(const lks_watched *w, const lks_screen *s, FILE *to) {
    const int64_t step = lks_stand_step(w), last = lks_stand_last_step(w);
    enum { CELLS = 30 };
    char cells[CELLS + 1], epochs[32] = "";
    if (w->work.epochs > 0)
        snprintf(epochs, sizeof epochs, "/%lld", (long long)w->work.epochs);
    const long long epoch = (long long)lks_stand_epoch(w);
    if (last == 0) {
        put_line(to, s, "epoch %lld%s  step %lld", epoch, epochs, (long long)step);
        return;
    }
    const double part = (double)step / (double)last;
    const int full = (int)((part < 1 ? part : 1) * CELLS);
    for (int i = 0; i < CELLS; i++)
        cells[i] = i < full ? '=' : i == full && w->state == LKS_RUN_WORKS ? '>' : ' ';
    cells[CELLS] = '\0';
    put_line(to, s, "epoch %lld%s  step %lld/%lld  [%s] %.0f %%", epoch, epochs, (long long)step,
             (long long)last, cells, 100 * part);
}

static void put_speed(const lks_watched *w, const lks_screen *s, FILE *to) {
    const lks_history *h = &w->metrics.history;
    char left[32], more[64] = "", images[32] = "?", now[128] = "";
    const double speed = lks_stand_images(w);
    if (isfinite(speed))
        snprintf(images, sizeof images, "%.0f", speed);
    if (h->n_steps > 0) {
        const lks_step_record *r = &h->steps[h->n_steps - 1];
        snprintf(now, sizeof now, "  loss %.4f  accuracy %.2f %%  rate %.3g", r->loss,
                 100 * r->accuracy, r->lr);
    }
    if (w->state == LKS_RUN_WORKS)
        snprintf(more, sizeof more, "  %s left", lks_brief_duration(lks_stand_left(w), left));
    put_line(to, s, "%s images/s%s%s", images, more, now);
}

static void put_place(const lks_watched *w, const lks_screen *s, FILE *to) {
    char on[LINE / 2] = "", memory[64] = "", checkpoint[128] = "no checkpoint yet", age[32];
    if (w->work.ranks > 0)
        snprintf(on, sizeof on, "%lld rank%s x %lld thread%s on %.200s  ", (long long)w->work.ranks,
                 w->work.ranks == 1 ? "" : "s", (long long)w->work.threads,
                 w->work.threads == 1 ? "" : "s", w->work.hosts);
    if (w->resident_mib > 0)
        snprintf(memory, sizeof memory, "memory %.0f MiB in rank 0  ", w->resident_mib);
    else if (w->work.memory_mib > 0)
        snprintf(memory, sizeof memory, "memory at most %.0f MiB a rank  ", w->work.memory_mib);
    if (w->checkpoint[0])
        snprintf(checkpoint, sizeof checkpoint, "%s, %s ago", w->checkpoint,
                 lks_brief_duration(w->checkpoint_age > 0 ? w->checkpoint_age : 0, age));
    put_line(to, s, "%s%s%s", on, memory, checkpoint);
}

static void put_head(const lks_watched *w, const lks_screen *s, FILE *to) {
    char told[LKS_LIFE_TEXT + 400];
    put_line(to, s, "%s%s%s  %s", w->work.name, w->work.name[0] ? "  " : "", w->folder,
             lks_stand_word(w));
    put_bar(w, s, to);
    put_speed(w, s, to);
    put_place(w, s, to);
    put_line(to, s, "%s%s", w->faults[0] ? "faults " : lks_stand_tell(w, told), w->faults);
}

/* --- charts ------------------------------------------------------------------------------------ */

/* One curve at each step, another at each epoch. */
typedef struct curves {
    const char *name;
    double *x, *y, *epoch_x, *epoch_y;
    size_t n, n_epochs;
    bool validation; /* the epochs' figures are of validation images, else of test images */
} curves;

static lks_status open_curves(curves *c, const lks_history *h, lks_error *err) {
    c->n = h->n_steps ? h->n_steps : h->n_epochs;
    c->n_epochs = h->n_epochs;
    c->x = lks_alloc(2 * c->n + 2 * c->n_epochs, sizeof *c->x, "curves", err);
    if (!c->x)
        return err->status;
    c->y = c->x + c->n;
    c->epoch_x = c->y + c->n;
    c->epoch_y = c->epoch_x + c->n_epochs;
    for (size_t i = 0; i < c->n_epochs; i++)
        c->validation = c->validation || isfinite(h->epochs[i].validation_loss);
    return LKS_OK;
}

static void take_loss(curves *c, const lks_history *h) {
    c->name = "loss";
    for (size_t i = 0; i < c->n; i++) {
        c->x[i] = (double)(h->n_steps ? h->steps[i].step : h->epochs[i].step);
        c->y[i] = h->n_steps ? h->steps[i].loss : h->epochs[i].train_loss;
    }
    for (size_t i = 0; i < c->n_epochs; i++) {
        const lks_epoch_record *e = &h->epochs[i];
        c->epoch_x[i] = (double)e->step;
        c->epoch_y[i] = c->validation ? e->validation_loss : e->test_loss;
    }
}

static void take_accuracy(curves *c, const lks_history *h) {
    c->name = "accuracy, %";
    for (size_t i = 0; i < c->n; i++) {
        c->x[i] = (double)(h->n_steps ? h->steps[i].step : h->epochs[i].step);
        c->y[i] = 100 * (h->n_steps ? h->steps[i].accuracy : h->epochs[i].train_accuracy);
    }
    for (size_t i = 0; i < c->n_epochs; i++) {
        const lks_epoch_record *e = &h->epochs[i];
        c->epoch_x[i] = (double)e->step;
        c->epoch_y[i] = 100 * (c->validation ? e->validation_accuracy : e->test_accuracy);
    }
}

/* A chart in the making, and its title. */
typedef struct chart {
    lks_plot plot;
    bool any;
    char title[80];
} chart;

static lks_status draw(chart *t, const curves *c, int columns, int rows, bool utf8,
                       lks_error *err) {
    const lks_points line = {c->x, c->y, c->n}, marks = {c->epoch_x, c->epoch_y, c->n_epochs};
    LKS_TRY(lks_plot_open(&t->plot, columns - SCALE - 1, rows, utf8, err));
    t->any = lks_plot_include(&t->plot, line);
    const bool marked = lks_plot_include(&t->plot, marks);
    t->any = t->any || marked;
    snprintf(t->title, sizeof t->title, "%s%s", c->name,
             !marked         ? ""
             : c->validation ? "; o validation"
                             : "; o test");
    if (t->any) {
        lks_plot_line(&t->plot, line);
        lks_plot_mark(&t->plot, marks, 'o');
    }
    return LKS_OK;
}

static void put_scale(const chart *t, int row, FILE *to) {
    const lks_plot *p = &t->plot;
    if (t->any && row == 0)
        fprintf(to, "%*.3g|", SCALE, p->top);
    else if (t->any && row == p->rows - 1)
        fprintf(to, "%*.3g|", SCALE, p->bottom);
    else
        fprintf(to, "%*s|", SCALE, "");
}

static void put_charts(const chart *charts, int n, FILE *to) {
    const int columns = charts[0].plot.columns, width = columns + SCALE + 1;
    for (int k = 0; k < n; k++)
        fprintf(to, "%*s%-*.*s", k ? BESIDE + SCALE + 1 : SCALE + 1, "", columns, columns,
                charts[k].title);
    putc('\n', to);
    for (int row = 0; row < charts[0].plot.rows; row++) {
        for (int k = 0; k < n; k++) {
            fprintf(to, "%*s", k ? BESIDE : 0, "");
            put_scale(&charts[k], row, to);
            lks_plot_row(&charts[k].plot, row, to);
        }
        putc('\n', to);
    }
    for (int k = 0; k < n; k++) {
        char ends[64] = "";
        if (charts[k].any)
            snprintf(ends, sizeof ends, "step %.0f to %.0f", charts[k].plot.left,
                     charts[k].plot.right);
        fprintf(to, "%*s%-*.*s", k ? BESIDE + SCALE + 1 : SCALE + 1, "", width - SCALE - 1,
                width - SCALE - 1, ends);
    }
    putc('\n', to);
}

/* Side by side where there is room, else one below the other, else the first alone. */
static lks_status put_plots(const lks_watched *w, const lks_screen *s, FILE *to, lks_error *err) {
    const lks_history *h = &w->metrics.history;
    const int room = s->rows - 1 - HEAD, wide = s->columns - 1;
    const bool beside = (wide - BESIDE) / 2 >= NARROW + SCALE + 1;
    const bool below = !beside && room >= 2 * (LOW + AROUND);
    int columns = beside ? (wide - BESIDE) / 2 : wide;
    int rows = (below ? room / 2 : room) - AROUND + 1;
    columns = columns < WIDE ? columns : WIDE;
    rows = rows < HIGH ? rows : HIGH;
    if (rows < LOW || columns < NARROW + SCALE + 1)
        return LKS_OK;
    curves c = {0};
    chart charts[2] = {0};
    lks_status status = open_curves(&c, h, err);
    if (status == LKS_OK)
        take_loss(&c, h);
    if (status == LKS_OK)
        status = draw(&charts[0], &c, columns, rows, s->utf8, err);
    if (status == LKS_OK)
        take_accuracy(&c, h);
    if (status == LKS_OK)
        status = draw(&charts[1], &c, columns, rows, s->utf8, err);
    if (status == LKS_OK)
        put_charts(charts, beside ? 2 : 1, to);
    if (status == LKS_OK && below)
        put_charts(charts + 1, 1, to);
    lks_plot_free(&charts[0].plot);
    lks_plot_free(&charts[1].plot);
    lks_free(c.x);
    return status;
}

lks_status lks_screen_write(const lks_watched *w, const lks_screen *screen, FILE *to,
                            lks_error *err) {
    lks_text head;
    LKS_TRY(lks_text_open(&head, "the screen", err));
    put_head(w, screen, head.f);
    LKS_TRY(lks_text_close(&head, "the screen", err));
    const char *line = head.bytes;
    for (int i = 0; i < HEAD && i < screen->rows - 1; i++) { /* a low screen has its first lines */
        const size_t n = strcspn(line, "\n") + 1;
        fwrite(line, 1, n, to);
        line += n;
    }
    free(head.bytes);
    return put_plots(w, screen, to, err);
}

/* --- for a pipe -------------------------------------------------------------------------------- */

void lks_screen_epoch(const lks_watched *w, const lks_epoch_record *e, FILE *to) {
    char last[32] = "", more[96] = "";
    if (lks_stand_last_step(w) > 0)
        snprintf(last, sizeof last, "/%lld", (long long)lks_stand_last_step(w));
    if (isfinite(e->validation_loss))
        snprintf(more, sizeof more, "  validation loss %.4f accuracy %.2f %%", e->validation_loss,
                 100 * e->validation_accuracy);
    else if (isfinite(e->test_loss))
        snprintf(more, sizeof more, "  test loss %.4f accuracy %.2f %%", e->test_loss,
                 100 * e->test_accuracy);
    fprintf(to, "epoch %d  step %lld%s  loss %.4f accuracy %.2f %%%s  %.0f images/s  %.1f s\n",
            e->epoch, (long long)e->step, last, e->train_loss, 100 * e->train_accuracy, more,
            e->images_per_second, e->seconds);
}

void lks_screen_run(const lks_watched *w, FILE *to) {
    char told[LKS_LIFE_TEXT + 400];
    lks_stand_tell(w, told);
    lks_print(to, "%s  %s%s%s\n", w->folder, lks_stand_word(w), told[0] ? "  " : "", told);
}
