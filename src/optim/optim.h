/** @file optim.h  Learning-rate schedules and optimizers: the same update on every rank. Nothing is
 * collective. */
#ifndef LKS_OPTIM_OPTIM_H
#define LKS_OPTIM_OPTIM_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "optim/hashes.h"
#include "kernels/kernels.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"
#include "base/watch.h"

/** Learning rate of optimizer step @p step (0-based), a pure function.
 *
 *  constant: lr. step: lr * gamma^(epoch / every_epochs), integer division, epoch = step / @p
 * steps_per_epoch. exponential: lr * gamma^epoch. cosine, over the T = @p total_steps -
 * warmup_steps steps after the warm-up: min_lr + (lr - min_lr) * (1 + cos(pi * t / T)) / 2, t = 0
 * at the first of them, min_lr from t = T on. plateau: lr * factor^reductions, at least min_lr.
 * onecycle over @p total_steps as in Smith & Topin 2018 with PyTorch's OneCycleLR parameters: from
 * lr / div_factor up to lr at step warmup_share * total - 1, then down to lr / div_factor /
 * final_div_factor at the last step; cosine or linear. Steps beyond the last keep its value.
 *
 *  Before step warmup_steps the rate is multiplied by warmup_factor + (1 - warmup_factor) * step /
 * warmup_steps. @p plateau may be NULL: no evaluation seen yet. */
double lks_learning_rate(const lks_train_config *config, const lks_watch_state *plateau,
                         int64_t step, int64_t steps_per_epoch, int64_t total_steps);

/** Tells the plateau schedule of a validation result @p value (loss or accuracy, as
 * schedule->watch says) after @p epoch epochs, as PyTorch's ReduceLROnPlateau has it: better is
 * below best * (1 - threshold), for accuracy above best * (1 + threshold); the rate is reduced
 * when more than `patience` results in a row are not better, those in the cooldown after a
 * reduction left out. */
void lks_plateau_watch(lks_watch_state *w, const lks_schedule_config *schedule, double value,
                       int64_t epoch);

/** Tells early stopping of a validation result: better is below best - stop_threshold, for accuracy
 * above best + stop_threshold. */
void lks_early_stop_watch(lks_watch_state *w, const lks_train_config *config, double value,
                          int64_t epoch);

/** Training is over: stop_patience results in a row were not better (never where it is 0). */
bool lks_early_stop_reached(const lks_watch_state *w, const lks_train_config *config);

/** Which weights this process updates where several make a step together: those of the blocks that begin in [first, end).
 * `meet` waits until what each has written is seen by each: its blocks of @p sums [blocks][2] or, where that is NULL, its
 * whole matrices in the states. NULL: this process has all weights. */
typedef struct lks_update_share {
    size_t first, end;
    void (*meet)(void *context, double (*sums)[2]);
    void *context;
} lks_update_share;

/** Weights of one tensor that are updated together. */
typedef struct lks_weight_block {
    size_t first;
    int count;
    int tensor;  /**< its number */
    int place;   /**< its number among the blocks of all tensors */
    bool decays; /**< weight decay reaches it */
    bool matrix; /**< of a tensor that the optimizer treats as a whole */
} lks_weight_block;

/** Euclidean norms of one tensor. */
typedef struct lks_norms {
    double gradient, weight;
} lks_norms;

/** Matrices that an optimizer makes orthogonal. */
typedef struct lks_matrices lks_matrices;

typedef struct lks_optimizer {
    lks_optimizer_config config;
    const lks_kernels *kernels;
    /** Borrowed, set by the owner of the weights, or NULL: a step hashes what it reads and what it writes.
     * Array 0 are the weights, the next ones `state`. */
    lks_hashes *hashes;
    size_t n; /**< weights in the flat array */
    int n_tensors;
    lks_weight_block *blocks; /**< of the tensors that are trained, in order */
    int n_blocks;
    int own_first, own_end;                         /**< those that this process updates */
    void (*meet)(void *context, double (*sums)[2]); /**< lks_update_share's */
    void *context;
    double (*squares)
        [2]; /**< [n_blocks] a step's sums of squares, of what its class says and of weights */
    double (*measured)[2]; /**< [n_blocks] those of lks_optimizer_norms(): gradient, weights */
    lks_norms *norms;      /**< [n_tensors] room for a step that needs them */
    int n_states;
    float *state[LKS_UPDATE_STATES];      /**< [n] each, 0 at the start */
    const char *names[LKS_UPDATE_STATES]; /**< "optimizer/m", "optimizer/velocity", ... */
    float *slot[LKS_UPDATE_STATES];       /**< the same arrays as the kernels want them */
    lks_matrices *matrices;               /**< or NULL */
    size_t first, end;                    /**< elements: lks_update_share's */
    bool moved;                           /**< states, squares and measured are borrowed */
} lks_optimizer;

/** Arrays of the size of the weights that @p config's optimizer keeps. */
int lks_optimizer_states(const lks_optimizer_config *config);

/** State for the weights of @p tensors, which lie without gaps in one flat array; ended by
 * lks_optimizer_free(). Tensors that are not trained are never touched. Biases and batchnorm's
 * parameters do not decay where config->decay_bias_and_norm is false. */
lks_status lks_optimizer_create(lks_optimizer *o, const lks_optimizer_config *config,
                                const lks_tensor *tensors, int n_tensors,
                                const lks_kernels *kernels, lks_error *err);
void lks_optimizer_free(lks_optimizer *o);

/** Several processes make each step together: this one's share of it. The same bits result as of one process. */
void lks_optimizer_share(lks_optimizer *o, const lks_update_share *share);

/** The states, and what norms are made of, stand where all these processes see them from here on: in @p memory,
 * lks_optimizer_shared_bytes(), zeroed, borrowed. */
void lks_optimizer_move(lks_optimizer *o, void *memory);
size_t lks_optimizer_shared_bytes(const lks_optimizer *o);

/** Where shares may be cut if processes do not see each other's states: @p element, where a block begins, or the end of
 * the matrix that would be cut there. */
size_t lks_optimizer_edge(const lks_optimizer *o, size_t element);

/** How many of the optimizer's blocks begin before @p element. */
int lks_optimizer_blocks(const lks_optimizer *o, size_t element);

/** The sums that a gradient is made of: that of weight i is exact[i] * 2^-30 / samples or, where
 * `exact` is NULL, plain[i] / samples. */
typedef struct lks_gradient {
    const int64_t *exact;
    const float *plain;
    int64_t samples;
} lks_gradient;

/** The mean gradient of weights [@p first, first + n) into @p g [n], each rounded once from double. */
void lks_mean_gradient(const lks_kernels *kernels, const lks_gradient *from, size_t first, size_t n,
                       float *g);

/** Euclidean norm of the gradient over all trained tensors, before the update. @p norms [tensors]
 * may be NULL; tensors that are not trained get 0. Squares are added in double, in order within
 * 4,096 elements of a tensor, then these sums in order: the same bits on any number of threads. */
double lks_optimizer_norms(const lks_optimizer *o, const float *weights, const lks_gradient *g,
                           lks_norms *norms, int threads);

/** What a gradient of Euclidean norm @p norm is multiplied by so that the norm is at most @p limit
 * (0: no limit): 1, or limit / (norm + 1e-6) as PyTorch's clip_grad_norm_ has it. */
double lks_clip_factor(double norm, double limit);

/** One update with the gradient times @p factor. @p step is 0-based (Adam's bias correction uses
 * step + 1). Splits over @p threads, with the same bits on any number. Returns false if a weight is
 * no longer finite. */
bool lks_optimizer_step(lks_optimizer *o, float *weights, const lks_gradient *g, double factor,
                        double lr, int64_t step, int threads);

/** Exponential moving average of the weights (Polyak & Juditsky 1992 for the idea; the decaying form
 * as in PyTorch's AveragedModel and TensorFlow's ExponentialMovingAverage). */
typedef struct lks_average {
    float *weights; /**< [n], in the order of the flat array; NULL where none is kept */
    size_t n;
    double decay;
    bool warmup;
    const lks_tensor *tensors; /**< borrowed */
    int n_tensors;
    size_t first, end; /**< of the blocks that begin there an update changes the average */
    bool moved;        /**< `weights` are borrowed */
    lks_hashes
        *hashes; /**< borrowed, or NULL: as those of an optimizer; this is their last array */
} lks_average;

/** An average over @p tensors, which lie without gaps in one flat array and are borrowed, where
 * config->ema_decay is not 0; else weights stays NULL and the functions below do nothing. 0 until
 * lks_average_start(). Ended by lks_average_free(). LKS_ERR_MEMORY. */
lks_status lks_average_create(lks_average *a, const lks_train_config *config,
                              const lks_tensor *tensors, int n_tensors, lks_error *err);
void lks_average_free(lks_average *a);

/** As lks_optimizer_share(): the average stands in @p memory [n], zeroed and borrowed, from here on; nothing where none is
 * kept. Updates do not meet. */
void lks_average_share(lks_average *a, const lks_update_share *share, float *memory);

/** The average of one set of weights: these. */
void lks_average_start(lks_average *a, const float *weights);

/** The decay of the update after optimizer step @p step (0-based): ema_decay, with ema_warmup at
 * most (1 + t) / (10 + t), t = step + 1, so that the first weights are soon forgotten. */
double lks_average_decay(const lks_average *a, int64_t step);

/** a += (1 - decay) * (w - a), each operation rounded, for tensors that are trained; below 2^-100 in
 * magnitude a becomes +0. Running moments and frozen tensors are copied, as AveragedModel keeps
 * buffers. Splits over @p threads; every element by itself. */
void lks_average_update(lks_average *a, const float *weights, int64_t step, int threads);

#endif
