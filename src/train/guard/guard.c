#include "train/guard/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "train/trainer.h"

/* --- what is written -------------------------------------------------------------------------- */

/* Small enough for each step. */
static uint64_t hash_tables(const lks_trainer *t) {
    const size_t pixels = (size_t)t->data.identity.channels * 256 * sizeof *t->view.pixels;
    uint64_t hash = lks_hash64(lks_hash_bytes(t->view.pixels, pixels));
    hash = lks_hash64(hash ^ lks_hash_bytes(&t->config->train, sizeof t->config->train));
    hash = lks_hash64(hash ^ lks_hash_bytes(&t->optimizer.config, sizeof t->optimizer.config));
    return hash ^ lks_hash_bytes(&t->plan, sizeof t->plan);
}

static uint64_t hash_validation(const lks_trainer *t) {
    const lks_split *s = &t->data.own;
    return lks_hash_bytes(s->validation, (size_t)s->n_validation * sizeof *s->validation);
}

static lks_status add_arrays(lks_trainer *t, lks_error *err) {
    lks_hashes *h = &t->guard.hashes;
    LKS_TRY(lks_hashes_add(h, "the weights", t->view.weights, err));
    for (int s = 0; s < t->optimizer.n_states; s++)
        LKS_TRY(lks_hashes_add(h, t->optimizer.names[s], t->optimizer.state[s], err));
    return t->average.weights ? lks_hashes_add(h, "the averaged weights", t->average.weights, err)
                              : LKS_OK;
}

/* Running moments: within a batch, in the midst of a step. */
static bool touch(void *context, const float *at, size_t n, bool wrote) {
    lks_trainer *t = context;
    const size_t first = (size_t)(at - t->view.weights);
    if (!t->exchange.writes)
        return false;
    (wrote ? lks_hashes_wrote_part : lks_hashes_read_part)(&t->guard.hashes, 0, first, n);
    return true;
}

lks_status lks_guard_open(lks_trainer *t, lks_error *err) {
    const lks_model_view *v = &t->view;
    LKS_TRY(lks_hashes_create(&t->guard.hashes, v->tensors, v->n_tensors, t->kernels, err));
    LKS_TRY(add_arrays(t, err));
    t->optimizer.hashes = t->average.hashes = &t->guard.hashes;
    lks_model_watch(t->model, touch, t);
    t->guard.tables = hash_tables(t);
    t->guard.validation = hash_validation(t);
    return LKS_OK;
}

void lks_guard_close(lks_trainer *t) {
    lks_hashes_free(&t->guard.hashes);
}

void lks_guard_share(lks_trainer *t, uint64_t *memory) {
    const float *arrays[LKS_HASHED_ARRAYS];
    int n = 0;
    arrays[n++] = t->view.weights;
    for (int s = 0; s < t->optimizer.n_states; s++)
        arrays[n++] = t->optimizer.state[s];
    if (t->average.weights)
        arrays[n++] = t->average.weights;
    lks_hashes_share(&t->guard.hashes, arrays, memory);
}

void lks_guard_read_others(lks_trainer *t) {
    const lks_optimizer *o = &t->optimizer;
    lks_hashes_read_part(&t->guard.hashes, 0, 0, o->first);
    lks_hashes_read_part(&t->guard.hashes, 0, o->end, o->n - o->end);
}

void lks_trainer_wrote(lks_trainer *t) {
    lks_hashes_wrote_all(&t->guard.hashes, t->threads);
    lks_trainer_took(t);
}

void lks_trainer_took(lks_trainer *t) {
    lks_guard_stepped(t);
    lks_trainer_wrote_cursor(t);
}

void lks_guard_stepped(lks_trainer *t) {
    t->guard.arrays = lks_hashes_state(&t->guard.hashes);
}

void lks_trainer_wrote_cursor(lks_trainer *t) {
    t->guard.cursor = lks_cursor_hash(&t->cursor);
}

/* --- copies ----------------------------------------------------------------------------------- */

lks_state_hash lks_trainer_written(const lks_trainer *t) {
    const lks_hashes *h = &t->guard.hashes;
    lks_state_hash s = {.n_flats = h->n_arrays, .cursor = t->guard.cursor};
    for (int a = 0; a < h->n_arrays; a++)
        s.flats[a] = lks_hashes_written(h, a);
    return s;
}

/* --- what this rank finds --------------------------------------------------------------------- */

void lks_guard_note(lks_trainer *t, const char *kind) {
    lks_fault *f = &t->guard.fault;
    *f = (lks_fault){.step = t->cursor.step, .epoch = t->cursor.epoch};
    snprintf(f->kind, sizeof f->kind, "%s", kind);
    lks_fault_here(f, t->comm->rank, t->comm->host);
}

void lks_guard_note_ranks(lks_trainer *t) {
    t->guard.fault = (lks_fault){
        .kind = "replica", .step = t->cursor.step, .epoch = t->cursor.epoch, .rank = -1};
}

static const char advice[] =
    "faulty memory or processor; nothing made from it was saved: the same command goes on "
    "from the last good checkpoint, best without this host";

static const char own_memory[] = "this rank's memory";

/* `whose`: memory; `where`: "the weights" say, or an image. */
static void find(lks_trainer *t, const char *kind, const char *whose, const char *where) {
    lks_fail(&t->guard.found, LKS_ERR_REPLICA, "after step %" PRId64 ": %s changed: %s: %s",
             t->cursor.step, whose, where, advice);
    lks_guard_note(t, kind);
}

static void find_array(lks_trainer *t) {
    const lks_hashes *h = &t->guard.hashes;
    char where[2 * LKS_TENSOR_NAME_MAX];
    const lks_tensor *tensor = lks_hashes_changed_tensor(h);
    const bool shared = t->exchange.sharers > 1;
    const int length =
        snprintf(where, sizeof where, "%s in %s", tensor->name, h->names[h->changed_array]);
    t->guard.came = h->came;
    if (h->came)
        snprintf(where + length, sizeof where - (size_t)length, ", which rank %d wrote",
                 t->exchange.shares.owner[h->changed_block]);
    find(t, "memory",
         h->came  ? "a message, or this rank's memory,"
         : shared ? "memory that this host's ranks share"
                  : own_memory,
         where);
}

static void find_image(lks_trainer *t, const lks_image_fault *image) {
    char where[128] = "a training image on its way from rank to rank";
    const bool sent = lks_loader_windows(t->loader) > 0;
    if (image->known)
        snprintf(where, sizeof where,
                 "training image %u, held by rank %d, or its label is not what was loaded",
                 image->image, image->home);
    else if (!sent)
        snprintf(where, sizeof where, "the list of an epoch's images");
    find(t, image->known || sent ? "data" : "memory", own_memory, where);
}

/* What was noted on the way, and what is small enough to be hashed here. */
static void look(lks_trainer *t) {
    lks_guard *g = &t->guard;
    lks_image_fault image;
    if (g->found.status != LKS_OK)
        return;
    if (g->hashes.changed_array >= 0)
        find_array(t);
    else if (lks_cursor_hash(&t->cursor) != g->cursor)
        find(t, "memory", own_memory, "the numbers that say where training stands");
    else if (hash_tables(t) != g->tables)
        find(t, "memory", own_memory, "the float values of bytes, or settings of training");
    else if (lks_loader_image_changed(t->loader, &image))
        find_image(t, &image);
}

lks_cursor *lks_trainer_edit_cursor(lks_trainer *t) {
    look(t);
    return &t->cursor;
}

/* --- what the ranks find together ------------------------------------------------------------- */

static uint64_t state_of(const lks_trainer *t) {
    return lks_hash64(t->guard.arrays ^ t->guard.cursor);
}

void lks_guard_head(lks_trainer *t) {
    int64_t *m = t->view.message;
    look(t);
    m[LKS_MSG_CHANGED] = t->guard.found.status != LKS_OK;
    lks_state_weigh(state_of(t), t->comm->rank, t->comm->size, m + LKS_MSG_STATE_LOW);
}

/* What rank 0 gathers. */
typedef struct replica {
    uint64_t state;
    bool votes;      /* of ranks that share their state one does */
    lks_fault fault; /* host and node are used */
} replica;

/* The state that more than half of those who vote have goes to *state (Boyer & Moore's vote, then counted); false where
 * there is none. */
static bool majority(const replica *all, int n, uint64_t *state) {
    int lead = 0, count = 0, votes = 0;
    for (int r = 0; r < n; r++) {
        if (!all[r].votes)
            continue;
        if (lead == 0)
            *state = all[r].state;
        lead += all[r].state == *state ? 1 : -1;
    }
    for (int r = 0; r < n; r++) {
        votes += all[r].votes;
        count += all[r].votes && all[r].state == *state;
    }
    return 2 * count > votes;
}

/* How many ranks have that state. */
static int count_of(const replica *all, int n, uint64_t state) {
    int count = 0;
    for (int r = 0; r < n; r++)
        count += all[r].state == state;
    return count;
}

/* "rank 1 on a, rank 5 on b": those whose state is not *state, or all (NULL). Returns the first of them. */
static int list_ranks(const replica *all, int n, const uint64_t *state, char *list, size_t size) {
    size_t length = 0;
    int first = -1;
    *list = 0;
    for (int r = 0; r < n && length + sizeof all->fault.host + 32 < size; r++) {
        if (state && all[r].state == *state)
            continue;
        first = first < 0 ? r : first;
        length += (size_t)snprintf(list + length, size - length, "%srank %d on %s",
                                   length ? ", " : "", r, all[r].fault.host);
    }
    return first;
}

lks_status lks_guard_tell_message(lks_trainer *t, lks_error *err) {
    lks_guard_note_ranks(t);
    return lks_fail(err, LKS_ERR_REPLICA,
                    "after step %" PRId64
                    ": the ranks' sums say that something is wrong, but no rank has anything: a "
                    "message changed on its way: %s",
                    t->cursor.step, advice);
}

/* Rank 0. */
static void name_strays(lks_trainer *t, const replica *all, lks_error *err) {
    const int n = t->comm->size;
    char list[1024];
    uint64_t state = 0;
    const int count = majority(all, n, &state) ? count_of(all, n, state) : 0;
    const int first = list_ranks(all, n, count ? &state : NULL, list, sizeof list);
    if (count == n) {
        lks_guard_tell_message(t, err);
        return;
    }
    if (count) {
        t->guard.fault = all[first].fault;
        lks_fail(err, LKS_ERR_REPLICA,
                 "after step %" PRId64 ": %s computed another state than the %d other ranks: %s",
                 t->cursor.step, list, count, advice);
        return;
    }
    lks_guard_note_ranks(t);
    lks_fail(err, LKS_ERR_REPLICA,
             "after step %" PRId64
             ": the states of the ranks differ, and no majority says whose is "
             "wrong (%s): %s",
             t->cursor.step, list, advice);
}

static lks_status tell_strays(lks_trainer *t, lks_error *err) {
    lks_comm *comm = t->comm;
    replica own = {.state = state_of(t), .votes = t->exchange.writes}, *all = NULL;
    lks_guard_note(t, "replica");
    own.fault = t->guard.fault;
    if (comm->rank == 0 &&
        !(all = lks_alloc((size_t)comm->size, sizeof *all, "differing replicas", err)))
        return lks_comm_fail(comm, err);
    lks_comm_gather(comm, &own, 1, sizeof own, all, NULL);
    if (all)
        name_strays(t, all, err);
    lks_free(all);
    lks_comm_broadcast(comm, err, sizeof *err, 0); /* it names its ranks itself */
    comm->blamed = 0;
    LKS_TRY(lks_comm_check(comm, err));
    return err->status;
}

/* An image that is not what was loaded may have changed where it is held: all ranks look at what they hold, and a
 * holder is named before the rank that met the image in its batch. So is who wrote weights before who got them. */
static lks_status tell_found(lks_trainer *t, lks_error *err) {
    lks_guard *g = &t->guard;
    lks_image_fault image;
    const bool passed_on =
        g->found.status != LKS_OK &&
        (g->came || (strcmp(g->fault.kind, "data") == 0 &&
                     lks_loader_image_changed(t->loader, &image) && image.home != t->comm->rank));
    if (g->found.status == LKS_OK && lks_loader_share_changed(t->loader, &image))
        find_image(t, &image);
    lks_error own = passed_on ? (lks_error){.status = LKS_OK} : g->found;
    lks_status status = lks_comm_agree(t->comm, own.status, &own);
    if (status == LKS_OK) {
        own = g->found;
        status = lks_comm_agree(t->comm, own.status, &own);
    }
    if (status != LKS_OK)
        *err = own;
    return status;
}

lks_status lks_guard_tell(lks_trainer *t, bool differ, lks_error *err) {
    lks_hashes_read_all(&t->guard.hashes, t->threads); /* a number too large may be one bit */
    look(t);
    const lks_status status = tell_found(t, err);
    return status == LKS_OK && differ ? tell_strays(t, err) : status;
}

lks_status lks_trainer_settle(lks_trainer *t, lks_status own, lks_error *err) {
    int64_t sums[4] = {0};
    lks_hashes_read_all(&t->guard.hashes, t->threads);
    look(t);
    if (t->guard.found.status == LKS_OK && hash_validation(t) != t->guard.validation)
        find(t, "memory", own_memory, "which images are for validation");
    sums[2] = t->guard.found.status != LKS_OK;
    lks_state_weigh(state_of(t), t->comm->rank, t->comm->size, sums);
    sums[3] = own != LKS_OK;
    lks_comm_sum_i64(t->comm, sums, 4);
    LKS_TRY(lks_comm_check(t->comm, err));
    if (sums[3])
        return lks_comm_agree(t->comm, own, err);
    if (sums[0] || sums[1] || sums[2]) {
        LKS_TRY(lks_guard_tell(t, sums[0] || sums[1], err));
        return lks_guard_tell_message(t, err);
    }
    t->agreed_step = t->cursor.step;
    return LKS_OK;
}

const lks_fault *lks_trainer_fault(lks_trainer *t, const lks_error *err) {
    lks_fault *f = &t->guard.fault;
    if (t->comm->rank == t->comm->blamed && !f->kind[0])
        lks_guard_note(t, "memory");
    lks_comm_broadcast(t->comm, f, sizeof *f, t->comm->blamed);
    snprintf(f->text, sizeof f->text, "%.*s", (int)sizeof f->text - 1, err->text);
    return f;
}
