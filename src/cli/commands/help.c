/* lockstep help, and what the program says about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lockstep/config.h"
#include "lockstep/h5_images.h"
#include "lockstep/kernels.h"
#include "lockstep/model.h"
#include "lockstep/job.h"

void lks_print_usage(FILE *out) {
    fprintf(out,
            "Usage: lockstep COMMAND [OPTION]...\n\n"
            "Trains convolutional networks on MNIST-like image sets with MPI and OpenMP: "
            "the\nsame bits on any number of ranks, threads and hosts, and after any stop and\n"
            "resume.\n\n"
            "Commands:\n");
    for (const lks_command *c = lks_commands; c->name; c++)
        fprintf(out, "  %-8s %s\n", c->name, c->summary);
    fprintf(out,
            "\nOptions:\n"
            "  --help, --version; `lockstep COMMAND --help` lists a command's own\n\n"
            "Environment:\n"
            "  LOCKSTEP_ISA=portable|avx2|avx512|neon  force an instruction set (results do\n"
            "                           not change)\n"
            "  LOCKSTEP_TRACE_EVENTS=N  events that train --trace keeps of each thread\n"
            "  NO_COLOR=1               no colour in messages on a terminal\n\n"
            "Exit status: 0 done, 1 run failed, 2 usage or configuration error, 75 stopped\n"
            "early on a signal or at its time limit, with a checkpoint saved (run again to go\n"
            "on).\n");
}

/* "avx512 of portable, avx2, avx512", or why the one asked for cannot be. */
static void print_kernels(FILE *out) {
    const lks_kernels *tables[4], *chosen;
    lks_error err;
    int n = lks_kernels_usable(tables);
    if (lks_kernels_select(getenv("LOCKSTEP_ISA"), &chosen, &err) != LKS_OK) {
        fprintf(out, "kernels   none: %s\n", err.text);
        return;
    }
    fprintf(out, "kernels   %s (usable here:", chosen->isa);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s %s", i ? "," : "", tables[i]->isa);
    fprintf(out, ")\n");
}

void lks_print_version(FILE *out) {
    char mpi[256], hdf5[64];
    lks_comm_library(mpi, sizeof mpi);
    lks_h5_library(hdf5, sizeof hdf5);
    fprintf(out,
            "lockstep %s (%s), numerics %d\n"
            "compiler  %s\n"
            "MPI       %.*s\n"
            "HDF5      %s\n",
            lks_version(), lks_revision(), LKS_NUMERICS, lks_compiler(), (int)strcspn(mpi, ","),
            mpi, hdf5);
    print_kernels(out);
}

/* --- the command ------------------------------------------------------------------------------ */

enum { KEY_OPTIONS = 'o' };

typedef struct arguments {
    const char *topic;
    bool options;
} arguments;

static const struct argp_option options[] = {
    {"options", KEY_OPTIONS, NULL, 0,
     "For programs: the same as lines of fields with tabs between them", 1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_OPTIONS:
        a->options = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->topic)
            lks_usage_error("one command at a time: '%s' is too many", arg);
        a->topic = arg;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static void answer_options(const struct argp *argp, void *context) {
    (void)context;
    lks_print_options(stdout, argp);
}

static int explain_command(const char *name, bool as_table) {
    const lks_command *command = lks_find_command(name);
    if (!command)
        return lks_unknown_command(name);
    if (as_table)
        lks_ask(command, answer_options, NULL);
    char word[] = "", flag[] = "--help";
    char *args[] = {word, flag, NULL};
    return lks_run_command(command, 2, args);
}

int lks_cmd_help(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "[COMMAND|config]",
        "Lists the commands, explains one, or every key of a configuration: `lockstep help "
        "config`.\vExit status: 0 done, 1 failed, 2 usage error.",
        lks_help_child,
        NULL,
        NULL};
    lks_common_options common = {0};
    arguments a = {0};
    lks_parse(&argp, argc, argv, &common, &a);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    if (a.topic && strcmp(a.topic, "config") != 0)
        return explain_command(a.topic, a.options);
    if (a.topic)
        (a.options ? lks_print_keys : lks_config_help)(stdout);
    else
        (a.options ? lks_print_commands : lks_print_usage)(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
