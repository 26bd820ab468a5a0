/* lockstep info */
#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "lockstep/describe.h"
#include "tool/shipped.h"

static error_t parse(int key, char *arg, struct argp_state *state) {
    const char **what = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*what)
            lks_usage_error(state, "one thing at a time: '%s' is too many", arg);
        *what = arg;
        return 0;
    case ARGP_KEY_END:
        if (!*what)
            lks_usage_error(state,
                            "a configuration, checkpoint, run folder or data folder is missing");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    const char *what = NULL;
    lks_error err;
    lks_parse(call, &common, &what);
    if (!lks_speaks())
        return 0;
    lks_status status = lks_describe(what, common.sets, common.n_sets, &err);
    lks_common_free(&common);
    lks_hint_config(status, what, &err);
    return status == LKS_OK ? 0 : lks_report(&err);
}

static const struct argp argp = {
    NULL,
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
