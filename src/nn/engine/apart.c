#include "nn/engine/apart.h"

#include <assert.h>
#include <string.h>

#include "lockstep/digest.h"
#include "lockstep/model.h"
#include "nn/engine/lives.h"

lks_status lks_model_open_chunks(lks_model *m, lks_error *err) {
    const size_t n_ops = (size_t)m->n_ops;
    lks_asked *a = &m->gathered.asked;
    size_t most = 0;
    for (int i = 0; i < m->n_ops; i++)
        most = m->ops[i]->sums_count > most ? m->ops[i]->sums_count : most;
    a->chosen = lks_model_alloc(m, 1, sizeof *a->chosen, "chosen chunks", err);
    a->hashes = lks_lives_alloc(m, LKS_CHOSEN_MOST * n_ops, sizeof *a->hashes, err);
    if (!a->chosen || !a->hashes)
        return err->status;
    for (int t = 0; t < m->threads; t++) {
        m->workers[t]->apart.sums = lks_lives_alloc(m, most, sizeof(int64_t), err);
        if (!m->workers[t]->apart.sums)
            return err->status;
    }
    return LKS_OK;
}

enum { CHOSEN_BYTES = LKS_ALIGN };
static_assert(sizeof(lks_chunk_choice) <= CHOSEN_BYTES, "what is chosen stands before the hashes");

size_t lks_apart_peer_bytes(const lks_model *m) {
    const size_t bytes =
        CHOSEN_BYTES + LKS_CHOSEN_MOST * (size_t)m->n_ops * sizeof *m->gathered.asked.hashes;
    return m->gathered.asked.chosen ? (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN : 0;
}

void lks_apart_move(lks_model *m, char *to) {
    lks_asked *a = &m->gathered.asked;
    if (!a->chosen)
        return;
    lks_free(a->chosen);
    lks_free_lazy(a->hashes);
    a->chosen = (lks_chunk_choice *)to;
    a->hashes = (_Atomic uint64_t *)(to + CHOSEN_BYTES);
}

void lks_apart_free(lks_model *m) {
    lks_asked *a = &m->gathered.asked;
    if (m->gathered.peers.n > 0) /* peers read them: they are borrowed */
        return;
    lks_free(a->chosen);
    lks_free_lazy(a->hashes);
}

void lks_model_look_into(lks_model *m, bool squares, lks_chunk_choice chosen) {
    m->gathered.asked.squares = squares;
    m->gathered.asked.next = chosen;
}

void lks_apart_begin(lks_model *m) {
    lks_asked *a = &m->gathered.asked;
    if (!a->chosen)
        return;
    *a->chosen = a->next;
    a->next = (lks_chunk_choice){0};
    for (int i = 0; i < a->chosen->count * m->n_ops; i++)
        atomic_store_explicit(&a->hashes[i], 0, memory_order_relaxed);
    if (a->squares)
        a->chunks += m->batch.n / m->chunk;
}

/* Of the operations of the chunk in hand, which is perhaps a peer's; NULL: it was not chosen. */
static _Atomic uint64_t *hashes_of(const lks_model *m, const lks_worker *w, int chunk) {
    const lks_asked *a = &m->gathered.asked;
    const lks_chunk_choice c = *(const lks_chunk_choice *)((const char *)a->chosen + w->away);
    const int place = c.count > 0 ? (chunk - c.first + c.of) % c.of : 0;
    return place < c.count ? (_Atomic uint64_t *)((char *)a->hashes + w->away) +
                                 (size_t)place * (size_t)m->n_ops
                           : NULL;
}

bool lks_apart_open(const lks_model *m, lks_worker *w, int chunk, int count) {
    const lks_asked *a = &m->gathered.asked;
    lks_apart *p = &w->apart;
    if (!p->sums)
        return false;
    p->counts = a->squares && count == m->chunk;
    p->hashes = hashes_of(m, w, chunk);
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
    if (p->hashes)
        atomic_fetch_add_explicit(&p->hashes[op->index], hash, memory_order_relaxed);
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
