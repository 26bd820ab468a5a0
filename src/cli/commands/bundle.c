/* lockstep bundle */
#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "train/proof/bundle.h"

static error_t parse(int key, char *arg, struct argp_state *state) {
    const char **paths = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num >= 2)
            lks_usage_error(state, "a run folder and an archive are enough: '%s' is too many", arg);
        paths[state->arg_num] = arg;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            lks_usage_error(state, "a run folder and an archive are needed, e.g. "
                                   "runs/mnist-convnet mnist-convnet.tar");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    const char *paths[2];
    lks_error err;
    lks_parse(call, &common, paths);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    return lks_bundle_write(paths[0], paths[1], &err) == LKS_OK ? 0 : lks_report(&err);
}

static const struct argp argp = {
    NULL,
    parse,
    "RUN_DIR OUT.tar",
    "Packs a run into one archive for `lockstep replay`: configuration, history with the chain, "
    "checkpoints, summary, digests of the data, the program's revision, where it ran, and a "
    "MANIFEST that `sha256sum -c` checks. The data are not in it. Records that do not fit each "
    "other are an error.\vExit status: 0 done, 1 failed, 2 usage error.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_bundle = {
    "bundle", "pack a run into one archive that anybody can check", &argp, &lks_help_argp, run};
