#include "report/section.h"

#include <stdio.h>

void lks_missing_test(lks_html *page, const lks_report_run *run) {
    lks_missing(page, run->summary ? "This run had no test set (data.test_images)."
                                   : "The test set is scored when a run ends; this one has not.");
}

const char *lks_shape_text(lks_shape s, char text[LKS_FIGURE_ROOM]) {
    if (s.rows == 1 && s.columns == 1)
        snprintf(text, LKS_FIGURE_ROOM, "%d", s.channels);
    else
        snprintf(text, LKS_FIGURE_ROOM, "%d × %d × %d", s.rows, s.columns, s.channels);
    return text;
}
