/* The sections of the report, for the page that puts them together. */
#ifndef LKS_REPORT_SECTIONS_H
#define LKS_REPORT_SECTIONS_H

#include "report/section.h"

/* Each writes a <section> of the id after its name. */
void lks_section_headline(lks_html *page, const lks_report *r);
void lks_section_curves(lks_html *page, const lks_report *r);
void lks_section_compare(lks_html *page, const lks_report *r); /* nothing for a single run */
void lks_section_confusion(lks_html *page, const lks_report *r);
void lks_section_classes(lks_html *page, const lks_report *r);
void lks_section_errors(lks_html *page, const lks_report *r);
void lks_section_shared(lks_html *page, const lks_report *r); /* nothing for a single run */
void lks_section_training(lks_html *page, const lks_report *r);
void lks_section_calibration(lks_html *page, const lks_report *r);
void lks_section_filters(lks_html *page, const lks_report *r);
void lks_section_network(lks_html *page, const lks_report *r);
void lks_section_configuration(lks_html *page, const lks_report *r);

/* augment.c: a part of lks_section_curves(); nothing where images were taken as they are. */
void lks_report_augment(lks_html *page, const lks_report_run *run);

#endif
