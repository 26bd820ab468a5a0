/* Adam and AdamW (see LKS_UPDATE_ADAM): both corrections of the bias are in the scalars. */
#include "optim/class.h"

#include <math.h>

#include "base/math.h"

static const lks_option epsilon = LKS_OWN_EPSILON("1e-8");
static const lks_option *const options[] = {&lks_key_beta1, &lks_key_beta2, &epsilon, NULL};

static lks_update adam(const lks_optimizer_config *c, double lr, int64_t step) {
    uint64_t t = (uint64_t)step + 1;
    double correction1 = 1.0 - lks_powi(c->beta1, t), correction2 = 1.0 - lks_powi(c->beta2, t);
    return (lks_update){.lr = (float)(lr / correction1),
                        .weight_decay = (float)c->weight_decay,
                        .beta1 = (float)c->beta1,
                        .one_minus_beta1 = (float)(1.0 - c->beta1),
                        .beta2 = (float)c->beta2,
                        .one_minus_beta2 = (float)(1.0 - c->beta2),
                        .scale = (float)(1.0 / sqrt(correction2)),
                        .epsilon = (float)c->epsilon};
}

static lks_update adamw(const lks_optimizer_config *c, double lr, int64_t step) {
    lks_update s = adam(c, lr, step);
    s.weight_decay = (float)(lr * c->weight_decay);
    return s;
}

const lks_optimizer_class lks_optimizer_adam = {.keys = {"Adam (Kingma & Ba 2015)", options, NULL},
                                                .states = {"optimizer/m", "optimizer/v"},
                                                .scalars = adam,
                                                .passes = {lks_pass_elementwise},
                                                .rule = LKS_UPDATE_ADAM};
const lks_optimizer_class lks_optimizer_adamw = {
    .keys = {"Adam with decoupled decay: a step first takes the share lr * weight_decay off a "
             "weight (Loshchilov & Hutter 2019)",
             options, NULL},
    .states = {"optimizer/m", "optimizer/v"},
    .scalars = adamw,
    .passes = {lks_pass_elementwise},
    .rule = LKS_UPDATE_ADAMW};
