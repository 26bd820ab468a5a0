/* What several sections of a page are made of. */
#ifndef LKS_PAGE_ELEMENT_H
#define LKS_PAGE_ELEMENT_H

#include "page/html.h"

/* <section> with its heading; ends with lks_section_close(). */
void lks_section_open(lks_html *page, const char *id, const char *title);
void lks_section_close(lks_html *page);

/* A sentence in place of a figure that cannot be shown; it is escaped. */
void lks_missing(lks_html *page, const char *text);
/* The same, with the reason, which is escaped too. */
void lks_missing_since(lks_html *page, const char *text, const char *reason);

/* Opens a box that scrolls sideways on narrow screens, with the keyboard too, and in it a table with a
 * caption; `label` is escaped. */
void lks_table_open(lks_html *page, const char *class, const char *label);
void lks_table_close(lks_html *page);

#endif
