/* lockstep calibrate */
#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "train/calibrate.h"
#include "job/job.h"

typedef struct job {
    lks_common_options common;
    lks_train_options o;
    const char *folder;
} job;

static error_t parse(int key, char *arg, struct argp_state *state) {
    job *j = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (j->folder)
            lks_usage_error(state, "one run folder at a time: '%s' is too many", arg);
        j->folder = arg;
        return 0;
    case ARGP_KEY_END:
        if (!j->folder)
            lks_usage_error(state, "a run folder is missing, e.g. runs/mnist-convnet");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    job *j = input;
    bool stopped;
    j->o.watchdog = j->common.watchdog;
    lks_status status = lks_calibrate_folder(comm, j->folder, &j->o, &stopped, err);
    if (status == LKS_OK && stopped)
        *exit_status = LKS_EXIT_STOPPED;
    return status;
}

static int run(const lks_call *call) {
    job j = {0};
    lks_process_stops_gently();
    lks_parse(call, &j.common, &j);
    j.o.sets = j.common.sets;
    j.o.n_sets = j.common.n_sets;
    j.o.threads = j.common.threads;
    const int status = lks_with_comm(&j.common, work, &j);
    lks_common_free(&j.common);
    return status;
}

static const struct argp argp = {
    NULL,
    parse,
    "RUN_DIR",
    "Tells how sure the network of a run may be that was trained without a validation split: its "
    "configuration is trained once more, in RUN_DIR/calibration, with a tenth of the training "
    "images held out, and the temperature that these ask for goes into the checkpoint that RUN_DIR "
    "stands for. Weights and answers stay as they are.\vThe second run takes as long as the first; "
    "with fewer epochs, --set train.epochs=N, it is shorter, and tells less: a network that was "
    "trained for longer is surer. Exit status: 0 done, "
    "1 "
    "failed, 2 usage or configuration error, 73 another process works in the run folder, 75 "
    "stopped, 76 memory changed or replicas differ, 79 a rank made no progress. After 75, 76 and "
    "79 "
    "the same command goes on.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_calibrate = {
    "calibrate", "tell how sure a network without a validation split may be, by a second run",
    &argp, &lks_job_argp, run};
