/* One operation of the network: a layer, or a convolution, dense layer or batchnorm with the ReLU
 * and pooling that follow it; and the toolkit that operations are made with.
 *
 * The engine calls, for images of a chunk, forward and backward (data); then weights for whole
 * chunks, cut into parts by output. */
#ifndef LKS_NN_OP_H
#define LKS_NN_OP_H

#include <stdatomic.h>

#include "lockstep/config.h"
#include "lockstep/exact.h"
#include "kernels/kernels.h"
#include "base/memory.h"
#include "lockstep/model_data.h"
#include "lockstep/status.h"
#include "nn/objective.h"

typedef struct lks_model lks_model;

/* [first, first + count) of `n` for part `part` of `parts`. */
typedef struct lks_span {
    int first, count;
} lks_span;
lks_span lks_part(int n, int part, int parts);

/* Memory with a part for each sample: for all samples of the rank's batch, or, where nothing of it is
 * needed once a chunk has gone through a pass, for those of the chunk that a worker has in hand. See
 * lives.h for who gets which. Given when all operations are made; zero at first. */
typedef struct lks_samples {
    size_t each;   /* bytes a sample */
    void *batch;   /* [capacity], or NULL: the worker's */
    size_t at;     /* its place in lks_worker.memory, for [chunk] samples */
    bool borrowed; /* the batch's: it is in memory that peers read */
} lks_samples;

/* An activation: for each sample [row][column][channel padded]. */
typedef struct lks_op lks_op;
typedef struct lks_activation {
    lks_shape shape;
    int stride;  /* floats from pixel to pixel: channels padded */
    size_t size; /* floats per sample */
    lks_samples value;
    lks_samples
        trained_value; /* the same, while it is the input's of an idle operation: see lks_model_mode() */
    const lks_samples *gradient; /* NULL where nobody needs it: before the first weights */
    lks_samples
        own_gradient; /* it is this, or that of another activation, see lks_op_traits.dx_over_dy */
    int readers;      /* layers that read it */
    lks_op *op;       /* that it comes out of */
    bool relu;        /* the operation ends with ReLU, and takes its gradient through it in place */
    bool relu_done;   /* its reader has done that already */
    /* Not NULL: nobody keeps the value, or the gradient; who reads it has it made by this operation, by its make_value
     * or make_dx, a few pixels at a time, as often as it wants them. */
    const lks_op *value_maker, *gradient_maker;
} lks_activation;

/* The output's gradient of a chunk as products of bfloat16 take it, from an operation's backward until its weights;
 * or of the batch, from one part of a wide operation's weights to the next. */
typedef struct lks_rounded {
    float *memory;    /* the largest lks_op.rounded_floats */
    const lks_op *of; /* NULL: nothing stands there */
    int first, count; /* samples */
    int64_t batch;    /* lks_model.trained */
    uint32_t bad;     /* see lks_plane_fill() */
} lks_rounded;

__extension__ typedef unsigned __int128 lks_u128;

/* The gradient of a single chunk, where it is asked for: its partials are added up in memory of the worker first. See
 * engine/apart.h. */
typedef struct lks_apart {
    int64_t *
        sums; /* as many as the largest operation has; 0 but while they are open; NULL: there are none */
    bool open;                /* partials go there */
    bool counts;              /* its squares are wanted */
    _Atomic uint64_t *hashes; /* [operations] of the chunk, to be added to; NULL: not wanted */
    lks_u128 squares;
} lks_apart;

/* What one thread owns. Allocated apart, so that threads do not share cache lines. */
typedef struct lks_worker {
    int index;
    uint16_t work; /* number of the work that it asks for next: see work.h */
    bool fresh;    /* the next gradients of a wide operation replace what stands in its sums */
    char *own;     /* its memory for the samples of a chunk */
    char *memory;  /* of the chunk in hand: its own, or another worker's */
    int first;     /* the sample that stands first there */
    ptrdiff_t
        away; /* bytes to the peer's memory whose batch is in hand; 0: it is this rank's: see wide.h */
    float *scratch; /* the largest lks_op.scratch_floats */
    lks_rounded rounded;
    lks_apart apart;
    int64_t *bad;     /* [operations] 1 where a partial could not be summed */
    int64_t products; /* computed so far: see lks_model_flop() */
    int64_t samples, correct, bad_loss;
    uint64_t hash;
    lks_limbs loss;
    _Alignas(LKS_ALIGN) _Atomic uint64_t share; /* what helpers read and change */
} lks_worker;

/* What stands there of a sample that is in hand; of the samples after it, too, side by side, as far as
 * they belong to the same chunk. */
static inline void *lks_sample(const lks_samples *m, const lks_worker *w, int sample) {
    return m->batch ? (char *)m->batch + w->away + (size_t)sample * m->each
                    : w->memory + m->at + (size_t)(sample - w->first) * m->each;
}

static inline float *lks_value(const lks_activation *a, const lks_worker *w, int sample) {
    return lks_sample(&a->value, w, sample);
}

/* Only where a->gradient is not NULL. */
static inline float *lks_gradient(const lks_activation *a, const lks_worker *w, int sample) {
    return lks_sample(a->gradient, w, sample);
}

/* The most floats that are made in one go, whole rows of so many each: they stay in the first-level cache until they are
 * read. */
static inline size_t lks_made_floats(size_t row) {
    const size_t most = 4096;
    return row > most ? row : most;
}

/* All samples of a call belong to one chunk, but for weights() of wide operations. */
typedef struct lks_op_class {
    void (*forward)(lks_op *op, lks_worker *w, int first, int count);
    /* Gives what it is given, but in training: evaluation takes the first input's value for the output's, and does not call
     * forward. Both are stored alike. */
    bool idle_in_evaluation;
    /* Writes dx of the samples; only called where out has a gradient. */
    void (*backward)(lks_op *op, lks_worker *w, int first, int count);
    /* Gradient partials of the chunk [first, first + count) of samples, or of several whole chunks
     * where the operation is wide: part `part` of `parts` of the outputs, added to sums[slot]. */
    void (*weights)(lks_op *op, lks_worker *w, int slot, int first, int count, int part, int parts);
    /* The value, or the first input's gradient, of `count` pixels from `pixel` on of a sample, whole rows of them,
     * where nobody keeps them. NULL: somebody does. */
    void (*make_value)(const lks_op *op, const lks_worker *w, float *to, int sample, size_t pixel,
                       size_t count);
    void (*make_dx)(const lks_op *op, const lks_worker *w, float *to, int sample, size_t pixel,
                    size_t count);
    /* Which rows of the weights [rows][n_weights / rows] a part of weights() has, where the operation may be wide. */
    lks_span (*rows)(const lks_op *op, int part, int parts);
    void (*pack)(lks_op *op, int part, int parts);
    /* Where the address of the k-th array stands that pack() writes, of *bytes; NULL: there are no more. Parts write
     * different bytes. Of operations that may be wide. */
    void **(*packed)(lks_op *op, int k, size_t *bytes);
    void (*collect)(lks_op *op, int64_t *exact, float *plain, int part, int parts);
    /* Operations that need sums over the global batch before their forward (and again before their
     * backward): moments takes the images of a chunk, some at a time, in order; add_moments adds
     * the sums of the chunk, which had `count` images, to the worker's; then one thread adds up all
     * workers' and all ranks'. */
    void (*moments)(lks_op *op, lks_worker *w, int first, int count, bool backward);
    void (*add_moments)(lks_op *op, lks_worker *w, int count, bool backward);
    void (*agree)(lks_op *op, bool backward);
} lks_op_class;

/* An input and where backward puts its gradient. */
typedef struct lks_op_input {
    lks_activation *from;
    const lks_samples *dx; /* NULL where nobody needs it */
    lks_samples apart;     /* where dx is this, the engine adds it to the input's gradient */
} lks_op_input;

/* Memory for samples that an operation asked for. */
typedef struct lks_kept {
    lks_samples *samples;
    bool from_forward; /* written forward, read backward; else backward alone */
} lks_kept;
#define LKS_KEPT_MAX 8

/* What an operation can do with gradients. */
typedef struct lks_op_traits {
    /* backward may put dx where it read the output's gradient: then an input that nobody else reads
     * shares its gradient's memory with the output */
    bool dx_over_dy;
    bool
        keeps_dy; /* backward leaves the output's gradient as it is: others may read the same one */
    bool takes_made; /* may have the output's gradient made: see lks_activation.gradient_maker */
} lks_op_traits;

struct lks_op {
    const lks_op_class *class;
    lks_model *model;
    int index;
    char name[LKS_NAME_MAX];
    lks_activation *in, *out; /* `in`: the first input; the network's own input has none */
    const lks_samples *dx;    /* of the first input, as in lks_op_input */
    lks_samples apart;
    lks_op_input more[LKS_LAYER_INPUTS_MAX - 1]; /* the other inputs of a sum or the like */
    int n_more;
    lks_op_traits traits;
    size_t scratch_floats, rounded_floats;
    void **owned; /* what lks_op_alloc() gave; grows */
    int n_owned, room_owned;
    lks_kept kept[LKS_KEPT_MAX];
    int n_kept;

    /* Operations with weights. */
    float *weights;   /* this operation's part of the flat array */
    size_t offset;    /* its place there */
    size_t n_weights; /* weight elements, without the bias, which follows them */
    int n_bias;
    size_t n_flat; /* elements in the flat array, running moments included */
    bool trained;  /* gradients of the weights are wanted */
    bool wide;     /* weight gradients over all chunks at once, one array of sums for all threads */
    bool in_place; /* wide, and the sums are its own part of the message or of the gradients */
    void **sums;   /* [threads], or [1] where wide: int64 or float, in the order of the kernels */
    int n_sums;
    size_t sums_count;
};

/* Operations with moments that learn: there the threads meet, and the ranks. */
typedef struct lks_rendezvous {
    int *stops; /* [n_stops] the operations, in order */
    int n_stops;
    lks_sum_i64 sum; /* over all ranks, or NULL */
    void *context;   /* its own */
    lks_touch touch; /* who watches the running moments, or NULL */
    void *watcher;   /* its own */
} lks_rendezvous;

/* What is asked of single chunks. */
typedef struct lks_asked {
    bool squares; /* of complete chunks */
    bool hashed;  /* all chunks are; the same for peers */
    bool alone;   /* they are looked at, and added to nothing */
    _Atomic uint64_t
        *hashes;    /* [chunks][operations]; peers add to it; NULL: nothing can be asked */
    int64_t chunks; /* whose squares were added up */
} lks_asked;

/* What comes out of batches: what lks_model_view tells of it. */
typedef struct lks_gathered {
    int64_t *message; /* [head][operations][weights] */
    size_t length;
    float *gradients; /* [weights], or NULL where exact */
    int64_t batches;  /* with samples, of this rank or a peer, since the last collect */
    bool moved;       /* message, gradients and the model's weights are borrowed */
    lks_peers peers;  /* who makes gradients of wide operations: see wide.h */
    bool read;        /* peers may still read the batch's memory, until the next collect */
    lks_asked asked;
} lks_gathered;

struct lks_model {
    const lks_kernels *kernels;
    int threads, capacity, chunk;
    bool exact;    /* sums are int64, else float */
    bool whole;    /* chunks are not cut: threads do not share out the images of one */
    uint64_t seed; /* keys dropout */
    lks_objective objective;
    lks_init init;
    lks_shape input;

    float *weights;
    size_t n_weights;
    lks_tensor *tensors;
    lks_tensor_plan *plans; /* [tensors] */
    int n_tensors, room_tensors;
    lks_op **ops; /* [room_ops], and as many activations */
    int n_ops, room_ops;
    lks_rendezvous rendezvous;
    lks_activation **layer_out; /* [layers] output of each layer, NULL inside a fused group */
    lks_activation **activations;
    int n_activations;
    lks_worker **workers; /* [threads] */
    size_t worker_bytes;  /* lks_worker.own */
    size_t bytes;

    lks_gathered gathered;

    /* The batch being worked on. */
    lks_batch batch;
    int64_t trained; /* batches so far, this one included */
    bool training;
};

/* Makes the network ready for training, as it is when it is built, or for evaluation. */
void lks_model_mode(lks_model *m, bool training);

/* Allocation that counts into the model's bytes. */
void *lks_model_alloc(lks_model *m, size_t count, size_t size, const char *what, lks_error *err);

/* Memory of an operation, freed with it. */
void *lks_op_alloc(lks_op *op, size_t count, size_t size, lks_error *err);

/* Frees such memory early. */
void lks_op_release(lks_op *op, const void *memory);

/* Asks for `each` bytes a sample, which are there once the model is built: where `from_forward`, they
 * keep from forward to backward what is written there, else from backward to the weights' gradient. */
void lks_op_keep(lks_op *op, lks_samples *samples, size_t each, bool from_forward);

/* The last activation so far, and the output of a layer, -1: the image. */
lks_activation *lks_model_last(const lks_model *m);
lks_activation *lks_model_output_of(const lks_model *m, int layer);

/* Appends an operation made by lks_alloc() (its first member is the lks_op) with its output
 * activation. op->trained, dx_over_dy, in and more are set before. From here on the model frees it,
 * also where this fails. */
lks_status lks_model_append(lks_model *m, lks_op *op, const lks_op_class *class, const char *name,
                            lks_shape out, int stride, lks_error *err);

/* Registers the tensors that the layer was found to have, "NAME/weight" and so on, and reserves their
 * place in the flat array. */
lks_status lks_op_tensors(lks_op *op, const lks_layer_info *info, lks_error *err);

/* Whether the weight gradients come after all passes, of the whole batch. */
static inline bool lks_op_is_late(const lks_op *op) {
    return op->wide && op->trained;
}

/* Whether `a` is one of the operation's inputs. */
bool lks_op_reads(const lks_op *op, const lks_activation *a);

/* Where the operation alone reads `a`, and its operation can: has the value made, and not kept. */
void lks_op_make_value(lks_activation *a);
/* The same for the gradient of op->in, which `op` makes. */
void lks_op_make_gradient(lks_op *op);

/* Where the operation's output has the same gradient as its input `in`, and nobody else adds to it or writes to it:
 * both are in one memory, see keeps_dy. */
void lks_op_pass_gradient(const lks_op *op, lks_activation *in);

/* Whether gradients of `a` are wanted; NULL: not. */
bool lks_has_gradient(const lks_activation *a);

/* Frees an operation with its memory and its sums, and an activation. */
void lks_op_free(lks_op *op);
void lks_activation_free(lks_activation *a);

/* Sets this thread's floating-point environment: rounding to nearest and denormals kept, whatever a
 * library set before. False if it does not hold. */
bool lks_default_floating_point(void);

#endif
