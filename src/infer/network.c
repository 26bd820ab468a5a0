#include "infer/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/restore.h"
#include "job/agree.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "run/run_folder.h"

static lks_status agree(lks_comm *comm, lks_status status, lks_error *err) {
    return comm ? lks_comm_agree(comm, status, err) : status;
}

static void share(lks_comm *comm, void *data, size_t bytes) {
    if (comm)
        lks_comm_broadcast(comm, data, bytes, 0);
}

static bool reads(const lks_comm *comm) {
    return !comm || comm->rank == 0;
}

/* --- one network ------------------------------------------------------------------------------ */

static lks_status parse(lks_network *n, const lks_network_source *s, const char *yaml,
                        lks_error *err) {
    LKS_TRY(lks_config_parse(&n->config, yaml, strlen(yaml), n->path, s->sets, s->n_sets, err));
    const lks_key_value folder = {"data.dir", s->data};
    if (s->data && lks_config_override(&n->config, &folder, 1, err) != LKS_OK)
        return lks_fail_context(err, "--data");
    return LKS_OK;
}

/* What all ranks are to know of rank 0's checkpoint, but for its configuration. */
static void share_identity(lks_network *n, lks_comm *comm) {
    const lks_checkpoint *c = &n->checkpoint;
    if (reads(comm)) {
        n->data = c->data;
        n->cursor = c->cursor;
        n->temperature = c->temperature;
        n->averaged = lks_checkpoint_evaluated(c) != c->flats;
        memcpy(n->weights_sha256, c->weights_sha256, sizeof n->weights_sha256);
    }
    share(comm, n->path, sizeof n->path);
    share(comm, &n->data, sizeof n->data);
    share(comm, &n->cursor, sizeof n->cursor);
    share(comm, &n->averaged, sizeof n->averaged);
    share(comm, &n->temperature, sizeof n->temperature);
    share(comm, n->weights_sha256, sizeof n->weights_sha256);
}

static lks_status read_checkpoint(lks_network *n, const char *path, lks_error *err) {
    lks_chosen s;
    LKS_TRY(lks_folder_read(path, &s, err));
    if (s.remark[0])
        lks_warn("%s", s.remark);
    memcpy(n->path, s.path, sizeof n->path);
    n->checkpoint = s.checkpoint;
    return LKS_OK;
}

static lks_status load(lks_network *n, lks_comm *comm, const lks_network_source *s,
                       const char *path, lks_error *err) {
    LKS_TRY(agree(comm, reads(comm) ? read_checkpoint(n, path, err) : LKS_OK, err));
    share_identity(n, comm);
    size_t size = reads(comm) ? strlen(n->checkpoint.config_yaml) + 1 : 0;
    share(comm, &size, sizeof size);
    char *yaml = lks_alloc(size, 1, "the configuration", err);
    LKS_TRY(agree(comm, yaml ? LKS_OK : err->status, err));
    if (reads(comm))
        memcpy(yaml, n->checkpoint.config_yaml, size);
    share(comm, yaml, size);
    const lks_status status = parse(n, s, yaml, err);
    lks_free(yaml);
    return comm ? lks_agree_config(comm, &n->config, status, err) : status;
}

/* Agrees on what rank 0 found in the file, which a failure names. */
static lks_status found(lks_network *n, lks_comm *comm, lks_status status, lks_error *err) {
    if (status != LKS_OK)
        lks_fail_context(err, "%s", n->path);
    return agree(comm, status, err);
}

static lks_status build(lks_network *n, lks_comm *comm, int threads, int capacity, lks_error *err) {
    const bool own = reads(comm);
    LKS_TRY(found(n, comm, own ? lks_restore_fits(&n->config, &n->checkpoint, err) : LKS_OK, err));
    LKS_TRY(agree(comm, lks_restore_model(&n->model, &n->config, &n->data, threads, capacity, err),
                  err));
    const lks_model_view v = lks_model_look(n->model);
    LKS_TRY(found(n, comm, own ? lks_restore_weights(n->model, &n->checkpoint, err) : LKS_OK, err));
    lks_checkpoint_free(&n->checkpoint); /* with an optimizer's state, several times the weights */
    share(comm, v.weights, v.n_weights * sizeof(float));
    lks_model_weights_changed(n->model);
    return LKS_OK;
}

static void free_network(lks_network *n) {
    lks_model_free(n->model);
    lks_config_free(&n->config);
    lks_checkpoint_free(&n->checkpoint);
}

/* --- several ---------------------------------------------------------------------------------- */

static bool same_names(const lks_data_config *a, const lks_data_config *b) {
    if (a->n_class_names == 0 || b->n_class_names == 0)
        return true;
    for (int k = 0; k < a->n_class_names; k++)
        if (strcmp(a->class_names[k], b->class_names[k]) != 0)
            return false;
    return true;
}

static lks_status check_fellow(const lks_network *a, const lks_network *b, lks_error *err) {
    const lks_data_identity *x = &a->data, *y = &b->data;
    if (x->rows != y->rows || x->columns != y->columns || x->channels != y->channels ||
        x->classes != y->classes)
        return lks_fail(
            err, LKS_ERR_MISMATCH,
            "%s has %d classes of %d x %d x %d images, %s has %d classes of %d x %d x %d; "
            "only networks that are alike in this can be averaged",
            a->path, x->classes, x->rows, x->columns, x->channels, b->path, y->classes, y->rows,
            y->columns, y->channels);
    if (strcmp(x->digest, y->digest) != 0)
        return lks_fail(
            err, LKS_ERR_MISMATCH,
            "%s and %s were trained on different data (digests %.16s, %.16s); only networks "
            "of the same data can be averaged",
            a->path, b->path, x->digest, y->digest);
    if (!same_names(&a->config.data, &b->config.data))
        return lks_fail(
            err, LKS_ERR_MISMATCH,
            "%s and %s have different data.class_names; only networks with the same names, "
            "in the same order, can be averaged",
            a->path, b->path);
    return LKS_OK;
}

lks_status lks_ensemble_load(lks_ensemble *e, lks_comm *comm, const lks_network_source *source,
                             lks_error *err) {
    memset(e, 0, sizeof *e);
    e->shifts = source->shifts;
    e->members = lks_alloc((size_t)source->n, sizeof *e->members, "the networks", err);
    LKS_TRY(agree(comm, e->members ? LKS_OK : err->status, err));
    for (; e->n < source->n; e->n++) {
        lks_network *own = &e->members[e->n];
        lks_status status = load(own, comm, source, source->checkpoints[e->n], err);
        if (status == LKS_OK) /* the same on every rank */
            status = check_fellow(&e->members[0], own, err);
        if (status != LKS_OK) {
            free_network(own);
            return status;
        }
    }
    const lks_network *first = &e->members[0];
    e->shape = (lks_shape){first->data.rows, first->data.columns, first->data.channels};
    e->classes = first->data.classes;
    e->capacity = first->config.eval.batch;
    return LKS_OK;
}

static size_t image_bytes(const lks_ensemble *e) {
    return (size_t)e->shape.rows * (size_t)e->shape.columns * (size_t)e->shape.channels;
}

static lks_status make_room(lks_ensemble *e, lks_error *err) {
    const size_t n = (size_t)e->capacity, row = (size_t)e->classes;
    e->moved = lks_alloc(n, image_bytes(e), "moved images", err);
    e->probabilities = lks_alloc(n * row, sizeof *e->probabilities, "probabilities", err);
    e->means = lks_alloc(n * row, sizeof *e->means, "probabilities", err);
    return e->moved && e->probabilities && e->means ? LKS_OK : err->status;
}

lks_status lks_ensemble_build(lks_ensemble *e, lks_comm *comm, int threads, lks_error *err) {
    for (int k = 0; k < e->n; k++)
        LKS_TRY(build(&e->members[k], comm, threads, e->capacity, err));
    return agree(comm, make_room(e, err), err);
}

void lks_ensemble_free(lks_ensemble *e) {
    for (int k = 0; k < e->n; k++)
        free_network(&e->members[k]);
    lks_free(e->members);
    lks_free(e->moved);
    lks_free(e->probabilities);
    lks_free(e->means);
    memset(e, 0, sizeof *e);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Images moved down by `down` and right by `right` pixels; what comes in is black. */
static void move(const lks_ensemble *e, const uint8_t *images, int n, int down, int right) {
    const int rows = e->shape.rows, columns = e->shape.columns;
    const size_t pixel = (size_t)e->shape.channels, row = (size_t)columns * pixel;
    const size_t kept = (size_t)(columns - abs(right)) * pixel;
    const size_t from = right < 0 ? (size_t)-right * pixel : 0;
    const size_t to = right > 0 ? (size_t)right * pixel : 0;
    memset(e->moved, 0, (size_t)n * image_bytes(e));
    if (abs(down) >= rows || abs(right) >= columns)
        return;
    for (int i = 0; i < n; i++)
        for (int y = down > 0 ? down : 0; y < rows && y - down < rows; y++) {
            const size_t image = (size_t)i * (size_t)rows;
            memcpy(e->moved + (image + (size_t)y) * row + to,
                   images + (image + (size_t)(y - down)) * row + from, kept);
        }
}

/* Adds what one network says, wherever the images are moved to, to the sums in e->means. */
static void look(lks_ensemble *e, lks_model *model, const lks_batch *batch) {
    const size_t count = (size_t)batch->n * (size_t)e->classes;
    lks_batch moved = *batch;
    moved.images = e->moved;
    for (int down = -e->shifts; down <= e->shifts; down++)
        for (int right = -e->shifts; right <= e->shifts; right++) {
            move(e, batch->images, batch->n, down, right);
            lks_model_evaluate(model, &moved, NULL, e->probabilities);
            for (size_t i = 0; i < count; i++)
                e->means[i] += (double)e->probabilities[i];
        }
}

void lks_ensemble_score(lks_ensemble *e, const lks_batch *batch, lks_score *scores) {
    const size_t count = (size_t)batch->n * (size_t)e->classes;
    const int looks = (2 * e->shifts + 1) * (2 * e->shifts + 1);
    memset(e->means, 0, count * sizeof *e->means);
    if (e->n * looks == 1) {
        lks_model_evaluate(e->members[0].model, batch, scores, e->probabilities);
        for (size_t i = 0; i < count; i++)
            e->means[i] = (double)e->probabilities[i];
        return;
    }
    for (int k = 0; k < e->n; k++)
        look(e, e->members[k].model, batch);
    for (size_t i = 0; i < count; i++)
        e->means[i] /= e->n * looks;
    for (int i = 0; i < batch->n; i++)
        scores[i] = lks_model_judge(e->members[0].model, e->means + (size_t)i * (size_t)e->classes,
                                    batch->labels[i]);
}

void lks_ensemble_look(lks_ensemble *e, const uint8_t *image, int down, int right, double *means) {
    uint8_t label = 0;
    uint32_t id = 0;
    const lks_batch batch = {e->moved, &label, &id, 1, 0};
    move(e, image, 1, down, right);
    memset(means, 0, (size_t)e->classes * sizeof *means);
    for (int k = 0; k < e->n; k++) {
        lks_model_evaluate(e->members[k].model, &batch, NULL, e->probabilities);
        for (int i = 0; i < e->classes; i++)
            means[i] += (double)e->probabilities[i] / e->n;
    }
}
