/* What the images and labels of a set look like as numbers, added up image by image. Nothing is collective. */
#ifndef LKS_FEED_SURVEY_H
#define LKS_FEED_SURVEY_H

#include "feed/image_file.h"

typedef struct lks_survey {
    int64_t images; /* added so far; 0: no set */
    int64_t values; /* bytes of these: pixels times channels */
    int64_t sum;    /* of the bytes */
    int channels;
    uint8_t low[LKS_CHANNELS_MAX], high[LKS_CHANNELS_MAX]; /* extreme bytes of each channel */
    int64_t one_colour;              /* images all of whose pixels are equal */
    int64_t first_one_colour;        /* number of the first; -1: none */
    int64_t labels[LKS_CLASSES_MAX]; /* how often each occurs */
} lks_survey;

/* Nothing added, for images of @p channels. */
void lks_survey_start(lks_survey *s, int channels);

/* Adds image number `id` of `bytes` bytes, [row][column][channel]. An image of one pixel is not called one of one
 * colour. True where it is. */
bool lks_survey_add(lks_survey *s, int64_t id, const uint8_t *image, size_t bytes);
void lks_survey_add_labels(lks_survey *s, const uint8_t *labels, int64_t n);

/* Mean of all bytes, 0 to 255. */
double lks_survey_mean(const lks_survey *s);

/* The smallest and the largest byte of all channels. */
int lks_survey_low(const lks_survey *s);
int lks_survey_high(const lks_survey *s);

#endif
