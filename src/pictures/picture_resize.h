/** @file picture_resize.h  What bringing a picture to a form is made of. Private to src/pictures. */
#ifndef LKS_PICTURES_PICTURE_RESIZE_H
#define LKS_PICTURES_PICTURE_RESIZE_H

#include <stddef.h>
#include "lockstep/picture.h"

/** Colours become luma, in place (lks_picture_fit()); a picture without colours stays as it is. Alpha
 * must be gone. */
void lks_picture_make_grey(lks_picture *picture);

/** round(side * to / from), ties up, from 1 to @p most. */
int lks_picture_scaled(int side, int to, int from, int most);

/** Brings @p picture to @p rows x @p columns x @p channels, into @p out, whose rows are @p stride bytes
 * apart: averaged, interpolated or copied along each side as lks_picture_fit() says. A grey picture's
 * value goes into every channel, else the channels are as many as the picture's. LKS_ERR_MEMORY. */
lks_status lks_picture_resize(const lks_picture *picture, int rows, int columns, int channels,
                              uint8_t *out, size_t stride, lks_error *err);

#endif
