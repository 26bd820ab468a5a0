/* lockstep diff */
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "io/checkpoint.h"
#include "lockstep/model.h"
#include "run/run_folder.h"

enum { KEY_FORMAT = 'f', KEY_WEIGHTS = 'w' };

static const struct argp_option options[] = {
    {"format", KEY_FORMAT, "text|json|csv", 0,
     "Text (default); one JSON object with all; or CSV: a row for each tensor", 1},
    {"weights", KEY_WEIGHTS, NULL, 0,
     "Compare only the weights that `eval` uses, averaged ones where there are some: what an "
     "exported and imported network keeps",
     1},
    {0}};

typedef struct arguments {
    const char *paths[2];
    lks_format format;
    bool weights;
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_FORMAT:
        a->format = lks_read_format(state, arg, true);
        return 0;
    case KEY_WEIGHTS:
        a->weights = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 2)
            lks_usage_error(state, "two checkpoints are enough: '%s' is too many", arg);
        a->paths[state->arg_num] = arg;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            lks_usage_error(state, "two checkpoints or run folders are needed, e.g. runs/a runs/b");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status find(const char *path, char file[LKS_FOLDER_PATH_MAX], lks_error *err) {
    lks_chosen s;
    LKS_TRY(lks_folder_read(path, &s, err));
    if (s.remark[0])
        lks_warn("%s", s.remark);
    memcpy(file, s.path, sizeof s.path);
    lks_checkpoint_free(&s.checkpoint);
    return LKS_OK;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {.format = LKS_FORMAT_TEXT};
    lks_error err;
    bool same = false;
    lks_parse(call, &common, &a);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    char files[2][LKS_FOLDER_PATH_MAX];
    lks_status status = LKS_OK;
    for (int i = 0; i < 2 && status == LKS_OK; i++)
        status = find(a.paths[i], files[i], &err);
    if (status == LKS_OK)
        status = lks_checkpoint_diff((const char *const[2]){files[0], files[1]}, LKS_NUMERICS,
                                     a.weights, a.format, &same, &err);
    return status != LKS_OK ? lks_report(&err) : same ? 0 : 1;
}

static const struct argp argp = {
    options,
    parse,
    "CHECKPOINT CHECKPOINT",
    "Compares two checkpoints. Prints the first layer and index where their weights "
    "part, how much each tensor differs, in units in the last place and in value, and "
    "what else differs. A run folder "
    "stands for the checkpoint that its run is tested with.\vExit status: 0 the same, 1 "
    "different or not comparable, 2 usage error.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_diff = {"diff", "find where two checkpoints differ", &argp,
                                      &lks_help_argp, run};
