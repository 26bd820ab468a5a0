/** @file model.h  The network: built from the configuration, run forward and backward over a rank's
 * part of a batch.
 *
 *  Nothing here is collective. A model keeps its weights in one flat array in logical order (see
 * tensor.h); gradients come out in the same order, as exact integer sums over samples. Threads
 * split outputs or whole chunks, never a sum. */
#ifndef LOCKSTEP_MODEL_H
#define LOCKSTEP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "lockstep/exact.h"
#include "lockstep/model_data.h"
#include "lockstep/public.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"

LKS_PUBLIC_BEGIN

/** The arithmetic of an instruction set: see lks_model_create(). */
typedef struct lks_kernels lks_kernels;

/** Version of the arithmetic's rules; raised by every change that moves a bit of a result.
 * 2: 3 x 3 convolutions of stride 1 from 16 to 16 channels on by Winograd's F(2x2, 3x3). */
#define LKS_NUMERICS 2

/** Shapes, tensors and costs of every layer of @p config for images of @p input and @p classes classes, into
 * @p info [config->n_layers]. LKS_ERR_CONFIG names the layer that does not fit: "layer 3 maxpool
 * 'pool1': ...". */
lks_status lks_model_shapes(const lks_config *config, lks_shape input, int classes,
                            lks_layer_info *info, lks_error *err);

/** What lks_model_flop() would grow by for one training sample if nothing were skipped and every
 * convolution were computed as it is written: forward once, and once more each for the weights'
 * gradient of a layer that is trained and for the input's gradient behind a layer that learns. @p info
 * as lks_model_shapes() made it. */
double lks_training_flop(const lks_config *config, const lks_layer_info *info);

/** The unit that computes a network's products (products.h): "amx" or "fma". */
const char *lks_products_unit(const lks_config *config, const lks_kernels *kernels);

/** The precision of its products, for people, and with bf16 who computes them. */
const char *lks_products_text(const lks_config *config, const lks_kernels *kernels);

/** Writes into @p set the text for --set that gives the network @p outputs outputs,
 * "model.logits.units=5" say: of the last layer that has an option for their number. "" where it has so
 * many, or where no layer has one. */
void lks_model_fit_outputs(const lks_config *config, int outputs, char *set, size_t size);

/** The outputs of the last layer that has an option for their number; 0: no layer has one. */
int lks_model_outputs(const lks_config *config);

typedef struct lks_model lks_model;

/** What a caller may read of a model. */
typedef struct lks_model_view {
    float *weights; /**< flat, logical order; call lks_model_weights_changed() after writing */
    size_t n_weights;
    size_t n_parameters; /**< n_weights without batchnorm's running moments */
    const lks_tensor *tensors;
    int n_tensors;
    int n_operations; /**< slots after LKS_MSG_HEAD */
    int64_t *message; /**< [n_message] a step's message: see lks_model_collect() */
    size_t n_message;
    float *gradients;    /**< [n_weights] gradient sums with train.reduce fp32, else NULL */
    int n_meetings;      /**< times that a batch calls the sum of lks_model_share() */
    size_t bytes;        /**< memory held */
    size_t common_bytes; /**< of lks_peers.common, likewise */
    size_t peer_bytes; /**< of lks_peers.memory, for lks_model_join(); 0: there is no wide layer */
    const lks_kernels *kernels;
    const float
        *pixels; /**< [channels][256] the float value of every byte, as the network has it */
} lks_model_view;

/** Builds the network. @p pixels [channels][256] is the float value of every byte (copied); @p
 * capacity is the largest n of a batch on this rank, @p threads the OpenMP threads. @p kernels NULL: those of this processor,
 * or of the instruction set that LOCKSTEP_ISA names. Weights are 0
 * until lks_model_init(). Owned by the caller (lks_model_free()). LKS_ERR_CONFIG as
 * lks_model_shapes(); LKS_ERR_MEMORY. */
lks_status lks_model_create(lks_model **model, const lks_config *config, lks_shape input,
                            int classes, const float (*pixels)[256], const lks_kernels *kernels,
                            int threads, int capacity, lks_error *err);
void lks_model_free(lks_model *model);

/** How batchnorm's sums are added up over all ranks: in place, on the thread that called
 * lks_model_train(). Without one this process is alone. With batchnorm in the network
 * lks_model_train() is collective over the ranks behind @p sum: each calls it for every batch, also
 * with n = 0. */
void lks_model_share(lks_model *model, lks_sum_i64 sum, void *context);

/** Who is told of the running moments of batchnorm, which move in the midst of a batch: on the thread that called
 * lks_model_train(). NULL: nobody. */
void lks_model_watch(lks_model *model, lks_touch touch, void *context);

/** Factors on the training loss of each class's samples, [classes], copied; 1 until then. */
void lks_model_weigh_classes(lks_model *model, const double *factors);

/** Weights, message and, with train.reduce fp32, gradients stand there from here on: zeroed memory of the sizes that the view
 * tells, aligned to 64 bytes and borrowed. For memory that several processes share. The view is to be looked at
 * anew. */
void lks_model_move(lks_model *model, float *weights, int64_t *message, float *gradients);

/** From here on this process and its @p peers, which have the same network, make the gradients of wide dense layers
 * together and pack their weights together: lks_model_weights_changed() has to follow. lks_model_train() is collective over
 * them, also with n = 0, and each has then in its message those sums alone that lks_model_sum_holder() gives it. Between
 * lks_model_collect() and the next lks_model_train() they have to meet. */
void lks_model_join(lks_model *model, const lks_peers *peers);

/** The peer whose message alone has the sums of the weights [@p at, *@p end) of the flat array; -1: each peer's has its
 * share of them. */
int lks_model_sum_holder(const lks_model *model, size_t at, size_t *end);

/** What is evaluated from here on: @p weights [n_weights], borrowed and not changed; NULL: the model's own, which
 * is to be before the next lks_model_train(). */
void lks_model_ask(lks_model *model, float *weights);

lks_model_view lks_model_look(const lks_model *model);

/** The layer name of operation @p index (fused layers give the first one's). */
const char *lks_model_operation_name(const lks_model *model, int index);

/** Draws initial weights from (seed, tensor number, element) by config->init; batchnorm starts with
 * scale 1, shift 0, running mean 0 and variance 1. */
void lks_model_init(lks_model *model, uint64_t seed);

/** Repacks the weights for the kernels. Collective over peers, as lks_model_ask() and lks_model_init() are then. */
void lks_model_weights_changed(lks_model *model);

/** Forward, loss and backward over @p batch, training mode; adds to the sums inside the model. n
 * may be 0. */
void lks_model_train(lks_model *model, const lks_batch *batch);

/** What each lks_model_train() from here on is to find out of single chunks: whether squared norms of complete chunks
 * are added up for the message, and whether all chunks are hashed. Their gradients then are made apart, and added to the
 * sums from there: no result changes. Only behind lks_model_open_chunks(). */
void lks_model_look_into(lks_model *model, bool squares, bool hashes);

/** Hashes of the chunks of the newest lks_model_train(), which was to hash them, [chunks][n_operations] into @p hashes:
 * of what each contributed to the sums of each operation, as integers, and to a batchnorm's moments. Collective over
 * peers. */
void lks_model_chunk_hashes(lks_model *model, uint64_t *hashes);

/** Computes chunks once more, which may be those of another rank's part of the batch that was trained newest: @p batch
 * begins with a chunk and has all chunks complete but perhaps the last one. From the same weights, and moments of the same
 * batch, come the same @p hashes, as above. Nothing is added to any sum. Right behind lks_model_chunk_hashes(), which waits
 * for peers that still read this rank's part. False: gradients were not finite, or too large for sums, here or in that
 * batch; then hashes may differ where nothing is wrong. */
bool lks_model_recompute(lks_model *model, const lks_batch *batch, uint64_t *hashes);

/** Gets room for single chunks' gradients: for lks_model_look_into() with train.reduce exact, and before
 * lks_model_join(). The view is to be looked at anew. LKS_ERR_MEMORY. */
lks_status lks_model_open_chunks(lks_model *model, lks_error *err);

/** Moves the sums gathered since the last call into the message of the view, [LKS_MSG_HEAD +
 * n_operations + n_weights] int64 (overwritten but for LKS_MSG_STOP), and clears them. With
 * train.reduce fp32 the message ends with the operations' slots, and gradient sums go to the view's
 * `gradients`. Sums of wide layers are made there right away: between the first lks_model_train()
 * behind this call and the next call both arrays belong to the model, else to the caller. */
void lks_model_collect(lks_model *model);

/** Floating-point operations that lks_model_train() and lks_model_evaluate() did so far in convolutions
 * and dense layers, a product and the addition it is fused with counting as 2: forward, for the gradient
 * of the input where somebody needs it, and for that of the weights where they are trained. Counted is
 * what is really multiplied: neither positions that pooling discards nor zero gradients that lists leave
 * out; of a tile by Winograd the sixteen products, not the transforms. Lanes that only fill up a vector
 * do not count, nor biases and all other layers. The same on any number of threads and with any
 * kernels. */
int64_t lks_model_flop(const lks_model *model);

/** Forward in evaluation mode. @p scores [n] may be NULL without labels; @p probabilities
 * [n][classes] may be NULL. */
void lks_model_evaluate(lks_model *model, const lks_batch *batch, lks_score *scores,
                        float *probabilities);

/** The score of a sample with @p probabilities [classes] that are means over several networks like this
 * one, or over several looks. */
lks_score lks_model_judge(const lks_model *model, const double *probabilities, int label);

/** What one layer gave. */
typedef struct lks_layer_output {
    lks_shape shape;     /**< behind a flatten still that of the image, as its values lie */
    size_t pixel_step;   /**< floats from one [row][column] to the next: at least the channels */
    const float *values; /**< belong to the model, until it runs again; NULL: see below */
} lks_layer_output;

/** The output of layer @p layer of the configuration for the image that was evaluated last: right after
 * lks_model_evaluate() of one image alone. values is NULL for a layer that is computed in one go with the one
 * behind it, like a convolution before its ReLU. */
lks_layer_output lks_model_output(const lks_model *model, int layer);

LKS_PUBLIC_END

#endif
