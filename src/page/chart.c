#include "page/chart.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/math.h"
#include "page/element.h"
#include "page/figures.h"

/* In units of the drawing, which the page scales: letters are 12 units high. */
enum { WIDTH = 440, HEIGHT = 260, LEFT = 52, RIGHT = 10, TOP = 10, BOTTOM = 40 };

/* More points than this are averaged in groups: the screen could not show them. All lines of a chart
 * together have a limit, too, unless that leaves one too few. */
enum { POINTS_MAX = 360, POINTS_OF_ALL = 1000, POINTS_MIN = 40 };

/* Lines of up to this many points have dots. */
#define DOTS_MAX 40

/* Lines of more points are thin. */
#define THICK_MAX 60

typedef struct axis {
    double low, high;
    bool log;
    double from, to; /* where low and high are in the drawing */
} axis;

/* --- scales ----------------------------------------------------------------------------------- */

static double place(const axis *a, double value) {
    const double share = a->log ? lks_log(value / a->low) / lks_log(a->high / a->low)
                                : (value - a->low) / (a->high - a->low);
    return a->from + share * (a->to - a->from);
}

/* The step between ticks, 1, 2 or 5 times a power of ten, that gives at most `most` of them. */
static double nice_step(double range, int most) {
    double power = 1;
    while (power > range / most)
        power /= 10;
    while (power * 10 <= range / most)
        power *= 10;
    const double wanted = range / most;
    return wanted <= power       ? power
           : wanted <= 2 * power ? 2 * power
           : wanted <= 5 * power ? 5 * power
                                 : 10 * power;
}

/* Finite, and of a size that arithmetic on axes can bear, whatever a file says. */
static bool drawable(double y) {
    return fabs(y) < 1e100;
}

static bool shown(const lks_chart *c, const lks_series *s, size_t i) {
    return drawable(s->x[i]) && drawable(s->y[i]) && (!c->log_y || s->y[i] > 1e-100);
}

static bool find_range(const lks_chart *c, axis *x, axis *y) {
    bool any = false;
    for (int s = 0; s < c->n_series; s++)
        for (size_t i = 0; i < c->series[s].n; i++) {
            const double px = c->series[s].x[i], py = c->series[s].y[i];
            if (!shown(c, &c->series[s], i))
                continue;
            x->low = any && x->low < px ? x->low : px;
            x->high = any && x->high > px ? x->high : px;
            y->low = any && y->low < py ? y->low : py;
            y->high = any && y->high > py ? y->high : py;
            any = true;
        }
    return any;
}

/* Room around values that are, or are nearly, one and the same. */
static void widen(axis *a, double room) {
    const double size = fabs(a->high) > fabs(a->low) ? fabs(a->high) : fabs(a->low);
    if (size > 1e-90 && a->high - a->low > 1e-6 * size)
        return;
    a->low -= room;
    a->high += room;
}

/* The y axis ends at ticks; the x axis where the points do. */
static void round_range(const lks_chart *c, axis *x, axis *y) {
    if (c->x_whole || (x->low > 0 && x->low <= x->high / 4))
        x->low = 0;
    if (c->x_whole)
        x->high = ceil(x->high - 1e-9);
    widen(x, 0.5 + fabs(x->high) / 100);
    if (!isnan(c->floor) && c->floor > y->low && c->floor < y->high)
        y->low = c->floor;
    y->low = c->from_zero && y->low > 0 ? 0 : y->low;
    y->log = c->log_y;
    if (y->log) {
        y->low /= 1.1;
        y->high *= 1.1;
        return;
    }
    widen(y, fabs(y->high) > 1e-90 ? fabs(y->high) / 10 : 1);
    for (int i = 0; i < 2; i++) { /* rounding may make the next wider step the nice one */
        const double step = nice_step(y->high - y->low, 5);
        y->low = floor(y->low / step + 1e-9) * step;
        y->high = ceil(y->high / step - 1e-9) * step;
    }
}

/* --- ticks ------------------------------------------------------------------------------------ */

static void tick_text(double value, char text[LKS_FIGURE_ROOM]) {
    const double size = fabs(value);
    if (size >= 1000 && size < 1e7 && rint(value) == value)
        lks_grouped((int64_t)value, text);
    else if (size > 0 && size < 1e-3)
        snprintf(text, LKS_FIGURE_ROOM, "%.2g", value);
    else
        snprintf(text, LKS_FIGURE_ROOM, "%.6g", rint(value * 1e9) / 1e9);
}

static void y_tick(lks_html *page, const axis *y, const char *unit, double value) {
    char text[LKS_FIGURE_ROOM];
    const double at = place(y, value);
    tick_text(value, text);
    lks_html_printf(page,
                    "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                    "text-anchor=\"end\">%s%s</text>",
                    LEFT, at, WIDTH - RIGHT, LEFT - 6, at + 4, text, unit);
}

/* 1, 2 and 5 of every power of ten; 1 alone where the axis spans many powers. */
static void log_ticks(lks_html *page, const axis *y, const char *unit) {
    static const double digits[] = {1, 2, 5};
    const int n = y->high / y->low > 200 ? 1 : 3;
    double power = 1;
    while (power > y->low)
        power /= 10;
    while (power * 10 <= y->low)
        power *= 10;
    for (; power <= y->high; power *= 10)
        for (int d = 0; d < n; d++)
            if (digits[d] * power >= y->low && digits[d] * power <= y->high)
                y_tick(page, y, unit, digits[d] * power);
}

static void y_ticks(lks_html *page, const axis *y, const char *unit) {
    if (y->log) {
        log_ticks(page, y, unit);
        return;
    }
    const double step = nice_step(y->high - y->low, 5);
    for (double i = ceil(y->low / step - 1e-9); i * step <= y->high + step * 1e-9; i++)
        y_tick(page, y, unit, i * step + 0.0); /* no -0 */
}

static void x_ticks(lks_html *page, const axis *x, const lks_chart *c) {
    const double range = x->high - x->low, nice = nice_step(range, 6);
    const double step = c->x_whole && range >= 2 && nice < 1 ? 1 : nice;
    char text[LKS_FIGURE_ROOM];
    for (double i = ceil(x->low / step - 1e-9); i * step <= x->high + step * 1e-9; i++) {
        const double at = place(x, i * step);
        tick_text(i * step + 0.0, text); /* no -0 */
        lks_html_printf(page,
                        "<path class=\"tick\" d=\"M%.1f %dv4\"/><text x=\"%.1f\" y=\"%d\" "
                        "text-anchor=\"middle\">%s</text>",
                        at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 17, text);
    }
    lks_html_printf(page, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" class=\"label\">",
                    WIDTH - RIGHT, HEIGHT - 5);
    lks_html_text(page, c->x_label);
    lks_html_add(page, "</text>");
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The mean of points [*i, ...) that share a place in the drawing; *i moves behind them. */
static bool next_point(const lks_series *s, const lks_chart *c, size_t group, size_t *i, double *x,
                       double *y) {
    double sum_x = 0, sum_y = 0;
    int n = 0;
    for (size_t end = *i + group; *i < end && *i < s->n; ++*i)
        if (shown(c, s, *i)) {
            sum_x += s->x[*i];
            sum_y += s->y[*i];
            n++;
        }
    *x = sum_x / n;
    *y = sum_y / n;
    return n > 0;
}

static size_t group_of(const lks_chart *c, const lks_series *s) {
    const int share = POINTS_OF_ALL / c->n_series;
    const size_t most = share > POINTS_MAX   ? POINTS_MAX
                        : share < POINTS_MIN ? POINTS_MIN
                                             : (size_t)share;
    return (s->n + most - 1) / most;
}

static void values(lks_html *page, const lks_chart *c, const lks_series *s) {
    double x, y;
    const char *space = "";
    lks_html_add(page, " data-values=\"");
    for (size_t i = 0; i < s->n;)
        if (next_point(s, c, group_of(c, s), &i, &x, &y)) {
            lks_html_printf(page, "%s%.4g", space, y);
            space = " ";
        }
    lks_html_add(page, "\"");
}

static void line(lks_html *page, const lks_chart *c, const lks_series *s, const axis *x_axis,
                 const axis *y_axis) {
    double x, y;
    lks_html_printf(page, "<polyline class=\"s%d%s%s%s\"", s->colour % LKS_CHART_COLOURS + 1,
                    s->dashed ? " dashed" : "", s->faint ? " faint" : "",
                    s->n > THICK_MAX ? " thin" : "");
    lks_html_add(page, " data-name=\"");
    lks_html_text(page, s->name);
    lks_html_add(page, "\"");
    values(page, c, s);
    lks_html_add(page, " points=\"");
    for (size_t i = 0; i < s->n;)
        if (next_point(s, c, group_of(c, s), &i, &x, &y))
            lks_html_printf(page, "%.1f,%.1f ", place(x_axis, x), place(y_axis, y));
    lks_html_add(page, "\"/>");
}

static void dots(lks_html *page, const lks_chart *c, const lks_series *s, const axis *x_axis,
                 const axis *y_axis) {
    const size_t group = group_of(c, s);
    double x, y;
    if (!s->dots || s->n > DOTS_MAX)
        return;
    for (size_t i = 0; i < s->n;)
        if (next_point(s, c, group, &i, &x, &y))
            lks_html_printf(page, "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>",
                            s->colour % LKS_CHART_COLOURS + 1, place(x_axis, x), place(y_axis, y));
}

/* --- words ------------------------------------------------------------------------------------ */

static void describe_series(lks_html *page, const lks_chart *c, const lks_series *s) {
    size_t first = s->n, last = 0, least = 0, most = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!shown(c, s, i))
            continue;
        if (first == s->n)
            first = least = most = i;
        last = i;
        least = s->y[i] < s->y[least] ? i : least;
        most = s->y[i] > s->y[most] ? i : most;
    }
    if (first == s->n)
        return;
    lks_html_text(page, s->name);
    lks_html_printf(page, ": from %.4g to %.4g, least %.4g, most %.4g. ", s->y[first], s->y[last],
                    s->y[least], s->y[most]);
}

static void describe(lks_html *page, const lks_chart *c) {
    lks_html_add(page, "<title>");
    lks_html_text(page, c->title);
    lks_html_printf(page, "</title><desc>%s over ", c->log_y ? "Logarithmic scale" : "Values");
    lks_html_text(page, c->x_label);
    lks_html_add(page, ". ");
    for (int s = 0; s < c->n_series; s++)
        describe_series(page, c, &c->series[s]);
    lks_html_add(page, "</desc>");
}

static void legend(lks_html *page, const lks_chart *c) {
    lks_html_add(page, "<ul class=\"legend\">");
    for (int i = 0; i < c->n_series; i++) {
        const lks_series *s = &c->series[i];
        lks_html_printf(page,
                        "<li><svg width=\"26\" height=\"10\" aria-hidden=\"true\">"
                        "<path class=\"s%d%s%s\" d=\"M1 5H25\"/>",
                        s->colour % LKS_CHART_COLOURS + 1, s->dashed ? " dashed" : "",
                        s->faint ? " faint" : "");
        if (s->dots && s->n <= DOTS_MAX)
            lks_html_printf(page, "<circle class=\"s%d\" cx=\"13\" cy=\"5\" r=\"3\"/>",
                            s->colour % LKS_CHART_COLOURS + 1);
        lks_html_add(page, "</svg>");
        lks_html_text(page, s->name);
        lks_html_add(page, "</li>");
    }
    lks_html_add(page, "</ul>");
}

/* --- the chart -------------------------------------------------------------------------------- */

static void drawing(lks_html *page, const lks_chart *c, const axis *x, const axis *y) {
    lks_html_printf(page,
                    "<div class=\"plot\"><svg viewBox=\"0 0 %d %d\" role=\"img\" data-x=\"%.9g "
                    "%.9g %d %d\" data-label=\"",
                    WIDTH, HEIGHT, x->low, x->high, LEFT, WIDTH - RIGHT);
    lks_html_text(page, c->x_label);
    lks_html_printf(page, "\" data-steps=\"%.9g\" data-unit=\"%s\">", c->x_steps, c->unit);
    describe(page, c);
    y_ticks(page, y, c->unit);
    x_ticks(page, x, c);
    lks_html_printf(page, "<path class=\"axis\" d=\"M%d %dH%d\"/>", LEFT, HEIGHT - BOTTOM,
                    WIDTH - RIGHT);
    /* A frame of its own cuts off what is below the floor. */
    lks_html_printf(
        page, "<svg x=\"0\" y=\"%d\" width=\"%d\" height=\"%d\" viewBox=\"0 %d %d %d\">", TOP - 5,
        WIDTH, HEIGHT - BOTTOM - TOP + 10, TOP - 5, WIDTH, HEIGHT - BOTTOM - TOP + 10);
    for (int s = 0; s < c->n_series; s++)
        line(page, c, &c->series[s], x, y);
    for (int s = 0; s < c->n_series; s++)
        dots(page, c, &c->series[s], x, y);
    lks_html_add(page, "</svg></svg></div>\n");
}

void lks_chart_write(lks_html *page, const lks_chart *c) {
    axis x = {.from = LEFT, .to = WIDTH - RIGHT}, y = {.from = HEIGHT - BOTTOM, .to = TOP};
    lks_html_add(page, "<figure class=\"chart\"><figcaption><h3>");
    lks_html_text(page, c->title);
    lks_html_add(page, "</h3>");
    if (c->note) {
        lks_html_add(page, "<p>");
        lks_html_text(page, c->note);
        lks_html_add(page, "</p>");
    }
    lks_html_add(page, "</figcaption>\n");
    if (c->instead) {
        lks_missing(page, c->instead);
    } else if (find_range(c, &x, &y)) {
        round_range(c, &x, &y);
        drawing(page, c, &x, &y);
        legend(page, c);
    } else {
        lks_missing(page, "No figures were recorded.");
    }
    lks_html_add(page, "</figure>\n");
}

bool lks_chart_wants_log(const lks_series *series, int n) {
    double low = INFINITY, high = 0;
    for (int s = 0; s < n; s++)
        for (size_t i = 0; i < series[s].n; i++) {
            const double y = series[s].y[i];
            if (!drawable(y))
                continue;
            low = y < low ? y : low;
            high = y > high ? y : high;
        }
    return low > 1e-100 && high >= 8 * low;
}
