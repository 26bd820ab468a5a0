/** @file traits.h  What the training images are like, so that a picture that is not like them is noticed.
 *
 *  Measured of grey images, light on dark, of bytes: integers from plain loops, so that a page in JavaScript
 * gets the same. Nothing here is collective; counts of several ranks add up. */
#ifndef LKS_DATA_TRAITS_H
#define LKS_DATA_TRAITS_H

#include <stdbool.h>
#include <stdint.h>

/** What is measured of an image. Ink is a pixel of 128 or more. */
typedef enum lks_trait {
    LKS_TRAIT_INK,    /**< the sum of all values, in thousandths of all pixels being 255 */
    LKS_TRAIT_EXTENT, /**< the larger side of the box around the ink, in thousandths of the image's */
    LKS_TRAIT_STROKE, /**< twice the ink's area over its outline, in sixteenths of a pixel: a long stroke's width */
    LKS_TRAITS
} lks_trait;

#define LKS_TRAIT_BINS 1024 /**< values are from 0 to 1,023; larger ones count as that */

/** Of all training images but one in 2,000 at either end. A member of lks_data_identity. */
typedef struct lks_traits {
    int64_t images; /**< so many were measured; 0: none, as in checkpoints of earlier versions */
    int32_t low[LKS_TRAITS], high[LKS_TRAITS]; /**< inclusive */
    int64_t looked;                            /**< so many were put through lks_picture_center() */
    int64_t centred;                           /**< and came out as they were */
} lks_traits;

/** How often each value came. Zero-initialised; counts of several ranks are added up element by element. */
typedef struct lks_trait_counts {
    int64_t images, looked, centred;
    int64_t of[LKS_TRAITS][LKS_TRAIT_BINS];
} lks_trait_counts;

/** Of @p image [rows][columns], into @p values. Without ink extent and stroke are 0. */
void lks_traits_measure(const uint8_t *image, int rows, int columns, int values[LKS_TRAITS]);

/** Counts one more image. */
void lks_traits_count(lks_trait_counts *counts, const uint8_t *image, int rows, int columns);

/** The bounds that follow from the counts. */
void lks_traits_conclude(lks_traits *traits, const lks_trait_counts *counts);

/** Bit 2 t where trait t of @p values is below the bounds, bit 2 t + 1 where it is above. 0 where no image
 * was measured. */
unsigned lks_traits_beyond(const lks_traits *traits, const int values[LKS_TRAITS]);

/** Whether the training images are as lks_picture_center() makes them: at least nine in ten of those looked
 * at. False where none was looked at. */
bool lks_traits_are_centred(const lks_traits *traits);

#endif
