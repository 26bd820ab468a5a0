/* Stochastic gradient descent, with momentum as in PyTorch (see LKS_UPDATE_SGD). */
#include "optim/class.h"

static const lks_option nesterov = {LKS_OWN_KEY(nesterov), .meaning = "Nesterov's form of momentum",
                                    .type = LKS_OPT_BOOL, .preset = "false"};

static const lks_option *const options[] = {&lks_key_momentum, &nesterov, NULL};

static const char *contradiction(const lks_optimizer_config *c, const char **why) {
    *why = "needs train.optimizer.momentum > 0";
    return c->nesterov && c->momentum == 0 ? nesterov.key : NULL;
}

static lks_update scalars(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    return (lks_update){.lr = (float)lr,
                        .weight_decay = (float)c->weight_decay,
                        .momentum = (float)c->momentum,
                        .nesterov = c->nesterov};
}

const lks_optimizer_class lks_optimizer_sgd = {
    .keys = {"stochastic gradient descent", options, contradiction},
    .states = {"optimizer/velocity"},
    .scalars = scalars,
    .passes = {lks_pass_elementwise},
    .rule = LKS_UPDATE_SGD};
