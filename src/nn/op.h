/* One operation of the network: a layer, or a convolution, dense layer or batchnorm with the ReLU
 * and pooling that follow it.
 *
 * The engine calls, for ranges of images that any partition may choose, forward and backward
 * (data); then weights for whole chunks, in order, cut into parts by output. A part never shares an
 * output with another, so threads never share a sum. */
#ifndef LKS_NN_OP_H
#define LKS_NN_OP_H

#include "lockstep/model.h"

/* [first, first + count) of `n` for part `part` of `parts`. */
typedef struct lks_span {
    int first, count;
} lks_span;
lks_span lks_part(int n, int part, int parts);

/* An activation of every sample of the rank's batch: [sample][row][column][channel padded]. */
typedef struct lks_activation {
    lks_shape shape;
    int stride;      /* floats from pixel to pixel: channels padded */
    size_t size;     /* floats per sample */
    float *value;    /* [capacity][size] */
    float *gradient; /* same, or NULL where nobody needs it: before the first weights */
    bool borrowed;   /* gradient is the input's of the same operation, see lks_op.dx_over_dy */
    int readers;     /* layers that read it */
} lks_activation;

/* What one thread owns. Allocated apart, so that threads do not share cache lines. */
typedef struct lks_worker {
    int index;
    float *scratch;   /* the largest lks_op.scratch_floats */
    int64_t *bad;     /* [operations] 1 where a partial could not be summed */
    int64_t products; /* computed so far: see lks_model_flop() */
    int64_t samples, correct, bad_loss;
    uint64_t hash;
    lks_limbs loss;
} lks_worker;

typedef struct lks_op lks_op;

typedef struct lks_op_class {
    void (*forward)(lks_op *op, lks_worker *w, int first, int count);
    /* Writes dx of the samples; only called where out has a gradient. */
    void (*backward)(lks_op *op, lks_worker *w, int first, int count);
    /* Gradient partials of the chunk [first, first + count) of samples, or of several whole chunks
     * where the operation is wide: part `part` of `parts` of the outputs, added to sums[slot]. */
    void (*weights)(lks_op *op, lks_worker *w, int slot, int first, int count, int part, int parts);
    void (*pack)(lks_op *op, int part, int parts);
    void (*collect)(lks_op *op, int64_t *exact, float *plain, int part, int parts);
    /* Operations that need sums over the global batch before their forward (and again before their
     * backward): moments takes the images of a chunk, some at a time, in order; add_moments adds
     * the sums of the chunk, which had `count` images, to the worker's; then one thread adds up all
     * workers' and all ranks'. */
    void (*moments)(lks_op *op, lks_worker *w, int first, int count, bool backward);
    void (*add_moments)(lks_op *op, lks_worker *w, int count, bool backward);
    void (*agree)(lks_op *op, bool backward);
} lks_op_class;

#define LKS_OP_OWNED 32

struct lks_op {
    const lks_op_class *class;
    lks_model *model;
    int index;
    char name[LKS_NAME_MAX];
    lks_activation *in, *out;
    lks_activation *second; /* the other input of an addition, or NULL */
    float *dx, *dx_second;  /* where backward puts the inputs' gradients, [capacity][size], or
                                     NULL where nobody needs them */
    bool dx_adds,
        dx_second_adds; /* they are buffers of our own, which the engine adds to the input's
                                     gradient */
    /* backward may put dx where it read the output's gradient: then an input that nobody else reads
     * shares its gradient's memory with the output */
    bool dx_over_dy;
    size_t scratch_floats;
    void *owned[LKS_OP_OWNED];
    int n_owned;

    /* Operations with weights. */
    float *weights;   /* this operation's part of the flat array */
    size_t offset;    /* its place there */
    size_t n_weights; /* weight elements, without the bias, which follows them */
    int n_bias;
    size_t n_flat; /* elements in the flat array, running moments included */
    bool trained;  /* gradients of the weights are wanted */
    bool wide;     /* weight gradients over all chunks at once, one array of sums for all threads */
    bool
        in_place; /* wide, and the sums are the operation's part of the message or of the gradients */
    void *
        *sums; /* [threads], or [1] where wide: int64 or float, in the order the kernels work in */
    int n_sums;
    size_t sums_count;
};

struct lks_model {
    const lks_kernels *kernels;
    int threads, capacity, classes, chunk;
    bool exact;                      /* sums are int64, else float */
    uint64_t seed;                   /* keys dropout */
    double smoothing, *class_weight; /* of the training loss; [classes] */
    lks_init init;
    lks_shape input;

    float *weights;
    size_t n_weights;
    lks_tensor *tensors;
    int n_tensors;
    lks_op **ops;
    int n_ops;
    int *stops; /* operations with moments, in order: there the threads and ranks meet */
    int n_stops;
    lks_activation **layer_out; /* [layers] output of each layer, NULL inside a fused group */
    lks_sum_i64 sum;            /* over all ranks, or NULL */
    void *sum_context;
    lks_activation **activations;
    int n_activations;
    lks_worker **workers; /* [threads] */
    size_t bytes;

    int64_t *message; /* [head][operations][weights] */
    size_t n_message;
    float *gradients; /* [weights], or NULL where exact */
    int64_t gathered; /* batches with samples since the last collect */

    /* The batch being worked on. */
    lks_batch batch;
    bool training;
};

/* Allocation that counts into the model's bytes. */
void *lks_model_alloc(lks_model *m, size_t count, size_t size, const char *what, lks_error *err);

/* Memory of an operation, freed with it. */
void *lks_op_alloc(lks_op *op, size_t count, size_t size, lks_error *err);

/* Gives a weighted operation `count` sums: one array per thread, or one in all where it may be and
 * is wide. */
lks_status lks_op_sums(lks_op *op, size_t count, bool may_be_wide, lks_error *err);

/* Weight gradients by the dense kernel: elements [span) of element_offset for all outputs, summed
 * chunk by chunk over `count` samples into rows of sums[slot], [element][a->channels]. `a` describes
 * the samples; all else is filled in here. */
void lks_op_wgrad(lks_op *op, lks_worker *w, int slot, lks_wgrad_args *a, int count,
                  const int32_t *element_offset, lks_span span);

/* Bias gradients into the last `channels` sums of sums[slot], chunk by chunk over `count` samples
 * of `pixels` output pixels. */
void lks_op_bias(lks_op *op, lks_worker *w, int slot, const float *dy, int count, int pixels,
                 int channels);

/* Adds a chunk's partial p[n] to sums[slot] at `at`. */
void lks_op_add(lks_op *op, lks_worker *w, int slot, size_t at, const float *p, size_t n);

/* Adds up the slots' sums [at, at + n) into elements to, to + step, ... (logical, counted from the
 * operation's first weight) of whichever of the two flat arrays the mode uses. */
void lks_op_take(const lks_op *op, size_t at, size_t n, size_t to, size_t step, int64_t *exact,
                 float *plain);

/* Part `part` of `parts`: rows of sums, [rows][padded], into a logical matrix [rows][width]. */
void lks_op_take_rows(const lks_op *op, int rows, size_t width, size_t padded, int64_t *exact,
                      float *plain, int part, int parts);

/* The bias, which stands in the last `padded` sums and behind the weights. */
void lks_op_take_bias(const lks_op *op, size_t padded, int64_t *exact, float *plain);

/* Zero rows and columns before the first ones, and the size with padding. 'same' gives ceil(size /
 * stride) outputs, the odd row or column of padding at the end, as TensorFlow does. */
void lks_conv_padding(const lks_layer_config *layer, lks_shape in, int before[2],
                      int64_t padded[2]);

/* The output of a layer, -1: the image; and the activation that a layer reads. */
lks_activation *lks_model_output_of(const lks_model *m, int layer);
lks_activation *lks_model_input(const lks_model *m, const lks_layer_config *layer);

/* The operations. Each reads its layer's configuration and input, and allocates all it needs. The
 * input has to know whether somebody needs its channels padded. */
lks_status lks_input_new(lks_model *m, const float (*table)[256], bool pads, lks_error *err);
lks_status lks_conv_new(lks_model *m, const lks_layer_config *layer, bool relu, bool pool,
                        lks_error *err);
lks_status lks_dense_new(lks_model *m, const lks_layer_config *layer, bool relu, lks_error *err);
lks_status lks_pool_new(lks_model *m, const lks_layer_config *layer, lks_error *err);
lks_status lks_activation_new(lks_model *m, const lks_layer_config *layer, lks_error *err);
lks_status lks_batchnorm_new(lks_model *m, const lks_layer_config *layer, bool relu,
                             lks_error *err);
lks_status lks_add_new(lks_model *m, const lks_layer_config *layer, lks_error *err);
lks_status lks_dropout_new(lks_model *m, const lks_layer_config *layer, int layer_index,
                           lks_error *err);

/* Appends an operation made by lks_alloc() (its first member is the lks_op) with its output
 * activation. op->trained, dx_over_dy, in and second are set before. */
lks_status lks_model_append(lks_model *m, lks_op *op, const lks_op_class *class, const char *name,
                            lks_shape out, int stride, lks_error *err);

/* The last activation so far. */
lks_activation *lks_model_last(const lks_model *m);

/* Registers "NAME/weight" and "NAME/bias" and reserves their place in the flat array. */
lks_status lks_model_add_weights(lks_model *m, lks_op *op, int ndim, const int64_t *shape,
                                 int n_bias, lks_error *err);

/* Registers "NAME/WHAT" behind what the operation has already. */
lks_status lks_model_add_tensor(lks_model *m, lks_op *op, const char *what, lks_role role, int ndim,
                                const int64_t *shape, lks_error *err);

/* Sets this thread's floating-point environment; false if it does not hold. */
bool lks_default_floating_point(void);

/* Softmax cross-entropy of samples [first, first + count): writes the gradient of the *sum* of
 * losses into the logits' gradient and adds to the worker's sums. */
void lks_loss_train(lks_model *m, lks_worker *w, int first, int count);
void lks_loss_score(lks_model *m, int sample, lks_score *score, float *probabilities);

#endif
