/* Small networks of awkward shapes, with random images, for the tests of the model. */
#ifndef LKS_NET_CASE_H
#define LKS_NET_CASE_H

#include "lockstep/config.h"
#include "lockstep/model.h"

typedef struct net_case {
    const char *name;
    const char *layers; /* the entries of `model:` */
    lks_shape input;
    int classes;
    int samples, chunk;
    uint64_t seed;
} net_case;

extern const net_case net_cases[];
extern const int n_net_cases;

/* With layers whose gradients are made for all chunks at once. */
extern const net_case wide_cases[];
extern const int n_wide_cases;

/* With batchnorm and sums of layers: a batch may have to come whole, and the reference does not know
 * them. */
extern const net_case batch_cases[];
extern const int n_batch_cases;

/* A case brought to life. Weights are drawn with biases that are not zero. */
typedef struct net {
    lks_config config;
    lks_shape input;
    int classes;
    float (*pixels)[256];
    uint8_t *images, *labels;
    uint32_t *ids;
    lks_batch batch; /* all samples, epoch 3 */
} net;

/* An override that every case opened from now on has, or NULL: a whole test program runs once more with
 * "train.precision=bf16". */
void net_use(const char *set);

/* @p set: one override like "train.reduce=fp32", or NULL. Ends the program where the case is
 * wrong. */
net net_open(const net_case *c, const char *set);
void net_close(net *n);

/* The case with that name. */
const net_case *net_case_named(const char *name);

/* A model of it with initial weights of config.seed. */
lks_model *net_model(const net *n, const lks_kernels *kernels, int threads);

/* Samples [first, first + count) of the batch. */
lks_batch net_part(const net *n, int first, int count);

/* Length of a step's message. */
size_t net_message_length(const lks_model *m);

/* A copy of the message with what the model gathered; freed by the caller. Not for fp32. */
int64_t *net_collect(lks_model *m);

/* Whether two messages of that model say the same: of the loss the sum, the rest bit for bit. */
bool net_same_message(const lks_model *m, const int64_t *a, const int64_t *b);

/* The fastest kernels of this machine. */
const lks_kernels *net_kernels(void);

#endif
