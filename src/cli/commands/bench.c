/* lockstep bench */
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "tool/bench.h"
#include "tool/shipped.h"

enum { KEY_DATA = 'd', KEY_STEPS = 'n', KEY_ROUNDS = 'r', KEY_FORMAT = 'f' };

static const struct argp_option options[] = {
    {"data", KEY_DATA, "DIR", 0,
     "Folder of the data (default: the configuration's data.dir; without training images "
     "there, scribbles of 28 x 28 pixels are made up)",
     1},
    {"steps", KEY_STEPS, "N", 0,
     "Optimizer steps of a round (default: enough for about half a second)", 1},
    {"rounds", KEY_ROUNDS, "N", 0, "Rounds with each kind of sums (default: 10)", 1},
    {"format", KEY_FORMAT, "text|json", 0, "Text (default), or one JSON object", 1},
    {0}};

typedef struct arguments {
    lks_bench_options o;
    lks_common_options *common;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    lks_bench_options *o = &a->o;
    switch (key) {
    case KEY_DATA:
        o->data = lks_read_name(state, "data", arg);
        return 0;
    case KEY_STEPS:
        o->steps = (int)lks_read_number(state, "steps", arg, 1, LKS_BENCH_MOST_STEPS);
        return 0;
    case KEY_ROUNDS:
        o->rounds = (int)lks_read_number(state, "rounds", arg, 1, LKS_BENCH_MOST_ROUNDS);
        return 0;
    case KEY_FORMAT:
        o->json = lks_read_format(state, arg, false) == LKS_FORMAT_JSON;
        return 0;
    case ARGP_KEY_ARG:
        if (o->config)
            lks_usage_error(state, "one configuration is enough: '%s' is too many", arg);
        o->config = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->config)
            lks_usage_error(state, "a configuration is missing, e.g. net.yaml; `lockstep configs` "
                                   "lists some that come with "
                                   "the program");
        if (o->json)
            a->common->level = LKS_LOG_QUIET;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    (void)exit_status;
    return lks_hint_config(lks_bench(comm, input, err), ((lks_bench_options *)input)->config, err);
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {.common = &common};
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    a.o.threads = common.threads;
    int status = lks_with_comm(&common, work, &a.o);
    lks_common_free(&common);
    return status;
}

static const struct argp argp = {
    options,
    parse,
    "CONFIG",
    "Measures how fast the network that CONFIG describes trains here, alone or under "
    "mpirun or srun. Prints images a second, time per phase, memory, the floating-point "
    "operations that were needed and those of the layers as they are written, and their "
    "share of the multiply-add peak, which is measured before each round. Rounds with "
    "train.reduce: exact and with fp32 take turns. Evaluates nothing and writes no "
    "file.\vWhere the machine does other work, too, the best round and the shares say "
    "more than the median. Exit status: 0 done, 1 failed, 2 usage or configuration error, "
    "79 a rank made no progress.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_bench = {
    "bench", "measure how fast a configuration trains here (alone or under mpirun/srun)", &argp,
    &lks_job_argp, run};
