/* Images that occur more than once. Two images are the same where their 64-bit hashes are: of 70,000 different ones
 * some two have equal hashes once in 10^10 sets. */
#ifndef LKS_FEED_REPEATS_H
#define LKS_FEED_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/status.h"

/* One image of a set. */
typedef struct lks_image_trace {
    uint64_t hash; /* lks_image_hash() of its pixels */
    uint32_t id;   /* its number in the file */
    uint8_t label;
    bool test; /* of the test set, else of the training set */
} lks_image_trace;

/* A hash of `bytes` pixels alone: every step is a bijection of 64 bits (splitmix64's), so images that differ in one
 * aligned word of 8 bytes never have the same. */
uint64_t lks_image_hash(const uint8_t *pixels, size_t bytes);

/* How many there are of a kind, and the first of them, by number, with the image before it that it repeats. */
typedef struct lks_repeat {
    int64_t count, id, first; /* count 0: id and first mean nothing */
} lks_repeat;

typedef struct lks_repeats {
    lks_repeat training; /* training images that an earlier training image equals */
    lks_repeat test;     /* test images that an earlier test image equals */
    lks_repeat leaked;   /* test images that a training image equals */
    lks_repeat
        contradictory; /* training images that an earlier training image of another label equals */
} lks_repeats;

/* Sorts @p traces and counts. Results of disjoint parts of all hashes may be added: counts by summing, examples by
 * the smallest id. */
lks_repeats lks_repeats_count(lks_image_trace *traces, size_t n);

#endif
