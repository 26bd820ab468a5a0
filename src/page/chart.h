/* Line charts in SVG, readable without a script: axes, ticks, legend, and a description in words. */
#ifndef LKS_PAGE_CHART_H
#define LKS_PAGE_CHART_H

#include <stdbool.h>

#include "page/html.h"

/* Colours that the style sheet has for series, s1, s2, ...; more series take them again. */
#define LKS_CHART_COLOURS 6

typedef struct lks_series {
    const char *name;
    int colour;         /* from 0 */
    bool dashed, faint; /* how the line is drawn */
    bool dots;          /* a dot at every point, as long as they are few */
    const double *x,
        *y; /* [n], borrowed; x ascends; points with a y that is not finite are left out */
    size_t n;
} lks_series;

typedef struct lks_chart {
    const char *title, *note;   /* note: a sentence below the title, or NULL */
    const char *instead;        /* a sentence in place of the drawing, or NULL */
    const char *x_label, *unit; /* unit: after values, like " %", or "" */
    double x_steps; /* optimizer steps for each unit of x, for the reader's cursor; 0: none */
    bool x_whole;   /* x counts from 0 in whole units: no ticks between them */
    bool log_y;     /* only where all values are above 0 */
    bool from_zero; /* the y axis starts at 0 */
    double floor;   /* the y axis shows nothing below it; NaN: as far as values go */
    const lks_series *series;
    int n_series;
} lks_chart;

/* Writes a <figure class="chart">. Charts without a point say so. */
void lks_chart_write(lks_html *page, const lks_chart *chart);

/* True where a logarithmic axis serves the series: all above 0, the largest 8 times the smallest or
 * more. */
bool lks_chart_wants_log(const lks_series *series, int n);

#endif
