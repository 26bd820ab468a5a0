/* Curves drawn as text: eight dots a character in braille, or three in ASCII. */
#ifndef LKS_TOOL_FOLLOW_PLOT_H
#define LKS_TOOL_FOLLOW_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lockstep/status.h"

/* Points of a curve, x ascending. Values that are not finite are left out. */
typedef struct lks_points {
    const double *x, *y; /* [n] */
    size_t n;
} lks_points;

typedef struct lks_plot {
    int columns, rows; /* characters */
    bool braille;
    double left, right, bottom, top; /* what they show */
    uint8_t
        *dots;   /* [rows][columns] bits of a character, from its top: left half, then right half */
    char *marks; /* [rows][columns] a letter in place of dots; 0: none */
} lks_plot;

/* An empty one that shows nothing yet. LKS_ERR_MEMORY. Freed by lks_plot_free(). */
lks_status lks_plot_open(lks_plot *p, int columns, int rows, bool braille, lks_error *err);
void lks_plot_free(lks_plot *p);

/* Widens what is shown so that all points are on it; false: no point is finite. All that is drawn comes after. */
bool lks_plot_include(lks_plot *p, lks_points points);

/* Draws the points joined by lines; each as the letter `mark`. */
void lks_plot_line(lks_plot *p, lks_points points);
void lks_plot_mark(lks_plot *p, lks_points points, char mark);

/* Writes a row, the top one is 0: `columns` characters. */
void lks_plot_row(const lks_plot *p, int row, FILE *to);

#endif
