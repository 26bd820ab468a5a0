/* What the program does as a process: the only place that installs signal handlers, prints the final error,
 * looks after standard output, and exits. */
#ifndef LKS_CLI_PROCESS_H
#define LKS_CLI_PROCESS_H

#include <stdbool.h>

#include "lockstep/status.h"

/* Before anything else: a file size limit becomes an error that can be told; a standard stream that came
 * closed stays so, so that no file that is opened later takes its number and what is printed. */
void lks_process_begin(void);

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU ask for a stop at the next step, also where they were
 * blocked; a second SIGINT ends at once. SIGHUP and SIGINT stay ignored where they were, as nohup and a shell's
 * background want it. A reader of standard output who goes away does not end the process. For `train`. */
void lks_process_stops_gently(void);

/* What is freed in blocks of 64 KiB or more goes back to the system at once, so that a checkpoint or report adds to the
 * peak what it needs and no more. Costs a system call a block. For `train`, whose steps allocate nothing. */
void lks_process_returns_memory(void);

/* Closes standard output and exits with @p status. Where what was printed did not arrive, it says so, once,
 * and 0 becomes 1, unless the results are in files: lks_log_outlive_output(). */
_Noreturn void lks_process_end(int status);

/* Exits with @p status whatever the other threads do: nothing is written any more. */
void lks_process_end_at_once(int status);

/* True for the one process of a job that prints before MPI is started. */
bool lks_speaks(void);

/* Prints err's text as the program's one error message; returns the exit status. */
int lks_report(const lks_error *err);

/* The same for a command line that cannot be: returns 2. In a job all processes meet in MPI first, since the others'
 * command lines may be right: one message tells the error that all have, or the difference. */
int lks_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
