/* Single events, each written as a record. What goes wrong is a lack of memory: LKS_ERR_MEMORY, and nothing is written. */
#ifndef LKS_TENSORBOARD_EVENT_H
#define LKS_TENSORBOARD_EVENT_H

#include <stdio.h>

#include "lockstep/config.h"
#include "pictures/sheet.h"
#include "tensorboard/histogram.h"

/* When, in seconds since 1970, and at which step. */
typedef struct lks_event_at {
    double time;
    int64_t step;
} lks_event_at;

typedef struct lks_scalar {
    const char *tag;
    double value; /* kept as a float32, TensorBoard's form of a scalar; NaN: there is none */
} lks_scalar;

enum { LKS_EVENT_SCALARS = 16 }; /* most of one event */

/* The first two events of a file: what it is, and that the step begins which `at` has. From there on a reader that has
 * seen more steps drops them. */
lks_status lks_event_start(FILE *to, lks_event_at at, lks_error *err);

/* scalars [n], at most LKS_EVENT_SCALARS, in one event; nothing where there is none. */
lks_status lks_event_scalars(FILE *to, lks_event_at at, const lks_scalar *scalars, int n,
                             lks_error *err);

lks_status lks_event_picture(FILE *to, lks_event_at at, const char *tag, const lks_sheet *sheet,
                             lks_error *err);
lks_status lks_event_histogram(FILE *to, lks_event_at at, const char *tag, const lks_histogram *h,
                               lks_error *err);

/* What TensorBoard compares runs by: the values that decide what came out of this one; and that it has ended. */
lks_status lks_event_settings(FILE *to, lks_event_at at, const lks_config *config, lks_error *err);
lks_status lks_event_end(FILE *to, lks_event_at at, lks_error *err);

/* What a record that was read is of. */
typedef struct lks_event_read {
    int64_t step;
    const char *tag; /* of its first value; NULL: it has none */
    void *event;
} lks_event_read;

/* Reads bytes [n] of a record; false: it is no event, or memory is short. Freed by lks_event_free(). */
bool lks_event_get(const unsigned char *bytes, size_t n, lks_event_read *event);
void lks_event_free(lks_event_read *event);

#endif
