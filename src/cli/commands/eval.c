/* lockstep eval */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "lockstep/eval.h"

enum {
    KEY_DATA = 'd',
    KEY_PICTURES = 'p',
    KEY_SHIFTS = 'm',
    KEY_ON = 'o',
    KEY_WORST = 'n',
    KEY_SHEET = 'c',
    KEY_FORMAT = 'f'
};

/* In the order of lks_eval_part. */
static const char *const parts[] = {"test", "train", "validation", NULL};

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
    {"on", KEY_ON, "test|train|validation", 0,
     "Which images: the test set, those that the network was trained on, or those held out of them "
     "(default: test)",
     1},
    {"worst", KEY_WORST, "N", 0,
     "List the N images with the highest loss as well: number in the file, label, answer, "
     "probability of the label, loss. On training images it finds labels that are wrong",
     1},
    {"sheet", KEY_SHEET, "FILE.png", 0,
     "Draw these images on a contact sheet, each with its number, label and answer; N is at most "
     "1000 then",
     1},
    {"format", KEY_FORMAT, "text|json|csv", 0,
     "Text (default); one JSON object; or CSV: a row for each class, or with --worst for each "
     "image",
     1},
    {0}};

typedef struct arguments {
    lks_common_options *common;
    lks_eval_options o;
    const char **checkpoints; /* o's */
} arguments;

static void check_parts(const struct argp_state *state, const lks_eval_options *o) {
    if (o->pictures && o->on != LKS_EVAL_TEST)
        lks_usage_error(state, "--pictures and --on are two sets; give one of them");
    if (o->pictures && o->worst)
        lks_usage_error(state, "--worst lists images by their number in a file; `lockstep predict` "
                               "tells what it sees in pictures");
    if (o->sheet && !o->worst)
        lks_usage_error(state, "--sheet draws the images of --worst N; give that, too");
    if (o->sheet && o->worst > LKS_SHEET_IMAGES_MAX)
        lks_usage_error(state, "--worst %lu: a sheet shows at most %d images",
                        (unsigned long)o->worst, LKS_SHEET_IMAGES_MAX);
}

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
    case KEY_ON:
        a->o.on = (lks_eval_part)lks_read_word(state, "on", arg, parts);
        return 0;
    case KEY_WORST:
        a->o.worst = (uint32_t)lks_read_number(state, "worst", arg, 1, INT32_MAX);
        return 0;
    case KEY_SHEET:
        a->o.sheet = lks_read_png_name(state, "sheet", arg);
        return 0;
    case KEY_FORMAT:
        a->o.format = lks_read_format(state, arg, true);
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
        check_parts(state, &a->o);
        if (a->o.format != LKS_FORMAT_TEXT)
            a->common->level = LKS_LOG_QUIET;
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
    arguments a = {.common = &common, .checkpoints = lks_argument_list(call->argc)};
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
    "Evaluates the network of CHECKPOINT on its test set, or with --on on its training or "
    "validation images. Prints accuracy with a 95 % "
    "interval, top-3 accuracy, loss, the figures of each class, and the confusion "
    "matrix. A run folder stands for the checkpoint that its run is tested with. The "
    "probabilities of several checkpoints are averaged; all must be trained on the same "
    "data.\vExit status: 0 done, 1 failed, 2 usage or configuration error, "
    "79 a rank made no progress.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_eval = {
    "eval", "evaluate a checkpoint, list its worst images (alone or under mpirun/srun)", &argp,
    &lks_job_argp, run};
