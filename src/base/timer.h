/** @file timer.h  Wall-clock time for reports; never an input of the computation. */
#ifndef LKS_BASE_TIMER_H
#define LKS_BASE_TIMER_H

/** Seconds on the monotonic clock. */
double lks_now(void);

/** Seconds since 1970-01-01T00:00:00Z. */
double lks_wall(void);

/** UTC time of day as "2024-05-31T12:00:00Z" into @p text (at least 21 bytes). */
void lks_utc(char text[32]);

#endif
