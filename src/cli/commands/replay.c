/* lockstep replay */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "train/proof/replay.h"

enum {
    KEY_EPOCH = 'e',
    KEY_STEPS = 'n',
    KEY_AUDIT = 'a',
    KEY_WINDOW = 'k',
    KEY_SEED = 'r',
    KEY_DATA_DIR = 'd',
    KEY_INIT_FROM = 'i'
};

static const struct argp_option options[] = {
    {"epoch", KEY_EPOCH, "K", 0, "Compute only epoch K again", 1},
    {"steps", KEY_STEPS, "A..B", 0,
     "Compute only steps A to B again, from the nearest checkpoint before them", 1},
    {"audit", KEY_AUDIT, "N", 0,
     "Compute N windows again that begin at checkpoints, or at the start, drawn by --seed. Which "
     "share of the run that is, and what it took, is told at the end",
     1},
    {"window", KEY_WINDOW, "K", 0, "Steps of such a window (default: an epoch)", 1},
    {"seed", KEY_SEED, "S", 0,
     "What the windows are drawn by, best chosen after the run (default: 0)", 1},
    {"data-dir", KEY_DATA_DIR, "DIR", 0, "Folder of the data (default: data.dir of the run)", 1},
    {"init-from", KEY_INIT_FROM, "CHECKPOINT|RUN_DIR", 0,
     "Of a fine-tuned run: the weights that it started from (default: the path that it noted)", 1},
    {0}};

static void read_steps(const struct argp_state *state, const char *text, lks_replay_options *o) {
    long long first, last;
    int end = 0;
    if (sscanf(text, "%lld..%lld%n", &first, &last, &end) != 2 || text[end] || first < 1 ||
        last < first)
        lks_usage_error(state, "--steps %s: not two numbers of steps from 1, like 100..199", text);
    o->first = first;
    o->last = last;
}

typedef struct arguments {
    lks_replay_options o;
    bool seeded;
} arguments;

static void check_parts(const struct argp_state *state, const arguments *a) {
    const lks_replay_options *o = &a->o;
    if (!o->run)
        lks_usage_error(state, "a run folder or a bundle is missing, e.g. runs/mnist-convnet");
    if ((o->epoch > 0) + (o->first > 0) + (o->audit > 0) > 1)
        lks_usage_error(state, "--epoch, --steps and --audit are three choices; give one of them");
    if (o->window && !o->audit)
        lks_usage_error(state, "--window is of an --audit; give that, too");
    if (a->seeded && !o->audit)
        lks_usage_error(state, "--seed is of an --audit; give that, too");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    lks_replay_options *o = &a->o;
    switch (key) {
    case KEY_EPOCH:
        o->epoch = (int64_t)lks_read_number(state, "epoch", arg, 1, INT32_MAX);
        return 0;
    case KEY_STEPS:
        read_steps(state, arg, o);
        return 0;
    case KEY_AUDIT:
        o->audit = (int64_t)lks_read_number(state, "audit", arg, 1, INT32_MAX);
        return 0;
    case KEY_WINDOW:
        o->window = (int64_t)lks_read_number(state, "window", arg, 1, INT32_MAX);
        return 0;
    case KEY_SEED:
        o->seed = lks_read_number(state, "seed", arg, 0, UINT64_MAX);
        a->seeded = true;
        return 0;
    case KEY_DATA_DIR:
        o->data_dir = lks_read_name(state, "data-dir", arg);
        return 0;
    case KEY_INIT_FROM:
        o->init_from = lks_read_name(state, "init-from", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (o->run)
            lks_usage_error(state, "one run is enough: '%s' is too many", arg);
        o->run = arg;
        return 0;
    case ARGP_KEY_END:
        check_parts(state, a);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    (void)exit_status;
    const arguments *a = input;
    return lks_replay(comm, &a->o, err);
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    lks_process_stops_gently(); /* what a bundle was unpacked into is removed then, too */
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    a.o.threads = common.threads;
    int status = lks_with_comm(&common, work, &a);
    lks_common_free(&common);
    return status;
}

static const struct argp argp = {
    options,
    parse,
    "RUN_DIR|BUNDLE.tar",
    "Computes the run of RUN_DIR again, on whatever ranks and threads there are, and compares it "
    "with what was recorded: each step's hash of each layer and its sums, records of epochs, "
    "checkpoints, test results and summary. First it checks that all of these fit each other. "
    "Nothing is written, but that a bundle is unpacked below TMPDIR for as long. It says what was "
    "verified, or names the first step and layer, or the "
    "record, that differs.\vExit status: 0 verified, 1 something differs or cannot be read, "
    "2 usage or configuration error, 75 stopped on a signal, 76 memory changed or replicas differ, "
    "79 a rank made no "
    "progress.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_replay = {
    "replay", "compute a run again and compare it with its records (alone or under mpirun/srun)",
    &argp, &lks_job_argp, run};
