#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/fit.h"
#include "lockstep/comm.h"
#include "io/h5/confined.h"
#include "lockstep/log.h"
#include "job/job.h"

/* --- begin ------------------------------------------------------------------------------------ */

/* A descriptor that is open the wrong way round: every use of it fails, as with a closed one. */
static void keep_closed(int descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF)
        return;
    open("/dev/null",
         descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest free number */
}

void lks_process_begin(void) {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        keep_closed(descriptor);
    signal(SIGXFSZ, SIG_IGN);
}

/* glibc raises its limit for such blocks each time that it takes one back, and then keeps them in its heap. */
void lks_process_returns_memory(void) {
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 65536);
#endif
}

static void stop_gently(int number) {
    lks_request_stop();
    if (number == SIGINT)
        signal(SIGINT, SIG_DFL); /* a second Ctrl-C ends at once */
}

/* What nohup and a shell's background say about the terminal holds; whoever sends another signal means this
 * process, whatever the one that started it ignores. */
static bool stays_ignored(int number) {
    struct sigaction now;
    return (number == SIGHUP || number == SIGINT) && sigaction(number, NULL, &now) == 0 &&
           now.sa_handler == SIG_IGN;
}

void lks_process_stops_gently(void) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};
    struct sigaction action;
    sigset_t all;
    memset(&action, 0, sizeof action);
    action.sa_handler = stop_gently;
    action.sa_flags = SA_RESTART;
    sigemptyset(&all);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!stays_ignored(numbers[i]))
            sigaction(numbers[i], &action, NULL);
        sigaddset(&all, numbers[i]);
    }
    sigprocmask(SIG_UNBLOCK, &all, NULL); /* a launcher may leave them blocked */
    signal(SIGPIPE, SIG_IGN);
}

/* --- end -------------------------------------------------------------------------------------- */

/* Why something that was printed earlier did not arrive, where that can still be found out; else 0. */
static int find_reason(void) {
    return write(STDOUT_FILENO, "", 0) < 0 ? errno : 0;
}

/* The exit status, once it is known that something printed got lost. A pipe whose reader went away wants no words. */
static int tell_lost_output(int status, int reason) {
    if (lks_log_output_lost(reason) || status != 0)
        return status;
    if (reason == EPIPE)
        return 1;
    lks_error err;
    lks_fail(&err, LKS_ERR_IO, "cannot write to standard output: %s",
             lks_log_output_reason(reason));
    return lks_report(&err);
}

void lks_process_end(int status) {
    int reason = 0;
    bool lost = false;
    if (fflush(stdout) != 0) {
        lost = true;
        reason = errno;
    } else if (ferror(stdout)) {
        lost = true;
        reason = find_reason();
    }
    if (fclose(stdout) != 0 && !lost) {
        lost = true;
        reason = errno;
    }
    lks_confined_stop();
    exit(lost ? tell_lost_output(status, reason) : status);
}

void lks_process_end_at_once(int status) {
    _exit(status);
}

/* --- words ------------------------------------------------------------------------------------ */

bool lks_speaks(void) {
    return lks_comm_env_rank() <= 0;
}

int lks_report(const lks_error *err) {
    lks_error_print(err->text);
    return lks_exit_status(err->status);
}

int lks_refuse(const char *format, ...) {
    lks_error err = {.status = LKS_ERR_USAGE};
    va_list args;
    va_start(args, format);
    vsnprintf(err.text, sizeof err.text, format, args);
    va_end(args);
    const bool told = lks_comm_env_rank() >= 0 && lks_fit_refuse(&err);
    return !told && lks_speaks() ? lks_report(&err) : lks_exit_status(err.status);
}
