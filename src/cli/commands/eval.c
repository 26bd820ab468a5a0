/* lockstep eval */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "lockstep/eval.h"

enum { KEY_DATA = 'd', KEY_PICTURES = 'p', KEY_SHIFTS = 'm' };

static const struct argp_option options[] = {
    {"data", KEY_DATA, "DIR", 0, "Folder of the data (default: data.dir of the first checkpoint)",
     1},
    {"pictures", KEY_PICTURES, "DIR", 0,
     "Evaluate pictures instead of the test set: DIR has a folder for each class, called by its "
     "name, or by its number where classes have no names, as `lockstep pack` takes them. They are "
     "prepared as by `lockstep predict`",
     1},
    {"shifts", KEY_SHIFTS, "N", 0,
     "Look at each image (2 N + 1)^2 times, moved by up to N pixels in both directions, "
     "and average the probabilities. N is from 0 to 8 (default: 0)",
     1},
    {0}};

typedef struct arguments {
    lks_eval_options o;
    const char **checkpoints; /* o's */
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_DATA:
        a->o.data = lks_read_name(state, "data", arg);
        return 0;
    case KEY_PICTURES:
        a->o.pictures = lks_read_name(state, "pictures", arg);
        return 0;
    case KEY_SHIFTS:
        a->o.shifts = (int)lks_read_number(state, "shifts", arg, 0, LKS_SHIFTS_MAX);
        return 0;
    case ARGP_KEY_ARG:
        a->checkpoints[a->o.n_checkpoints++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->o.n_checkpoints == 0)
            lks_usage_error(state,
                            "a checkpoint or run folder is missing, e.g. runs/mnist-convnet");
        if (a->o.data && a->o.pictures)
            lks_usage_error(state, "--data and --pictures are two sets; give one of them");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    (void)exit_status;
    return lks_eval(comm, input, err);
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {.checkpoints = lks_argument_list(call->argc)};
    a.o.checkpoints = a.checkpoints;
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    a.o.threads = common.threads;
    int status = lks_with_comm(&common, work, &a.o);
    lks_common_free(&common);
    free(a.checkpoints);
    return status;
}

static const struct argp argp = {
    options,
    parse,
    "CHECKPOINT...",
    "Evaluates the network of CHECKPOINT on its test set. Prints accuracy with a 95 % "
    "interval, top-3 accuracy, loss, the figures of each class, and the confusion "
    "matrix. A run folder stands for the checkpoint that its run is tested with. The "
    "probabilities of several checkpoints are averaged; all must be trained on the same "
    "data.\vExit status: 0 done, 1 failed, 2 usage or configuration error, "
    "79 a rank made no progress.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_eval = {
    "eval", "evaluate a checkpoint on its test set (alone or under mpirun/srun)", &argp,
    &lks_job_argp, run};
