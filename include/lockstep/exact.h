/** @file exact.h  Sums that do not depend on their order.
 *
 *  A partial p of one chunk becomes the integer q = rint(p * 2^30), ties to even, |q| < 2^51;
 * integers are then added between chunks, threads and ranks. Integer addition is associative, so no
 * order, algorithm or partition can change the result. At most 2^12 chunks per optimizer step keep
 * the int64 from wrapping. */
#ifndef LOCKSTEP_EXACT_H
#define LOCKSTEP_EXACT_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

#define LKS_SCALE_BITS    30        /**< s: one unit of a gradient sum is 2^-30 */
#define LKS_PARTIAL_LIMIT 2097152.0 /**< 2^21: |p| must be smaller, so that |q| < 2^51 */
#define LKS_MAX_CHUNKS    4096      /**< chunks per optimizer step */

/** A sum with range and precision: value = hi * 2^-10 + lo * 2^-60. Both limbs are plain int64, so
 * two of them ride in any integer Allreduce. Range +-2^41 per addend, +-2^53 for the total;
 * lks_limbs_add() keeps 0 <= lo < 2^50, so that up to 2^13 such sums may be added limb by limb.
 * Zero-initialised. */
typedef struct lks_limbs {
    int64_t hi, lo;
} lks_limbs;

/** Adds @p x, rounded to a multiple of 2^-60 (ties to even); returns false and adds nothing if x is
 * NaN, |x| >= 2^41, or the total would leave its range. */
bool lks_limbs_add(lks_limbs *sum, double x);

/** a + b with lo carried, so that equal sums have equal limbs however they were split. */
lks_limbs lks_limbs_sum(lks_limbs a, lks_limbs b);

/** The sum as double, rounded once from the exact value of both limbs (lo is carried into hi first,
 * so equal sums give equal doubles however they were split). */
double lks_limbs_value(lks_limbs sum);

LKS_PUBLIC_END

#endif
