/** @file digits.h  Where digits stand on a picture: its ink in pieces, in lines, in reading order. Private to src.
 *
 *  Over-segmentation: ink is cut in more places than will turn out right, and a digit is a run of pieces that follow
 * each other in a line. Which runs are digits the network says (src/infer/predict/runs.h). All here is integer
 * arithmetic, which a page in JavaScript can repeat:
 *
 *  1. The typical height H is the least that the parts (lks_ink_parts_find()) of half of all their pixels do not
 *     exceed. A part with both sides below H / 16 is a speck and left out; one lower than 3 H / 10 is *small*.
 *  2. Two parts that are not small belong together, as those of a broken digit: the lower one has less than 3 H / 4
 *     rows, the narrower one lies over or under the other with half its columns, and both have at most 5 H / 4 rows
 *     and a gap of at most H / 4, or 2 H and H / 8.
 *  3. From left to right these join chains: the one whose last three overlap it most, by half the rows of the lower of
 *     both, no more than 3 H away. Chains are lines together where their levels are less than H / 2 apart: the mean
 *     height of their middles, taken to the left edge along the slope that all chains have together. A small part goes
 *     to the line of what is next to it, up to H / 3 away, else it is left out.
 *  4. Parts are cut from top to bottom where that costs least: a way goes from row to row and pays each pixel's value,
 *     and 128 for a step aside. Ways are looked for on the part as it is, and with each row moved half a column for each
 *     row above it, which sets up digits that lean to the right. Through each valley of the costs, along the rows at a
 *     quarter, a half and three quarters of the part, goes a way; those up to 255 * 3 H / 10 are taken, cheapest first; one
 *     that crosses a cheaper one follows it from there. Between them and all others, and the ends of the part, there is
 *     ink of H^2 / 100 full pixels (shortest paths as in Wang, Jean: Segmentation of merged characters by neural networks
 *     and shortest path, Pattern Recognition 27, 1994).
 *  5. Pieces are sorted by lines, and in them by their middles.
 */
#ifndef LKS_PICTURES_DIGITS_H
#define LKS_PICTURES_DIGITS_H

#include "pictures/ink.h"

/** Most parts of a picture that are no specks, and most pieces. */
#define LKS_DIGITS_PARTS_MAX  2048
#define LKS_DIGITS_PIECES_MAX 4096

/** What is known of a piece, besides its box. */
typedef struct lks_piece {
    int line;
    int part;    /**< pieces of one number were cut apart */
    bool small;  /**< too low to be a digit */
    int cuts;    /**< that part this piece and those behind it from those before it in its line */
    int cut;     /**< ink on these cuts, a full pixel counting 255 */
    int strokes; /**< that they go through */
} lks_piece;

/** Pieces of ink: a digit is one, or some that follow each other in a line. */
typedef struct lks_digits {
    lks_ink_parts ink; /**< the pieces: line by line, from left to right; owned */
    lks_piece *pieces; /**< [ink.n]; owned */
    int lines;         /**< from top to bottom */
    int height;        /**< the typical one of a digit, in pixels of the ink */
} lks_digits;

/** Finds the pieces of @p ink; freed by lks_digits_free(). No ink gives none. LKS_ERR_DATA: more than LKS_DIGITS_PARTS_MAX
 * parts are no specks, or their boxes cover the picture eight times. LKS_ERR_MEMORY. */
lks_status lks_digits_find(lks_digits *digits, const lks_ink *ink, lks_error *err);
void lks_digits_free(lks_digits *digits);

#endif
