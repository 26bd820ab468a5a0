/** @file model_data.h  What a network is given and gives: shapes, batches, a step's message, scores.
 * Plain data, nothing is owned here. */
#ifndef LOCKSTEP_MODEL_DATA_H
#define LOCKSTEP_MODEL_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/public.h"
#include "lockstep/tensor.h"

LKS_PUBLIC_BEGIN

typedef struct lks_shape {
    int rows, columns, channels;
} lks_shape;

/** A tensor that a layer will have. */
typedef struct lks_tensor_plan {
    const char *what; /**< "weight", "bias", "running_mean", "running_var" */
    lks_role role;
    int ndim;
    int64_t shape[4];
    double fan_in, fan_out; /**< of weights that are drawn; a bias has those of its weights */
    float start;            /**< initial value of what is not drawn */
} lks_tensor_plan;

#define LKS_LAYER_TENSORS_MAX 4

/** What is known of a layer before anything is built: what `lockstep info` prints, and the tensors
 * that checkpoints will hold. */
typedef struct lks_layer_info {
    lks_shape out;
    int64_t parameters;
    double flop;       /**< forward, one sample; a fused multiply-add counts as 2 */
    int64_t out_bytes; /**< float32 output of one sample */
    bool learns;       /**< gradients reach its output: it, or a layer before it, is trained */
    int n_tensors;
    lks_tensor_plan tensors[LKS_LAYER_TENSORS_MAX]; /**< in the order of the flat array */
} lks_layer_info;

/** A rank's samples of one batch: consecutive chunks of config->train.chunk samples; only the last
 * may be short. */
typedef struct lks_batch {
    const uint8_t *images; /**< [n][rows][columns][channels] bytes */
    const uint8_t *labels; /**< [n], each < classes */
    const uint32_t *ids;   /**< [n] sample ids: they key dropout */
    int n;
    uint32_t epoch; /**< 0-based: keys dropout */
} lks_batch;

/** The head of a step's message, which the ranks add up with the gradients in one Allreduce. */
enum lks_message_slot {
    LKS_MSG_STOP,    /**< each rank's wish to stop, 0: none; the caller's code */
    LKS_MSG_SAMPLES, /**< samples computed */
    LKS_MSG_HASH,    /**< sum of their ids' hashes, modulo 2^64 */
    LKS_MSG_LOSS_HI,
    LKS_MSG_LOSS_LO,
    LKS_MSG_CORRECT,
    LKS_MSG_BAD_LOSS,    /**< ranks with a loss that is not finite */
    LKS_MSG_BAD_WEIGHTS, /**< ranks with a weight that is not finite since the last update */
    LKS_MSG_CHANGED, /**< ranks that found their own memory changed; the caller's, as the next two */
    LKS_MSG_STATE_LOW, /**< differences of the ranks' hashes of their state: 0 where they are equal */
    LKS_MSG_STATE_HIGH,
    LKS_MSG_TROUBLE, /**< ranks on which something beside the step failed; the caller's */
    LKS_MSG_WANTED,  /**< rank 0 wants the whole state that the step leaves; the caller's */
    LKS_MSG_SQUARES, /**< of complete chunks, where lks_model_look_into() asked: see lks_chunk_squares() */
    LKS_MSG_SQUARES_END = LKS_MSG_SQUARES + 3,
    LKS_MSG_CHUNKS = LKS_MSG_SQUARES_END, /**< how many those were */
    LKS_MSG_HEAD /**< number of slots; then one per operation: ranks with a bad gradient partial */
};

/** The sum of squared norms of complete chunks' gradients, each that of the *sum* of losses over its samples, from
 * a message's LKS_MSG_SQUARES: exact until it becomes a double, so the same for any ranks, threads and
 * order. */
double lks_chunk_squares(const int64_t *message);

/** Adds up @p values over all ranks, in place: see lks_model_share(). */
typedef void (*lks_sum_i64)(void *context, int64_t *values, size_t n);

/** Told of @p n values of the flat weights from @p at on that change within a batch: right before they are read,
 * then, @p wrote, right after they were written. False, before: another process changes them, in memory that both see.
 * See lks_model_watch(). */
typedef bool (*lks_touch)(void *context, const float *at, size_t n, bool wrote);

/** Processes that share memory and make the gradients of wide layers together, each a part of the weights for the
 * samples of all: see lks_model_join(). */
typedef struct lks_peers {
    int n, own;   /**< how many, and which one this is; n = 0: none */
    char *common; /**< the same memory for all of them, for packed weights */
    char *memory; /**< this one's, for what the others read; both zeroed and aligned to 64 bytes */
    ptrdiff_t apart; /**< bytes from one peer's memory to the next one's */
    /** Waits for the others: what each wrote before, each may read after. */
    void (*meet)(void *context);
    void *context;
} lks_peers;

/** Result of one evaluated sample. */
typedef struct lks_score {
    double loss;
    int predicted;  /**< first largest logit */
    int rank_label; /**< number of classes with a larger logit than the label's, or an equal one and
                       a smaller number: 0 is correct */
} lks_score;

LKS_PUBLIC_END

#endif
