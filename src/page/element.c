#include "page/element.h"

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
