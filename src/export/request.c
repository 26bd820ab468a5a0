/* What is asked for: options, and names of files. */
#include "export/request.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"

/* --- endings ---------------------------------------------------------------------------------- */

int lks_export_files(const lks_export_format *format) {
    int n = 0;
    while (format->endings[n])
        n++;
    return n;
}

/* The length of `path` without ".ENDING", where it has that. */
static size_t stem_of(const char *path, const char *ending) {
    const size_t length = strlen(path), end = strlen(ending) + 1;
    const bool has = length > end && path[length - end] == '.' &&
                     strcmp(path + length - end + 1, ending) == 0 && path[length - end - 1] != '/';
    return has ? length - end : length;
}

/* --- options ---------------------------------------------------------------------------------- */

static const struct {
    lks_export_option option;
    const char *name;
} option_names[] = {{LKS_EXPORT_NORMALIZED, "--normalized-input"},
                    {LKS_EXPORT_SOFTMAX, "--softmax"},
                    {LKS_EXPORT_INPUT, "--input"},
                    {LKS_EXPORT_INT8, "--int8"}};
enum { OPTIONS = sizeof option_names / sizeof option_names[0], NAMES_ROOM = 256 };

/* The names of the formats that have a use for all of `options`, "onnx or c". */
static const char *names_with(unsigned options, char names[NAMES_ROOM]) {
    size_t used = 0;
    names[0] = '\0';
    for (const lks_export_format *const *f = lks_export_formats; *f && used < NAMES_ROOM; f++)
        if (((*f)->options & options) == options)
            used += (size_t)snprintf(names + used, NAMES_ROOM - used, "%s%s", used ? " or " : "",
                                     (*f)->name);
    return names;
}

/* The format of that name. */
static const lks_export_format *find_format(const char *name, lks_error *err) {
    char names[NAMES_ROOM];
    lks_nearest nearest = lks_nearest_start(name);
    for (const lks_export_format *const *f = lks_export_formats; *f; f++) {
        if (strcmp((*f)->name, name) == 0)
            return *f;
        lks_nearest_offer(&nearest, (*f)->name, strlen((*f)->name));
    }
    if (nearest.best)
        lks_fail(err, LKS_ERR_USAGE, "unknown format '%.64s'; did you mean '%s'?", name,
                 nearest.best);
    else
        lks_fail(err, LKS_ERR_USAGE, "unknown format '%.64s'; it is %s", name,
                 names_with(0, names));
    return NULL;
}

/* The format whose files are called so, and which of its files `path` is; NULL: no format's are. No ending is the end of
 * another one's: "x.weights.h5" is of one. */
static const lks_export_format *format_by_ending(const char *path, const char **ending) {
    for (const lks_export_format *const *f = lks_export_formats; *f; f++)
        for (int i = 0; (*f)->endings[i]; i++)
            if (stem_of(path, (*f)->endings[i]) < strlen(path)) {
                *ending = (*f)->endings[i];
                return *f;
            }
    return NULL;
}

const lks_export_format *lks_export_format_of(const lks_export_options *o, lks_error *err) {
    char names[NAMES_ROOM];
    const char *ending;
    if (o->format)
        return find_format(o->format, err);
    const lks_export_format *format = o->out ? format_by_ending(o->out, &ending) : NULL;
    if (!format)
        lks_fail(err, LKS_ERR_USAGE, "--format is missing%s: %s",
                 o->out ? ", and the name of --out does not tell it" : "", names_with(0, names));
    return format;
}

/* A file that is called as those of another format would be taken for one. */
static lks_status check_ending(const lks_export_options *o, const lks_export_format *format,
                               lks_error *err) {
    const char *ending;
    const lks_export_format *other = o->out ? format_by_ending(o->out, &ending) : NULL;
    if (!other || other == format)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_USAGE,
                    "--out %s: .%s is the ending of format %s, not of %s; --format %s, or a name "
                    "that ends in .%s",
                    o->out, ending, other->name, format->name, other->name, format->endings[0]);
}

bool lks_export_to_stdout(const lks_export_options *o) {
    return o->out && strcmp(o->out, "-") == 0;
}

static lks_status check_stdout(const lks_export_options *o, const lks_export_format *format,
                               lks_error *err) {
    const int files = lks_export_files(format);
    if (!lks_export_to_stdout(o) || files == 1)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_USAGE,
                    "--out -: format %s is %d files, which standard output cannot hold; --out "
                    "FILE.%s names them",
                    format->name, files, format->endings[0]);
}

static lks_status check_options(const lks_export_options *o, const lks_export_format *format,
                                lks_error *err) {
    char names[NAMES_ROOM];
    for (int i = 0; i < OPTIONS; i++) {
        const unsigned option = (unsigned)option_names[i].option;
        if (!(o->given & option) || (format->options & option))
            continue;
        if (!names_with(option, names)[0])
            return lks_fail(err, LKS_ERR_USAGE, "%s: no format has a use for it",
                            option_names[i].name);
        return lks_fail(err, LKS_ERR_USAGE, "%s is for --format %s, not for %s",
                        option_names[i].name, names, format->name);
    }
    if (o->bytes && (o->given & LKS_EXPORT_NORMALIZED))
        return lks_fail(err, LKS_ERR_USAGE,
                        "--input uint8 takes pixels as they are: it does not go with "
                        "--normalized-input");
    return LKS_OK;
}

lks_status lks_export_check(const lks_export_options *o, lks_error *err) {
    const lks_export_format *format = lks_export_format_of(o, err);
    if (!format)
        return err->status;
    LKS_TRY(check_ending(o, format, err));
    LKS_TRY(check_stdout(o, format, err));
    return check_options(o, format, err);
}

/* --- names of files --------------------------------------------------------------------------- */

/* The name of a run folder, also of "." and "runs/a/", or of a checkpoint's file. */
static lks_status default_stem(const char *checkpoint, char stem[LKS_FOLDER_PATH_MAX],
                               lks_error *err) {
    struct stat info;
    char *real = NULL;
    if (stat(checkpoint, &info) == 0 && S_ISDIR(info.st_mode))
        real = realpath(checkpoint, NULL);
    const char *path = real ? real : checkpoint, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const size_t length = stem_of(name, "h5");
    if (length > 0 && length < NAME_MAX)
        snprintf(stem, LKS_FOLDER_PATH_MAX, "%.*s", (int)length, name);
    free(real);
    if (length == 0 || length >= NAME_MAX)
        return lks_fail(err, LKS_ERR_USAGE, "%s gives the file no name: --out FILE does",
                        checkpoint);
    return LKS_OK;
}

/* Where a format has one file, the user may choose another ending. */
lks_status lks_export_find_names(const lks_export_options *o, const lks_export_format *format,
                                 lks_export_names names, lks_error *err) {
    char stem[LKS_FOLDER_PATH_MAX];
    const int n = lks_export_files(format);
    if (!o->out)
        LKS_TRY(default_stem(o->checkpoint, stem, err));
    else if (strlen(o->out) + 16 > sizeof stem)
        return lks_fail(err, LKS_ERR_USAGE, "--out: a path of %zu bytes is too long",
                        strlen(o->out));
    else if (n > 1 && stem_of(o->out, format->endings[0]) == strlen(o->out))
        return lks_fail(err, LKS_ERR_USAGE,
                        "--out %s: format %s is %d files, whose names have to be told apart: --out "
                        "%.*s.%s",
                        o->out, format->name, n, (int)stem_of(o->out, format->endings[n - 1]),
                        o->out, format->endings[0]);
    else
        snprintf(stem, sizeof stem, "%.*s", (int)stem_of(o->out, format->endings[0]), o->out);
    for (int i = 0; i < n; i++)
        snprintf(names[i], sizeof names[i], "%.*s.%s", (int)(sizeof names[i] - 16), stem,
                 format->endings[i]);
    if (o->out)
        snprintf(names[0], sizeof names[0], "%s", o->out);
    return LKS_OK;
}

lks_status lks_export_check_names(const lks_export_options *o, const lks_export_format *format,
                                  lks_export_names names, lks_error *err) {
    struct stat info;
    if (lks_export_to_stdout(o))
        return LKS_OK;
    for (int i = 0; i < lks_export_files(format); i++) {
        if (lstat(names[i], &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode))
            return lks_fail(err, LKS_ERR_USAGE, "%s: is a folder where a file belongs", names[i]);
        if (!o->force)
            return lks_fail(err, LKS_ERR_USAGE,
                            "%s: is there already; --force replaces it, --out FILE names another",
                            names[i]);
    }
    return LKS_OK;
}
