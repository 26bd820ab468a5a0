/* Adadelta (see LKS_UPDATE_ADADELTA). */
#include "optim/class.h"

static const lks_option rho =
    LKS_OWN_SHARE(rho, "0.9", "decay of the mean squares of gradients and of updates");
static const lks_option epsilon = LKS_OWN_EPSILON("1e-6");
static const lks_option *const options[] = {&rho, &epsilon, NULL};

static lks_update scalars(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    return (lks_update){.lr = (float)lr,
                        .weight_decay = (float)c->weight_decay,
                        .beta2 = (float)c->rho,
                        .one_minus_beta2 = (float)(1.0 - c->rho),
                        .epsilon = (float)c->epsilon};
}

const lks_optimizer_class lks_optimizer_adadelta = {
    .keys = {"Adadelta (Zeiler 2012)", options, NULL},
    .states = {"optimizer/square", "optimizer/update"},
    .scalars = scalars,
    .passes = {lks_pass_elementwise},
    .rule = LKS_UPDATE_ADADELTA};
