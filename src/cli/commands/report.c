/* lockstep report */
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "job/job.h"
#include "lockstep/report.h"
#include "run/run_folder.h"

enum { KEY_OUT = 'o', KEY_DATA = 'd', KEY_TRAIN_ERRORS = 't' };

typedef struct arguments {
    const char *folders[LKS_REPORT_RUNS_MAX];
    int n;
    const char *out;
    lks_report_options o;
} arguments;

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0,
     "The page to write, - for standard output (default: report.html in RUN_DIR, of several runs "
     "comparison.html in the first)",
     1},
    {"data", KEY_DATA, "DIR", 0,
     "Folder of the data, for the images (default: the configuration's data.dir)", 1},
    {"train-errors", KEY_TRAIN_ERRORS, NULL, 0,
     "Evaluate the training images of the first run, too, and show those with the highest loss: "
     "many are mislabelled. It takes as long as a part of an epoch",
     1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_OUT:
        a->out = lks_read_name(state, "out", arg);
        return 0;
    case KEY_DATA:
        a->o.data = lks_read_name(state, "data", arg);
        return 0;
    case KEY_TRAIN_ERRORS:
        a->o.train_errors = true;
        a->o.threads = lks_threads_alone(0);
        return 0;
    case ARGP_KEY_ARG:
        if (a->n == LKS_REPORT_RUNS_MAX)
            lks_usage_error(state, "%d runs are the most that one page compares",
                            LKS_REPORT_RUNS_MAX);
        a->folders[a->n++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n == 0)
            lks_usage_error(state, "a run folder is missing, e.g. runs/mnist-convnet");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    char path[LKS_FOLDER_PATH_MAX];
    lks_error err;
    lks_parse(call, &common, &a);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    /* A comparison leaves the first run its own page. */
    lks_folder_path(a.folders[0], a.n > 1 ? LKS_FOLDER_COMPARISON : LKS_FOLDER_REPORT, path);
    const char *out = a.out ? a.out : path;
    if (lks_report_write(a.folders, a.n, &a.o, out, &err) != LKS_OK)
        return lks_report(&err);
    if (strcmp(out, "-") != 0)
        lks_info("report %s", out);
    return 0;
}

static const struct argp argp = {
    options,
    parse,
    "RUN_DIR...",
    "Writes a page about a run: accuracy with its interval, curves, confusion matrix, "
    "figures of each class, misclassified images, calibration, filters and feature maps, "
    "the network, and where the result comes from. Any browser opens it, without network "
    "and without other files. Curves of several runs stand in one chart, and the runs "
    "are compared.\vThe page says what is missing, in its place. Exit status: 0 done, 1 "
    "a file is damaged, or cannot be read or written, 2 usage error or no run folder.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_report = {
    "report", "write a page about runs: curves, errors, calibration, comparison", &argp,
    &lks_help_argp, run};
