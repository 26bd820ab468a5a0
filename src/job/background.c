#include "job/background.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool lks_background_allowed(void) {
    const char *word = getenv("LOCKSTEP_BACKGROUND");
    return !word || strcmp(word, "off") != 0;
}

bool lks_background_start(pthread_t *thread, void *(*work)(void *context), void *context) {
    sigset_t all, before;
    if (!lks_background_allowed())
        return false;
    sigfillset(&all); /* a thread starts with its maker's mask */
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    const bool started = pthread_create(thread, NULL, work, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}
