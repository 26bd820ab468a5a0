/* Fine-tuning: a new run that starts from the weights of a checkpoint. Rank 0 reads, all get them.
 *
 * Every tensor of the network has to be there by name and shape, running moments included; only the
 * head, which is the last layer with a weight matrix or filters and what follows it, may be another
 * one and then starts fresh: that is what another set of classes needs. */
#include <stdio.h>
#include <string.h>

#include "lockstep/log.h"
#include "run/run_folder.h"
#include "train/run.h"

typedef struct source {
    const char *path;
    lks_checkpoint c;
    const lks_flat *flat; /* of c: what is evaluated, the averaged weights where there are some */
} source;

static const lks_tensor *find(const lks_flat *flat, const char *name) {
    for (int t = 0; t < flat->n_tensors; t++)
        if (strcmp(flat->tensors[t].name, name) == 0)
            return &flat->tensors[t];
    return NULL;
}

static bool fits(const lks_tensor *a, const lks_tensor *b) {
    return a && b && a->ndim == b->ndim && memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

/* "3 x 3 x 1 x 7" */
static const char *shape_text(const lks_tensor *t, char text[96]) {
    size_t n = 0;
    for (int d = 0; d < t->ndim; d++)
        n += (size_t)snprintf(text + n, 96 - n, "%s%lld", d ? " x " : "", (long long)t->shape[d]);
    return text;
}

/* Why a tensor cannot be taken, as a sentence. */
static void explain(const source *s, const lks_tensor *t, char *text, size_t size) {
    char here[96], there[96];
    const lks_tensor *saved = find(s->flat, t->name);
    if (saved)
        snprintf(text, size, "%s is %s here and %s in %s", t->name, shape_text(t, here),
                 shape_text(saved, there), s->path);
    else
        snprintf(text, size, "%s (%s) is not in %s", t->name, shape_text(t, here), s->path);
}

/* The first tensor of the head. */
static int find_head(const lks_model_view *v) {
    int t = v->n_tensors - 1;
    while (t > 0 && v->tensors[t].role != LKS_ROLE_WEIGHT)
        t--;
    return t;
}

/* The first tensor from `first` to before `end` that the source does not have; `end` if all fit. */
static int first_misfit(const source *s, const lks_model_view *v, int first, int end) {
    while (first < end && fits(&v->tensors[first], find(s->flat, v->tensors[first].name)))
        first++;
    return first;
}

static bool in_common(const source *s, const lks_model_view *v) {
    for (int t = 0; t < v->n_tensors; t++)
        if (fits(&v->tensors[t], find(s->flat, v->tensors[t].name)))
            return true;
    return false;
}

static void take(const source *s, const lks_model_view *v, int end) {
    for (int t = 0; t < end; t++) {
        const lks_tensor *to = &v->tensors[t], *from = find(s->flat, to->name);
        memcpy(v->weights + to->offset, s->flat->values + from->offset, to->count * sizeof(float));
    }
}

static lks_status adopt(const source *s, const lks_model_view *v, lks_error *err) {
    char why[LKS_PATH_MAX + 512];
    int head = find_head(v), misfit = first_misfit(s, v, 0, v->n_tensors);
    if (!in_common(s, v))
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "--init-from %s: none of its tensors has name and shape of one of this "
                        "network's",
                        s->path);
    if (misfit < head) {
        explain(s, &v->tensors[misfit], why, sizeof why);
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "--init-from: %s; only the last layer with weights may differ", why);
    }
    bool whole = misfit == v->n_tensors;
    take(s, v, whole ? misfit : head);
    lks_info("started    from %s: %d of %d tensors of its %s, weights %.16s", s->path,
             whole ? misfit : head, v->n_tensors,
             s->flat == s->c.flats ? "weights" : "averaged weights", s->c.weights_sha256);
    if (!whole) {
        const char *name = v->tensors[head].name;
        explain(s, &v->tensors[misfit], why, sizeof why);
        lks_info("           layer %.*s keeps fresh initial weights: %s", (int)strcspn(name, "/"),
                 name, why);
    }
    return LKS_OK;
}

static void note(lks_init_source *note, const source *s) {
    size_t length = strlen(s->path), room = sizeof note->path - 1;
    if (length <= room)
        memcpy(note->path, s->path, length + 1);
    else /* the end of a path says more than its beginning */
        snprintf(note->path, sizeof note->path, "...%s", s->path + (length - room + 3));
    snprintf(note->weights_sha256, sizeof note->weights_sha256, "%s", s->c.weights_sha256);
    snprintf(note->flat, sizeof note->flat, "%s", s->flat->group);
}

/* Another checkpoint than the one that was asked for would be another training. */
static lks_status read_source(const char *path, lks_chosen *s, lks_error *err) {
    LKS_TRY(lks_folder_read(path, s, err));
    if (!s->instead) {
        if (s->remark[0])
            lks_warn("%s", s->remark);
        return LKS_OK;
    }
    lks_fail(err, LKS_ERR_FORMAT, "--init-from %s: %s if you name that file", path, s->remark);
    lks_checkpoint_free(&s->checkpoint);
    return LKS_ERR_FORMAT;
}

/* Outputs of the last layer are classes in an order: with another one it begins with wrong answers. */
static void compare_names(const source *s, const lks_data_config *own) {
    lks_config c;
    lks_error ignored;
    const char *yaml = s->c.config_yaml;
    if (lks_config_parse(&c, yaml, strlen(yaml), s->path, NULL, 0, &ignored) != LKS_OK)
        return;
    const int n = c.data.n_class_names == own->n_class_names ? own->n_class_names : 0;
    int k = 0;
    while (k < n && strcmp(c.data.class_names[k], own->class_names[k]) == 0)
        k++;
    if (k < n)
        lks_warn(
            "--init-from %s: its class %d is '%s', that of the data '%s': its last layer begins "
            "with wrong answers; `lockstep pack --like` keeps the order of a network's classes",
            s->path, k, c.data.class_names[k], own->class_names[k]);
    lks_config_free(&c);
}

/* A mean that differs a little is of other images; no mean at all is another network's habit. */
static void compare_pixels(const source *s, const lks_data_identity *own) {
    char theirs[LKS_PIXELS_TEXT], here[LKS_PIXELS_TEXT];
    if (lks_pixels_plain(&s->c.data) != lks_pixels_plain(own))
        lks_warn("--init-from %s: its weights were learnt from pixels %s, here they are %s "
                 "(data.normalize): it begins with other answers",
                 s->path, lks_pixels_text(&s->c.data, theirs), lks_pixels_text(own, here));
}

static lks_status load(lks_run *run, lks_error *err) {
    lks_chosen found;
    LKS_TRY(read_source(run->options->init_from, &found, err));
    source s = {.path = found.path, .c = found.checkpoint};
    s.flat = lks_checkpoint_evaluated(&s.c);
    lks_status status = adopt(&s, &run->trainer.view, err);
    if (status == LKS_OK) {
        compare_names(&s, &run->config.data);
        compare_pixels(&s, &run->trainer.data.identity);
        lks_average_start(&run->trainer.average, run->trainer.view.weights);
        lks_trainer_wrote(&run->trainer);
        note(&run->provenance.init_from, &s);
    }
    lks_checkpoint_free(&s.c);
    return status;
}

lks_status lks_run_init_from(lks_run *run, lks_error *err) {
    if (!run->options->init_from)
        return LKS_OK;
    if (run->place.resumed_from[0]) {
        lks_info("--init-from %s is ignored: the run goes on from its own checkpoint",
                 run->options->init_from);
        return LKS_OK;
    }
    lks_trainer *t = &run->trainer;
    lks_status status = t->comm->rank == 0 ? load(run, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(t->comm, status, err));
    t->exchange.way->spread(t);
    if (t->comm->rank != 0)
        lks_trainer_took(t);
    lks_model_weights_changed(t->model);
    LKS_TRY(lks_comm_check(t->comm, err));
    return lks_trainer_settle(t, LKS_OK, err);
}
