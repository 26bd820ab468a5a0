/* Counts are integers and losses exact sums, so the partition cannot show in the result. */
#include "infer/evaluate.h"

#include <string.h>

#include "base/memory.h"
#include "base/observe/pulse.h"

static void count(lks_counts *c, const lks_score *score, int label) {
    c->total++;
    c->correct += score->rank_label == 0;
    c->top3 += score->rank_label < 3;
    c->confusion[label * c->classes + score->predicted]++;
    if (!lks_limbs_add(&c->loss, score->loss))
        c->bad++;
}

#define HEAD 7 /* sums beside the confusion matrix */

/* What one rank works with: a batch's images, labels and scores, and all its own predictions. */
typedef struct work {
    uint8_t *images;
    lks_score *scores;
    int64_t *sums;        /* [HEAD + classes^2] */
    int64_t changed;      /* images or labels that are not what was loaded */
    uint32_t first;       /* one of them, by its number in the file */
    uint32_t *ids;        /* [own samples] in their order, if `predicted` is wanted; else [batch] */
    uint8_t *labels;      /* likewise */
    uint8_t *predicted;   /* [own samples], or NULL */
    float *probabilities; /* [own samples][classes], or NULL */
    double *losses;       /* [own samples], or NULL */
} work;

static void free_work(work *w) {
    lks_free(w->images);
    lks_free(w->scores);
    lks_free(w->sums);
    lks_free(w->ids);
    lks_free(w->labels);
    lks_free(w->predicted);
    lks_free(w->probabilities);
    lks_free(w->losses);
}

static lks_status make_work(work *w, const lks_image_set *set, int batch, int64_t own, int classes,
                            bool keep, lks_error *err) {
    const size_t n = (size_t)batch, kept = keep ? (size_t)own : n;
    memset(w, 0, sizeof *w);
    w->images = lks_alloc(n, set->image_bytes, "evaluation", err);
    w->labels = lks_alloc(kept, 1, "evaluation", err);
    w->ids = lks_alloc(kept, sizeof *w->ids, "evaluation", err);
    w->scores = lks_alloc(n, sizeof *w->scores, "evaluation", err);
    w->sums =
        lks_alloc(HEAD + (size_t)classes * (size_t)classes, sizeof *w->sums, "evaluation", err);
    if (keep) {
        w->predicted = lks_alloc((size_t)own, 1, "evaluation", err);
        w->probabilities =
            lks_alloc((size_t)own * (size_t)classes, sizeof(float), "evaluation", err);
        w->losses = lks_alloc((size_t)own, sizeof *w->losses, "evaluation", err);
    }
    return w->images && w->labels && w->ids && w->scores && w->sums &&
                   (!keep || (w->predicted && w->probabilities && w->losses))
               ? LKS_OK
               : err->status;
}

/* Item i of the batch, whose label is to be written to *label. */
static void take_image(work *w, const lks_image_set *set, int i, uint32_t id, uint8_t *label) {
    const int64_t at = (int64_t)id - set->share.first;
    const bool own = at >= 0 && at < set->share.count; /* else its number changed in memory */
    uint8_t *image = w->images + (size_t)i * set->image_bytes;
    *label = own ? set->labels[at] : 0;
    if (own)
        memcpy(image, set->images + (size_t)at * set->image_bytes, set->image_bytes);
    if ((!own || lks_image_sum(set, image, *label, id) != set->sums[at]) && w->changed++ == 0)
        w->first = id;
}

static void score_own(lks_scorer scorer, const lks_image_set *set, const uint32_t *own_ids,
                      int64_t own, int batch, work *w, lks_counts *c) {
    for (int64_t done = 0; done < own;) {
        int n = own - done < batch ? (int)(own - done) : batch;
        uint32_t *ids = w->ids + (w->predicted ? done : 0);
        uint8_t *labels = w->labels + (w->predicted ? done : 0);
        for (int i = 0; i < n; i++) {
            ids[i] = own_ids ? own_ids[done + i] : (uint32_t)(set->share.first + done + i);
            take_image(w, set, i, ids[i], &labels[i]);
        }
        const lks_batch b = {w->images, labels, ids, n, 0};
        scorer.score(scorer.of, &b, w->scores,
                     w->probabilities ? w->probabilities + done * c->classes : NULL);
        for (int i = 0; i < n; i++) {
            count(c, &w->scores[i], labels[i]);
            if (w->predicted) {
                w->predicted[done + i] = (uint8_t)w->scores[i].predicted;
                w->losses[done + i] = w->scores[i].loss;
            }
        }
        done += n;
    }
}

/* One sum of all: `sums` has room for the head and the confusion matrix. */
static void add_up(lks_counts *c, int64_t *changed, int64_t *sums, lks_comm *comm) {
    const int64_t head[HEAD] = {c->total,   c->correct, c->top3, c->bad,
                                c->loss.hi, c->loss.lo, *changed};
    const size_t cells = (size_t)c->classes * (size_t)c->classes;
    memcpy(sums, head, sizeof head);
    memcpy(sums + HEAD, c->confusion, cells * sizeof *sums);
    lks_comm_sum_i64(comm, sums, HEAD + cells);
    memcpy(c->confusion, sums + HEAD, cells * sizeof *sums);
    c->total = sums[0];
    c->correct = sums[1];
    c->top3 = sums[2];
    c->bad = sums[3];
    *changed = sums[6];
    c->loss = lks_limbs_sum((lks_limbs){0, 0}, (lks_limbs){sums[4], sums[5]}); /* carried */
}

static lks_status make_predicted(lks_predicted *p, size_t n, size_t row, lks_error *err) {
    p->n = (int64_t)n;
    p->ids = lks_alloc(n, sizeof *p->ids, "predictions", err);
    p->labels = lks_alloc(n, 1, "predictions", err);
    p->classes = lks_alloc(n, 1, "predictions", err);
    p->probabilities = lks_alloc(n, row, "predictions", err);
    p->losses = lks_alloc(n, sizeof *p->losses, "predictions", err);
    return p->ids && p->labels && p->classes && p->probabilities && p->losses ? LKS_OK
                                                                              : err->status;
}

/* Ids ascend as the ranks' shares do. */
static lks_status gather(lks_comm *comm, const work *w, const lks_counts *counts, int64_t own,
                         lks_predicted *p, lks_error *err) {
    const size_t row = (size_t)counts->classes * sizeof(float);
    memset(p, 0, sizeof *p);
    const lks_status status =
        comm->rank == 0 ? make_predicted(p, (size_t)counts->total, row, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_gather(comm, w->ids, (int)own, sizeof *w->ids, p->ids, NULL);
    lks_comm_gather(comm, w->labels, (int)own, 1, p->labels, NULL);
    lks_comm_gather(comm, w->predicted, (int)own, 1, p->classes, NULL);
    lks_comm_gather(comm, w->probabilities, (int)own, row, p->probabilities, NULL);
    lks_comm_gather(comm, w->losses, (int)own, sizeof *w->losses, p->losses, NULL);
    return lks_comm_check(comm, err);
}

void lks_predicted_free(lks_predicted *p) {
    lks_free(p->ids);
    lks_free(p->labels);
    lks_free(p->classes);
    lks_free(p->probabilities);
    lks_free(p->losses);
    memset(p, 0, sizeof *p);
}

/* What this rank says of its images. */
static lks_status own_images(const work *w, const lks_image_set *set, lks_error *err) {
    if (!w->changed)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_REPLICA,
        "evaluation: this rank's memory changed: image %u of %s or its label is not what "
        "was loaded; start again, best without this host",
        w->first, set->info.path);
}

lks_status lks_evaluate_by(lks_scorer scorer, const lks_image_set *set, const uint32_t *ids,
                           int64_t n_ids, int batch, lks_comm *comm, lks_counts *counts,
                           lks_predicted *predicted, lks_error *err) {
    int classes = counts->classes;
    memset(counts, 0, sizeof *counts);
    counts->classes = classes;
    lks_pulse_at("evaluate");
    const int64_t own = ids ? n_ids : set->share.count;
    work w;
    lks_status status = make_work(&w, set, batch, own, classes, predicted != NULL, err);
    status = lks_comm_agree(comm, status, err);
    if (status == LKS_OK) {
        score_own(scorer, set, ids, own, batch, &w, counts);
        status = own_images(&w, set, err);
        int64_t changed = w.changed;
        add_up(counts, &changed, w.sums, comm);
        if (changed) /* as all ranks see */
            status = lks_comm_agree(comm, status, err);
        else
            status = lks_comm_check(comm, err);
        if (status == LKS_OK && predicted)
            status = gather(comm, &w, counts, own, predicted, err);
    }
    free_work(&w);
    if (status == LKS_OK && counts->bad)
        status = lks_fail(err, LKS_ERR_NUMERIC,
                          "evaluation: the loss of %lld of %lld images is not finite",
                          (long long)counts->bad, (long long)counts->total);
    return status;
}

static void score_alone(void *model, const lks_batch *batch, lks_score *scores,
                        float *probabilities) {
    lks_model_evaluate(model, batch, scores, probabilities);
}

lks_status lks_evaluate(lks_model *model, const lks_image_set *set, const uint32_t *ids,
                        int64_t n_ids, int batch, lks_comm *comm, lks_counts *counts,
                        lks_predicted *predicted, lks_error *err) {
    const lks_scorer alone = {score_alone, model};
    return lks_evaluate_by(alone, set, ids, n_ids, batch, comm, counts, predicted, err);
}
