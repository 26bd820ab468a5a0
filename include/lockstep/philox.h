/** @file philox.h  Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw:
 * "Parallel random numbers: as easy as 1, 2, 3", SC'11). A number depends on (seed, purpose, epoch,
 * item, element) and on nothing else: never on a rank, a thread or the order of calls. */
#ifndef LOCKSTEP_PHILOX_H
#define LOCKSTEP_PHILOX_H

#include <stdint.h>
#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

/** What random numbers are for; streams of different purposes never meet. */
typedef enum lks_purpose {
    LKS_PURPOSE_INIT = 1,     /**< initial weights */
    LKS_PURPOSE_SHUFFLE = 2,  /**< epoch order */
    LKS_PURPOSE_SPLIT = 3,    /**< validation split */
    LKS_PURPOSE_DROPOUT = 4,  /**< dropout masks */
    LKS_PURPOSE_AUGMENT = 5,  /**< augmentation */
    LKS_PURPOSE_SCRIBBLE = 6, /**< images made up for measuring */
    LKS_PURPOSE_AUDIT = 7     /**< batches that are computed twice */
} lks_purpose;

/** One stream: key = seed, counter = {block, item, epoch, purpose << 24 | unit}. */
typedef struct lks_stream {
    uint32_t key[2];
    uint32_t item, epoch, tag;
} lks_stream;

/** The bare bijection: 128-bit counter and 64-bit key to 128 random bits. */
void lks_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/** The stream of (@p seed, @p purpose, @p unit < 2^24: a layer or tensor number, @p epoch, @p item:
 * a sample id or 0). Pure. */
lks_stream lks_stream_make(uint64_t seed, lks_purpose purpose, uint32_t unit, uint32_t epoch,
                           uint32_t item);

/** Element @p element of @p s: word element % 4 of block element / 4. element < 2^34. */
uint32_t lks_stream_u32(const lks_stream *s, uint64_t element);

/** Element @p element of @p s in [0, 1), with 32 bits. */
double lks_stream_uniform(const lks_stream *s, uint64_t element);

/** Standard normal number @p element of @p s: Box-Muller on elements 2e and 2e+1, with a
 *  logarithm and a cosine of our own, so equal on every machine. */
double lks_stream_normal(const lks_stream *s, uint64_t element);

LKS_PUBLIC_END

#endif
