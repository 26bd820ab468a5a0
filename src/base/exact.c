#include "lockstep/exact.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

static_assert(FLT_EVAL_METHOD == 0, "float and double must be evaluated in their own precision");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "big-endian hosts are not supported");

#define HI_SCALE     0x1p10
#define HI_UNIT      0x1p-10
#define LO_SCALE     0x1p60
#define LO_UNIT      0x1p-60
#define LO_BITS      50 /* one unit of hi is 2^50 units of lo */
#define ADDEND_LIMIT 0x1p41

__extension__ typedef __int128 int128;

/* Adding 1.5 * 2^52 moves |x| <= 2^51 into [2^52, 2^53], where doubles are the integers: the
 * addition itself rounds, ties to even, and the low bits of the sum are the integer. It needs no
 * instruction beyond SSE2, and vectorises. */
static int64_t round_to_int64(double x) {
    const double magic = 0x1.8p52;
    double shifted = x + magic;
    int64_t bits, magic_bits;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&magic_bits, &magic, sizeof magic_bits);
    return bits - magic_bits;
}

/* lo is carried into hi at once, so that 0 <= lo < 2^50 on every rank and 2^13 ranks may add
 * theirs. */
bool lks_limbs_add(lks_limbs *sum, double x) {
    if (!(fabs(x) < ADDEND_LIMIT))
        return false;
    int64_t hi = round_to_int64(x * HI_SCALE);
    /* The remainder is a multiple of the last place of x and not larger than x: no rounding here.
     */
    int64_t lo = round_to_int64((x - (double)hi * HI_UNIT) * LO_SCALE);
    int64_t low = sum->lo + lo;
    int64_t carry = low >> LO_BITS;
    int64_t high;
    if (__builtin_add_overflow(sum->hi, hi + carry, &high))
        return false;
    sum->hi = high;
    sum->lo = low - carry * (INT64_C(1) << LO_BITS);
    return true;
}

lks_limbs lks_limbs_sum(lks_limbs a, lks_limbs b) {
    int64_t low = a.lo + b.lo;
    int64_t carry = low >> LO_BITS;
    return (lks_limbs){a.hi + b.hi + carry, low - carry * (INT64_C(1) << LO_BITS)};
}

/* The exact value is a whole number of units of lo below 2^114; its conversion to double rounds
 * once, to nearest even, and the scaling by a power of two is exact. */
double lks_limbs_value(lks_limbs sum) {
    int128 units = (int128)sum.hi * ((int128)1 << LO_BITS) + sum.lo;
    return (double)units * LO_UNIT;
}
