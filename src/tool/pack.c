/* lockstep pack: pictures in class folders become IDX files. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/set_digest.h"
#include "files/kind/file_kind.h"
#include "base/digest.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "files/publish.h"
#include "base/timer.h"
#include "tool/pack.h"

enum { SIDE_MAX = 65536, IMAGE_BYTES_MAX = 1 << 28 }; /* what lks_idx_open() accepts */

static const char *const file_names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
enum {
    FILES = 4,
    NOTE = 0,
    FIRST = 1,
    GZ = FIRST + FILES, /* training takes them, too */
    DIGESTS = GZ + FILES,
    NAMES = DIGESTS + 2
};

typedef char paths[NAMES][LKS_PATH_MAX];

/* --- where the files go ----------------------------------------------------------------------- */

static lks_status name_files(paths path, const char *out, lks_error *err) {
    LKS_TRY(lks_data_path(path[NOTE], out, LKS_PACKED_NAME, err));
    for (int i = 0; i < 2 * FILES; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", file_names[i % FILES], i < FILES ? "" : ".gz");
        LKS_TRY(lks_data_path(path[FIRST + i], out, name, err));
    }
    for (int part = 0; part < 2; part++)
        LKS_TRY(lks_set_digest_path(path[FIRST + 2 * part], path[DIGESTS + part], err));
    return LKS_OK;
}

/* Before the long work: nothing is replaced unasked, and nothing but files at all. */
static lks_status check_out(paths path, const lks_pack_options *o, lks_error *err) {
    struct stat info;
    if (stat(o->out, &info) == 0 && !S_ISDIR(info.st_mode))
        return lks_fail(err, LKS_ERR_USAGE, "%s: is no folder; the packed files need one", o->out);
    for (int i = 0; i < NAMES; i++) {
        if (lstat(path[i], &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode))
            return lks_fail(err, LKS_ERR_USAGE, "%s: is a folder where a file belongs", path[i]);
        if (!o->force)
            return lks_fail(err, LKS_ERR_USAGE,
                            "%s: is there already; --force replaces the data set in %s, or give "
                            "another folder",
                            path[i], o->out);
    }
    return LKS_OK;
}

/* --- progress --------------------------------------------------------------------------------- */

static void clear_progress(lks_packed *p) {
    if (p->drawn)
        printf("\r\033[K");
    p->drawn = false;
}

static void show_progress(lks_packed *p, int64_t done) {
    if (!p->progress || lks_now() - p->last_drawn < 0.1)
        return;
    printf("\r\033[K%" PRId64 " of %" PRId64 " pictures", done, p->folder.n_pictures);
    fflush(stdout);
    p->drawn = true;
    p->last_drawn = lks_now();
}

/* --- pictures --------------------------------------------------------------------------------- */

/* The first picture decides what was left open, and then there is memory for all of them. */
static lks_status start_images(lks_packed *p, const lks_picture *first, lks_error *err) {
    lks_picture_form *f = &p->form;
    if (f->rows == 0) {
        f->rows = first->rows;
        f->columns = first->columns;
    }
    if (f->rows > SIDE_MAX || f->columns > SIDE_MAX ||
        (int64_t)f->rows * f->columns * f->channels > IMAGE_BYTES_MAX)
        return lks_fail(err, LKS_ERR_USAGE,
                        "images of %d x %d x %d are larger than can be trained on; give a smaller "
                        "--size",
                        f->rows, f->columns, f->channels);
    p->image_bytes = (size_t)f->rows * (size_t)f->columns * (size_t)f->channels;
    p->images = lks_alloc((size_t)p->folder.n_pictures, p->image_bytes, "the packed images", err);
    return p->images ? LKS_OK : LKS_ERR_MEMORY;
}

/* What is not settled by an option must be the same for all. */
static lks_status check_picture(const lks_packed *p, const lks_picture *picture, const char *path,
                                const char *first, lks_error *err) {
    const lks_picture_form *f = &p->form;
    if (!p->options->rows && (picture->rows != f->rows || picture->columns != f->columns))
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s is %d x %d (rows x columns), but %s is %d x %d; give --size, for "
                        "instance --size 28",
                        first, f->rows, f->columns, path, picture->rows, picture->columns);
    if (!p->options->channels && !lks_picture_is_grey(picture))
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s has colours; give --channels 1 to make all pictures grey, or "
                        "--channels 3 to keep them",
                        path);
    return LKS_OK;
}

/* As a network has them. */
static lks_status prepare(lks_packed *p, lks_picture *picture, const char *path, lks_error *err) {
    lks_prepared how;
    lks_picture_info info;
    if (!p->images)
        LKS_TRY(start_images(p, picture, err));
    LKS_TRY(lks_prepare(&p->preparation, picture, false,
                        p->images + (size_t)p->count * p->image_bytes, &how, &info, err));
    return info.blank ? lks_fail(err, LKS_ERR_DATA, "%s: nothing is to be seen on it", path)
                      : LKS_OK;
}

static lks_status put_picture(lks_packed *p, lks_picture *picture, const char *path,
                              const char **first, lks_error *err) {
    if (p->preparation.way != LKS_PREPROCESS_NONE || p->like)
        return prepare(p, picture, path, err);
    lks_picture_flatten(picture, p->form.background);
    if (!p->images) {
        *first = path;
        LKS_TRY(start_images(p, picture, err));
    }
    LKS_TRY(check_picture(p, picture, path, *first, err));
    return lks_picture_fit(picture, &p->form, p->images + (size_t)p->count * p->image_bytes, err);
}

static lks_status take_picture(lks_packed *p, const char *path, const char **first,
                               lks_error *err) {
    lks_picture picture;
    LKS_TRY(lks_picture_read(&picture, path, err));
    const lks_status status = put_picture(p, &picture, path, first, err);
    lks_picture_free(&picture);
    return status;
}

/* A picture that cannot be read, or shows nothing: not the fault of an option, nor of the machine. */
static bool is_bad(lks_status status) {
    return status == LKS_ERR_DATA || status == LKS_ERR_IO;
}

static lks_status fail_bad(lks_status status, lks_error *err) {
    const lks_error found = *err;
    return lks_fail(err, status, "%s; --skip-bad leaves such pictures out", found.text);
}

static lks_status read_pictures(lks_packed *p, lks_error *err) {
    const char *first = NULL;
    for (int64_t i = 0; i < p->folder.n_pictures; i++) {
        const lks_labelled_picture *from = &p->folder.pictures[i];
        show_progress(p, i);
        const lks_status status = take_picture(p, from->path, &first, err);
        if (p->options->skip_bad && is_bad(status)) {
            clear_progress(p);
            lks_warn("%s; left out", err->text);
            continue;
        }
        if (is_bad(status))
            return fail_bad(status, err);
        LKS_TRY(status);
        p->labels[p->count++] = from->label;
        p->n_train += !from->test;
    }
    clear_progress(p);
    if (p->count < p->folder.n_pictures)
        lks_warn("%" PRId64 " of %" PRId64 " pictures are left out",
                 p->folder.n_pictures - p->count, p->folder.n_pictures);
    return LKS_OK;
}

/* --- which of them test ----------------------------------------------------------------------- */

/* DIR/train and DIR/test: one after the other. */
static lks_status keep_parts(lks_packed *p, lks_error *err) {
    lks_split *s = &p->split;
    s->n_train = p->n_train;
    s->n_validation = p->count - p->n_train;
    s->train = lks_alloc((size_t)s->n_train, sizeof *s->train, "training ids", err);
    s->validation = lks_alloc((size_t)s->n_validation, sizeof *s->validation, "test ids", err);
    if (!s->train || !s->validation)
        return LKS_ERR_MEMORY;
    for (int64_t i = 0; i < p->count; i++)
        *(i < s->n_train ? &s->train[i] : &s->validation[i - s->n_train]) = (uint32_t)i;
    return LKS_OK;
}

/* By random numbers of its own: training with the same seed draws its validation split by number of
 * the image, and should not come upon neighbours of those that test. */
static lks_status hold_out(lks_packed *p, lks_error *err) {
    const double share = p->options->test < 0 ? LKS_PACK_TEST_SHARE : p->options->test;
    const lks_split_wish wish = {
        .classes = p->folder.n_classes, .validation = share, .seed = lks_hash64(p->options->seed)};
    LKS_TRY(lks_split_make(&p->split, p->labels, p->count, &wish, err));
    if (share > 0 && p->split.n_validation == 0)
        return lks_fail(
            err, LKS_ERR_USAGE,
            "%s: a share of %g of %" PRId64
            " pictures holds out none; give a larger --test, or --test 0 for no test set",
            p->options->dir, share, p->count);
    return LKS_OK;
}

/* Bad pictures that were left out may have been all there were. */
static lks_status check_counts(const lks_packed *p, lks_error *err) {
    int64_t counts[LKS_CLASSES_MAX] = {0};
    for (int64_t i = 0; i < p->n_train; i++)
        counts[p->labels[i]]++;
    for (int k = 0; k < p->folder.n_classes; k++)
        if (counts[k] == 0 && p->like)
            lks_warn("class %s has no picture for training", p->folder.class_names[k]);
        else if (counts[k] == 0)
            return lks_fail(err, LKS_ERR_DATA, "%s: no picture of class %s could be read",
                            p->options->dir, p->folder.class_names[k]);
    if (p->folder.has_test && p->count == p->n_train)
        return lks_fail(err, LKS_ERR_DATA, "%s/test: no picture could be read", p->options->dir);
    return LKS_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* A signal that would end the program waits until all files are there: in between it would leave some
 * of them, or temporaries. Before, nothing is written, and it ends at once. */
static lks_status publish_undisturbed(const lks_publish_item *items, int n, lks_error *err) {
    sigset_t ending, before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, &before);
    lks_status status = lks_publish_set(items, n, err);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* A part's bytes: two files and their digests. */
typedef struct part_files {
    lks_idx_bytes images, labels;
    char *digests;
} part_files;

static lks_status digest_part(const lks_packed *p, const uint32_t *ids, int64_t n,
                              const char *labels, char **text, lks_error *err) {
    const int shape[3] = {p->form.rows, p->form.columns, p->form.channels};
    lks_set_digest d;
    LKS_TRY(lks_set_digest_start(&d, n, shape, labels, err));
    lks_status status = LKS_OK;
    for (int64_t i = 0; i < n && status == LKS_OK; i++)
        status = lks_set_digest_add(&d, i, p->labels[ids[i]],
                                    p->images + (size_t)ids[i] * p->image_bytes, err);
    if (status == LKS_OK && !(*text = lks_set_digest_write(&d, err)))
        status = err->status;
    lks_set_digest_free(&d);
    return status;
}

static lks_status make_part(const lks_packed *p, bool test, part_files *files, lks_error *err) {
    const lks_picture_form *f = &p->form;
    const uint32_t *ids = test ? p->split.validation : p->split.train;
    const int64_t n = test ? p->split.n_validation : p->split.n_train;
    if (n == 0)
        return LKS_OK;
    LKS_TRY(lks_idx_make_images(&files->images, p->images, f->rows, f->columns, f->channels, ids, n,
                                err));
    LKS_TRY(lks_idx_make_labels(&files->labels, p->labels, ids, n, err));
    return digest_part(p, ids, n, file_names[test ? 3 : 1], &files->digests, err);
}

/* The note first: images without it would be taken for others. */
static lks_status publish_parts(const lks_packed *p, paths path, const part_files parts[2],
                                const char *note, lks_error *err) {
    lks_publish_item items[NAMES];
    for (int i = 0; i < NAMES; i++)
        items[i] = (lks_publish_item){path[i], NULL, 0};
    items[NOTE] = (lks_publish_item){path[NOTE], note, strlen(note)};
    for (int part = 0; part < 2; part++) {
        const part_files *f = &parts[part];
        lks_publish_item *set = &items[FIRST + 2 * part];
        set[0] = (lks_publish_item){set[0].path, f->images.bytes, f->images.size};
        set[1] = (lks_publish_item){set[1].path, f->labels.bytes, f->labels.size};
        items[DIGESTS + part] = (lks_publish_item){path[DIGESTS + part], f->digests,
                                                   f->digests ? strlen(f->digests) : 0};
    }
    LKS_TRY(lks_publish_folder(p->options->out, err));
    return publish_undisturbed(items, NAMES, err);
}

static lks_status publish(const lks_packed *p, paths path, lks_error *err) {
    part_files parts[2] = {{{0}, {0}, NULL}};
    lks_status status = make_part(p, false, &parts[0], err);
    if (status == LKS_OK)
        status = make_part(p, true, &parts[1], err);
    char *note = status == LKS_OK ? lks_pack_note(p, err) : NULL;
    if (status == LKS_OK)
        status = note ? publish_parts(p, path, parts, note, err) : LKS_ERR_MEMORY;
    free(note);
    for (int part = 0; part < 2; part++) {
        lks_idx_bytes_free(&parts[part].images);
        lks_idx_bytes_free(&parts[part].labels);
        lks_free(parts[part].digests);
    }
    return status;
}

static void warn_of_left_out(const lks_picture_folder *f) {
    for (int i = 0; i < f->n_left_out; i++) {
        const lks_left_out *l = &f->left_out[i];
        char advice[1024];
        lks_warn("left out: %s (%" PRId64 ", the first is %s); only " LKS_PICTURE_FORMATS
                 " pictures in class folders are packed%s",
                 l->kind, l->count, l->first, lks_left_out_advice(l, advice, sizeof advice));
    }
}

static lks_status pack(lks_packed *p, lks_error *err) {
    const lks_pack_options *o = p->options;
    paths path;
    LKS_TRY(name_files(path, o->out, err));
    LKS_TRY(check_out(path, o, err));
    if (o->like)
        LKS_TRY(lks_pack_like(p, err));
    LKS_TRY(p->like
                ? lks_picture_folder_scan_known(&p->folder, o->dir, p->like, p->like_classes, err)
                : lks_picture_folder_scan(&p->folder, o->dir, err));
    if (p->folder.has_test && o->test >= 0)
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s has a folder test: its pictures are the test set, so --test %g has no "
                        "meaning",
                        o->dir, o->test);
    warn_of_left_out(&p->folder);
    p->labels = lks_alloc((size_t)p->folder.n_pictures, 1, "the labels", err);
    if (!p->labels)
        return LKS_ERR_MEMORY;
    LKS_TRY(read_pictures(p, err));
    LKS_TRY(check_counts(p, err));
    LKS_TRY(p->folder.has_test ? keep_parts(p, err) : hold_out(p, err));
    LKS_TRY(lks_pack_check(p, err));
    LKS_TRY(publish(p, path, err));
    return lks_log_enabled() ? lks_pack_report(p, err) : LKS_OK;
}

lks_status lks_pack(const lks_pack_options *o, lks_error *err) {
    lks_packed p = {.options = o,
                    .form = {.rows = o->rows,
                             .columns = o->columns,
                             .channels = o->channels ? o->channels : 1,
                             .background = o->background >= 0 ? o->background
                                           : o->invert        ? 255
                                                              : 0,
                             .invert = o->invert},
                    .preparation = {.way = o->mnist ? LKS_PREPROCESS_MNIST : LKS_PREPROCESS_NONE},
                    .progress = lks_log_enabled() && isatty(STDOUT_FILENO),
                    .last_drawn = lks_now()};
    if (o->mnist)
        p.form =
            (lks_picture_form){.rows = LKS_MNIST_SIDE, .columns = LKS_MNIST_SIDE, .channels = 1};
    lks_status status = pack(&p, err);
    clear_progress(&p);
    lks_split_free(&p.split);
    lks_free(p.labels);
    lks_free(p.images);
    lks_free(p.like);
    lks_picture_folder_free(&p.folder);
    return status;
}
