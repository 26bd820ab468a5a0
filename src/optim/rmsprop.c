/* RMSprop (see LKS_UPDATE_RMSPROP). */
#include "optim/class.h"

static const lks_option alpha = LKS_OWN_SHARE(alpha, "0.99", "decay of the mean square");

static const lks_option centered = {
    LKS_OWN_KEY(centered),
    .meaning = "divide by the standard deviation, not by the root mean square",
    .type = LKS_OPT_BOOL, .preset = "false"};

static const lks_option epsilon = LKS_OWN_EPSILON("1e-8");
static const lks_option *const options[] = {&lks_key_momentum, &alpha, &centered, &epsilon, NULL};

enum { SQUARE, VELOCITY, MEAN };

static bool keeps(const lks_optimizer_config *c, int s) {
    return s == SQUARE || (s == VELOCITY ? c->momentum > 0 : c->centered);
}

static lks_update scalars(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    return (lks_update){.lr = (float)lr,
                        .weight_decay = (float)c->weight_decay,
                        .momentum = (float)c->momentum,
                        .beta2 = (float)c->alpha,
                        .one_minus_beta2 = (float)(1.0 - c->alpha),
                        .epsilon = (float)c->epsilon};
}

const lks_optimizer_class lks_optimizer_rmsprop = {.keys = {"RMSprop (Hinton 2012)", options, NULL},
                                                   .states = {[SQUARE] = "optimizer/square",
                                                              [VELOCITY] = "optimizer/velocity",
                                                              [MEAN] = "optimizer/mean"},
                                                   .keeps = keeps,
                                                   .scalars = scalars,
                                                   .passes = {lks_pass_elementwise},
                                                   .rule = LKS_UPDATE_RMSPROP};
