#include "nn/engine/apart.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "lockstep/model.h"
#include "nn/engine/lives.h"

/* Of a batch of `samples` samples. */
static size_t hashes_of_all(const lks_model *m, int samples) {
    return (size_t)((samples + m->chunk - 1) / m->chunk) * (size_t)m->n_ops;
}

lks_status lks_model_open_chunks(lks_model *m, lks_error *err) {
    lks_asked *a = &m->gathered.asked;
    size_t most = 0;
    for (int i = 0; i < m->n_ops; i++)
        most = m->ops[i]->sums_count > most ? m->ops[i]->sums_count : most;
    a->hashes = lks_lives_alloc(m, hashes_of_all(m, m->capacity), sizeof *a->hashes, err);
    if (!a->hashes)
        return err->status;
    for (int t = 0; t < m->threads; t++) {
        m->workers[t]->apart.sums = lks_lives_alloc(m, most, sizeof(int64_t), err);
        if (!m->workers[t]->apart.sums)
            return err->status;
    }
    return LKS_OK;
}

size_t lks_apart_peer_bytes(const lks_model *m) {
    const size_t bytes = hashes_of_all(m, m->capacity) * sizeof *m->gathered.asked.hashes;
    return m->gathered.asked.hashes ? (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN : 0;
}

void lks_apart_move(lks_model *m, char *to) {
    lks_asked *a = &m->gathered.asked;
    if (!a->hashes)
        return;
    lks_free_lazy(a->hashes);
    a->hashes = (_Atomic uint64_t *)to;
}

void lks_apart_free(lks_model *m) {
    if (m->gathered.peers.n == 0) /* peers read them: they are borrowed */
        lks_free_lazy(m->gathered.asked.hashes);
}

void lks_model_look_into(lks_model *m, bool squares, bool hashes) {
    m->gathered.asked.squares = squares;
    m->gathered.asked.hashed = hashes;
}

void lks_apart_begin(lks_model *m) {
    lks_asked *a = &m->gathered.asked;
    const size_t n = a->hashed ? hashes_of_all(m, m->batch.n) : 0;
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&a->hashes[i], 0, memory_order_relaxed);
    if (a->squares && !a->alone)
        a->chunks += m->batch.n / m->chunk;
}

void lks_apart_hashes(const lks_model *m, uint64_t *hashes) {
    const size_t n = hashes_of_all(m, m->batch.n);
    for (size_t i = 0; i < n; i++)
        hashes[i] = atomic_load_explicit(&m->gathered.asked.hashes[i], memory_order_relaxed);
}

void lks_model_chunk_hashes(lks_model *m, uint64_t *hashes) {
    if (m->gathered.read) /* peers add to them until they have met */
        m->gathered.peers.meet(m->gathered.peers.context);
    m->gathered.read = false;
    lks_apart_hashes(m, hashes);
}

bool lks_apart_open(const lks_model *m, lks_worker *w, int chunk, int count) {
    const lks_asked *a = &m->gathered.asked;
    lks_apart *p = &w->apart;
    p->counts = a->squares && !a->alone && count == m->chunk;
    p->hashes = a->hashed ? (_Atomic uint64_t *)((char *)a->hashes + w->away) +
                                (size_t)chunk * (size_t)m->n_ops
                          : NULL;
    p->open = p->counts || p->hashes;
    return p->open;
}

/* Few enough that four sums of 64 bits hold their squares, and that they stay in the first-level cache. */
#define BLOCK 1024

/* |q| < 2^51. In halves of 32 bits, so that the loop can be done in vectors. */
static lks_u128 squares_of(const int64_t *q, size_t n) {
    uint64_t low = 0, middle = 0, cross = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t size = (uint64_t)(q[i] < 0 ? -q[i] : q[i]);
        const uint32_t l = (uint32_t)size, h = (uint32_t)(size >> 32);
        const uint64_t square = (uint64_t)l * l;
        low += (uint32_t)square;
        middle += square >> 32;
        cross += (uint64_t)l * h;
        high += (uint64_t)h * h;
    }
    return low + ((lks_u128)middle << 32) + ((lks_u128)cross << 33) + ((lks_u128)high << 64);
}

/* Linear, so that several threads' parts of a contribution add up; each factor is odd, so that no flipped bit is lost. */
static uint64_t hash_of(const int64_t *q, size_t first, size_t n) {
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++)
        hash += (uint64_t)q[i] * (lks_hash64(first + i) | 1);
    return hash;
}

static void note(const lks_op *op, const lks_worker *w, uint64_t hash) {
    if (w->apart.hashes)
        atomic_fetch_add_explicit(&w->apart.hashes[op->index], hash, memory_order_relaxed);
}

void lks_apart_moments(const lks_op *op, const lks_worker *w, const double *moments, size_t n) {
    uint64_t hash = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &moments[i], sizeof bits);
        hash += bits * (lks_hash64(~(uint64_t)i) | 1);
    }
    note(op, w, lks_hash64(hash));
}

static void add(int64_t *to, const int64_t *from, size_t n, bool fresh) {
    if (fresh)
        memcpy(to, from, n * sizeof *to);
    else
        for (size_t i = 0; i < n; i++) /* unsigned: what a refused partial left behind may wrap */
            to[i] = (int64_t)((uint64_t)to[i] + (uint64_t)from[i]);
}

void lks_apart_close(const lks_op *op, lks_worker *w, int slot, size_t first, size_t count,
                     bool fresh) {
    const bool alone = op->model->gathered.asked.alone;
    lks_apart *p = &w->apart;
    uint64_t hash = 0;
    p->open = false;
    for (size_t at = first, n; at < first + count; at += n) {
        n = first + count - at < BLOCK ? first + count - at : BLOCK;
        if (p->counts)
            p->squares += squares_of(p->sums + at, n);
        if (p->hashes)
            hash += hash_of(p->sums + at, at, n);
        if (!alone)
            add((int64_t *)op->sums[slot] + at, p->sums + at, n, fresh);
        memset(p->sums + at, 0, n * sizeof *p->sums);
    }
    note(op, w, hash);
}

/* A rank's sum has less than 128 bits as long as it is of less than 2^26 squares; more of them would have to be near
 * the largest partial that is not refused. Limbs of 43 bits leave room for the sum over 2^20 ranks. */
enum { LIMB_BITS = 43 };

void lks_apart_collect(lks_model *m, int64_t *message) {
    const uint64_t mask = (UINT64_C(1) << LIMB_BITS) - 1;
    lks_u128 sum = 0;
    for (int t = 0; t < m->threads; t++) {
        sum += m->workers[t]->apart.squares;
        m->workers[t]->apart.squares = 0;
    }
    for (int k = LKS_MSG_SQUARES; k < LKS_MSG_SQUARES_END; k++) {
        message[k] = (int64_t)((uint64_t)sum & mask);
        sum >>= LIMB_BITS;
    }
    message[LKS_MSG_CHUNKS] = m->gathered.asked.chunks;
    m->gathered.asked.chunks = 0;
}

double lks_chunk_squares(const int64_t *message) {
    const double unit = 1.0 / ((double)(1 << LKS_SCALE_BITS) * (double)(1 << LKS_SCALE_BITS));
    lks_u128 sum = 0;
    for (int k = LKS_MSG_SQUARES_END - 1; k >= LKS_MSG_SQUARES; k--)
        sum = (sum << LIMB_BITS) + (uint64_t)message[k];
    return (double)sum * unit; /* rounded once: the unit is a power of two */
}
