/* A stop, asked for by a signal or the clock, is only noted here; all ranks agree on it at the next
 * step. */
#include <signal.h>

#include "base/timer.h"
#include "job/job.h"

static volatile sig_atomic_t requested;
static double deadline; /* 0: none */

void lks_request_stop(void) {
    requested = 1;
}

void lks_stop_after(double seconds) {
    deadline = lks_now() + seconds;
}

int64_t lks_stop_requested(void) {
    if (requested)
        return LKS_STOP_SIGNAL;
    return deadline > 0 && lks_now() >= deadline ? LKS_STOP_TIME : 0;
}

const char *lks_stop_reason(int64_t sum) {
    return sum % LKS_STOP_TIME ? "on a signal" : "at its time limit";
}
