#include "cli/fit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "job/agree.h"
#include "job/alone.h"
#include "job/job.h"
#include "lockstep/library.h"
#include "lockstep/log.h"
#include "lockstep/model.h"

/* --- waiting for all -------------------------------------------------------------------------- */

enum { TOLD_AFTER = 10, ENDED_AFTER = 300 }; /* seconds */

static volatile sig_atomic_t told;

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody to tell */
}

/* In MPI_Init nothing else can be done: a signal's handler says why. */
static void on_alarm(int number) {
    static const char waiting[] = "lockstep: warning: MPI has been waiting for 10 seconds for the "
                                  "other processes of this job; "
                                  "do all of them run the same command of lockstep?\n";
    static const char over[] = "lockstep: error: MPI did not start within 5 minutes\n";
    (void)number;
    if (told) {
        say(over);
        _exit(LKS_EXIT_STALLED);
    }
    told = 1;
    if (lks_comm_env_rank() <= 1) /* where rank 0 is the one that is missing, it cannot tell */
        say(waiting);
    alarm(ENDED_AFTER - TOLD_AFTER);
}

lks_status lks_fit_start(lks_comm *comm, lks_error *err) {
    const bool launched = lks_launched();
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, &before);
    alarm(TOLD_AFTER);
    const lks_status status = lks_comm_start(comm, err);
    alarm(0);
    sigaction(SIGALRM, &before, NULL);
    if (status == LKS_OK)
        lks_warn_alone(comm, launched);
    return status;
}

/* --- all alike -------------------------------------------------------------------------------- */

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

lks_status lks_fit_check(lks_comm *comm, const char *given, lks_error *err) {
    char program[256];
    snprintf(program, sizeof program, "lockstep %s (%s)", lks_version(), lks_revision());
    const lks_agree_item items[] = {
        {"the rules of the bits", "numerics " TEXT(LKS_NUMERICS), LKS_AGREE_REFUSE,
         "results would differ; start the same program on all hosts"},
        {"the command lines", given, LKS_AGREE_REFUSE, "start all ranks with the same one"},
        {"the programs", program, LKS_AGREE_WARN,
         "they promise the same bits; better start the same program on all hosts"}};
    return lks_agree(comm, items, (int)(sizeof items / sizeof *items), LKS_ERR_CONFIG, err);
}

bool lks_fit_refuse(lks_error *err) {
    lks_comm comm = {0};
    lks_error other;
    char given[sizeof err->text + 32];
    snprintf(given, sizeof given, "a wrong command line: %s", err->text);
    if (lks_fit_start(&comm, &other) != LKS_OK)
        return false;
    lks_log_setup(LKS_LOG_QUIET);
    if (lks_fit_check(&comm, given, &other) != LKS_OK)
        *err = other;
    if (comm.rank == 0)
        lks_error_print(err->text);
    lks_comm_stop(&comm);
    return true;
}
