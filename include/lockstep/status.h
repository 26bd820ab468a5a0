/** @file status.h  Errors as values: every function that can fail returns an lks_status and fills
 * an lks_error that its caller owns; only the command line turns one into a message and an exit
 * status. */
#ifndef LOCKSTEP_STATUS_H
#define LOCKSTEP_STATUS_H

#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

typedef enum lks_status {
    LKS_OK = 0,
    LKS_ERR_USAGE,    /**< wrong command line (exit status 2) */
    LKS_ERR_CONFIG,   /**< wrong configuration, network or setting (exit status 2) */
    LKS_ERR_DATA,     /**< the data set is missing, damaged or contradictory */
    LKS_ERR_IO,       /**< reading or writing failed: disk full, permissions, lock */
    LKS_ERR_FORMAT,   /**< a checkpoint is truncated, corrupt or of another version */
    LKS_ERR_MISMATCH, /**< a checkpoint belongs to another network, data set or numerics */
    LKS_ERR_MEMORY,   /**< out of memory */
    LKS_ERR_NUMERIC,  /**< NaN, infinity or a sum out of range */
    LKS_ERR_REPLICA,  /**< a rank's memory changed, or replicas or sample counts differ (76) */
    LKS_ERR_STALLED,  /**< a rank makes no progress (79) */
    LKS_ERR_BUSY,     /**< another life has the run folder, or took it over (73) */
    LKS_ERR_STOPPED,  /**< asked to stop before there was anything to save (75) */
    LKS_ERR_COMM,     /**< MPI reported an error */
    LKS_STATUS_COUNT
} lks_status;

/** What went wrong, in one message that says what, where and what to do. */
typedef struct lks_error {
    lks_status status;
    char text[4096]; /**< UTF-8; may hold several lines (a caret below a source line) */
} lks_error;

/** Fills @p err (may be NULL) with @p status and a printf-style message; returns @p status, so that
 *  `return lks_fail(err, ...)` reads well. Not collective. */
lks_status lks_fail(lks_error *err, lks_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts a printf-style text and ": " before the message already in @p err; returns its status.
 *  If @p err is NULL the status is unknown, and some failure is returned. */
lks_status lks_fail_context(lks_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Exit status of the program for @p status: 0 done, 2 usage or configuration, one of those below, 1 anything
 * else. */
int lks_exit_status(lks_status status);

/** Exit statuses that scripts act on. 77 is left out: test drivers take it for "skipped". */
#define LKS_EXIT_BUSY 73 /**< another life has the run folder */
#define LKS_EXIT_STOPPED                                                                           \
    75 /**< stopped on a signal or at the time limit, checkpoint saved: EX_TEMPFAIL */
#define LKS_EXIT_REPLICA                                                                           \
    76 /**< memory or replicas differ; go on elsewhere, from the last checkpoint */
#define LKS_EXIT_STALLED 79 /**< a rank stood still; go on from the last checkpoint */

/** Returns from the calling function with the status of @p call if that is not LKS_OK. */
#define LKS_TRY(call)                                                                              \
    do {                                                                                           \
        lks_status lks_try_status_ = (call);                                                       \
        if (lks_try_status_ != LKS_OK)                                                             \
            return lks_try_status_;                                                                \
    } while (0)

LKS_PUBLIC_END

#endif
