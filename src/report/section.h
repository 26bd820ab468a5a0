/* The sections of the page, and what they write alike. */
#ifndef LKS_REPORT_SECTION_H
#define LKS_REPORT_SECTION_H

#include "report/html.h"
#include "lockstep/report.h"
#include "report/run.h"

typedef struct lks_report {
    lks_report_run *runs; /* [n]: the first is shown in full */
    int n;
} lks_report;

/* Each writes a <section> of the id after its name. */
void lks_section_headline(lks_html *page, const lks_report *r);
void lks_section_draw(lks_html *page, const lks_report *r, size_t end); /* as lks_panel_write() */
void lks_section_curves(lks_html *page, const lks_report *r);
void lks_section_compare(lks_html *page, const lks_report *r); /* nothing for a single run */
void lks_section_confusion(lks_html *page, const lks_report *r);
void lks_section_classes(lks_html *page, const lks_report *r);
void lks_section_errors(lks_html *page, const lks_report *r);
void lks_section_calibration(lks_html *page, const lks_report *r);
void lks_section_filters(lks_html *page, const lks_report *r);
void lks_section_network(lks_html *page, const lks_report *r);
void lks_section_configuration(lks_html *page, const lks_report *r);

/* <section> with its heading; ends with lks_section_close(). */
void lks_section_open(lks_html *page, const char *id, const char *title);
void lks_section_close(lks_html *page);

/* A sentence in place of a figure that cannot be shown. */
void lks_missing(lks_html *page, const char *text);
/* The same, with the reason, which is escaped. */
void lks_missing_since(lks_html *page, const char *text, const char *reason);

/* Why a run has no predictions on a test set. */
void lks_missing_test(lks_html *page, const lks_report_run *run);

/* Numbers for people: "12,345"; "1 h 02 min", "3.4 s"; a dash for NaN and what is absurd. All return `text`. */
#define LKS_FIGURE_ROOM 48
const char *lks_grouped(int64_t n, char text[LKS_FIGURE_ROOM]);
const char *lks_grouped_double(double n, char text[LKS_FIGURE_ROOM]);
const char *lks_duration(double seconds, char text[LKS_FIGURE_ROOM]);

/* "13 x 13 x 32", or "10" for a vector, with the sign for times. */
const char *lks_shape_text(lks_shape s, char text[LKS_FIGURE_ROOM]);

/* A share as "12.34 %" (no line ends before the sign) with as many digits as its whole deserves; a dash for NaN. */
const char *lks_percent(double share, int64_t whole, char text[LKS_FIGURE_ROOM]);

/* Opens a box that scrolls sideways on narrow screens, with the keyboard too, and in it a table with a
 * caption; `label` is escaped. */
void lks_table_open(lks_html *page, const char *class, const char *label);
void lks_table_close(lks_html *page);

#endif
