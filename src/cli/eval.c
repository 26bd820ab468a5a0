/* lockstep eval */
#include "cli/cli.h"
#include "lockstep/train.h"

enum { KEY_DATA = 'd' };

static const struct argp_option options[] = {
    {"data", KEY_DATA, "DIR", 0, "Folder of the data (default: the checkpoint's data.dir)", 1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    lks_eval_options *o = state->input;
    switch (key) {
    case KEY_DATA:
        o->data = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->checkpoint)
            lks_usage_error("one checkpoint is enough: '%s' is too many", arg);
        o->checkpoint = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->checkpoint)
            lks_usage_error("a checkpoint is missing, e.g. runs/NAME/checkpoints/last.h5");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    (void)exit_status;
    return lks_eval(comm, input, err);
}

int lks_cmd_eval(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "CHECKPOINT",
        "Evaluates the network of CHECKPOINT on its test set: accuracy "
        "with a 95 % interval, top-3, loss, per-class figures and the "
        "confusion matrix.\v"
        "Exit status: 0 done, 1 failed, 2 usage or configuration error.",
        lks_common_child,
        NULL,
        NULL};
    lks_common_options common = {0};
    lks_eval_options o = {0};
    lks_parse(&argp, argc, argv, &common, &o);
    o.sets = common.sets;
    o.n_sets = common.n_sets;
    o.threads = common.threads;
    int status = lks_with_comm(&common, work, &o);
    lks_common_free(&common);
    return status;
}
