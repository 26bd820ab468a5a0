/* What the subcommands share. argp parses and lays out the help; its errors are turned off and said
 * here, so that there is one error message of one form, from one process of a job. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

/* What lks_parse() does in place of parsing. */
static struct {
    void (*answer)(const struct argp *argp, void *context);
    void *context;
} asked;

/* The command line being parsed: argp hands only one input down. */
static struct {
    const struct argp *argp;
    char *name;
    lks_common_options *common;
} parsing;

bool lks_speaks(void) {
    return lks_comm_env_rank() <= 0;
}

/* Processes other than rank 0 leave quietly with 0: rank 0 says it, and its status is the job's. */
void lks_usage_error(const char *format, ...) {
    if (!lks_speaks())
        exit(0);
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lks_error_print(text);
    fprintf(stderr, "`%s --help` explains the options\n", parsing.name);
    exit(2);
}

uint64_t lks_read_number(const char *option, const char *text, uint64_t least, uint64_t most) {
    uint64_t value = 0;
    bool good = *text != '\0';
    for (const char *c = text; *c && good; c++) {
        const uint64_t digit = (uint64_t)(*c - '0');
        good = *c >= '0' && *c <= '9' && digit <= most && value <= (most - digit) / 10;
        value = 10 * value + digit;
    }
    if (!good || value < least)
        lks_usage_error("--%s %s: not a whole number from %llu to %llu", option, text,
                        (unsigned long long)least, (unsigned long long)most);
    return value;
}

static void print_help(void) {
    if (lks_speaks())
        argp_help(parsing.argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK,
                  parsing.name);
    exit(0);
}

#define KEY_QUESTION '?'

static error_t parse_help(int key, char *arg, struct argp_state *state) {
    (void)arg, (void)state;
    switch (key) {
    case LKS_KEY_QUIET:
        parsing.common->level = LKS_LOG_QUIET;
        return 0;
    case LKS_KEY_VERBOSE:
        parsing.common->level = LKS_LOG_VERBOSE;
        return 0;
    case LKS_KEY_HELP:
    case KEY_QUESTION:
        print_help();
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static error_t parse_common(int key, char *arg, struct argp_state *state) {
    (void)state;
    lks_common_options *common = parsing.common;
    switch (key) {
    case LKS_KEY_SET:
        common->sets[common->n_sets++] = arg;
        return 0;
    case LKS_KEY_THREADS:
        common->threads = (int)lks_read_number("threads", arg, 1, 1024);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp_option common_options[] = {
    {"set", LKS_KEY_SET, "KEY=VALUE", 0,
     "Override a key of the configuration, e.g. data.dir=data/mnist; may be repeated (`lockstep "
     "help config` lists the keys)",
     10},
    {"threads", LKS_KEY_THREADS, "N", 0,
     "OpenMP threads per rank (default: the usable cores per local rank)", 10},
    {0}};

static const struct argp_option help_options[] = {
    {"quiet", LKS_KEY_QUIET, NULL, 0, "Print only results that were asked for, warnings and errors",
     20},
    {"verbose", LKS_KEY_VERBOSE, NULL, 0,
     "Say on standard error, too, which files are read and written", 20},
    {"help", LKS_KEY_HELP, NULL, 0, "Print this text", 20},
    {"?", KEY_QUESTION, NULL, OPTION_HIDDEN, NULL, 20},
    {0}};
static const struct argp help_argp = {.options = help_options, .parser = parse_help};
const struct argp_child lks_help_child[] = {{&help_argp, 0, NULL, 0}, {0}};
static const struct argp common_argp = {
    .options = common_options, .parser = parse_common, .children = lks_help_child};
const struct argp_child lks_common_child[] = {{&common_argp, 0, NULL, 0}, {0}};

const char **lks_argument_list(int argc) {
    const char **list = calloc((size_t)argc + 1, sizeof *list);
    if (!list) {
        lks_error_print("out of memory for the command line");
        exit(1);
    }
    return list;
}

void lks_parse(const struct argp *argp, int argc, char **argv, lks_common_options *common,
               void *input) {
    if (asked.answer) {
        asked.answer(argp, asked.context);
        exit(fflush(stdout) == 0 ? 0 : 1);
    }
    common->level = LKS_LOG_INFO;
    common->sets = lks_argument_list(argc);
    parsing.argp = argp;
    parsing.name = argv[0];
    parsing.common = common;
    if (argp_parse(argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, input) != 0)
        lks_refuse_options(argp, argc, argv);
    lks_log_setup(lks_speaks() ? 0 : 1, common->level);
}

_Noreturn void lks_ask(const lks_command *command,
                       void (*answer)(const struct argp *argp, void *context), void *context) {
    char word[] = "";
    char *args[] = {word, NULL};
    asked.answer = answer;
    asked.context = context;
    lks_run_command(command, 1, args);
    abort(); /* a command that begins with something else */
}

void lks_common_free(lks_common_options *common) {
    free(common->sets);
}

int lks_report(const lks_error *err) {
    lks_error_print(err->text);
    return lks_exit_status(err->status);
}

int lks_with_comm(const lks_common_options *common,
                  lks_status (*work)(lks_comm *comm, void *input, int *exit_status, lks_error *err),
                  void *input) {
    lks_comm comm = {0};
    lks_error err = {.status = LKS_OK};
    int exit_status = 0;
    lks_status status = lks_comm_start(&comm, &err);
    if (status != LKS_OK)
        return comm.rank == 0 ? lks_report(&err) : lks_exit_status(status);
    lks_log_setup(comm.rank, common->level);
    status = work(&comm, input, &exit_status, &err);
    if (status != LKS_OK)
        exit_status = comm.rank == 0 ? lks_report(&err) : lks_exit_status(status);
    lks_comm_stop(&comm);
    return exit_status;
}
