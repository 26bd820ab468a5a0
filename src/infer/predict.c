#include "lockstep/predict.h"

#include <fcntl.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockstep/image_file.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/picture.h"
#include "infer/network.h"
#include "lockstep/job.h"

/* IDX files are read in blocks of this size: of a .gz all that stands before is inflated again. */
enum { BLOCK_BYTES = 1 << 26 };

/* An image of a batch. */
typedef struct item {
    const char *file;
    int64_t index;
    lks_prepared prepared;
} item;

struct lks_predictor {
    lks_ensemble networks;
    lks_preprocess preprocess;
    lks_picture_form form;
    lks_on_answer on_answer;
    void *context;
    int n;           /* images of the batch so far */
    item *items;     /* [capacity] */
    uint8_t *images; /* [capacity][image] */
    size_t image_bytes;
    uint8_t *labels; /* [capacity] nothing: who scores wants some */
    uint32_t *ids;
    lks_score *scores;
};

/* --- answers ---------------------------------------------------------------------------------- */

static lks_answer answer_of(const lks_predictor *p, int i) {
    const item *own = &p->items[i];
    return (lks_answer){own->file,
                        own->index,
                        own->prepared,
                        p->images + (size_t)i * p->image_bytes,
                        p->scores[i].predicted,
                        p->networks.means + (size_t)i * (size_t)p->networks.classes};
}

void lks_predictor_flush(lks_predictor *p) {
    const lks_batch batch = {p->images, p->labels, p->ids, p->n, 0};
    if (p->n == 0)
        return;
    lks_ensemble_score(&p->networks, &batch, p->scores);
    for (int i = 0; i < p->n; i++) {
        const lks_answer answer = answer_of(p, i);
        p->on_answer(p->context, &answer);
    }
    p->n = 0;
}

/* --- one picture ------------------------------------------------------------------------------ */

static bool is_mnist(const lks_shape *s) {
    return s->rows == LKS_MNIST_SIDE && s->columns == LKS_MNIST_SIDE && s->channels == 1;
}

static bool needs_no_change(const lks_predictor *p, const lks_picture *picture) {
    const lks_shape *s = &p->networks.shape;
    return picture->rows == s->rows && picture->columns == s->columns &&
           lks_picture_is_opaque(picture) && (s->channels > 1 || lks_picture_is_grey(picture));
}

static lks_status center(lks_picture *picture, uint8_t *out, const item *own, lks_error *err) {
    bool blank;
    LKS_TRY(lks_picture_center(picture, out, &blank, err));
    if (blank && own->index < 0)
        lks_warn("%s: it is blank: the network sees black", own->file);
    else if (blank)
        lks_warn("%s, image %lld: it is blank: the network sees black", own->file,
                 (long long)own->index);
    return LKS_OK;
}

/* The image that is in the batch's next place, and item, belongs to it from now on. */
static void keep(lks_predictor *p) {
    if (++p->n == p->networks.capacity)
        lks_predictor_flush(p);
}

/* Into the batch; uses the picture up. */
static lks_status add(lks_predictor *p, lks_picture *picture, const char *file, int64_t index,
                      lks_error *err) {
    uint8_t *out = p->images + (size_t)p->n * p->image_bytes;
    item *own = &p->items[p->n];
    const bool unchanged = needs_no_change(p, picture);
    const bool centers =
        p->preprocess == LKS_PREPROCESS_MNIST ||
        (p->preprocess == LKS_PREPROCESS_AUTO && !unchanged && is_mnist(&p->networks.shape));
    *own = (item){file, index, LKS_PREPARED_FIT};
    if (centers) {
        own->prepared = LKS_PREPARED_MNIST;
        LKS_TRY(center(picture, out, own, err));
    } else {
        if (unchanged && !p->form.invert)
            own->prepared = LKS_PREPARED_NONE;
        LKS_TRY(lks_picture_fit(picture, &p->form, out, err));
    }
    keep(p);
    return LKS_OK;
}

static bool takes_pictures(const lks_predictor *p) {
    return p->networks.shape.channels == 1 || p->networks.shape.channels == 3;
}

static lks_status read_picture(lks_predictor *p, const char *path, lks_error *err) {
    lks_picture picture;
    if (!takes_pictures(p))
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: a picture has 1 or 3 channels, the network takes %d: only IDX files "
                        "have them",
                        path, p->networks.shape.channels);
    LKS_TRY(lks_picture_read(&picture, path, err));
    lks_status status = add(p, &picture, path, -1, err);
    lks_picture_free(&picture);
    return status;
}

/* --- many images in a file -------------------------------------------------------------------- */

/* An image whose channels are no picture's is as the network wants it. */
static void add_bytes(lks_predictor *p, const uint8_t *image, const char *path, int64_t index) {
    memcpy(p->images + (size_t)p->n * p->image_bytes, image, p->image_bytes);
    p->items[p->n] = (item){path, index, LKS_PREPARED_NONE};
    keep(p);
}

static bool is_picture(const lks_image_file *f) {
    return f->channels == 1 || f->channels == 3;
}

static lks_status add_block(lks_predictor *p, const lks_image_file *f, const char *path,
                            int64_t first, int64_t count, uint8_t *bytes, lks_error *err) {
    const size_t size = (size_t)f->rows * (size_t)f->columns * (size_t)f->channels;
    LKS_TRY(lks_image_file_read(f, first, count, bytes, err));
    for (int64_t i = 0; i < count; i++, bytes += size) {
        lks_picture picture = {f->rows, f->columns, f->channels, bytes};
        if (is_picture(f))
            LKS_TRY(add(p, &picture, path, first + i, err));
        else
            add_bytes(p, bytes, path, first + i);
    }
    return LKS_OK;
}

static lks_status check_channels(const lks_predictor *p, const lks_image_file *f, lks_error *err) {
    const lks_shape *s = &p->networks.shape;
    if (is_picture(f) && takes_pictures(p))
        return LKS_OK;
    if (f->rows == s->rows && f->columns == s->columns && f->channels == s->channels)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_DATA,
        "%s has images of %d x %d x %d (rows, columns, channels), the network takes %d x "
        "%d x %d: only images of 1 or 3 channels can be fitted to it",
        f->path, f->rows, f->columns, f->channels, s->rows, s->columns, s->channels);
}

static lks_status read_idx(lks_predictor *p, const char *path, lks_error *err) {
    lks_image_file f;
    LKS_TRY(lks_image_file_open_images(&f, path, lks_predictor_data(p)->transpose, err));
    LKS_TRY(check_channels(p, &f, err));
    const int64_t size = (int64_t)f.rows * f.columns * f.channels;
    const int64_t fitting = BLOCK_BYTES / size > 0 ? BLOCK_BYTES / size : 1;
    const int64_t block = fitting < f.count ? fitting : f.count;
    uint8_t *bytes = lks_alloc((size_t)block, (size_t)size, path, err);
    lks_status status = bytes ? LKS_OK : err->status;
    for (int64_t first = 0; status == LKS_OK && first < f.count; first += block) {
        const int64_t left = f.count - first;
        status = add_block(p, &f, path, first, block < left ? block : left, bytes, err);
    }
    lks_free(bytes);
    return status;
}

/* --- which kind of file ----------------------------------------------------------------------- */

/* The first bytes of a file, 0xff behind its end: as of an unknown one where it cannot be opened, which
 * is for the reader to explain. */
static void peek(const char *path, char bytes[32]) {
    memset(bytes, 0xff, 32);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    const ssize_t got = read(fd, bytes, 32);
    (void)got;
    close(fd);
}

static lks_status read_file(lks_predictor *p, const char *path, lks_error *err) {
    static const char checkpoint[] = "lockstep checkpoint";
    char bytes[32];
    struct stat s;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode))
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: is a folder; name the files in it, or make it a data set with "
                        "`lockstep pack`",
                        path);
    peek(path, bytes);
    if (memcmp(bytes, checkpoint, sizeof checkpoint - 1) == 0)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: is a checkpoint, not a picture; to average several give them by "
                        "--with",
                        path);
    const bool zipped = memcmp(bytes, "\x1f\x8b", 2) == 0;
    const bool idx = bytes[0] == 0 && bytes[1] == 0;
    return zipped || idx ? read_idx(p, path, err) : read_picture(p, path, err);
}

lks_status lks_predictor_read(lks_predictor *p, const char *path, lks_error *err) {
    lks_status status = read_file(p, path, err);
    if (status != LKS_OK)
        lks_predictor_flush(p);
    return status;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static lks_status make_room(lks_predictor *p, lks_error *err) {
    const lks_shape *s = &p->networks.shape;
    const size_t n = (size_t)p->networks.capacity;
    p->image_bytes = (size_t)s->rows * (size_t)s->columns * (size_t)s->channels;
    p->items = lks_alloc(n, sizeof *p->items, "a batch", err);
    p->images = lks_alloc(n, p->image_bytes, "a batch", err);
    p->labels = lks_alloc(n, 1, "a batch", err);
    p->ids = lks_alloc(n, sizeof *p->ids, "a batch", err);
    p->scores = lks_alloc(n, sizeof *p->scores, "a batch", err);
    return p->items && p->images && p->labels && p->ids && p->scores ? LKS_OK : err->status;
}

/* Enough for the threads; more images at once would only take memory. */
static void limit_batch(lks_ensemble *e, int threads) {
    const int enough = threads > 4 ? 4 * threads : 16;
    e->capacity = e->capacity < enough ? e->capacity : enough;
}

static lks_status prepare(lks_predictor *p, const lks_predict_options *o, lks_error *err) {
    const lks_network_source source = {o->checkpoints, o->n_checkpoints, NULL,
                                       o->sets,        o->n_sets,        o->shifts};
    LKS_TRY(lks_ensemble_load(&p->networks, NULL, &source, err));
    const lks_shape *s = &p->networks.shape;
    LKS_TRY(lks_class_names_check(lks_predictor_data(p), p->networks.classes, err));
    if (o->preprocess == LKS_PREPROCESS_MNIST && !is_mnist(s))
        return lks_fail(
            err, LKS_ERR_USAGE,
            "--preprocess mnist makes images of 28 x 28 x 1, the network of %s takes %d "
            "x %d x %d",
            p->networks.members[0].path, s->rows, s->columns, s->channels);
    p->preprocess = o->preprocess;
    const int background = o->background >= 0 ? o->background : o->invert ? 255 : 0;
    p->form = (lks_picture_form){s->rows, s->columns, s->channels, background, o->invert};
    const int threads =
        lks_threads_alone(o->threads ? o->threads : p->networks.members[0].config.threads);
    limit_batch(&p->networks, threads);
    LKS_TRY(lks_ensemble_build(&p->networks, NULL, threads, err));
    return make_room(p, err);
}

lks_status lks_predictor_open(lks_predictor **predictor, const lks_predict_options *options,
                              lks_on_answer on_answer, void *context, lks_error *err) {
    fesetenv(FE_DFL_ENV);
    lks_predictor *p = *predictor = lks_alloc(1, sizeof *p, "the networks", err);
    if (!p)
        return err->status;
    p->on_answer = on_answer;
    p->context = context;
    lks_status status = prepare(p, options, err);
    if (status != LKS_OK) {
        lks_predictor_free(p);
        *predictor = NULL;
    }
    return status;
}

void lks_predictor_free(lks_predictor *p) {
    if (!p)
        return;
    lks_ensemble_free(&p->networks);
    lks_free(p->items);
    lks_free(p->images);
    lks_free(p->labels);
    lks_free(p->ids);
    lks_free(p->scores);
    lks_free(p);
}

lks_shape lks_predictor_shape(const lks_predictor *p) {
    return p->networks.shape;
}

int lks_predictor_classes(const lks_predictor *p) {
    return p->networks.classes;
}

const lks_data_config *lks_predictor_data(const lks_predictor *p) {
    return &p->networks.members[0].config.data;
}
