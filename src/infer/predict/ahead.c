/* Picture files that all threads decode and prepare, some files ahead of the batch. What they give, and say, goes on in
 * the order of the names. */
#include <fenv.h>
#include <string.h>

#include "infer/predict/predictor.h"
#include "lockstep/log.h"
#include "base/memory.h"

/* Files a thread at a time: enough that none waits for long. Decoded pictures do not stay, only what the network sees. */
enum { AHEAD = 128 };

typedef struct file {
    lks_predict_item item;
    bool many; /* nothing is decoded: it holds many images */
    lks_status status;
    lks_error err;
    lks_log_held said;
} file;

typedef struct ahead {
    int room;
    file *files;     /* [room] */
    uint8_t *images; /* [room][image] */
} ahead;

static lks_status make_room(ahead *a, const lks_predictor *p, int n, lks_error *err) {
    a->room = n < AHEAD * p->threads ? n : AHEAD * p->threads;
    a->files = lks_alloc((size_t)a->room, sizeof *a->files, "files", err);
    a->images = lks_alloc((size_t)a->room, p->image_bytes, "files", err);
    return a->files && a->images ? LKS_OK : err->status;
}

static uint8_t *image_of(const ahead *a, const lks_predictor *p, int i) {
    return a->images + (size_t)i * p->image_bytes;
}

static void decode(const ahead *a, const lks_predictor *p, const char *const *paths, int n) {
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
    for (int i = 0; i < n; i++) {
        file *f = &a->files[i];
        fesetenv(FE_DFL_ENV);
        *f = (file){.item = {.file = paths[i], .index = -1}};
        lks_log_hold(&f->said);
        f->status = lks_predictor_decode(p, image_of(a, p, i), &f->item, &f->many, &f->err);
        lks_log_hold(NULL);
    }
}

/* The turn of a file. */
static lks_status take(lks_predictor *p, file *f, const uint8_t *image, lks_error *err) {
    lks_predict_item *item;
    lks_log_tell(&f->said);
    if (f->many)
        return lks_predictor_read(p, f->item.file, err);
    if (f->status != LKS_OK) {
        lks_predictor_flush(p, NULL); /* the first failure is told */
        *err = f->err;
        return f->status;
    }
    memcpy(lks_predictor_place(p, &item), image, p->image_bytes);
    *item = f->item;
    return lks_predictor_keep(p, err);
}

/* Whether `failed`, where this status is one, wants more. */
static bool goes_on(lks_status status, const lks_error *err, lks_on_failure failed, void *context) {
    return status == LKS_OK || failed(context, status, err);
}

static bool read_shared(lks_predictor *p, const ahead *a, const char *const *paths, int n,
                        lks_on_failure failed, void *context) {
    bool more = true;
    for (int first = 0; first < n && more; first += a->room) {
        const int count = n - first < a->room ? n - first : a->room;
        decode(a, p, paths + first, count);
        for (int i = 0; i < count; i++) {
            lks_error err;
            if (more)
                more =
                    goes_on(take(p, &a->files[i], image_of(a, p, i), &err), &err, failed, context);
            lks_log_drop(&a->files[i].said);
        }
    }
    return more;
}

bool lks_predictor_read_all(lks_predictor *p, const char *const *paths, int n,
                            lks_on_failure failed, void *context) {
    lks_error err;
    bool more = true;
    if (n < 2 || p->segments) {
        for (int i = 0; i < n && more; i++)
            more = goes_on(lks_predictor_read(p, paths[i], &err), &err, failed, context);
        return more;
    }
    ahead a = {0};
    const lks_status status = make_room(&a, p, n, &err);
    more = status == LKS_OK ? read_shared(p, &a, paths, n, failed, context)
                            : failed(context, status, &err);
    lks_free(a.files);
    lks_free(a.images);
    return more;
}
