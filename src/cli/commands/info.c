/* lockstep info */
#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "lockstep/describe.h"
#include "tool/digests.h"
#include "tool/shipped.h"

enum { KEY_DIGEST = 'g' };

static const struct argp_option options[] = {
    {"digest", KEY_DIGEST, NULL, 0,
     "Write the digests of a data set, NAME.digest beside each file of images, which `train`, "
     "`eval` and `bench` check every rank's share against. DATA is a folder of IDX files as MNIST "
     "has them, an HDF5 data set, or a configuration, whose data.* names the files",
     1},
    {0}};

typedef struct arguments {
    const char *what;
    bool digest;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_DIGEST:
        a->digest = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->what)
            lks_usage_error(state, "one thing at a time: '%s' is too many", arg);
        a->what = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->what)
            lks_usage_error(state,
                            "a configuration, checkpoint, run folder or data folder is missing");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    lks_error err;
    lks_parse(call, &common, &a);
    if (!lks_speaks())
        return 0;
    lks_status status = a.digest ? lks_write_digests(a.what, common.sets, common.n_sets, &err)
                                 : lks_describe(a.what, common.sets, common.n_sets, &err);
    lks_common_free(&common);
    lks_hint_config(status, a.what, &err);
    return status == LKS_OK ? 0 : lks_report(&err);
}

static const struct argp argp = {
    options,
    parse,
    "CONFIG|CHECKPOINT|RUN_DIR|DATA",
    "Describes a configuration: the network layer by layer, with output shapes, "
    "parameters and cost. Or a checkpoint (.h5), a run folder, also of a run at work, a "
    "folder of IDX files, one IDX file, or an HDF5 data set (.h5, .hdf5).\vExit status: "
    "0 done, 1 damaged or not readable, 2 usage or configuration error.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_info = {
    "info", "describe a configuration, a checkpoint, a run folder or a data set", &argp,
    &lks_common_argp, run};
