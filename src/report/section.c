#include "report/section.h"

#include <stdio.h>

void lks_missing_test(lks_html *page, const lks_report_run *run) {
    if (!run->summary)
        lks_missing(page, "The test set is scored when a run ends; this one has not.");
    else if (lks_report_number(run, "test_total") > 0)
        lks_missing(page, "The answers to the test images, in history.h5, cannot be used.");
    else
        lks_missing(page, "This run had no test set (data.test_images).");
}

const char *lks_shape_text(lks_shape s, char text[LKS_FIGURE_ROOM]) {
    if (s.rows == 1 && s.columns == 1)
        snprintf(text, LKS_FIGURE_ROOM, "%d", s.channels);
    else
        snprintf(text, LKS_FIGURE_ROOM, "%d × %d × %d", s.rows, s.columns, s.channels);
    return text;
}
