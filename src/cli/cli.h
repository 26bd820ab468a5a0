/* The command line: one file per subcommand; the only folder that parses arguments. */
#ifndef LKS_CLI_H
#define LKS_CLI_H

#include <argp.h>
#include <stdbool.h>

#include "lockstep/comm.h"
#include "lockstep/log.h"
#include "lockstep/status.h"

typedef struct lks_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "lockstep NAME"; returns the exit status */
} lks_command;

extern const lks_command lks_commands[]; /* ends with a NULL name */

int lks_cmd_train(int argc, char **argv);
int lks_cmd_eval(int argc, char **argv);
int lks_cmd_info(int argc, char **argv);
int lks_cmd_diff(int argc, char **argv);
int lks_cmd_configs(int argc, char **argv);
int lks_cmd_bench(int argc, char **argv);
int lks_cmd_pack(int argc, char **argv);

/* Options that several commands take. */
typedef struct lks_common_options {
    const char **sets; /* [argc] */
    int n_sets;
    int threads;
    lks_log_level level;
} lks_common_options;

#define LKS_KEY_SET     's'
#define LKS_KEY_THREADS 't'
#define LKS_KEY_QUIET   'q'
#define LKS_KEY_HELP    '?'

extern const struct argp_child lks_common_child[];
/* For commands that take none of them: --help alone. */
extern const struct argp_child lks_help_child[];

/* "lockstep: error: ..." for a wrong command line, and where to find help; exits. */
_Noreturn void lks_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True for the one process of a job that prints before MPI is started. */
bool lks_speaks(void);

/* argp_parse() with this program's habits: one process of a job speaks, usage errors exit with 2.
 * `common` and `input` reach the parsers; common->sets is allocated here. */
void lks_parse(const struct argp *argp, int argc, char **argv, lks_common_options *common,
               void *input);

void lks_common_free(lks_common_options *common);

/* Starts MPI, runs `work`, agrees and reports an error once, stops MPI; returns the exit status. */
int lks_with_comm(const lks_common_options *common,
                  lks_status (*work)(lks_comm *comm, void *input, int *exit_status, lks_error *err),
                  void *input);

/* Prints err's text as the program's one error message; returns the exit status. */
int lks_report(const lks_error *err);

#endif
