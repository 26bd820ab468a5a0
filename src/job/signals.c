/* A stop, asked for by a signal or the clock, is only noted here; all ranks agree on it at the next
 * step. */
#include <signal.h>
#include <string.h>

#include "lockstep/timer.h"
#include "lockstep/job.h"

static volatile sig_atomic_t requested;
static double deadline; /* 0: none */

static void note(int number) {
    requested = 1;
    if (number == SIGINT)
        signal(SIGINT, SIG_DFL); /* a second Ctrl-C ends at once */
}

void lks_catch_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
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
