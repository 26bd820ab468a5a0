/* Reading a command line by its command's table. argp parses and lays out the help; its errors are turned
 * off and said here, so that there is one error message of one form, from one process of a job. */
#ifndef LKS_CLI_PARSE_H
#define LKS_CLI_PARSE_H

#include <argp.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/command.h"
#include "job/watchdog.h"
#include "lockstep/format.h"
#include "lockstep/log.h"

/* Options that several commands take. */
typedef struct lks_common_options {
    const char **sets; /* [argc] */
    int n_sets;
    int threads;
    lks_log_level level;
    char *
        given; /* the command and what it was given, a line each, but for what may differ from rank to rank */
    int stall_timeout;      /* of a job; seconds, 0: none */
    lks_watchdog *watchdog; /* lks_with_comm()'s, while it works; NULL: none */
} lks_common_options;

/* For commands with a configuration and threads; and for those of them that are jobs of many ranks. */
extern const struct argp lks_common_argp;
extern const struct argp lks_job_argp;
/* For commands with a configuration, but no threads. */
extern const struct argp lks_set_argp;
/* For commands with neither: --quiet, --verbose and --help. */
extern const struct argp lks_help_argp;

/* Parses @p call: @p own is the input of the command's own table. Usage errors end the program with 2, and
 * --help with 0. From then on lks_info() and its like know what to print. lks_common_free() frees. */
void lks_parse(const lks_call *call, lks_common_options *common, void *own);
void lks_common_free(lks_common_options *common);

/* The text of `lockstep NAME --help`. */
void lks_print_help(const lks_command *command, FILE *out);

/* --- for the commands' parsers ---------------------------------------------------------------- */

/* "lockstep: error: ..." for a wrong command line, and where to find help; ends the program. */
_Noreturn void lks_usage_error(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The number that is the value @p text of --@p option; one that is not from @p least to @p most is a
 * usage error. */
uint64_t lks_read_number(const struct argp_state *state, const char *option, const char *text,
                         uint64_t least, uint64_t most);

/* @p text, a name of a file or folder that is the value of --@p option; an empty one is a usage error. */
char *lks_read_name(const struct argp_state *state, const char *option, char *text);

/* Such a name that ends in .png, and so is no photo, data set or checkpoint that would be replaced; another is a usage
 * error. */
char *lks_read_png_name(const struct argp_state *state, const char *option, char *text);

/* Which of @p words, NULL after the last, the value @p text of --@p option is; none is a usage error. */
int lks_read_word(const struct argp_state *state, const char *option, const char *text,
                  const char *const *words);

/* Which form the value @p text of --format names; `table`: CSV is one. */
lks_format lks_read_format(const struct argp_state *state, const char *text, bool table);

/* Room for as many strings as a command line of @p argc arguments can have, NULL after the last; freed
 * by free(). Without memory the program ends. */
const char **lks_argument_list(int argc);

#endif
