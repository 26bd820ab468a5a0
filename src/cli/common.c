/* What the subcommands share. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

/* argp hands only one input down; the common parser finds its part here. */
static lks_common_options *parsing;

static error_t parse_common(int key, char *arg, struct argp_state *state) {
    char *end;
    switch (key) {
    case LKS_KEY_SET:
        parsing->sets[parsing->n_sets++] = arg;
        return 0;
    case LKS_KEY_THREADS: {
        long n = strtol(arg, &end, 10);
        if (*end || end == arg || n < 1 || n > 4096)
            argp_error(state, "--threads %s: not a number from 1 to 4096", arg);
        parsing->threads = (int)n;
        return 0;
    }
    case LKS_KEY_QUIET:
        parsing->level = LKS_LOG_QUIET;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp_option common_options[] = {
    {"set", LKS_KEY_SET, "KEY=VALUE", 0,
     "Override a key of the configuration, e.g. train.epochs=3; may be repeated (`lockstep help "
     "config` lists the keys)",
     10},
    {"threads", LKS_KEY_THREADS, "N", 0,
     "OpenMP threads per rank (default: the usable cores per local rank)", 10},
    {"quiet", LKS_KEY_QUIET, NULL, 0, "Print warnings and errors only", 11},
    {0}};

static const struct argp common_argp = {.options = common_options, .parser = parse_common};
const struct argp_child lks_common_child[] = {{&common_argp, 0, NULL, 0}, {0}};

/* getopt writes to the descriptor whatever argp's streams are, so that is what is turned away. */
static void silence(int kept[2]) {
    int null = open("/dev/null", O_WRONLY);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        kept[fd - 1] = dup(fd);
        dup2(null, fd);
    }
    close(null);
}

static void restore(const int kept[2]) {
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        dup2(kept[fd - 1], fd);
        close(kept[fd - 1]);
    }
}

/* Processes other than rank 0 of a job parse in silence and, where argp would exit, leave with 0: rank 0 says it and its
 * status is the job's. */
void lks_parse(const struct argp *argp, int argc, char **argv, lks_common_options *common,
               void *input) {
    common->level = LKS_LOG_INFO;
    common->sets = calloc((size_t)argc + 1, sizeof *common->sets);
    if (!common->sets) {
        lks_error_print("out of memory for the command line");
        exit(1);
    }
    parsing = common;
    int kept[2] = {-1, -1};
    argp_err_exit_status = 2;
    if (!lks_speaks()) {
        argp_err_exit_status = 0;
        silence(kept);
    }
    argp_parse(argp, argc, argv, 0, NULL, input);
    if (!lks_speaks())
        restore(kept);
}

bool lks_speaks(void) {
    return lks_comm_env_rank() <= 0;
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
