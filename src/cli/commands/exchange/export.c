/* lockstep export */
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "export/export.h"

enum {
    KEY_FORMAT = 'f',
    KEY_OUT = 'o',
    KEY_FORCE = 'F',
    KEY_INPUT = 'i',
    KEY_NORMALIZED = 'n',
    KEY_SOFTMAX = 'm',
    KEY_INT8 = '8'
};

#define NAME(name, about)  #name
#define ABOUT(name, about) #name ": " about

static const struct argp_option options[] = {
    {"format", KEY_FORMAT, LKS_EXPORT_FORMATS(NAME, "|"), 0, LKS_EXPORT_FORMATS(ABOUT, ". "), 1},
    {"out", KEY_OUT, "FILE", 0,
     "The file to write, - for standard output (default: in the current folder, named as the run "
     "or the checkpoint). Its ending tells the format, where --format does not: .safetensors, "
     ".onnx, .npz, .keras, .weights.h5, .c",
     1},
    {"force", KEY_FORCE, NULL, 0, "Replace a file that is there", 1},
    {"input", KEY_INPUT, "float|uint8", 0,
     "With onnx or keras: what the network takes, pixels from 0 to 255 as floats (default), or as "
     "bytes",
     2},
    {"normalized-input", KEY_NORMALIZED, NULL, 0,
     "With onnx or keras: it takes floats that are normalised already, as the file says: (pixel / "
     "255 - mean) / std",
     2},
    {"softmax", KEY_SOFTMAX, NULL, 0, "With onnx or keras: it gives probabilities, not logits", 2},
    {"int8", KEY_INT8, NULL, 0,
     "With c: compute in whole numbers of 8 bits: smaller, and rounded; tells the accuracy", 2},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const char *const inputs[] = {"float", "uint8", NULL};
    lks_export_options *o = state->input;
    lks_error err;
    switch (key) {
    case KEY_FORMAT:
        o->format = arg;
        return 0;
    case KEY_OUT:
        o->out = lks_read_name(state, "out", arg);
        return 0;
    case KEY_FORCE:
        o->force = true;
        return 0;
    case KEY_INPUT:
        o->given |= LKS_EXPORT_INPUT;
        o->bytes = lks_read_word(state, "input", arg, inputs) == 1;
        return 0;
    case KEY_NORMALIZED:
        o->given |= LKS_EXPORT_NORMALIZED;
        return 0;
    case KEY_SOFTMAX:
        o->given |= LKS_EXPORT_SOFTMAX;
        return 0;
    case KEY_INT8:
        o->given |= LKS_EXPORT_INT8;
        return 0;
    case ARGP_KEY_ARG:
        if (o->checkpoint)
            lks_usage_error(state, "one network at a time: '%s' is too many", arg);
        o->checkpoint = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->checkpoint)
            lks_usage_error(state, "a checkpoint or run folder is missing, e.g. lockstep export "
                                   "runs/NAME --format safetensors");
        if (lks_export_check(o, &err) != LKS_OK)
            lks_usage_error(state, "%s", err.text);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* A line for each file; nothing beside a file on standard output. */
static int work(const lks_export_options *o) {
    lks_exported written;
    lks_error err;
    if (lks_export_write(o, &written, &err) != LKS_OK)
        return lks_report(&err);
    for (int i = 0; i < written.files && strcmp(written.paths[i], "-") != 0; i++)
        lks_info("%s: %zu bytes, the %sweights of %s", written.paths[i], written.bytes[i],
                 written.averaged ? "averaged " : "", written.source);
    return 0;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    lks_export_options o = {0};
    lks_parse(call, &common, &o);
    o.sets = common.sets;
    o.n_sets = common.n_sets;
    const int exit_status = lks_speaks() ? work(&o) : 0;
    lks_common_free(&common);
    return exit_status;
}

static const struct argp argp = {
    options,
    parse,
    "CHECKPOINT|RUN_DIR",
    "Writes a trained network for other programs. A run folder stands for the checkpoint that its "
    "run is tested with; the weights are those that `lockstep eval` uses, averaged ones where "
    "there are some. The file is complete or absent.\vExit status: 0 done, 1 the checkpoint cannot "
    "be read, or the file not be written, 2 usage error, a file that is there already, or a "
    "network that the format cannot hold.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_export = {"export", "write a trained network for other programs",
                                        &argp, &lks_set_argp, run};
