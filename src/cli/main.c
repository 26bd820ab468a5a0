/* lockstep: which subcommand? */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lockstep/suggest.h"

const lks_command lks_commands[] = {
    {"train", "train a network and write a run folder (alone or under mpirun/srun)", lks_cmd_train},
    {"eval", "evaluate a checkpoint on its test set (alone or under mpirun/srun)", lks_cmd_eval},
    {"predict", "tell what is on pictures: PNG, PGM, PPM, PBM or IDX files", lks_cmd_predict},
    {"info", "describe a configuration, a checkpoint or a data set", lks_cmd_info},
    {"report", "write a page about runs: curves, errors, calibration, comparison", lks_cmd_report},
    {"configs", "list the configurations that come with the program, or print one",
     lks_cmd_configs},
    {"pack", "turn class folders of PNG, PGM or PPM pictures into a data set", lks_cmd_pack},
    {"bench", "measure how fast a configuration trains here (alone or under mpirun/srun)",
     lks_cmd_bench},
    {"diff", "find where two checkpoints differ", lks_cmd_diff},
    {"help", "explain a command, or `config`: every key of a configuration", lks_cmd_help},
    {0}};

const lks_command *lks_find_command(const char *name) {
    for (const lks_command *c = lks_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* One process of a job says it; the others leave quietly, so that the launcher does not end the job
 * before. */
int lks_unknown_command(const char *name) {
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

int lks_run_command(const lks_command *command, int argc, char **argv) {
    char name[64];
    snprintf(name, sizeof name, "lockstep %s", command->name);
    argv[0] = name;
    return command->run(argc, argv);
}

static int print(void (*text)(FILE *out)) {
    if (lks_speaks())
        text(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || (c && strcmp(word, c) == 0);
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is then an error that can be said */
    if (argc < 2) {
        if (lks_speaks())
            lks_print_usage(stderr);
        return lks_speaks() ? 2 : 0;
    }
    if (is_one_of(argv[1], "--help", "-h", "-?"))
        return print(lks_print_usage);
    if (is_one_of(argv[1], "--version", "-V", NULL))
        return print(lks_print_version);
    if (strcmp(argv[1], "--complete") == 0)
        return lks_complete(argc - 2, argv + 2);
    const lks_command *command = lks_find_command(argv[1]);
    return command ? lks_run_command(command, argc - 1, argv + 1) : lks_unknown_command(argv[1]);
}
