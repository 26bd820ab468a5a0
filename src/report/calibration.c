/* Whether the network is as often right as it is sure: a reliability diagram. */
#include "report/sections.h"
#include "infer/stats.h"
#include "infer/temperature.h"

/* In units of the drawing, 12 units to a letter, as wide as the curves. */
enum { LEFT = 52, TOP = 10, WIDTH = 440, SPAN = 370, RISE = 230, HEIGHT = TOP + RISE + 42 };

/* Bins with fewer images than this say little, and are drawn pale. */
#define FEW 10

static double x_of(double share) {
    return LEFT + share * SPAN;
}

static double y_of(double share) {
    return TOP + (1 - share) * RISE;
}

static void write_axes(lks_html *page) {
    for (int i = 0; i <= 5; i++) {
        const double v = i / 5.0;
        lks_html_printf(page,
                        "<path class=\"grid\" d=\"M%d %.1fh%d\"/><text x=\"%d\" y=\"%.1f\" "
                        "text-anchor=\"end\">%d%%</text><text x=\"%.1f\" y=\"%d\" "
                        "text-anchor=\"middle\">%d%%</text>",
                        LEFT, y_of(v), SPAN, LEFT - 6, y_of(v) + 4, 20 * i, x_of(v),
                        TOP + RISE + 17, 20 * i);
    }
    lks_html_printf(page, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">confidence</text>",
                    LEFT + SPAN, TOP + RISE + 36);
}

/* A bar up to the bin's accuracy, and a mark at its mean confidence. */
static void write_bar(lks_html *page, const lks_calibration_bin *bin, int b) {
    if (bin->n == 0)
        return;
    const double width = (double)SPAN / LKS_CALIBRATION_BINS - 2;
    const double left = x_of((double)b / LKS_CALIBRATION_BINS) + 1;
    const double accuracy = (double)bin->correct / (double)bin->n;
    lks_html_printf(page,
                    "<g%s><title>%lld images, %.1f %% sure on average, %.1f %% right</title>"
                    "<rect class=\"s1\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
                    "<rect class=\"s2\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"3\"/></g>",
                    bin->n < FEW ? " class=\"few\"" : "", (long long)bin->n, 100 * bin->confidence,
                    100 * accuracy, left, y_of(accuracy), width, accuracy * RISE, left - 1,
                    y_of(bin->confidence) - 1.5, width + 2);
}

static void write_diagram(lks_html *page, const lks_calibration *c, const char *title) {
    lks_html_printf(
        page,
        "<figure class=\"chart\"><figcaption><h3>%s</h3><p>Bars: how often "
        "answers of a confidence are right. Marks: how sure they are on average. Pale: "
        "fewer than %d images.</p></figcaption>\n<div class=\"plot reliability\">"
        "<svg viewBox=\"0 0 %d %d\" role=\"img\"><title>%s</title>"
        "<desc>Accuracy over confidence in %d bins; the table beside it has the figures. "
        "Expected calibration error %.2f percent.</desc>",
        title, FEW, WIDTH, HEIGHT, title, LKS_CALIBRATION_BINS, 100 * c->error);
    write_axes(page);
    for (int b = 0; b < LKS_CALIBRATION_BINS; b++)
        write_bar(page, &c->bins[b], b);
    lks_html_add(page,
                 "</svg></div>\n<ul class=\"legend\"><li><i class=\"key s1\"></i>accuracy</li>"
                 "<li><i class=\"key s2\"></i>mean confidence</li></ul></figure>\n");
}

static void write_bins(lks_html *page, const lks_calibration *c) {
    lks_table_open(page, "figures", "The bins that have images");
    lks_html_add(page, "<thead><tr><th scope=\"col\">confidence</th><th scope=\"col\">images</th>"
                       "<th scope=\"col\">mean confidence</th><th scope=\"col\">accuracy</th></tr>"
                       "</thead>\n<tbody>\n");
    for (int b = 0; b < LKS_CALIBRATION_BINS; b++) {
        const lks_calibration_bin *bin = &c->bins[b];
        if (bin->n > 0)
            lks_html_printf(page,
                            "<tr><th scope=\"row\">%.1f – %.1f %%</th><td>%lld</td><td>%.2f %%</td>"
                            "<td>%.2f %%</td></tr>\n",
                            100.0 * b / LKS_CALIBRATION_BINS,
                            100.0 * (b + 1) / LKS_CALIBRATION_BINS, (long long)bin->n,
                            100 * bin->confidence, 100 * (double)bin->correct / (double)bin->n);
    }
    lks_html_add(page, "</tbody>\n");
    lks_table_close(page);
}

static void write_reliability(lks_html *page, const lks_calibration *c, const char *title) {
    lks_html_add(page, "<div class=\"charts\">\n");
    write_diagram(page, c, title);
    lks_html_add(page, "<div class=\"beside\">\n");
    write_bins(page, c);
    lks_html_add(page, "</div></div>\n");
}

static const char *verdict(double excess) {
    if (excess > 0.0005)
        return "It is surer than it should be.";
    return excess < -0.0005 ? "It could be surer." : "";
}

/* Where the temperature of `predict` and the board is from. */
static void write_origin(lks_html *page, const lks_report_run *run, double temperature) {
    const lks_temperature *fitted = &run->checkpoint.temperature;
    if (lks_temperature_known(fitted))
        lks_html_printf(page,
                        "<p>At temperature %.4f, fitted to %lld images held out of training, ",
                        temperature, (long long)fitted->images);
    else
        lks_html_printf(page,
                        "<p>At temperature %.4f, which is expected after a label smoothing of %g, ",
                        temperature, run->config.train.label_smoothing);
}

/* The same answers, as sure as `predict` and the board tell: where the checkpoint is the one that was tested. */
static void write_told(lks_html *page, const lks_report_run *run) {
    if (!run->has_checkpoint || run->instead)
        return;
    const bool fitted = lks_temperature_known(&run->checkpoint.temperature);
    const double temperature = lks_report_temperature(run);
    if (fitted || temperature != 1) {
        const lks_calibration c = lks_calibrate(&run->test, temperature);
        write_origin(page, run, temperature);
        lks_html_printf(page,
                        "the expected calibration error is <b>%.2f\u00a0%%</b>: the same answers "
                        "are %.2f\u00a0%% sure on average. <code>predict</code> and the board tell "
                        "confidence so.</p>\n",
                        100 * c.error, 100 * c.confidence);
        write_reliability(page, &c,
                          fitted ? "Reliability, calibrated" : "Reliability, as expected");
    }
    if (!fitted)
        lks_html_add(page,
                     "<p>No images were held out of training to calibrate it by "
                     "(<code>data.validation</code>, <code>lockstep calibrate</code>).</p>\n");
}

void lks_section_calibration(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    lks_section_open(page, "calibration", "Is it as sure as it is right?");
    if (run->test.n == 0) {
        lks_missing_test(page, run);
    } else {
        const lks_calibration c = lks_calibrate(&run->test, 1);
        const double accuracy = (double)run->counts->correct / (double)run->counts->total;
        lks_html_printf(
            page,
            "<p>Expected calibration error <b>%.2f\u00a0%%</b> in %d bins (Guo et al. 2017): "
            "the network is %.2f\u00a0%% sure on average, and %.2f\u00a0%% of its answers are "
            "right. %s</p>\n",
            100 * c.error, LKS_CALIBRATION_BINS, 100 * c.confidence, 100 * accuracy,
            verdict(c.confidence - accuracy));
        write_reliability(page, &c, "Reliability");
        write_told(page, run);
    }
    lks_section_close(page);
}
