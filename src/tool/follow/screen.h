/* What is shown of a run that is looked at. */
#ifndef LKS_TOOL_FOLLOW_SCREEN_H
#define LKS_TOOL_FOLLOW_SCREEN_H

#include <stdio.h>

#include "tool/follow/standing.h"

/* Room on a terminal, in characters, and whether it shows Unicode. */
typedef struct lks_screen {
    int columns, rows;
    bool utf8;
} lks_screen;

/* Writes a picture of the run: at most screen->rows - 1 lines, each at most screen->columns - 1 characters wide and ended by a
 * new line. LKS_ERR_MEMORY. */
lks_status lks_screen_write(const lks_watched *w, const lks_screen *screen, FILE *to,
                            lks_error *err);

/* Writes a line for an epoch of `w`, and one for the run as a whole: for a pipe. */
void lks_screen_epoch(const lks_watched *w, const lks_epoch_record *e, FILE *to);
void lks_screen_run(const lks_watched *w, FILE *to);

#endif
