/* lockstep import */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "import/import.h"
#include "lockstep/config.h"
#include "tool/shipped.h"

enum {
    KEY_CONFIG = 'c',
    KEY_OUT = 'o',
    KEY_FORCE = 'F',
    KEY_LAYOUT = 'l',
    KEY_MAP = 'm',
    KEY_IMAGE = 'i'
};

static const struct argp_option options[] = {
    {"config", KEY_CONFIG, "CONFIG", 0, "The configuration whose model the weights are of", 1},
    {"out", KEY_OUT, "DIR|FILE.h5", 0, "The run folder to make, or else the checkpoint to write",
     1},
    {"force", KEY_FORCE, NULL, 0, "Replace a checkpoint that is there", 1},
    {"layout", KEY_LAYOUT, "pytorch|keras|native", 0,
     "How tensors are laid out. pytorch: convolutions out, in, row, column, dense layers out, in, "
     "images channels first. keras, native: row, column, in, out; in, out; channels last (default: "
     "pytorch for safetensors and ONNX, else native)",
     2},
    {"map", KEY_MAP, "OURS=THEIRS|FILE", 0,
     "Which layer or tensor of the file is one of the network's, e.g. conv1=features.0 or "
     "conv1/weight=features.0.weight; or a file of such lines. May be repeated. Without it they "
     "are found by name, else by order and shape",
     2},
    {"image", KEY_IMAGE, "ROWSxCOLUMNSxCHANNELS", 0,
     "What the network takes, e.g. 28x28x1, where the file does not say and the training images "
     "are not there to be read",
     2},
    {0}};

typedef struct arguments {
    lks_import_options o;
    const char **maps; /* [n_maps] */
    int n_maps;
} arguments;

static void read_image(const struct argp_state *state, const char *text, lks_shape *image) {
    int used = 0;
    const int n =
        sscanf(text, "%5dx%5dx%5d%n", &image->rows, &image->columns, &image->channels, &used);
    if (n != 3 || text[used] || image->rows < 1 || image->columns < 1 || image->channels < 1 ||
        image->channels > LKS_CHANNELS_MAX || image->rows > 65536 || image->columns > 65536)
        lks_usage_error(state, "--image %s: rows, columns and channels are wanted, e.g. 28x28x1",
                        text);
}

static void check(const struct argp_state *state, const arguments *a) {
    if (!a->o.file)
        lks_usage_error(state, "a file is missing, e.g. lockstep import net.safetensors --config "
                               "mnist-convnet.yaml --out runs/theirs");
    if (!a->o.config)
        lks_usage_error(state, "--config CONFIG is missing: whose model the weights are of");
    if (!a->o.out)
        lks_usage_error(state, "--out is missing: a new run folder, or a checkpoint, FILE.h5");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const char *const layouts[] = {"pytorch", "keras", "native", NULL};
    arguments *a = state->input;
    switch (key) {
    case KEY_CONFIG:
        a->o.config = lks_read_name(state, "config", arg);
        return 0;
    case KEY_OUT:
        a->o.out = lks_read_name(state, "out", arg);
        return 0;
    case KEY_FORCE:
        a->o.force = true;
        return 0;
    case KEY_LAYOUT:
        a->o.layout =
            (lks_import_layout)(LKS_IMPORT_PYTORCH + lks_read_word(state, "layout", arg, layouts));
        return 0;
    case KEY_MAP:
        a->maps[a->n_maps++] = lks_read_name(state, "map", arg);
        return 0;
    case KEY_IMAGE:
        read_image(state, arg, &a->o.image);
        return 0;
    case ARGP_KEY_ARG:
        if (a->o.file)
            lks_usage_error(state, "one file at a time: '%s' is too many", arg);
        a->o.file = arg;
        return 0;
    case ARGP_KEY_END:
        check(state, a);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status read_maps(lks_comm *comm, arguments *a, lks_error *err) {
    lks_status status = LKS_OK;
    for (int i = 0; comm->rank == 0 && i < a->n_maps && status == LKS_OK; i++)
        status = lks_import_maps_add(&a->o.maps, a->maps[i], err);
    return lks_comm_agree(comm, status, err);
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    arguments *a = input;
    (void)exit_status;
    LKS_TRY(read_maps(comm, a, err));
    return lks_hint_config(lks_import(comm, &a->o, err), a->o.config, err);
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {.maps = lks_argument_list(call->argc)};
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    const int status = lks_with_comm(&common, work, &a);
    lks_import_maps_free(&a.o.maps);
    lks_common_free(&common);
    free(a.maps);
    return status;
}

static const struct argp argp = {
    options,
    parse,
    "FILE",
    "Makes a checkpoint of weights that another program trained, so that `train --init-from`, "
    "`eval`, `predict`, `report` and `diff` work with them. FILE is a safetensors file, an npz "
    "file of NumPy, an ONNX model, or a .weights.h5, .h5 or .keras file of Keras, and the "
    "configuration has the network. Each tensor has to find its place by "
    "name, or by order and shape, and none may be left.\vExit status: 0 done, 1 the file is "
    "damaged, or of another network, 2 usage or configuration error, or the output is there "
    "already, 79 a rank made no progress.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_import = {"import",
                                        "make a checkpoint of weights that another program trained",
                                        &argp, &lks_job_argp, run};
