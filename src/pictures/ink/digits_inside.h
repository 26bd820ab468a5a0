/* What finding digits is made of. Private to src/pictures/ink. */
#ifndef LKS_PICTURES_DIGITS_INSIDE_H
#define LKS_PICTURES_DIGITS_INSIDE_H

#include "pictures/ink.h"

/* A rectangle of pixels; the last two are behind its end. */
typedef struct lks_span {
    int top, left, bottom, right;
} lks_span;

/* Connected ink on its way into a line. */
typedef struct lks_mark {
    lks_span box;
    int part;    /* of the ink */
    bool small;  /* lower than a digit can be */
    int cluster; /* a mark before it that belongs together with it, itself where there is none */
    int line;    /* -1: a speck, of none */
} lks_mark;

/* digits_lines.c: the line of each mark [n], from 0 on, from top to bottom, into *lines how many there are. `height` is
 * H of digits.h. LKS_ERR_MEMORY. */
lks_status lks_marks_into_lines(lks_mark *marks, int n, int height, int *lines, lks_error *err);

/* Places where a part may be cut from top to bottom, from left to right; they do not cross. */
enum { LKS_CUTS_MAX = 12 };

typedef struct lks_cuts {
    int n;
    int ink[LKS_CUTS_MAX];     /* sum of the values on each */
    int strokes[LKS_CUTS_MAX]; /* how many strokes each goes through */
    int *at; /* [n][rows]: the column, in the part's box, from which on ink is behind it; owned */
} lks_cuts;

/* digits_cuts.c: where part `part` may be cut. `height` is H. LKS_ERR_MEMORY. */
lks_status lks_cuts_find(lks_cuts *cuts, const lks_ink *ink, const lks_ink_parts *parts, int part,
                         int height, lks_error *err);

#endif
