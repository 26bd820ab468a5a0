/** @file class.h  What an optimizer is. Each is a file of this folder, and a line of LKS_OPTIMIZERS in
 * lockstep/config.h. */
#ifndef LKS_OPTIM_CLASS_H
#define LKS_OPTIM_CLASS_H

#include <math.h>

#include "config/option.h"
#include "optim/optim.h"

#define LKS_WEIGHT_BLOCK 4096 /**< weights at most; norms are defined by it */

/** Into how many blocks a tensor is cut, and how many weights the one that begins at its weight @p at has. */
static inline int lks_blocks_of(const lks_tensor *t) {
    return (int)((t->count + LKS_WEIGHT_BLOCK - 1) / LKS_WEIGHT_BLOCK);
}
static inline int lks_block_size(size_t count, size_t at) {
    return (int)(count - at < LKS_WEIGHT_BLOCK ? count - at : LKS_WEIGHT_BLOCK);
}

/** What one step works on. */
typedef struct lks_optimizer_work {
    float *weights;
    const lks_gradient *gradient;
    float factor; /**< on the gradient */
    double lr;
    lks_update scalars; /**< the class's */
    int threads;
} lks_optimizer_work;

#define LKS_OPTIMIZER_PASSES 2

typedef struct lks_optimizer_class {
    lks_optimizer_keys keys;
    const char *states[LKS_UPDATE_STATES]; /**< names in checkpoints; then NULL */
    /** Whether state @p s is kept; NULL: each is. */
    bool (*keeps)(const lks_optimizer_config *c, int s);
    /** Room besides: what lks_optimizer_free() ends. May be NULL, as `between`. */
    lks_status (*open)(lks_optimizer *o, const lks_tensor *tensors, lks_error *err);
    /** What the step at 0-based @p step multiplies by: computed in double and rounded once. */
    lks_update (*scalars)(const lks_optimizer_config *c, double lr, int64_t step);
    /** One update is one or two passes over the blocks, on any thread in any order: weights and states of the
     * block change here and nowhere else, since they are hashed before and after. Between two passes
     * the roots of the sums of o->squares, which the first fills, over each tensor become o->norms. False if a weight is no
     * longer finite. */
    bool (*passes[LKS_OPTIMIZER_PASSES])(lks_optimizer *o, const lks_optimizer_work *work,
                                         int block);
    /** After the first pass, once there are norms: what looks at whole tensors. It changes states of its own choice, of
     * tensors that begin among this process's blocks, and hashes them itself. */
    void (*between)(lks_optimizer *o, const lks_optimizer_work *work);
    lks_update_rule rule; /**< of lks_pass_elementwise() */
} lks_optimizer_class;

#define LKS_OPTIMIZER_CLASS(constant, word) extern const lks_optimizer_class lks_optimizer_##word;
LKS_OPTIMIZERS(LKS_OPTIMIZER_CLASS)

const lks_optimizer_class *lks_optimizer_class_of(lks_optimizer_name name);

/** Every weight by itself, by the kernel of the class's rule. */
bool lks_pass_elementwise(lks_optimizer *o, const lks_optimizer_work *work, int block);

/** The mean gradient of @p block's weights times work->factor, into g [block->count]. */
void lks_block_gradient(const lks_optimizer *o, const lks_optimizer_work *work,
                        const lks_weight_block *block, float *g);

/** The sum of squares, in double and in order: products are exact. n is at most
 * LKS_WEIGHT_BLOCK. */
double lks_sum_of_squares(const float *x, int n);

/** As kernels do with states: weights that died would leave denormals there, which cost 60 times as much. */
static inline float lks_flush_tiny(float a) {
    return fabsf(a) < 0x1p-100f ? 0.0f : a;
}

/** Row of the key train.optimizer.MEMBER. */
#define LKS_OWN_KEY(member)                                                                        \
    .key = "train.optimizer." #member, .offset = offsetof(lks_config, train.optimizer.member),     \
    .only_with = "train.optimizer.name"

/** A number in 0 <= x < 1, what momentum and decays are. */
#define LKS_OWN_SHARE(member, default, about)                                                      \
    {                                                                                              \
        LKS_OWN_KEY(member), .meaning = (about), .type = LKS_OPT_DOUBLE, .max = 1,                 \
                             .max_open = true, .preset = (default)                                 \
    }

#define LKS_OWN_EPSILON(default)                                                                   \
    {                                                                                              \
        LKS_OWN_KEY(epsilon), .meaning = "keeps the denominator from zero; 0: the default",        \
                              .type = LKS_OPT_DOUBLE, .max = INFINITY, .preset = (default)         \
    }

/* keys.c: rows that several optimizers have. */
extern const lks_option lks_key_momentum, lks_key_beta1, lks_key_beta2;

#endif
