/** @file timer.h  Wall-clock time for reports; never an input of the computation. */
#ifndef LKS_BASE_TIMER_H
#define LKS_BASE_TIMER_H

/** Seconds on the monotonic clock. */
double lks_now(void);

/** "2d03h", "2h03m", "3m20s" or "12s" into @p text, which is returned; "?" where @p seconds are not known: NaN, negative, or
 * more than anybody waits. */
const char *lks_brief_duration(double seconds, char text[32]);

/** Seconds since 1970-01-01T00:00:00Z. */
double lks_wall(void);

/** UTC time of day as "2024-05-31T12:00:00Z" into @p text (at least 21 bytes). */
void lks_utc(char text[32]);

#endif
