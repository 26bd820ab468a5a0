/* The training images whose labels the network finds least likely. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "infer/restore.h"
#include "infer/worst.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "report/mistakes/gallery.h"
#include "report/sections.h"

enum { SHOWN = 40, BATCH = 256 };

/* One walk over the training images. */
typedef struct search {
    lks_image_file file;
    size_t bytes;    /* of an image */
    uint8_t *labels; /* [file.count] */
    lks_split split;
    lks_digest_words digest;
    lks_model *model;
    int classes, n;            /* n: images of the batch */
    int64_t found;             /* images of split.train that are in the batch, or judged */
    uint8_t *images, *batch;   /* [BATCH]: images, labels */
    uint32_t *ids;             /* [BATCH] */
    float *probabilities;      /* [BATCH][classes] */
    lks_score *scores;         /* [BATCH] */
    lks_worst *list;           /* [split.n_train] */
    uint8_t *pixels;           /* [SHOWN][bytes] of the worst */
    int64_t shown, wrong, bad; /* bad: their loss is not finite */
} search;

/* --- looking for them ------------------------------------------------------------------------- */

static void judge(search *s) {
    const lks_batch batch = {s->images, s->batch, s->ids, s->n, 0};
    lks_worst *to = s->list + (s->found - s->n);
    if (s->n == 0)
        return;
    lks_model_evaluate(s->model, &batch, s->scores, s->probabilities);
    for (int i = 0; i < s->n; i++) {
        const lks_score *score = &s->scores[i];
        to[i] = (lks_worst){s->ids[i], s->batch[i], (uint8_t)score->predicted,
                            s->probabilities[i * s->classes + s->batch[i]], score->loss};
        s->wrong += score->predicted != s->batch[i];
        s->bad += !isfinite(score->loss);
    }
    s->n = 0;
}

static lks_status look_at(void *context, int64_t first, int64_t n, const uint8_t *images,
                          lks_error *err) {
    search *s = context;
    for (int64_t i = 0; i < n; i++) {
        const int64_t id = first + i;
        const uint8_t *image = images + (size_t)i * s->bytes;
        LKS_TRY(lks_digest_words_add(&s->digest, id, s->labels[id], image, s->bytes, err));
        if (s->found == s->split.n_train || s->split.train[s->found] != id)
            continue;
        memcpy(s->images + (size_t)s->n * s->bytes, image, s->bytes);
        s->batch[s->n] = s->labels[id];
        s->ids[s->n++] = (uint32_t)id;
        s->found++;
        if (s->n == BATCH)
            judge(s);
    }
    return LKS_OK;
}

static lks_status keep_worst(void *context, int64_t first, int64_t n, const uint8_t *images,
                             lks_error *err) {
    search *s = context;
    (void)err;
    for (int64_t i = 0; i < s->shown; i++)
        if (s->list[i].id >= first && s->list[i].id < first + n)
            memcpy(s->pixels + (size_t)i * s->bytes,
                   images + (size_t)(s->list[i].id - first) * s->bytes, s->bytes);
    return LKS_OK;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static lks_status open_set(search *s, const lks_report_run *run, lks_error *err) {
    const lks_data_config *c = &run->config.data;
    const lks_shape shape = lks_report_shape(run);
    LKS_TRY(lks_image_file_open(&s->file, c, LKS_PART_TRAIN, err));
    if (s->file.rows != shape.rows || s->file.columns != shape.columns ||
        s->file.channels != shape.channels)
        return lks_fail(err, LKS_ERR_DATA, "%s has images of another shape than the network's",
                        s->file.path);
    s->bytes = (size_t)shape.rows * (size_t)shape.columns * (size_t)shape.channels;
    s->labels = lks_alloc((size_t)s->file.count, 1, "labels", err);
    if (!s->labels)
        return err->status;
    LKS_TRY(lks_image_file_read_labels(&s->file, s->labels, err));
    lks_split_wish wish = lks_split_wish_of(c, run->config.seed, s->classes);
    wish.balanced = false; /* which images train is asked, not how often */
    return lks_split_make(&s->split, s->labels, s->file.count, &wish, err);
}

static lks_status make_room(search *s, lks_error *err) {
    s->images = lks_alloc(BATCH, s->bytes, "a batch", err);
    s->batch = lks_alloc(BATCH, 1, "a batch", err);
    s->ids = lks_alloc(BATCH, sizeof *s->ids, "a batch", err);
    s->scores = lks_alloc(BATCH, sizeof *s->scores, "a batch", err);
    s->probabilities =
        lks_alloc(BATCH * (size_t)s->classes, sizeof *s->probabilities, "a batch", err);
    s->list = lks_alloc((size_t)s->split.n_train, sizeof *s->list, "the losses", err);
    s->pixels = lks_alloc(SHOWN, s->bytes, "images", err);
    return s->images && s->batch && s->ids && s->scores && s->probabilities && s->list && s->pixels
               ? LKS_OK
               : err->status;
}

static lks_status build(search *s, const lks_report_run *run, int threads, lks_error *err) {
    const lks_checkpoint *c = &run->checkpoint;
    LKS_TRY(lks_restore_fits(&run->config, c, err));
    LKS_TRY(lks_restore_model(&s->model, &run->config, &c->data, threads, BATCH, err));
    return lks_restore_weights(s->model, c, err);
}

static lks_status check(const search *s, const lks_report_run *run, lks_error *err) {
    lks_digest_text digest;
    lks_digest_words_print(&s->digest, digest);
    if (strcmp(digest, run->checkpoint.data.digest) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "%s and its labels are not what the run was trained on (digests %.16s, "
                        "%.16s)",
                        s->file.path, digest, run->checkpoint.data.digest);
    if (s->bad)
        return lks_fail(err, LKS_ERR_NUMERIC, "the loss of %lld of them is not finite",
                        (long long)s->bad);
    return LKS_OK;
}

static lks_status find_worst(search *s, const lks_report_run *run, int threads, lks_error *err) {
    if (!run->has_checkpoint)
        return lks_fail(err, LKS_ERR_IO, "%s", run->problem);
    if (!lks_report_small(lks_report_shape(run)))
        return lks_fail(err, LKS_ERR_DATA, "they are too large for this page");
    s->classes = run->checkpoint.data.classes;
    LKS_TRY(open_set(s, run, err));
    LKS_TRY(make_room(s, err));
    LKS_TRY(build(s, run, threads, err));
    LKS_TRY(lks_image_file_walk(&s->file, look_at, s, err));
    judge(s);
    LKS_TRY(check(s, run, err));
    lks_worst_sort(s->list, s->split.n_train);
    s->shown = s->split.n_train < SHOWN ? s->split.n_train : SHOWN;
    return lks_image_file_walk(&s->file, keep_worst, s, err);
}

static void free_search(search *s) {
    lks_model_free(s->model);
    lks_split_free(&s->split);
    lks_free(s->labels);
    lks_free(s->images);
    lks_free(s->batch);
    lks_free(s->ids);
    lks_free(s->scores);
    lks_free(s->probabilities);
    lks_free(s->list);
    lks_free(s->pixels);
}

/* --- on the page ------------------------------------------------------------------------------ */

static void write_gallery(lks_html *page, const lks_report_run *run, const search *s) {
    lks_gallery g;
    lks_gallery_open(&g, page, run, "Training image");
    for (int64_t i = 0; i < s->shown && lks_gallery_has_room(&g); i++) {
        const lks_worst *w = &s->list[i];
        char answer[LKS_NAME_MAX], note[32];
        memcpy(g.pixels, s->pixels + (size_t)i * s->bytes, s->bytes);
        snprintf(note, sizeof note, "loss %.2f", w->loss);
        lks_gallery_add(&g,
                        &(lks_gallery_item){w->id, w->label,
                                            lks_report_class(run, w->answer, answer), note, false});
    }
    lks_gallery_close(&g, s->split.n_train, "highest losses");
}

static void write_found(lks_html *page, const lks_report_run *run, const search *s) {
    char wrong[LKS_FIGURE_ROOM], all[LKS_FIGURE_ROOM];
    lks_html_printf(page,
                    "<p>%s of %s training images are answered otherwise than they are labelled. "
                    "Below: label → answer, the highest loss first. Some of these labels are "
                    "wrong, other images are only hard to read. What the network has learnt by "
                    "heart is no longer among them.</p>\n",
                    lks_grouped(s->wrong, wrong), lks_grouped(s->split.n_train, all));
    write_gallery(page, run, s);
    lks_html_add(page, "<p class=\"note\"><code>lockstep eval --on train --worst N</code> lists "
                       "more, also of several networks that answer together.</p>\n");
}

void lks_section_training(lks_html *page, const lks_report *r) {
    const lks_report_run *run = &r->runs[0];
    search s = {.n = 0};
    lks_error err;
    lks_section_open(page, "training", "Training images that look mislabelled");
    if (!r->train_errors) {
        lks_missing(page, "They were not looked for, since that evaluates all training images: "
                          "lockstep report --train-errors does.");
    } else if (find_worst(&s, run, r->threads, &err) == LKS_OK) {
        write_found(page, run, &s);
    } else {
        lks_missing_since(page, "The training images cannot be judged", err.text);
        lks_warn("%s: the training images cannot be judged: %s", run->folder, err.text);
    }
    free_search(&s);
    lks_section_close(page);
}
