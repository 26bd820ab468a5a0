#include "train/guard/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/philox.h"
#include "train/trainer.h"

/* --- which ------------------------------------------------------------------------------------- */

/* Whole batches: so all ranks and threads have the same work, and none waits for one that audits. */
static lks_stream stream_of(const lks_trainer *t, int64_t number) {
    return lks_stream_make(t->config->seed, LKS_PURPOSE_AUDIT, 0, (uint32_t)t->cursor.epoch,
                           (uint32_t)number);
}

/* Numbers of a batch's stream. */
enum { WHETHER, WHO };

bool lks_audit_due(const lks_trainer *t, int64_t number) {
    const lks_stream s = stream_of(t, number);
    return t->audit.sent && lks_stream_uniform(&s, WHETHER) < t->config->train.audit;
}

/* How far the auditor is from the rank whose chunks it gets: never 0 but for a rank that is alone. */
static int distance_of(const lks_trainer *t, int64_t number) {
    const lks_stream s = stream_of(t, number);
    const int others = t->comm->size - 1;
    return others > 0 ? 1 + (int)(lks_stream_uniform(&s, WHO) * others) : 0;
}

/* --- their way --------------------------------------------------------------------------------- */

/* Chunks of a rank, on their way. */
typedef struct parcel {
    int rank, first, samples; /* first: the number of its first chunk in the batch */
    lks_fault *who;           /* what is to be told if that rank was wrong */
    uint64_t *hashes;         /* [chunks][operations] */
    uint32_t *ids;            /* [samples], as are the next two */
    uint8_t *labels, *images; /* as the network saw them */
    size_t n_hashes, bytes;
} parcel;

static size_t image_bytes(const lks_trainer *t) {
    const lks_shape s = lks_dataset_shape(&t->data);
    return (size_t)s.rows * (size_t)s.columns * (size_t)s.channels;
}

static size_t hashes_of(const lks_trainer *t, int samples) {
    return (size_t)lks_chunks(samples, t->config->train.chunk) * (size_t)t->view.n_operations;
}

static size_t bytes_of(const lks_trainer *t, int samples) {
    return sizeof(lks_fault) + hashes_of(t, samples) * sizeof(uint64_t) +
           (size_t)samples * (sizeof(uint32_t) + 1 + image_bytes(t));
}

/* Of rank `rank`, of the epoch's batch `number`. */
static parcel parcel_of(const lks_trainer *t, int rank, int64_t number, char *at) {
    const lks_train_config *c = &t->config->train;
    const lks_deal deal = {t->data.epoch.count, c->global_batch, c->chunk, t->comm->size};
    const lks_range range = lks_deal_positions(&deal, number, rank);
    parcel p = {.rank = rank, .samples = (int)range.count, .who = (lks_fault *)(void *)at};
    p.first = (int)((range.first - number * c->global_batch) / c->chunk);
    p.n_hashes = hashes_of(t, p.samples);
    p.hashes = (uint64_t *)(void *)(p.who + 1);
    p.ids = (uint32_t *)(void *)(p.hashes + p.n_hashes);
    p.labels = (uint8_t *)(p.ids + p.samples);
    p.images = p.labels + p.samples;
    p.bytes = bytes_of(t, p.samples);
    return p;
}

lks_status lks_audit_open(lks_trainer *t, lks_error *err) {
    lks_audit *a = &t->audit;
    if (t->config->train.audit == 0 || t->view.gradients) /* bench sums floats, too */
        return LKS_OK;
    const int most = lks_loader_capacity(t->loader);
    const size_t bytes = bytes_of(t, most), hashes = hashes_of(t, most);
    a->sent = lks_alloc(bytes, 1, "an audit", err);
    a->received = lks_alloc(bytes, 1, "an audit", err);
    a->again = lks_alloc(2 * hashes, sizeof *a->again, "an audit", err);
    a->bytes = 2 * bytes + 2 * hashes * sizeof *a->again;
    return a->sent && a->received && a->again ? LKS_OK : err->status;
}

void lks_audit_close(lks_audit *a) {
    lks_free(a->sent);
    lks_free(a->received);
    lks_free(a->again);
}

static void fill(const lks_trainer *t, parcel p, const lks_batch *batch) {
    const size_t n = (size_t)p.samples;
    *p.who = (lks_fault){.kind = "audit", .step = t->cursor.step, .epoch = t->cursor.epoch};
    lks_fault_here(p.who, t->comm->rank, t->comm->host);
    lks_model_chunk_hashes(t->model, p.hashes);
    memcpy(p.ids, batch->ids, n * sizeof *p.ids);
    memcpy(p.labels, batch->labels, n);
    memcpy(p.images, batch->images, n * image_bytes(t));
}

/* --- comparing --------------------------------------------------------------------------------- */

static bool recompute(lks_trainer *t, parcel p, uint32_t epoch, uint64_t *hashes) {
    const lks_batch batch = {p.images, p.labels, p.ids, p.samples, epoch};
    return lks_model_recompute(t->model, &batch, hashes);
}

/* Hash `at` differs; again: this rank came to the same a second time. A flipped bit of its weights would be why. */
static void note(lks_trainer *t, parcel p, size_t at, bool again) {
    const int n = t->view.n_operations, place = (int)at / n;
    lks_guard *g = &t->guard;
    lks_hashes_read_all(&g->hashes, t->threads);
    if (g->found.status != LKS_OK || g->hashes.changed_array >= 0)
        return;
    lks_fail(&g->found, LKS_ERR_REPLICA,
             "step %" PRId64
             ": audit: what chunk %d of the batch adds to the gradient of layer '%s' "
             "is not the same on rank %d on %s, which trained with it, and on rank %d on %s, which "
             "computed it again%s: faulty memory or processor; nothing made from it was saved: the "
             "same command goes on from the last good checkpoint, best without that host",
             t->cursor.step + 1, p.first + place, lks_model_operation_name(t->model, (int)at % n),
             p.rank, p.who->host, t->comm->rank, t->comm->host,
             again ? " and came to the same twice, so that the first is likely to be wrong"
                   : " and came to something else the second time, so that it is wrong itself");
    if (again)
        g->fault = *p.who;
    else
        lks_guard_note(t, "audit");
}

/* The first chunk that differs, and its last layer that does: backward an error goes on to the layers before. p.n_hashes:
 * there is none. */
static size_t difference(const lks_trainer *t, parcel p, const uint64_t *hashes) {
    const size_t n = (size_t)t->view.n_operations;
    for (size_t chunk = 0; chunk < p.n_hashes; chunk += n)
        for (size_t i = n; i-- > 0;)
            if (hashes[chunk + i] != p.hashes[chunk + i])
                return chunk + i;
    return p.n_hashes;
}

static void compare(lks_trainer *t, parcel p, uint32_t epoch) {
    uint64_t *first = t->audit.again, *second = first + p.n_hashes;
    const bool sound = recompute(t, p, epoch, first);
    const size_t at = difference(t, p, first);
    if (at == p.n_hashes)
        return;
    if (recompute(t, p, epoch, second) ||
        sound) /* else no sum holds them: the step's message ends the run */
        note(t, p, at, second[at] == first[at]);
}

lks_status lks_audit_check(lks_trainer *t, const lks_batch *batch, int64_t number, lks_error *err) {
    lks_audit *a = &t->audit;
    const int size = t->comm->size, rank = t->comm->rank, distance = distance_of(t, number);
    const int to = (rank + distance) % size, from = (rank - distance + size) % size;
    lks_phases_enter(&t->phases, LKS_PHASE_VERIFY);
    const parcel own = parcel_of(t, rank, number, a->sent);
    const parcel other = parcel_of(t, from, number, a->received);
    fill(t, own, batch);
    lks_comm_shift(t->comm, a->sent, own.bytes, to, a->received, other.bytes, from);
    LKS_TRY(lks_comm_check(t->comm, err));
    compare(t, other, batch->epoch);
    a->batches++;
    return LKS_OK;
}
