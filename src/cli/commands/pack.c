/* lockstep pack */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "files/kind/file_kind.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "lockstep/pack.h"
#include "tool/shipped.h"

enum {
    KEY_SIZE = 'z',
    KEY_CHANNELS = 'c',
    KEY_TEST = 't',
    KEY_SEED = 's',
    KEY_INVERT = 'i',
    KEY_BACKGROUND = 'b',
    KEY_PREPROCESS = 'p',
    KEY_LIKE = 'l',
    KEY_SKIP_BAD = 'k',
    KEY_FORCE = 'f'
};

static const struct argp_option options[] = {
    {"size", KEY_SIZE, "N|RxC", 0,
     "Rows and columns of an image, or N for both (default: the common size of the "
     "pictures). Pictures of other sizes are resized and put in the middle of the "
     "background. The ratio of their sides is kept. They are averaged where they shrink "
     "and interpolated where they grow",
     1},
    {"channels", KEY_CHANNELS, "1|3", 0,
     "1: grey. 3: red, green, blue (default: 1 if no picture has colours, else 3)", 1},
    {"invert", KEY_INVERT, NULL, 0,
     "Light becomes dark: dark digits on white paper become light digits on black, as in "
     "MNIST",
     1},
    {"background", KEY_BACKGROUND, "V", 0,
     "Grey value, 0 to 255, of what is transparent or beside a picture of another shape, "
     "before --invert (default: 0, black; with --invert 255, white)",
     1},
    {"preprocess", KEY_PREPROCESS, "none|mnist", 0,
     "mnist: each picture is a digit, and becomes an image like MNIST's: light on black, cropped, "
     "20 pixels long, centred by mass; --size, --channels, --invert and --background have no "
     "meaning then. none (default): it is resized",
     1},
    {"like", KEY_LIKE, "CHECKPOINT", 0,
     "Prepare pictures as the network of CHECKPOINT, or of a run folder, prepares them, to train "
     "it "
     "on: its size, channels and preparation, and its classes in its order, of which some may have "
     "no folder",
     1},
    {"test", KEY_TEST, "SHARE", 0,
     "Share of every class that is held out as test set; 0: no test set (default: 0.2). "
     "Where DIR has the folders train and test, these are the sets",
     2},
    {"seed", KEY_SEED, "N", 0, "Decides which pictures are held out (default: 1)", 2},
    {"skip-bad", KEY_SKIP_BAD, NULL, 0,
     "Leave out pictures that cannot be read, with a warning for each (default: the first "
     "one is an error)",
     3},
    {"force", KEY_FORCE, NULL, 0, "Replace the data set that is in OUT", 3},
    {0}};

static void read_size(const struct argp_state *state, lks_pack_options *o, const char *text) {
    char rows[16], columns[16] = "";
    const size_t length = strcspn(text, "x");
    if (length >= sizeof rows || strlen(text + length) > sizeof columns)
        lks_usage_error(state, "--size %s: neither a number N nor RxC, rows and columns", text);
    memcpy(rows, text, length);
    rows[length] = '\0';
    strcpy(columns, text[length] ? text + length + 1 : rows);
    o->rows = (int)lks_read_number(state, "size", rows, 1, 65536);
    o->columns = (int)lks_read_number(state, "size", columns, 1, 65536);
}

static double read_share(const struct argp_state *state, const char *text) {
    char *end;
    const double share = strtod(text, &end);
    if (*end || end == text || text[strspn(text, "0123456789.eE-")] || !(share >= 0 && share < 1))
        lks_usage_error(state, "--test %s: not a share from 0 up to, but not including, 1", text);
    return share;
}

static void check_ways(const struct argp_state *state, const lks_pack_options *o) {
    const bool shaped = o->rows || o->channels || o->invert || o->background >= 0;
    if (o->mnist && shaped)
        lks_usage_error(state,
                        "--preprocess mnist makes images of 28 x 28 grey pixels, light on "
                        "black: --size, --channels, --invert and --background have no meaning");
    if (o->like && (shaped || o->mnist))
        lks_usage_error(state, "--like takes all from its network: --preprocess, --size, "
                               "--channels, --invert and --background have no meaning");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const char *const channels[] = {"1", "3", NULL};
    static const char *const ways[] = {"none", "mnist", NULL};
    lks_pack_options *o = state->input;
    switch (key) {
    case KEY_SIZE:
        read_size(state, o, arg);
        return 0;
    case KEY_CHANNELS:
        o->channels = lks_read_word(state, "channels", arg, channels) == 0 ? 1 : 3;
        return 0;
    case KEY_INVERT:
        o->invert = true;
        return 0;
    case KEY_BACKGROUND:
        o->background = (int)lks_read_number(state, "background", arg, 0, 255);
        return 0;
    case KEY_PREPROCESS:
        o->mnist = lks_read_word(state, "preprocess", arg, ways) == 1;
        return 0;
    case KEY_LIKE:
        o->like = lks_read_name(state, "like", arg);
        return 0;
    case KEY_TEST:
        o->test = read_share(state, arg);
        return 0;
    case KEY_SEED:
        o->seed = lks_read_number(state, "seed", arg, 0, UINT64_MAX);
        return 0;
    case KEY_SKIP_BAD:
        o->skip_bad = true;
        return 0;
    case KEY_FORCE:
        o->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 2)
            lks_usage_error(state, "two folders are enough: '%s' is too many", arg);
        if (!*arg)
            lks_usage_error(state, "a folder's name is empty");
        *(state->arg_num == 0 ? &o->dir : &o->out) = arg;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            lks_usage_error(
                state,
                "two folders are needed, that of the pictures and one to write to, e.g. lockstep "
                "pack digits data/digits");
        check_ways(state, o);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* The network that the printed commands train. */
static void name_network(lks_pack_options *o) {
    const lks_embedded *s = lks_shipped_configs;
    while (strcmp(s->name, "mnist-convnet") != 0)
        s++;
    o->network = s->name;
    o->network_text = (const char *)s->text;
    o->network_size = s->size;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    lks_pack_options o = {.test = -1, .seed = 1, .background = -1};
    lks_error err;
    lks_parse(call, &common, &o);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    name_network(&o);
    lks_status status = lks_pack(&o, &err);
    return status == LKS_OK ? 0 : lks_report(&err);
}

static const struct argp argp = {
    options,
    parse,
    "DIR OUT",
    "Turns pictures (" LKS_PICTURE_FORMATS ") into the IDX files that training reads, in "
    "folder OUT. DIR has a folder for each class, DIR/CLASS/*.png or *.jpg, with or without "
    "folders in it. Classes are numbered in order of their names, by value where all "
    "names are numbers. Or DIR has the folders train and test, and each of them the "
    "class folders. The same pictures give the same bytes on every machine.\vAt the end "
    "it prints the classes and the commands that train on them. Exit status: 0 done, 1 a "
    "folder or picture is bad, 2 an option is wrong or missing. After 1 and 2 nothing is "
    "written.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_pack = {
    "pack", "turn class folders of pictures (" LKS_PICTURE_FORMATS ") into a data set", &argp,
    &lks_help_argp, run};
