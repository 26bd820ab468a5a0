/* The steps from a picture to its ink. Private to src/pictures. */
#ifndef LKS_PICTURES_INK_STEPS_H
#define LKS_PICTURES_INK_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "pictures/ink.h"
#include "lockstep/picture.h"

/* tone.c: alpha goes, 1 or 3 channels stay. */
void lks_ink_drop_alpha(lks_picture *p);

/* tone.c: whether the ink is darker than the paper around it. LKS_ERR_MEMORY. */
lks_status lks_ink_is_dark(const lks_picture *p, bool *dark, lks_error *err);

/* paper.c: how much darker than the paper around it each pixel is, or lighter unless @p dark, 0..255 [rows * columns]
 * into @p out; the most of three channels.
 * LKS_ERR_MEMORY. */
lks_status lks_ink_contrast(uint8_t *out, const lks_picture *p, bool dark, lks_error *err);

/* lines.c: long straight lines of values of @p low or more become 0, where no stroke crosses them; counts them and
 * what they had in @p ink. LKS_ERR_MEMORY. */
lks_status lks_ink_drop_lines(lks_ink *ink, int low, lks_error *err);

/* image.c: where a crop of @p side pixels begins along an axis, @p twice being the sum of value * (2 i + 1), @p mass that
 * of the values: rounded, ties up, so that the centre of mass is as close to 14.5 as it can be; kept inside. */
int lks_ink_place(int64_t mass, int64_t twice, int side);

/* width.c: the image of a digit @p p, whose longest side is @p side, with strokes as wide as the training images':
 * p's pixels are replaced by those of another size if its own are too thin or too thick. LKS_ERR_MEMORY. */
lks_status lks_ink_fit_width(lks_picture *p, lks_error *err);

#endif
