#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void lks_section_open(lks_html *page, const char *id, const char *title) {
    lks_html_printf(page, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s</h2>\n",
                    id, id, id, title);
}

void lks_section_close(lks_html *page) {
    lks_html_add(page, "</section>\n");
}

void lks_missing(lks_html *page, const char *text) {
    lks_html_add(page, "<p class=\"missing\">");
    lks_html_text(page, text);
    lks_html_add(page, "</p>\n");
}

void lks_missing_since(lks_html *page, const char *text, const char *reason) {
    lks_html_add(page, "<p class=\"missing\">");
    lks_html_text(page, text);
    lks_html_add(page, ": ");
    lks_html_text(page, reason);
    lks_html_add(page, "</p>\n");
}

void lks_missing_test(lks_html *page, const lks_report_run *run) {
    lks_missing(page, run->summary ? "This run had no test set (data.test_images)."
                                   : "The test set is scored when a run ends; this one has not.");
}

const char *lks_grouped(int64_t n, char text[LKS_FIGURE_ROOM]) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), used = 0;
    for (int i = 0; i < length; i++) {
        text[used++] = digits[i];
        if (digits[i] != '-' && (length - 1 - i) % 3 == 0 && i + 1 < length)
            text[used++] = ',';
    }
    text[used] = '\0';
    return text;
}

const char *lks_grouped_double(double n, char text[LKS_FIGURE_ROOM]) {
    if (fabs(n) < 1e18)
        return lks_grouped((int64_t)n, text);
    snprintf(text, LKS_FIGURE_ROOM, "–");
    return text;
}

const char *lks_duration(double s, char text[LKS_FIGURE_ROOM]) {
    const long whole = fabs(s) < 1e12 ? lrint(s) : 0;
    if (!(fabs(s) < 1e12))
        snprintf(text, LKS_FIGURE_ROOM, "–");
    else if (s < 100)
        snprintf(text, LKS_FIGURE_ROOM, "%.*f s", s < 10 ? 2 : 1, s);
    else if (whole < 3600)
        snprintf(text, LKS_FIGURE_ROOM, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, LKS_FIGURE_ROOM, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    return text;
}

const char *lks_shape_text(lks_shape s, char text[LKS_FIGURE_ROOM]) {
    if (s.rows == 1 && s.columns == 1)
        snprintf(text, LKS_FIGURE_ROOM, "%d", s.channels);
    else
        snprintf(text, LKS_FIGURE_ROOM, "%d × %d × %d", s.rows, s.columns, s.channels);
    return text;
}

const char *lks_percent(double share, int64_t whole, char text[LKS_FIGURE_ROOM]) {
    if (isnan(share))
        snprintf(text, LKS_FIGURE_ROOM, "–");
    else
        snprintf(text, LKS_FIGURE_ROOM, "%.*f\u00a0%%",
                 whole > 100000 ? 3
                 : whole > 1000 ? 2
                                : 1,
                 100 * share);
    return text;
}

void lks_table_open(lks_html *page, const char *class, const char *label) {
    lks_html_add(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    lks_html_text(page, label);
    lks_html_printf(page, "\">\n<table class=\"%s\">\n<caption><span>", class);
    lks_html_text(page, label);
    lks_html_add(page, "</span></caption>\n");
}

void lks_table_close(lks_html *page) {
    lks_html_add(page, "</table>\n</div>\n");
}
