/** @file ink.h  From a photo, scan or drawing to what is written on it, and from that to images as
 * MNIST's are.
 *
 *  Three steps: lks_ink_separate() tells ink from paper, lks_ink_parts_find() finds what hangs together,
 * lks_ink_image() makes an image of the parts that are one digit. lks_picture_center() (picture.h) does all
 * three for a picture of one digit. All is integer arithmetic in plain loops with values below 2^53, so
 * that a page in JavaScript repeats it byte by byte; time and memory are linear in the picture's size.
 * Nothing here is collective. */
#ifndef LKS_PICTURES_INK_H
#define LKS_PICTURES_INK_H

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

/** Tells ink from paper, in these steps (src/pictures/ink, whose files have the constants):
 *
 *  1. Alpha: if all that is more to be seen than not has one colour, alpha is the ink; else the picture is flattened,
 *     on white or black, as what is to be seen goes on or stands out.
 *  2. A side above @p longest: averaged down to it.
 *  3. Light or dark: how pixels differ from the mean around them is skewed towards the ink, which is rarer; where that
 *     says little, paper is what the border has more of; light at the border may be what a deep shadow has left.
 *  4. Paper: a closing of medians of 3 x 3, by the narrowest window that keeps the ink. Ink is how far a pixel is from
 *     it, in ratio to it, the most of red, green and blue.
 *  5. Grain: what is less than the paper's own scatter is 0. Paper of one value has none.
 *  6. Long straight lines that span the picture go where no stroke crosses them; the grain of a table around the sheet,
 *     frames, fields, rules that end within the picture, what comes in from the edge, underlines and specks go by
 *     their shape.
 *  7. Unless the paper was of one value, what is left is stretched to 0..255.
 *
 * Uses @p picture up: it is what it is on the way, and still the caller's to free. A picture without ink gives values
 * that are all 0: not an error. LKS_ERR_MEMORY: @p ink owns nothing. */
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
 *
 *  1. cropped to their box;
 *  2. strokes that are thinner or thicker than those of 98 in 100 of MNIST's training images are moved to a usual
 *     breadth, on a picture whose longest side is 80;
 *  3. the longest side brought to 20, the other in ratio, rounded, at least 1, resized as by lks_picture_fit(); where
 *     that was not its length already, values in ratio so that the largest is 255;
 *  4. put so that the centre of mass in pixel-centre coordinates (pixel i lies at i + 0.5) comes next to 14.5 in both
 *     directions, ties towards the end, but all inside.
 *
 * Nothing chosen: all 0. LKS_ERR_MEMORY. */
lks_status lks_ink_image(const lks_ink *ink, const lks_ink_parts *parts, const bool *chosen,
                         uint8_t *out, lks_error *err);

#endif
