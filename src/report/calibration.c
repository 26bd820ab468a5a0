/* Whether the network is as often right as it is sure: a reliability diagram. */
#include "report/section.h"
#include "report/stats.h"

/* In units of the drawing, 12 units to a letter. */
enum { SIDE = 240, LEFT = 52, TOP = 10, WIDTH = 440, HEIGHT = 300, STRIP = 120 };

static double x_of(double share) {
    return LEFT + share * SIDE;
}

static double y_of(double share) {
    return TOP + (1 - share) * SIDE;
}

static void write_axes(lks_html *page) {
    for (int i = 0; i <= 5; i++) {
        const double v = i / 5.0;
        lks_html_printf(page,
                        "<path class=\"grid\" d=\"M%d %.1fh%d\"/><text x=\"%d\" y=\"%.1f\" "
                        "text-anchor=\"end\">%d%%</text><text x=\"%.1f\" y=\"%d\" "
                        "text-anchor=\"middle\">%d%%</text>",
                        LEFT, y_of(v), SIDE, LEFT - 6, y_of(v) + 4, 20 * i, x_of(v),
                        TOP + SIDE + 17, 20 * i);
    }
    lks_html_printf(
        page,
        "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">confidence</text>"
        "<path class=\"ideal\" d=\"M%.1f %.1fL%.1f %.1f\"/>",
        LEFT + SIDE / 2, TOP + SIDE + 36, x_of(0), y_of(0), x_of(1), y_of(1));
}

/* A bar to the bin's accuracy, and the gap to its mean confidence. */
static void write_bar(lks_html *page, const lks_calibration_bin *bin, int b) {
    if (bin->n == 0)
        return;
    const double width = (double)SIDE / LKS_CALIBRATION_BINS - 1.5;
    const double left = x_of((double)b / LKS_CALIBRATION_BINS) + 0.75;
    const double accuracy = (double)bin->correct / (double)bin->n;
    const double top = accuracy > bin->confidence ? accuracy : bin->confidence;
    const double bottom = accuracy > bin->confidence ? bin->confidence : accuracy;
    lks_html_printf(page,
                    "<g><title>%lld images, %.1f%% sure on average, %.1f%% right</title>"
                    "<rect class=\"s1 fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
                    "<rect class=\"s2 gap\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
                    "</g>",
                    (long long)bin->n, 100 * bin->confidence, 100 * accuracy, left, y_of(accuracy),
                    width, accuracy * SIDE, left, y_of(top), width, (top - bottom) * SIDE);
}

static void write_diagram(lks_html *page, const lks_calibration *c) {
    lks_html_printf(
        page,
        "<figure class=\"chart\"><figcaption><h3>Reliability</h3><p>Share of right "
        "answers for every confidence; on the diagonal both are equal.</p></figcaption>\n"
        "<div class=\"plot\"><svg viewBox=\"0 0 %d %d\" role=\"img\"><title>Reliability "
        "diagram</title><desc>Accuracy over confidence in %d bins; the table beside it has "
        "the figures. Expected calibration error %.2f percent.</desc>",
        WIDTH - STRIP - 10, HEIGHT - 5, LKS_CALIBRATION_BINS, 100 * c->error);
    write_axes(page);
    for (int b = 0; b < LKS_CALIBRATION_BINS; b++)
        write_bar(page, &c->bins[b], b);
    lks_html_add(page,
                 "</svg></div>\n<ul class=\"legend\"><li><i class=\"key s1\"></i>accuracy</li>"
                 "<li><i class=\"key s2\"></i>gap to the mean confidence</li></ul></figure>\n");
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

void lks_section_calibration(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    lks_section_open(page, "calibration", "Is it as sure as it is right?");
    if (run->test.n == 0) {
        lks_missing_test(page, run);
    } else {
        const lks_calibration c = lks_calibrate(&run->test);
        const double accuracy = (double)run->counts->correct / (double)run->counts->total;
        lks_html_printf(
            page,
            "<p>Expected calibration error <b>%.2f %%</b> in %d bins (Guo et al. 2017), "
            "largest error of a bin %.2f %%. The network is %.2f %% sure on average, and "
            "%.2f %% of its answers are right: it is %s.</p>\n",
            100 * c.error, LKS_CALIBRATION_BINS, 100 * c.largest, 100 * c.confidence,
            100 * accuracy,
            c.confidence > accuracy ? "surer than it should be" : "more modest than it has to be");
        lks_html_add(page, "<div class=\"charts\">\n");
        write_diagram(page, &c);
        lks_html_add(page, "<div class=\"beside\">\n");
        write_bins(page, &c);
        lks_html_add(page, "</div></div>\n");
    }
    lks_section_close(page);
}
