/** @file loop.h  A training loop of one's own: data set, batches, network and sums are the library's, what is done with a
 * step's gradient is the caller's.
 *
 *      lks_loop_open(&loop, &comm, &options, &err);
 *      while (!lks_loop_over(loop)) {
 *          lks_loop_step(loop, &step, &err);             the sums of a global batch, the same on every rank
 *          lks_loop_gradient(loop, gradient);            their mean
 *          ... update lks_loop_weights(loop) ...         the same update on every rank
 *          lks_loop_updated(loop, &err);
 *      }
 *
 *  All functions that can fail are collective over the ranks of the lks_comm, and their errors are agreed. Weights may
 * be written between lks_loop_step() and lks_loop_updated() only: at any other time a change counts as faulty memory,
 * and LKS_ERR_REPLICA tells so, as it does where replicas were not updated alike. With train.reduce exact the sums are
 * the same bits for any number of ranks and threads. */
#ifndef LOCKSTEP_LOOP_H
#define LOCKSTEP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/model.h"
#include "lockstep/public.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"

LKS_PUBLIC_BEGIN

/** Where a loop comes from. Strings are borrowed during lks_loop_open(). */
typedef struct lks_loop_options {
    const char *config;      /**< path of the YAML file, read by rank 0 */
    const char *const *sets; /**< [n_sets] "KEY=VALUE", over what the file says */
    int n_sets;
    int threads; /**< 0: train.threads, OMP_NUM_THREADS, or this rank's share of its cores */
} lks_loop_options;

typedef struct lks_loop lks_loop;

/** A step whose gradient is there. Means are over its global batch. */
typedef struct lks_loop_sums {
    int64_t step;    /**< its number, from 1 */
    int64_t samples; /**< in its global batch: the last one of an epoch has fewer */
    double loss, accuracy;
    double lr;            /**< of train.optimizer.lr and train.schedule */
    const int64_t *exact; /**< [weights] sums of the samples' gradients, in units of 2^-30; borrowed
                           until the next step; NULL with train.reduce fp32, and then: */
    const float *plain;   /**< [weights] the sums as floats */
} lks_loop_sums;

/** Reads data, deals images to the ranks, builds the network and gives it its initial weights, all as `lockstep train`
 * does with this configuration: so what is seen in which step, augmentation, dropout, class weights and loss are the same.
 * Of train.* the loop leaves out what belongs to the update: the optimizer and clip_norm. The average (train.ema)
 * follows the weights. Owned by the caller (lks_loop_close()); NULL after a failure. LKS_ERR_CONFIG also for what the loop
 * does not do: train.exchange other than allreduce, where not every rank has all sums; schedule plateau and
 * stop_patience, which need to be told of evaluations. */
lks_status lks_loop_open(lks_loop **loop, lks_comm *comm, const lks_loop_options *options,
                         lks_error *err);
void lks_loop_close(lks_loop *loop);

/** train.epochs, or train.max_steps, are done. The same on every rank. */
bool lks_loop_over(const lks_loop *loop);

/** Computes the next step's batches, and adds up over all ranks. LKS_ERR_NUMERIC where loss or gradients are not finite,
 * LKS_ERR_REPLICA as said above. Nothing can follow a failure but lks_loop_close(). */
lks_status lks_loop_step(lks_loop *loop, lks_loop_sums *sums, lks_error *err);

/** The mean gradient of that step into @p gradient [weights]: sum * 2^-30 / samples in double, rounded once to float, as
 * the library's optimizers take it. Not collective. */
void lks_loop_gradient(const lks_loop *loop, float *gradient);

/** This rank has updated its weights, by the same rule as all others. At the end of an epoch it is proved that each sample
 * was seen once: then LKS_ERR_REPLICA where not. LKS_ERR_NUMERIC comes with the next step where a weight is not finite. */
lks_status lks_loop_updated(lks_loop *loop, lks_error *err);

/** Other weights than the initial ones, @p weights [weights], the same on every rank, and the average starts at them. */
lks_status lks_loop_begin_with(lks_loop *loop, const float *weights, lks_error *err);

/** The weights, flat, in the order of lks_loop_tensors(); batchnorm's running moments among them are not the caller's to
 * change: lks_tensor.trained tells. *n is their number. Not collective. */
float *lks_loop_weights(lks_loop *loop, size_t *n);
const lks_tensor *lks_loop_tensors(const lks_loop *loop, int *n);

/** The network, the resolved configuration and the images' shape and number of classes; borrowed. Not collective. */
lks_model *lks_loop_model(lks_loop *loop);
const lks_config *lks_loop_config(const lks_loop *loop);
lks_shape lks_loop_shape(const lks_loop *loop, int *classes);

typedef enum lks_loop_set { LKS_LOOP_VALIDATION, LKS_LOOP_TEST } lks_loop_set;

/** Exact counts: the same for any number of ranks. */
typedef struct lks_loop_score {
    int64_t total, correct;
    double loss; /**< mean cross-entropy */
} lks_loop_score;

/** Answers of the weights, or of their average where there is one, to all images of @p set. LKS_ERR_DATA if the
 * configuration has no such images. */
lks_status lks_loop_evaluate(lks_loop *loop, lks_loop_set set, lks_loop_score *score,
                             lks_error *err);

/** SHA-256 of the weights, as lower-case hexadecimal digits: `weights_sha256` of a checkpoint and of a run's summary, at
 * least LKS_LOOP_DIGEST bytes. Not collective. */
enum { LKS_LOOP_DIGEST = 65 };
lks_status lks_loop_digest(const lks_loop *loop, char digest[LKS_LOOP_DIGEST], lks_error *err);

/** Rank 0 writes a checkpoint of weights and average to @p path, complete or not at all, which `lockstep eval`, `predict`,
 * `info` and `train --init-from` read. It has no state of an optimizer. LKS_ERR_IO. */
lks_status lks_loop_save(lks_loop *loop, const char *path, lks_error *err);

LKS_PUBLIC_END

#endif
