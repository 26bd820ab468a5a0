/* lockstep: which subcommand? */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lockstep/config.h"
#include "lockstep/suggest.h"
#include "lockstep/train.h"

static int help(int argc, char **argv);

const lks_command lks_commands[] = {
    {"train", "train a network and write a run folder (alone or under mpirun/srun)", lks_cmd_train},
    {"eval", "evaluate a checkpoint on its test set (alone or under mpirun/srun)", lks_cmd_eval},
    {"info", "describe a configuration, a checkpoint or a data set", lks_cmd_info},
    {"configs", "list the configurations that come with the program, or print one",
     lks_cmd_configs},
    {"pack", "turn class folders of PNG, PGM or PPM pictures into a data set", lks_cmd_pack},
    {"bench", "measure how fast a configuration trains here (alone or under mpirun/srun)",
     lks_cmd_bench},
    {"diff", "find where two checkpoints differ", lks_cmd_diff},
    {"help", "explain a command, or `config`: every key of a configuration", help},
    {0}};

static const lks_command *find(const char *name) {
    for (const lks_command *c = lks_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int usage(FILE *out) {
    fprintf(out, "Usage: lockstep COMMAND [OPTION]...\n\n"
                 "Trains convolutional networks on MNIST-like image sets with MPI and OpenMP: the "
                 "same bits on\n"
                 "any number of ranks, threads and hosts, and after any stop and resume.\n\n"
                 "Commands:\n");
    for (const lks_command *c = lks_commands; c->name; c++)
        fprintf(out, "  %-8s %s\n", c->name, c->summary);
    fprintf(
        out,
        "\nOptions:\n  --help, --version; `lockstep COMMAND --help` lists a command's own\n\n"
        "Environment:\n"
        "  LOCKSTEP_ISA=portable|avx2|avx512|neon  force an instruction set (results do not "
        "change)\n"
        "  LOCKSTEP_TRACE_EVENTS=N            events that train --trace keeps of each thread\n\n"
        "Exit status: 0 done, 1 run failed, 2 usage or configuration error, 75 stopped early on a\n"
        "signal or at its time limit, with a checkpoint saved (run again to go on).\n");
    return 0;
}

/* One process of a job says it; the others leave quietly, so that the launcher does not end the job
 * before. */
static int unknown(const char *name) {
    if (!lks_speaks())
        return 0;
    char text[256];
    lks_nearest nearest = lks_nearest_start(name);
    for (const lks_command *c = lks_commands; c->name; c++)
        lks_nearest_offer(&nearest, c->name, strlen(c->name));
    if (nearest.best)
        snprintf(text, sizeof text, "unknown command '%.64s'; did you mean '%s'?", name,
                 nearest.best);
    else
        snprintf(text, sizeof text, "unknown command '%.64s'; `lockstep --help` lists them", name);
    lks_error_print(text);
    return 2;
}

static int run(const lks_command *command, int argc, char **argv) {
    char name[64];
    snprintf(name, sizeof name, "lockstep %s", command->name);
    argv[0] = name;
    return command->run(argc, argv);
}

static int help(int argc, char **argv) {
    if (!lks_speaks())
        return 0;
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "config") == 0) {
        lks_config_help(stdout);
        return 0;
    }
    const lks_command *command = find(argv[1]);
    if (!command || command->run == help)
        return command ? usage(stdout) : unknown(argv[1]);
    char flag[] = "--help";
    char *args[] = {argv[1], flag, NULL};
    return run(command, 2, args);
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is then an error that can be said */
    if (argc < 2) {
        if (lks_speaks())
            usage(stderr);
        return lks_speaks() ? 2 : 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "-?") == 0)
        return lks_speaks() ? usage(stdout) : 0;
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        if (lks_speaks())
            printf("lockstep %s\n", lks_version());
        return 0;
    }
    const lks_command *command = find(argv[1]);
    return command ? run(command, argc - 1, argv + 1) : unknown(argv[1]);
}
