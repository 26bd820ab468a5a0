#include "tool/sort.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "files/whole_file.h"
#include "data/data.h"
#include "base/digest.h"
#include "lockstep/log.h"
#include "lockstep/picture.h"
#include "files/publish.h"

enum { TRIES = 100000 }; /* names for one picture */

static const char *folder_name(const lks_sorter *s, int k, char out[LKS_CLASS_FOLDER_MAX]) {
    if (k < s->classes)
        return lks_class_folder(s->data, s->classes, k, out);
    return LKS_UNSURE_FOLDER;
}

/* --- what is there ---------------------------------------------------------------------------- */

/* With a copy of @p path. */
static lks_status add_file(lks_sorter *s, const char *path, lks_sorted_file file, lks_error *err) {
    if ((s->n_files & (s->n_files - 1)) == 0) { /* room for a power of two */
        const size_t room = s->n_files ? 2 * (size_t)s->n_files : 1;
        lks_sorted_file *files = reallocarray(s->files, room, sizeof *files);
        if (!files)
            return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the files of %s", s->dir);
        s->files = files;
    }
    file.path = strdup(path);
    if (!file.path)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the files of %s", s->dir);
    s->files[s->n_files++] = file;
    return LKS_OK;
}

static lks_status cannot_be_listed(const char *path, lks_error *err) {
    return lks_fail(err, LKS_ERR_IO, "%s: cannot be listed: %s", path, strerror(errno));
}

static lks_status list_open(lks_sorter *s, DIR *folder, const char *path, bool unsure,
                            lks_error *err) {
    for (;;) {
        char file[LKS_PATH_MAX];
        struct stat info;
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry && errno)
            return cannot_be_listed(path, err);
        if (!entry)
            return LKS_OK;
        if (entry->d_name[0] == '.')
            continue;
        LKS_TRY(lks_data_path(file, path, entry->d_name, err));
        if (stat(file, &info) == 0 && S_ISREG(info.st_mode))
            LKS_TRY(
                add_file(s, file, (lks_sorted_file){.size = info.st_size, .unsure = unsure}, err));
    }
}

static lks_status open_folder(lks_sorter *s, int k, lks_error *err) {
    char name[LKS_CLASS_FOLDER_MAX], path[LKS_PATH_MAX];
    LKS_TRY(lks_data_path(path, s->dir, folder_name(s, k, name), err));
    LKS_TRY(lks_publish_folder(path, err));
    DIR *folder = opendir(path);
    if (!folder)
        return cannot_be_listed(path, err);
    const lks_status status = list_open(s, folder, path, k == s->classes, err);
    closedir(folder);
    return status;
}

lks_status lks_sorter_open(lks_sorter *s, const char *dir, const lks_predictor *predictor,
                           lks_error *err) {
    *s = (lks_sorter){.dir = dir,
                      .data = lks_predictor_data(predictor),
                      .classes = lks_predictor_classes(predictor),
                      .shape = lks_predictor_shape(predictor)};
    for (int k = 0; k <= s->classes; k++)
        LKS_TRY(open_folder(s, k, err));
    return LKS_OK;
}

/* --- one picture ------------------------------------------------------------------------------ */

/* A picture on its way. */
typedef struct picture {
    unsigned char *bytes;
    size_t size;
    uint64_t hash;
    int folder;
} picture;

/* Files of one size are compared by hash: of 10,000 scans none is read 10,000 times. */
static bool holds(lks_sorted_file *file, const picture *p) {
    unsigned char *bytes;
    size_t size;
    lks_error ignored;
    if (file->size != (int64_t)p->size || (file->hash && file->hash != p->hash))
        return false;
    bool same = lks_read_whole_file(file->path, 0, NULL, &bytes, &size, &ignored) == LKS_OK;
    if (same)
        file->hash = lks_hash_bytes(bytes, size);
    same = same && size == p->size && memcmp(bytes, p->bytes, size) == 0;
    free(bytes);
    return same;
}

/* An unsure one that a better network is sure of goes on to its class. */
static bool is_there(lks_sorter *s, const picture *p) {
    for (int64_t i = 0; i < s->n_files; i++)
        if ((!s->files[i].unsure || p->folder == s->classes) && holds(&s->files[i], p))
            return true;
    return false;
}

/* At most @p most bytes of @p text, and no part of a character. */
static int cut(const char *text, int length, int most) {
    if (length <= most)
        return length;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

/* "photo.png", "photo-2.png", ...: the last component of the file's name, as one that `pack` takes. */
static lks_status name_try(const lks_sorter *s, const picture *p, const char *file, int number,
                           char path[LKS_PATH_MAX], lks_error *err) {
    char folder[LKS_CLASS_FOLDER_MAX], where[LKS_PATH_MAX], name[NAME_MAX + 1], suffix[16] = "";
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    const char *dot = lks_is_picture_name(base) ? strrchr(base, '.') : NULL;
    const int stem = dot ? (int)(dot - base) : (int)strlen(base);
    const char *ending = dot ? dot : ".png";
    if (number > 1)
        snprintf(suffix, sizeof suffix, "-%d", number);
    const int most = NAME_MAX - (int)strlen(suffix) - (int)strlen(ending);
    snprintf(name, sizeof name, "%.*s%s%s", cut(base, stem, most), base, suffix, ending);
    if (name[0] == '.')
        name[0] = '_';
    LKS_TRY(lks_data_path(where, s->dir, folder_name(s, p->folder, folder), err));
    return lks_data_path(path, where, name, err);
}

static lks_status put(lks_sorter *s, const picture *p, const char *file, lks_error *err) {
    char path[LKS_PATH_MAX];
    struct stat info;
    bool taken = true;
    for (int number = 1; taken && number <= TRIES; number++) {
        LKS_TRY(name_try(s, p, file, number, path, err));
        if (lstat(path, &info) == 0) /* else each try would write all of it */
            continue;
        LKS_TRY(lks_publish_new(path, (const char *)p->bytes, p->size, &taken, err));
    }
    if (taken)
        return lks_fail(err, LKS_ERR_IO, "%s: every name for it is taken", path);
    s->counts[p->folder]++;
    return add_file(s, path,
                    (lks_sorted_file){.size = (int64_t)p->size,
                                      .hash = p->hash,
                                      .unsure = p->folder == s->classes},
                    err);
}

/* Of a digit among several: what the network saw of it, called after its picture, line and place. */
static lks_status take_digit(const lks_sorter *s, const lks_answer *answer, picture *p,
                             char name[LKS_PATH_MAX], lks_error *err) {
    const char *slash = strrchr(answer->file, '/'), *base = slash ? slash + 1 : answer->file;
    const char *dot = strrchr(base, '.');
    const int stem = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    snprintf(name, LKS_PATH_MAX, "%.*s-%d-%d.png", cut(base, stem, NAME_MAX - 32), base,
             answer->place->line + 1, answer->place->place + 1);
    return lks_png_encode(answer->pixels, s->shape.rows, s->shape.columns, s->shape.channels,
                          &p->bytes, &p->size, err);
}

static lks_status take(lks_sorter *s, const lks_answer *answer, lks_error *err) {
    char name[LKS_PATH_MAX];
    const char *file = answer->place ? name : answer->file;
    picture p = {.folder = answer->doubt ? s->classes : answer->predicted};
    if (answer->index >= 0)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: is a data set, which --sort cannot put into folders: it takes files "
                        "of one picture each",
                        answer->file);
    lks_status status = answer->place ? take_digit(s, answer, &p, name, err)
                                      : lks_read_whole_file(file, 0, NULL, &p.bytes, &p.size, err);
    if (status == LKS_OK)
        p.hash = lks_hash_bytes(p.bytes, p.size);
    if (status == LKS_OK && is_there(s, &p))
        s->there++;
    else if (status == LKS_OK)
        status = put(s, &p, file, err);
    free(p.bytes);
    return status;
}

void lks_sorter_take(void *sorter, const lks_answer *answer) {
    lks_sorter *s = sorter;
    if (s->status == LKS_OK)
        s->status = take(s, answer, &s->err);
}

/* --- the end ---------------------------------------------------------------------------------- */

void lks_sorter_report(const lks_sorter *s) {
    int64_t total = 0;
    char name[LKS_CLASS_FOLDER_MAX], shown[4 * LKS_CLASS_FOLDER_MAX];
    for (int k = 0; k <= s->classes; k++)
        total += s->counts[k];
    lks_info("\n%s: %" PRId64 " picture%s copied, %" PRId64 " there already", s->dir, total,
             total == 1 ? "" : "s", s->there);
    for (int k = 0; k <= s->classes; k++) {
        const char *folder = folder_name(s, k, name);
        if (s->counts[k])
            lks_info("%8" PRId64 "  %s", s->counts[k],
                     lks_printable(shown, sizeof shown, folder, strlen(folder)));
    }
}

void lks_sorter_free(lks_sorter *s) {
    for (int64_t i = 0; i < s->n_files; i++)
        free(s->files[i].path);
    free(s->files);
    s->files = NULL;
    s->n_files = 0;
}
