/* Whether an answer can be trusted. */
#include "lockstep/predict.h"

const char *lks_doubt_name(lks_doubt doubt) {
    static const char *const names[LKS_DOUBTS] = {
        [LKS_DOUBT_BLANK] = "blank",
        [LKS_DOUBT_CONFIDENCE] = "low confidence",
    };
    return names[doubt];
}
