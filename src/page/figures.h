/* Numbers for people. All functions return `text`. */
#ifndef LKS_PAGE_FIGURES_H
#define LKS_PAGE_FIGURES_H

#include <stdint.h>

#define LKS_FIGURE_ROOM 48

/* "12,345"; a dash for NaN and what is absurd. */
const char *lks_grouped(int64_t n, char text[LKS_FIGURE_ROOM]);
const char *lks_grouped_double(double n, char text[LKS_FIGURE_ROOM]);

/* "1 h 02 min", "3.4 s"; a dash for NaN and what is absurd. */
const char *lks_duration(double seconds, char text[LKS_FIGURE_ROOM]);

/* A share as "12.34 %" (no line ends before the sign) with as many digits as its whole deserves; a dash
 * for NaN. */
const char *lks_percent(double share, int64_t whole, char text[LKS_FIGURE_ROOM]);

#endif
