/* Keys that several optimizers have with the same default. */
#include "optim/class.h"

const lks_option lks_key_momentum =
    LKS_OWN_SHARE(momentum, "0", "share of the last update that is kept");
const lks_option lks_key_beta1 = LKS_OWN_SHARE(beta1, "0.9", "decay of the first moment");
const lks_option lks_key_beta2 = LKS_OWN_SHARE(beta2, "0.999", "decay of the second moment");
