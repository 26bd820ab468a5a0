/* lockstep info */
#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "tool/describe/describe.h"
#include "tool/digests.h"
#include "tool/follow/follow.h"
#include "tool/shipped.h"

enum {
    KEY_DIGEST = 'g',
    KEY_DATA = 'a',
    KEY_SHEET = 'e',
    KEY_PREVIEW = 'w',
    KEY_RESOLVED = 'r',
    KEY_FORMAT = 'f',
    KEY_STEPS = 'p',
    KEY_FOLLOW = 'l',
    KEY_PATIENCE = 'c'
};

static const struct argp_option options[] = {
    {"digest", KEY_DIGEST, NULL, 0,
     "Write the digests of a data set, NAME.digest beside each file of images, which `train`, "
     "`eval` and `bench` check every rank's share against. DATA is a folder of IDX files as MNIST "
     "has them, an HDF5 data set, or a configuration, whose data.* names the files",
     1},
    {"resolved", KEY_RESOLVED, NULL, 0,
     "Of a configuration: print it with --set and all defaults, as a run keeps it in config.yaml",
     1},
    {"data", KEY_DATA, NULL, 0,
     "Of a configuration, a checkpoint or a run folder: describe its data set, not its network", 1},
    {"sheet", KEY_SHEET, "FILE.png", 0,
     "Write a contact sheet of the data set, a PNG: a row for each class with 10 training images "
     "and 10 test images, spread evenly over the files",
     1},
    {"preview", KEY_PREVIEW, "FILE.png", 0,
     "Of a configuration or a run folder: write a picture of what the network sees, a PNG: a row "
     "for "
     "each of 20 training images, as it is in the file and as the first 12 epochs show it "
     "(augment)",
     1},
    {"format", KEY_FORMAT, "text|json|csv", 0,
     "Text (default); one JSON object; or CSV: a row for each epoch of a run folder, layer of a "
     "configuration, tensor of a checkpoint, class of a data set",
     1},
    {"steps", KEY_STEPS, NULL, 0,
     "Of a run folder: recorded steps, too, in JSON; in CSV they take the place of epochs", 1},
    {"follow", KEY_FOLLOW, NULL, 0,
     "Of a run folder: show its curves and figures while it is at work, until it ends", 1},
    {"patience", KEY_PATIENCE, "SECONDS", 0,
     "With --follow: how long the run's heartbeat has to stand still until it counts as gone "
     "(default: 90, longer than network file systems keep what they know of a folder)",
     1},
    {0}};

typedef struct arguments {
    lks_describe_options o;
    bool digest, follow;
    int patience;
} arguments;

static void check(const struct argp_state *state, const arguments *a) {
    const lks_describe_options *o = &a->o;
    if (a->digest + (o->data || o->sheet) + o->resolved + !!o->preview + a->follow > 1)
        lks_usage_error(state, "one of --digest, --resolved, --preview, --follow, and --data with "
                               "--sheet, at a time");
    if (o->format != LKS_FORMAT_TEXT && (a->digest || o->resolved || o->preview || a->follow))
        lks_usage_error(state, "--format is for what is described: not with --digest, "
                               "--resolved, --preview or --follow");
    if (o->steps && o->format == LKS_FORMAT_TEXT)
        lks_usage_error(state, "--steps: give --format json or csv, too");
    if (a->patience && !a->follow)
        lks_usage_error(state, "--patience %d: give --follow, too", a->patience);
    if (!o->path)
        lks_usage_error(state, "a configuration, checkpoint, run folder or data folder is missing");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_DIGEST:
        a->digest = true;
        return 0;
    case KEY_DATA:
        a->o.data = true;
        return 0;
    case KEY_RESOLVED:
        a->o.resolved = true;
        return 0;
    case KEY_FORMAT:
        a->o.format = lks_read_format(state, arg, true);
        return 0;
    case KEY_STEPS:
        a->o.steps = true;
        return 0;
    case KEY_FOLLOW:
        a->follow = true;
        return 0;
    case KEY_PATIENCE:
        a->patience = (int)lks_read_number(state, "patience", arg, 1, 86400);
        return 0;
    case KEY_SHEET:
        a->o.sheet = lks_read_png_name(state, "sheet", arg);
        return 0;
    case KEY_PREVIEW:
        a->o.preview = lks_read_png_name(state, "preview", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (a->o.path)
            lks_usage_error(state, "one thing at a time: '%s' is too many", arg);
        a->o.path = arg;
        return 0;
    case ARGP_KEY_END:
        check(state, a);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int describe(const arguments *a) {
    lks_error err;
    const lks_status status = a->digest ? lks_write_digests(a->o.path, a->o.sets, a->o.n_sets, &err)
                                        : lks_describe(&a->o, &err);
    lks_hint_config(status, a->o.path, &err);
    return status == LKS_OK ? 0 : lks_report(&err);
}

/* As a shell tells of a program that a signal ended. */
enum { SIGNALLED = 128 };

static int follow(const arguments *a) {
    const lks_follow_options o = {a->o.path, a->patience ? a->patience : LKS_FOLLOW_PATIENCE};
    lks_error err;
    int got;
    const lks_status status = lks_follow(&o, &got, &err);
    if (got)
        return SIGNALLED + got;
    return status == LKS_OK ? 0 : lks_report(&err);
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    const int exit_status = !lks_speaks() ? 0 : a.follow ? follow(&a) : describe(&a);
    lks_common_free(&common);
    return exit_status;
}

static const struct argp argp = {
    options,
    parse,
    "CONFIG|CHECKPOINT|RUN_DIR|DATA",
    "Describes a configuration: the network layer by layer, with output shapes, "
    "parameters and cost. Or a checkpoint (.h5), a run folder, also of a run at work, a "
    "folder of IDX files, one IDX file, an HDF5 data set (.h5, .hdf5), or class folders of "
    "pictures. Of a data set it prints sizes, range, classes, images that occur twice, what looks "
    "wrong and the key that mends it, and the first images as text.\vExit status: "
    "0 done, 1 damaged or not readable, or with --follow a run that has ended without a result, 2 "
    "usage or configuration error.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_info = {
    "info", "describe a configuration, a checkpoint, a run folder or a data set", &argp,
    &lks_set_argp, run};
