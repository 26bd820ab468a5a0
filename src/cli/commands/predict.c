/* lockstep predict */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/name_list.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "files/kind/file_kind.h"
#include "files/whole_file.h"
#include "lockstep/eval.h"
#include "lockstep/log.h"
#include "tool/predict_print.h"
#include "tool/sort.h"

/* With --fail-unsure. */
enum { EXIT_UNSURE = 3 };

enum {
    KEY_WITH = 'w',
    KEY_SHIFTS = 'm',
    KEY_PREPROCESS = 'p',
    KEY_INVERT = 'i',
    KEY_BACKGROUND = 'b',
    KEY_TOP = 'k',
    KEY_FORMAT = 'f',
    KEY_SHOW = 'o',
    KEY_FILES_FROM = 'F',
    KEY_UNSURE_BELOW = 'u',
    KEY_FAIL_UNSURE = 'U',
    KEY_SORT = 'S',
    KEY_SEGMENT = 'g',
    KEY_SHOW_TO = 'O'
};

static const struct argp_option options[] = {
    {"with", KEY_WITH, "CHECKPOINT", 0,
     "Another checkpoint, trained on the same data. Probabilities are averaged. May be "
     "repeated",
     1},
    {"shifts", KEY_SHIFTS, "N", 0,
     "Look at each image (2 N + 1)^2 times, moved by up to N pixels in both directions, "
     "and average the probabilities. N is from 0 to 8 (default: 0)",
     1},
    {"preprocess", KEY_PREPROCESS, "auto|mnist|none", 0,
     "mnist: a photo or drawing of a digit becomes an image like MNIST's: light on black, "
     "cropped, 20 pixels long, centred by mass. none: it is resized as by `lockstep "
     "pack`. auto (default): what data.pictures of the network's configuration says; see "
     "`lockstep help data.pictures`",
     2},
    {"invert", KEY_INVERT, NULL, 0,
     "With --preprocess none: light becomes dark, as in `lockstep pack`", 2},
    {"background", KEY_BACKGROUND, "V", 0,
     "With --preprocess none: grey value of what is transparent or beside the picture, 0 "
     "to 255, as in `lockstep pack` (default: 0; with --invert 255)",
     2},
    {"segment", KEY_SEGMENT, NULL, 0,
     "Pictures have several digits, in a line or on a form: find them, and answer each with its "
     "box, and each line with its number",
     3},
    {"files-from", KEY_FILES_FROM, "FILE", 0,
     "Read more names of images from FILE, one a line; - is standard input", 3},
    {"top", KEY_TOP, "K", 0,
     "Print the K most probable classes (default: 3, or all where there are fewer)", 4},
    {"format", KEY_FORMAT, "text|json|csv", 0,
     "text (default): one line for each image. json: one object for each image, with all "
     "probabilities (JSON Lines). csv: with a line of headings",
     4},
    {"sort", KEY_SORT, "DIR", 0,
     "Copy each picture into DIR/CLASS/, by its answer, or into DIR/unsure/. Nothing is replaced; "
     "what lies in one of the class folders already, byte by byte, stays there",
     4},
    {"show", KEY_SHOW, NULL, 0,
     "Print what the network saw; with json as numbers, `pixels`, row by row, the "
     "channels of a pixel together. With --segment also the picture with the boxes of what was "
     "found",
     4},
    {"unsure-below", KEY_UNSURE_BELOW, "P", 0,
     "Mark an answer as unsure that is less sure than P percent, from 0 to 100 (default: 80). "
     "Blank pictures, several parts, images unlike the training images, and larger pictures that "
     "would be answered less surely a pixel aside are marked in any case",
     5},
    {"fail-unsure", KEY_FAIL_UNSURE, NULL, 0,
     "End with exit status 3 where an answer is unsure, or --segment finds no digit", 5},
    {"show-to", KEY_SHOW_TO, "FILE.png", 0,
     "With --segment: write the picture with boxes and answers, the unsure ones in red", 4},
    {0}};

typedef struct arguments {
    lks_predict_options o;
    lks_predict_printer printer;
    const char **checkpoints; /* o's */
    const char **images;      /* [n_images] */
    int n_images;
    const char *files_from;
    const char *sort; /* NULL: nothing is sorted */
    lks_sorter sorter;
    int background; /* -1: not given */
    bool fail_unsure;
    bool failed;   /* something could not be read or answered */
    bool given_up; /* the network has no answers */
} arguments;

/* --- arguments -------------------------------------------------------------------------------- */

static void add_argument(arguments *a, const char *arg) {
    if (!a->checkpoints[0])
        a->checkpoints[0] = arg;
    else
        a->images[a->n_images++] = arg;
}

static void check(const struct argp_state *state, arguments *a) {
    lks_pictures_config *pictures = &a->o.pictures;
    if (!a->checkpoints[0])
        lks_usage_error(state,
                        "a checkpoint or run folder is missing, and images, e.g. lockstep predict "
                        "runs/NAME photo.png");
    if (a->n_images == 0 && !a->files_from)
        lks_usage_error(state, "images are missing: name " LKS_PICTURE_FORMATS
                               " or IDX files, or --files-from");
    if ((pictures->invert || a->background >= 0) && pictures->preprocess != LKS_PREPROCESS_NONE)
        lks_usage_error(state, "--invert and --background need --preprocess none");
    pictures->background = a->background >= 0 ? a->background : pictures->invert ? 255 : 0;
    if (a->printer.boxes.path && (!a->o.segment || a->n_images != 1 || a->files_from))
        lks_usage_error(state, "--show-to needs --segment and one picture");
    if (a->printer.boxes.path && lks_same_file(a->printer.boxes.path, a->images[0]))
        lks_usage_error(state, "--show-to %s: would replace the picture itself; name another file",
                        a->printer.boxes.path);
    a->printer.boxes.prints =
        a->o.segment && a->printer.show && a->printer.format == LKS_FORMAT_TEXT;
    if (a->printer.show && a->printer.format == LKS_FORMAT_CSV)
        lks_usage_error(state, "--show is for text and json, not for csv");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const char *const ways[] = {"auto", "mnist", "none", NULL};
    arguments *a = state->input;
    switch (key) {
    case KEY_WITH:
        a->checkpoints[a->o.n_checkpoints++] = arg;
        return 0;
    case KEY_SHIFTS:
        a->o.shifts = (int)lks_read_number(state, "shifts", arg, 0, LKS_SHIFTS_MAX);
        return 0;
    case KEY_PREPROCESS:
        a->o.pictures.preprocess = (lks_preprocess)lks_read_word(state, "preprocess", arg, ways);
        return 0;
    case KEY_INVERT:
        a->o.pictures.invert = true;
        return 0;
    case KEY_BACKGROUND:
        a->background = (int)lks_read_number(state, "background", arg, 0, 255);
        return 0;
    case KEY_SEGMENT:
        a->o.segment = a->printer.segment = true;
        return 0;
    case KEY_SHOW_TO:
        a->printer.boxes.path = lks_read_png_name(state, "show-to", arg);
        return 0;
    case KEY_FILES_FROM:
        a->files_from = lks_read_name(state, "files-from", arg);
        return 0;
    case KEY_SORT:
        a->sort = lks_read_name(state, "sort", arg);
        return 0;
    case KEY_TOP:
        a->printer.top = (int)lks_read_number(state, "top", arg, 1, LKS_CLASSES_MAX);
        return 0;
    case KEY_FORMAT:
        a->printer.format = lks_read_format(state, arg, true);
        return 0;
    case KEY_UNSURE_BELOW:
        a->o.unsure_below = (double)lks_read_number(state, "unsure-below", arg, 0, 100) / 100;
        return 0;
    case KEY_FAIL_UNSURE:
        a->fail_unsure = true;
        return 0;
    case KEY_SHOW:
        a->printer.show = true;
        return 0;
    case ARGP_KEY_ARG:
        add_argument(a, arg);
        return 0;
    case ARGP_KEY_END:
        check(state, a);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* --- names from a file ------------------------------------------------------------------------ */

/* Cuts @p text into its lines; the next name that is not empty, NULL behind the last. */
static const char *next_name(char **text) {
    char *name;
    do
        name = strsep(text, "\n");
    while (name && !*name);
    return name;
}

static int width_of_names(const arguments *a, const char *text) {
    int widest = 0;
    for (int i = 0; i < a->n_images; i++) {
        const int width = lks_text_width(a->images[i]);
        widest = width > widest ? width : widest;
    }
    while (text && *text) {
        const int length = (int)strcspn(text, "\n");
        widest = length > widest ? length : widest;
        text += length + (text[length] != '\0');
    }
    return widest;
}

/* --- the work --------------------------------------------------------------------------------- */

/* False, and said, if it failed: because of a picture, or of the network, which will not do better with others. */
static bool went_well(arguments *a, lks_status status, const lks_error *err) {
    if (status == LKS_OK)
        return true;
    lks_error_print(err->text);
    a->given_up = status == LKS_ERR_NUMERIC;
    return false;
}

static bool flush(lks_predictor *predictor, arguments *a) {
    lks_error err;
    return went_well(a, lks_predictor_flush(predictor, &err), &err);
}

static void on_answer(void *context, const lks_answer *answer) {
    arguments *a = context;
    if (a->sort)
        lks_sorter_take(&a->sorter, answer);
    if (a->sorter.status == LKS_OK)
        lks_predict_print(&a->printer, answer);
}

/* Answers that nobody can read, that cannot be sorted, or that are no numbers, are not made. */
static bool goes_on(const arguments *a) {
    return !ferror(stdout) && a->sorter.status == LKS_OK && !a->given_up;
}

static bool on_failure(void *context, lks_status status, const lks_error *err) {
    arguments *a = context;
    a->failed |= !went_well(a, status, err);
    return goes_on(a);
}

/* Files that are read before it is asked again whether answers are wanted. */
enum { WINDOW = 1024 };

static void answer_some(lks_predictor *predictor, arguments *a, const char *const *names, int n) {
    if (n > 0 && goes_on(a))
        lks_predictor_read_all(predictor, names, n, on_failure, a);
}

/* False if the list has no name. */
static bool answer_list(lks_predictor *predictor, arguments *a, char *names) {
    const char *window[WINDOW], *name;
    bool listed = false;
    int n = 0;
    while (goes_on(a) && (name = next_name(&names))) {
        listed = true;
        window[n++] = name;
        if (n == WINDOW) {
            answer_some(predictor, a, window, n);
            n = 0;
        }
    }
    answer_some(predictor, a, window, n);
    return listed;
}

/* Returns the exit status. */
static int answer_all(lks_predictor *predictor, arguments *a, char *names) {
    lks_predict_print_head(&a->printer);
    for (int i = 0, n; i < a->n_images; i += n) {
        n = a->n_images - i < WINDOW ? a->n_images - i : WINDOW;
        answer_some(predictor, a, a->images + i, n);
    }
    if (a->files_from && !answer_list(predictor, a, names) && goes_on(a))
        lks_warn("--files-from %s: there is no name of an image", a->files_from);
    if (goes_on(a))
        a->failed |= !flush(predictor, a);
    if (a->sorter.status != LKS_OK)
        return lks_report(&a->sorter.err);
    if (a->sort && a->printer.format == LKS_FORMAT_TEXT)
        lks_sorter_report(&a->sorter);
    const char *why = lks_predictor_uncalibrated(predictor);
    if (why && a->printer.answered)
        lks_warn("how sure the answers are is not calibrated: %s", why);
    if (a->failed)
        return 1;
    const bool unsure = a->printer.unsure || lks_predictor_found_none(predictor);
    return a->fail_unsure && unsure ? EXIT_UNSURE : 0;
}

static int work(arguments *a) {
    lks_predict_printer *printer = &a->printer;
    lks_predictor *predictor = NULL;
    lks_error err;
    char *names = NULL;
    int exit_status;
    lks_status status = a->files_from ? lks_name_list_read(a->files_from, &names, &err) : LKS_OK;
    if (status == LKS_OK)
        status = lks_predictor_open(&predictor, &a->o, on_answer, a, &err);
    if (status == LKS_OK && a->sort)
        status = lks_sorter_open(&a->sorter, a->sort, predictor, &err);
    if (status == LKS_OK) {
        printer->shape = lks_predictor_shape(predictor);
        printer->classes = lks_predictor_classes(predictor);
        printer->data = lks_predictor_data(predictor);
        printer->calibrated = !lks_predictor_uncalibrated(predictor);
        printer->name_width = width_of_names(a, names);
        if (printer->top > printer->classes)
            printer->top = printer->classes;
        exit_status = answer_all(predictor, a, names);
        if (printer->boxes.status != LKS_OK)
            exit_status = lks_report(&printer->boxes.err);
        lks_boxes_free(&printer->boxes);
    } else {
        exit_status = lks_report(&err);
    }
    lks_sorter_free(&a->sorter);
    lks_predictor_free(predictor);
    free(names);
    return exit_status;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {.background = -1,
                   .o = {.n_checkpoints = 1, .unsure_below = LKS_UNSURE_BELOW},
                   .printer = {.top = 3}};
    int exit_status = 0;
    a.o.checkpoints = a.checkpoints = lks_argument_list(call->argc);
    a.images = lks_argument_list(call->argc);
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    a.o.threads = common.threads;
    if (lks_speaks())
        exit_status = work(&a);
    lks_common_free(&common);
    free(a.checkpoints);
    free(a.images);
    return exit_status;
}

static const struct argp argp = {
    options,
    parse,
    "CHECKPOINT IMAGE...",
    "Tells what the network of CHECKPOINT takes each IMAGE for, and how sure it is. A "
    "run folder stands for the checkpoint that its run is tested with. An IMAGE is a "
    "" LKS_PICTURE_FORMATS " file, or an IDX file, plain or .gz, with one answer for each "
    "of its images.\vAnswers come in the order of the names. An image that cannot be "
    "read is named in a message, and the others are answered. Exit status: 0 done, 1 an "
    "image or the checkpoint cannot be read, 2 an option is wrong or missing, 3 an answer is "
    "unsure (with --fail-unsure).",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_predict = {
    "predict", "tell what is on pictures: " LKS_PICTURE_FORMATS ", or IDX files", &argp,
    &lks_common_argp, run};
