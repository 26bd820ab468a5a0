/* Messages that tell what a file is, and what to do. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/kind/file_kind.h"
#include "base/shell.h"

enum { COMMAND_MAX = 2048, ADVICE_MAX = COMMAND_MAX + 256 };

/* --- commands --------------------------------------------------------------------------------- */

static void add(char *text, size_t size, const char *more) {
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", more);
}

/* @p path without its ending, and with @p ending, as a word for a shell. */
static void add_word(char *text, size_t size, const char *path, const char *ending) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    const size_t stem = ending && dot && dot > name ? (size_t)(dot - path) : strlen(path);
    char *made = NULL;
    if (asprintf(&made, "%.*s%s", (int)stem, path, ending ? ending : "") < 0)
        return;
    char *word = lks_shell_word(made);
    if (word)
        add(text, size, word);
    free(word);
    free(made);
}

/* What follows a % in a command up to the next space belongs to the same word: %b.ppm. */
static void expand(char *text, size_t size, const char *command, const char *path) {
    for (const char *c = command; *c; c++) {
        char ending[32];
        if (*c != '%') {
            add(text, size, (const char[]){*c, '\0'});
            continue;
        }
        const char what = *++c;
        const size_t tail = what == 'b' ? strcspn(c + 1, " ") : 0;
        snprintf(ending, sizeof ending, "%.*s", (int)tail, c + 1);
        c += tail;
        add_word(text, size, path, what == 'i' ? NULL : what == 'o' ? ".png" : ending);
    }
}

char *lks_file_kind_command(const lks_file_kind *kind, const char *path, char *text, size_t size) {
    text[0] = '\0';
    if (!kind->command)
        return text;
    add(text, size, "`");
    expand(text, size, kind->command, path);
    add(text, size, "`");
    if (kind->package) {
        add(text, size, " (package ");
        add(text, size, kind->package);
        add(text, size, ")");
    }
    return text;
}

/* --- advice ----------------------------------------------------------------------------------- */

/* What to do with a file of that family, where such a one is wanted; %s is the command. */
static const char *advice_on(lks_file_family family, lks_file_wanted wanted) {
    const bool images =
        wanted == LKS_WANTED_IMAGES || wanted == LKS_WANTED_UNPACKED || wanted == LKS_WANTED_ANY;
    const bool picture = wanted == LKS_WANTED_PICTURE;
    const bool checkpoint = wanted == LKS_WANTED_CHECKPOINT, config = wanted == LKS_WANTED_CONFIG;
    const bool weights = wanted == LKS_WANTED_WEIGHTS;
    switch (family) {
    case LKS_FILE_PACKED:
    case LKS_FILE_GZIP:
        return ": %s unpacks it";
    case LKS_FILE_ABSENT:
        return ": %s fetches the file itself";
    case LKS_FILE_PAGE:
        return ": fetch the file itself, not the page that shows it";
    case LKS_FILE_FOREIGN:
        if (picture)
            return ": %s makes one of it";
        /* fall through */
    case LKS_FILE_PICTURE:
        if (wanted == LKS_WANTED_UNPACKED)
            return ": unpack it with gunzip";
        return images       ? ": `lockstep pack` makes a data set of pictures in class folders"
               : checkpoint ? ": pictures come after the checkpoint"
                            : "";
    case LKS_FILE_ARRAY:
    case LKS_FILE_TABLE:
        if (checkpoint)
            return ": `lockstep import` takes weights as .npz";
        return images    ? ": write its values there as unsigned bytes (a script is in "
                           "configs/README.md, which comes with the program)"
               : picture ? ": write each of its images as a PNG"
                         : "";
    case LKS_FILE_HDF5:
        if (checkpoint)
            return ": `lockstep import` makes one of a network of Keras's";
        return images    ? ": the name of a data set in HDF5 must end in .h5 or .hdf5"
               : picture ? ": write each of its images as a PNG"
                         : "";
    case LKS_FILE_SET:
        return checkpoint ? ": images come after the checkpoint" : "";
    case LKS_FILE_OWN:
        return config    ? ": the config.yaml of its run folder is one"
               : weights ? ": eval, predict and train take it as it is"
                         : "";
    case LKS_FILE_BUNDLE:
        return checkpoint ? ": unpacked with `tar -xf` it has some in run/checkpoints"
               : config   ? ": unpacked with `tar -xf` it has run/config.yaml"
                          : ": %s checks it";
    case LKS_FILE_CONFIG:
        return checkpoint ? ": `lockstep train` makes one with it" : "";
    case LKS_FILE_TEXT:
        return ": %s makes UTF-8 of it";
    case LKS_FILE_UNKNOWN:
        return checkpoint || weights ? ", or a damaged one" : "";
    case LKS_FILE_WEIGHTS:
        return weights ? ": it is damaged at its beginning"
               : checkpoint || wanted == LKS_WANTED_ANY
                   ? ": `lockstep import` makes a checkpoint of it"
                   : "";
    case LKS_FILE_NETWORK:
        return checkpoint || weights || wanted == LKS_WANTED_ANY
                   ? ": saved as safetensors, npz, ONNX or by Keras, `lockstep import` takes its "
                     "weights"
                   : "";
    case LKS_FILE_OTHER:
        return "";
    }
    return "";
}

static void advise(char text[ADVICE_MAX], const lks_file_kind *kind, const char *path,
                   lks_file_wanted wanted) {
    char command[COMMAND_MAX];
    const char *advice = advice_on(kind->family, wanted);
    const char *hole = strstr(advice, "%s");
    lks_file_kind_command(kind, path, command, sizeof command);
    text[0] = '\0';
    if (hole && command[0])
        snprintf(text, ADVICE_MAX, "%.*s%s%s", (int)(hole - advice), advice, command, hole + 2);
    else if (!hole)
        snprintf(text, ADVICE_MAX, "%s", advice);
}

lks_status lks_fail_file_kind(lks_error *err, const char *path, const lks_file_kind *kind,
                              lks_file_wanted wanted) {
    static const struct {
        lks_status status;
        const char *is, *what;
    } table[] = {
        [LKS_WANTED_PICTURE] = {LKS_ERR_DATA, "is",
                                "a picture that can be read (" LKS_PICTURE_FORMATS ")"},
        [LKS_WANTED_IMAGES] = {LKS_ERR_DATA, "is",
                               "an IDX file of unsigned bytes, plain or .gz, or an HDF5 file"},
        [LKS_WANTED_UNPACKED] = {LKS_ERR_DATA, "is, unpacked,", "an IDX file of unsigned bytes"},
        [LKS_WANTED_ANY] = {LKS_ERR_DATA, "is",
                            "a configuration, a checkpoint, a run folder or a data set"},
        [LKS_WANTED_CHECKPOINT] = {LKS_ERR_FORMAT, "is", "a checkpoint of Lockstep's"},
        [LKS_WANTED_WEIGHTS] = {LKS_ERR_FORMAT, "is",
                                "weights that can be imported (safetensors, npz, ONNX, Keras)"},
        [LKS_WANTED_BUNDLE] = {LKS_ERR_FORMAT, "is",
                               "a run folder or an archive of `lockstep bundle`"},
        [LKS_WANTED_CONFIG] = {LKS_ERR_CONFIG, "is", "a configuration (YAML)"}};
    char advice[ADVICE_MAX];
    if (!kind)
        kind = lks_file_kind_of("\xff", 1);
    advise(advice, kind, path, wanted);
    return lks_fail(err, table[wanted].status, "%s: %s %s, not %s%s", path, table[wanted].is,
                    kind->name, table[wanted].what, advice);
}
