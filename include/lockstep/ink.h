/** @file ink.h  From a photo, scan or drawing to what is written on it, and from that to images as
 * MNIST's are.
 *
 *  Three steps: lks_ink_separate() tells ink from paper, lks_ink_parts_find() finds what hangs together,
 * lks_ink_image() makes an image of the parts that are one digit. lks_picture_center() (picture.h) does all
 * three for a picture of one digit. All is integer arithmetic in plain loops with values below 2^53, so
 * that a page in JavaScript repeats it byte by byte; time and memory are linear in the picture's size.
 * Nothing here is collective. */
#ifndef LOCKSTEP_INK_H
#define LOCKSTEP_INK_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/picture.h"
#include "lockstep/status.h"

/** What is written on a picture. */
typedef struct lks_ink {
    int rows, columns; /**< the picture's, or less: see @p longest of lks_ink_separate() */
    uint8_t *values;   /**< [rows][columns]: 0 paper .. 255 full ink; owned (lks_ink_free()) */
    int source_rows, source_columns; /**< the picture's */
    bool dark_on_light;              /**< the ink was darker than the paper */
    bool exact; /**< the paper was of one value, and the values are the picture's own */
    int core;   /**< values from here on make parts; fainter ones belong to the part beside
                                them, or to none */
    int lines;  /**< long straight lines, frames and grids that were dropped */
    int specks; /**< specks that were dropped */
    int64_t dropped, kept; /**< sums of the values that were dropped, and of those that were not */
} lks_ink;

/** Tells ink from paper. Uses @p picture up: it is what it is on the way, and still the caller's to free.
 * A picture with a side above @p longest is brought to it first.
 *  A picture without ink gives values that are all 0: not an error. LKS_ERR_MEMORY: @p ink owns nothing. */
lks_status lks_ink_separate(lks_ink *ink, lks_picture *picture, int longest, lks_error *err);
void lks_ink_free(lks_ink *ink);

/** Ink that hangs together. */
typedef struct lks_ink_part {
    int top, left, rows, columns; /**< the box around all its pixels */
    int64_t pixels;               /**< how many: of ink->core or more, and fainter */
    int64_t mass;                 /**< the sum of their values */
} lks_ink_part;

/** The parts of an lks_ink. Who splits or joins parts changes labels and boxes alike. */
typedef struct lks_ink_parts {
    int32_t *labels;     /**< [rows][columns]: 1 + index of the part, 0 none; owned */
    lks_ink_part *parts; /**< [n], in the order of their first pixels, row by row; owned */
    int n;
} lks_ink_parts;

/** Finds the parts: pixels of ink->core or more that touch, also by a corner, and the fainter ones around
 * them. LKS_ERR_MEMORY: @p parts owns nothing. */
lks_status lks_ink_parts_find(lks_ink_parts *parts, const lks_ink *ink, lks_error *err);
void lks_ink_parts_free(lks_ink_parts *parts);

/** Makes an image as MNIST's are of the parts i with @p chosen[i], into @p out [LKS_MNIST_SIDE][LKS_MNIST_SIDE]:
 * as wide a stroke, the longest side 20, the centre of mass in the middle. Nothing chosen: all 0.
 *  LKS_ERR_MEMORY. */
lks_status lks_ink_image(const lks_ink *ink, const lks_ink_parts *parts, const bool *chosen,
                         uint8_t *out, lks_error *err);

#endif
