/** @file history.h  The curves of a run, in memory and in history.h5. */
#ifndef LKS_IO_HISTORY_H
#define LKS_IO_HISTORY_H

#include <stddef.h>
#include <stdint.h>
#include "io/chain.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"

/** After one optimizer step; means over the step's samples. */
typedef struct lks_step_record {
    int64_t step;  /**< optimizer steps done, from 1 */
    int32_t epoch; /**< epoch the step belongs to, from 1 */
    double loss, accuracy, lr;
    double gradient_norm; /**< Euclidean norm of the mean gradient, before clipping; NaN: unknown */
    /** Unbiased estimates by lks_noise_of(); NaN: unknown. */
    double gradient_variance, gradient_square;
} lks_step_record;

/** Of a step: the trace of the covariance of a sample's gradient, and the squared norm of the gradient of all data. */
typedef struct lks_noise {
    double variance, square;
} lks_noise;

/** From the mean @p chunk_square of the squared norms of the mean gradients of chunks of @p chunk samples, and that of the
 * mean gradient over @p samples of them and others, @p square (McCandlish et al., "An Empirical Model of
 * Large-Batch Training", arXiv:1812.06162, appendix A.1). Either may be negative. NaN unless samples > chunk. */
lks_noise lks_noise_of(double chunk_square, int chunk, double square, int64_t samples);

/** What a rank's main thread spends its time on. */
typedef enum lks_phase {
    LKS_PHASE_EXCHANGE,      /**< images on their way to the ranks that train on them */
    LKS_PHASE_BATCH,         /**< batches put together */
    LKS_PHASE_AUGMENT,       /**< their images changed */
    LKS_PHASE_COMPUTE,       /**< forward, backward, and the threads' sums put together */
    LKS_PHASE_COMMUNICATION, /**< in the allreduces of a step, of gradients and of batchnorm's
                                sums, once the last rank has come */
    LKS_PHASE_WAIT,          /**< in those, before */
    LKS_PHASE_UPDATE,        /**< norms, optimizer, repacked weights */
    LKS_PHASE_EVALUATE,
    LKS_PHASE_CHECKPOINT,
    LKS_PHASE_VERIFY, /**< that every sample was seen and all replicas are equal */
    LKS_PHASE_OTHER,
    LKS_PHASE_TOTAL, /**< wall time: of all the above together */
    LKS_PHASES
} lks_phase;

/** "exchange", "batch", ..., "total": in files and tables. */
#define LKS_PHASE_NAME_MAX 16
extern const char lks_phase_names[LKS_PHASES][LKS_PHASE_NAME_MAX];

/** Seconds in one phase over the ranks. */
typedef struct lks_phase_time {
    double min, avg, max;
    int32_t rank; /**< that took the most, the lowest of equals; -1: unknown */
} lks_phase_time;

typedef struct lks_phase_times {
    lks_phase_time of[LKS_PHASES];
} lks_phase_times;

/** The share of the ranks' time that @p phase took, 0 to 1, by their mean; NaN where nothing was measured.
 * Everywhere (lines, tables, charts) "communication" is the transfer itself: what an allreduce takes once
 * its last rank has come. "Wait" is the time of the others until then. */
double lks_phase_share(const lks_phase_times *t, lks_phase phase);

/** After one epoch. Figures that were not measured are NaN. */
typedef struct lks_epoch_record {
    int32_t epoch; /**< from 1 */
    int64_t step;
    double lr, train_loss, train_accuracy;
    double validation_loss, validation_accuracy;
    double test_loss, test_accuracy;
    double images_per_second, seconds;
    double comm_seconds; /**< in collectives: communication and wait together */
    double noise_scale;  /**< lks_history_noise_scale() of its steps */
    /** From the record before this one, or the start of the process, to this one: a checkpoint
     * saved after a record counts in the next. Files of earlier versions have none. */
    lks_phase_times phases;
    double energy_joules; /**< in that time, of all hosts that tell; NaN: none does */
} lks_epoch_record;

/** Owned arrays grow by doubling. Zero-initialise; free with lks_history_free(). */
typedef struct lks_history {
    lks_step_record *steps;
    size_t n_steps, steps_capacity;
    lks_epoch_record *epochs;
    size_t n_epochs, epochs_capacity;
    char (*norm_names)[LKS_TENSOR_NAME_MAX]; /**< tensors whose norms are recorded with each step */
    size_t n_norms;
    float (*norms)[2]; /**< [n_steps][n_norms]: gradient, weights; NaN: unknown */
    size_t norms_capacity;
    lks_chain chain; /**< of every step, whatever is recorded; io/chain.h */
} lks_history;

/** From now on each step comes with the norms of the tensors @p names [n], n > 0, which are copied;
 * those of earlier steps are NaN. Nothing changes where these are the names already;
 * LKS_ERR_MISMATCH where others are. */
lks_status lks_history_name_norms(lks_history *h, const char (*names)[LKS_TENSOR_NAME_MAX],
                                  size_t n, lks_error *err);

/** Appends @p r; @p norms [n_norms]: gradient and weight norms, or NULL. */
lks_status lks_history_add_step(lks_history *h, const lks_step_record *r, const float (*norms)[2],
                                lks_error *err);
lks_status lks_history_add_epoch(lks_history *h, const lks_epoch_record *r, lks_error *err);

/** Appends to @p copy, empty or an earlier copy of @p h, what came since: then it holds the same. It shares no
 * memory with @p h. LKS_ERR_MEMORY. */
lks_status lks_history_follow(lks_history *copy, const lks_history *h, lks_error *err);
void lks_history_free(lks_history *h);

/** The gradient's noise scale in samples, variance / square, each averaged first over the steps of epoch @p epoch (as
 * there): a batch of so many needs twice the fewest steps, and twice the fewest images. NaN where no step has
 * both, and where the mean square is not positive: too few steps to see the gradient through the noise. */
double lks_history_noise_scale(const lks_history *h, int32_t epoch);

/** The phases of all epochs that have them, added up into @p sum; ranks are -1. Returns how many epochs
 * that are. */
size_t lks_history_phases(const lks_history *h, lks_phase_times *sum);

/** Result of an evaluation on a labelled set, as history.h5 has it. Arrays belong to who made them: the
 * caller of lks_history_write(), or lks_history_read(). */
typedef struct lks_predictions {
    int classes;
    int64_t n;                  /**< samples */
    const int64_t *confusion;   /**< [classes][classes]: true class row, predicted class column */
    const uint8_t *labels;      /**< [n] in file order */
    const uint8_t *predicted;   /**< [n] */
    const float *probabilities; /**< [n][classes] */
} lks_predictions;

/** Writes @p path (complete or not at all: temporary file, fsync, rename, fsync of the folder).
 * Data sets: /steps/{every member}, /epochs/{every number}, where norms are recorded
 * /norms/{gradient,weight} [steps][tensors] with the tensors' names as attribute "tensors",
 * /phases/{min,avg,max,rank} [epochs][phases] with the phases' names as attribute "phases",
 * /chain/{loss_hi,loss_lo,correct,samples,lr,mark} [1 + steps], /chain/layers [1 + steps][layers] with their names as
 * attribute "layers", /chain/epochs/{state,link} [epochs][64] as hex digits, attributes first, start and end, and if
 * @p test is not NULL /test/{confusion,labels,predicted,probabilities}. Rank 0 only. */
lks_status lks_history_write(const char *path, const lks_history *h, const lks_predictions *test,
                             lks_error *err);

/** Reads what lks_history_write() wrote, and what earlier versions did: their missing figures are NaN.
 * @p test gets its own arrays (lks_predictions_free()); all 0 where the file has no predictions. Labels
 * and predictions are below @p test's classes, and the confusion matrix is their count. LKS_ERR_IO names
 * a file that cannot be read, LKS_ERR_FORMAT one that is damaged, cut, or something else; then nothing
 * needs freeing. Not collective. */
lks_status lks_history_read(const char *path, lks_history *h, lks_predictions *test,
                            lks_error *err);
void lks_predictions_free(lks_predictions *p);

#endif
