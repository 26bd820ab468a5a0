/* The command line: one file per subcommand; the only folder that parses arguments. */
#ifndef LKS_CLI_H
#define LKS_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lockstep/comm.h"
#include "lockstep/log.h"
#include "lockstep/status.h"

typedef struct lks_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "lockstep NAME"; returns the exit status.
                                          Begins with lks_parse(). */
} lks_command;

extern const lks_command lks_commands[]; /* ends with a NULL name */

int lks_cmd_train(int argc, char **argv);
int lks_cmd_eval(int argc, char **argv);
int lks_cmd_info(int argc, char **argv);
int lks_cmd_diff(int argc, char **argv);
int lks_cmd_configs(int argc, char **argv);
int lks_cmd_bench(int argc, char **argv);
int lks_cmd_pack(int argc, char **argv);
int lks_cmd_report(int argc, char **argv);
int lks_cmd_predict(int argc, char **argv);
int lks_cmd_help(int argc, char **argv);

/* The command of that name, or NULL. */
const lks_command *lks_find_command(const char *name);

/* Says that there is no such command, and which one is near; returns the exit status. */
int lks_unknown_command(const char *name);

/* Runs a command with argv[0] replaced by "lockstep NAME". */
int lks_run_command(const lks_command *command, int argc, char **argv);

/* The text of `lockstep --help`. */
void lks_print_usage(FILE *out);

/* The text of `lockstep --version`: what the program is made of and would run on here. */
void lks_print_version(FILE *out);

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
#define LKS_KEY_VERBOSE 'v'
#define LKS_KEY_HELP    'h'

extern const struct argp_child lks_common_child[];
/* For commands without a configuration and threads: --quiet, --verbose and --help. */
extern const struct argp_child lks_help_child[];

/* "lockstep: error: ..." for a wrong command line, and where to find help; exits. */
_Noreturn void lks_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The number that is the value @p text of --@p option; one that is not from @p least to @p most is a
 * usage error. */
uint64_t lks_read_number(const char *option, const char *text, uint64_t least, uint64_t most);

/* True for the one process of a job that prints before MPI is started. */
bool lks_speaks(void);

/* Room for as many strings as a command line of @p argc arguments can have, NULL behind the last; freed
 * by free(). Without memory the program ends. */
const char **lks_argument_list(int argc);

/* argp_parse() with this program's habits: one process of a job speaks, usage errors exit with 2.
 * `common` and `input` reach the parsers; common->sets is allocated here. What lks_info() and its
 * like print is settled. */
void lks_parse(const struct argp *argp, int argc, char **argv, lks_common_options *common,
               void *input);

void lks_common_free(lks_common_options *common);

/* --- the tables of options -------------------------------------------------------------------- */

/* Calls `answer` with the table that the command hands to lks_parse(), which is the only one there
 * is, and ends the program. */
_Noreturn void lks_ask(const lks_command *command,
                       void (*answer)(const struct argp *argp, void *context), void *context);

/* Visits the options of a table and of its children, in their order, hidden ones left out. */
void lks_options_visit(const struct argp *argp,
                       void (*visit)(const struct argp_option *option, void *context),
                       void *context);

/* Finds the option that a user writes --NAME (`length` bytes; a beginning that fits only one will
 * do) or, where name is NULL, with this key as -KEY. NULL: none; *found is how many fit. */
const struct argp_option *lks_option_named(const struct argp *argp, const char *name, size_t length,
                                           int key, int *found);

/* True where the option has a short form. */
bool lks_option_is_short(const struct argp_option *option);

/* Says what is wrong with the first option on a command line that argp refused; exits. */
_Noreturn void lks_refuse_options(const struct argp *argp, int argc, char **argv);

/* `lockstep help --options`: the commands; their options; the keys of a configuration. Lines of
 * fields with tabs between them, "-" where there is nothing. */
void lks_print_commands(FILE *out);
void lks_print_options(FILE *out, const struct argp *argp);
void lks_print_keys(FILE *out);

/* `lockstep --complete WORD...`: what the last word may become, one line each: the word, a tab, a
 * description. A line of ":files", ":yaml" or ":folders" asks the shell for names of files (those
 * of configurations) or folders. For the completion scripts in src/cli/completion. Returns 0. */
int lks_complete(int n, char **words);

/* Where @p status says that the configuration @p path could not be had, there is no such file and one of
 * that name comes with the program: adds to the message how to write it out. Returns @p status. */
lks_status lks_hint_shipped(lks_status status, const char *path, lks_error *err);

/* --- running ---------------------------------------------------------------------------------- */

/* Starts MPI, runs `work`, agrees and reports an error once, stops MPI; returns the exit status. */
int lks_with_comm(const lks_common_options *common,
                  lks_status (*work)(lks_comm *comm, void *input, int *exit_status, lks_error *err),
                  void *input);

/* Prints err's text as the program's one error message; returns the exit status. */
int lks_report(const lks_error *err);

#endif
