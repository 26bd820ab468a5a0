/* How long a step takes on more ranks than were measured, from constants. Pure functions. */
#ifndef LKS_TOOL_DOCTOR_FORECAST_H
#define LKS_TOOL_DOCTOR_FORECAST_H

#include <stdint.h>

#include "tool/doctor/cost.h"

#define LKS_WORK_POINTS 4
#define LKS_WIDE        64 /* bits of a sum that is not packed */

/* What a rank does in a batch of so many chunks: forward, backward, its images. */
typedef struct lks_work_point {
    double chunks, seconds;
} lks_work_point;

/* The sums of a step, as they are sent. */
typedef struct lks_messages {
    double sums; /* bytes, on the ranks that were measured */
    double
        widths; /* bytes of the allreduce before it, which agrees on how they are packed; 0: nothing is packed */
    double a_bit; /* bytes of one bit more in each packed sum */
    double most;  /* bytes, where nothing is packed */
    /* With train.exchange: scatter, else 0: bytes of an allreduce, then of sums of which each rank gets its share, and of what
     * all get after the update. */
    double head, shared, gathered;
    double moments; /* allreduces of batch normalisation in a batch */
    double moment;  /* bytes of one */
} lks_messages;

/* Images that change ranks: a window's are under way while the one before is trained on. */
typedef struct lks_exchange_cost {
    double windows;          /* exchanges in an epoch, on the ranks that were measured */
    double image;            /* bytes */
    double seconds_an_image; /* of an image that a rank sends and receives, beside the network */
} lks_exchange_cost;

typedef struct lks_constants {
    int ranks; /* that were measured */
    int64_t images, batch;
    int chunk, accumulate;
    double epochs;
    int n_work;
    lks_work_point work[LKS_WORK_POINTS]; /* ascending; of the slowest rank */
    double steady; /* seconds of a step, whatever the share: update, and all else */
    lks_messages messages;
    lks_exchange_cost exchange;
    lks_network network;
    /* What measured steps say of the model of communication: seconds = scale * model + more. */
    double scale, more;
    lks_sums_by sums_by; /* training's choice of algorithm */
    const double *
        late; /* [n_late] ascending: how much longer than its rank's median each measured step took */
    int64_t n_late;
} lks_constants;

/* Seconds that `ranks` wait for the messages of one exchange, each with `images`, which began `before` seconds of other work
 * ago. */
double lks_exchange_wait(const lks_network *net, int ranks, double images, double image,
                         double before);

/* The mean of the largest of `ranks` values drawn from those of `late`: how much the slowest rank of a step is behind.
 * What was never seen does not come. */
double lks_expected_latest(const double *late, int64_t n, int ranks);

typedef struct lks_forecast {
    int ranks, hosts;
    int64_t batch;
    int chunks; /* in a batch, of a rank with most */
    double compute, update, communication, exchange, wait, seconds; /* of a step */
    lks_allreduce algorithm;                                        /* of the sums */
    double
        efficiency; /* of a rank, against one rank alone with the same batch or, where the batch grows, share */
    double epochs_an_hour, node_hours; /* of all epochs; steps alone */
} lks_forecast;

/* A step of `batch` images on `ranks`, and its efficiency against one of `single` images on one rank. */
lks_forecast lks_forecast_for(const lks_constants *c, int ranks, int64_t batch, int64_t single);

typedef enum lks_limit {
    LKS_LIMIT_NONE, /* there is none up to `most` */
    LKS_LIMIT_CHUNKS,
    LKS_LIMIT_COMMUNICATION,
    LKS_LIMIT_UPDATE,
    LKS_LIMIT_EXCHANGE,
    LKS_LIMIT_WAIT
} lks_limit;

/* The largest power of two, at most `most`, up to which each doubling of the ranks makes a step of the constants' batch
 * at least a tenth shorter; *why gets what stands in the way of the next one. */
int lks_forecast_limit(const lks_constants *c, int most, lks_limit *why);

#endif
