/* A share is one word that its owner and helpers change by compare-and-swap: the number of the work, and
 * [first, end) of what is left of it. The owner takes from the front, helpers from the back. Who comes first
 * to a share of the work at hand deals it, so nobody waits for a thread that has not even begun. */
#include "nn/engine/work.h"

typedef struct share {
    int16_t ahead; /* of the work asked for; below 0: the share is still of a former one */
    int first, end;
} share;

#define BITS 24
#define MASK ((1u << BITS) - 1)

/* Owners come by in each work, so that numbers of works may start again from 0. */
static share unpack(uint64_t word, uint16_t work, lks_span whole) {
    const int16_t ahead = (int16_t)(uint16_t)((uint16_t)(word >> 2 * BITS) - work);
    if (ahead < 0)
        return (share){ahead, whole.first, whole.first + whole.count};
    return (share){ahead, (int)(word >> BITS & MASK), (int)(word & MASK)};
}

static uint64_t pack(uint16_t work, share s) {
    return (uint64_t)work << 2 * BITS | (uint64_t)s.first << BITS | (uint64_t)s.end;
}

static int left(share s) {
    return s.ahead > 0 ? 0 : s.end - s.first;
}

static int take(lks_worker *from, uint16_t work, lks_span whole, bool front) {
    uint64_t word = atomic_load_explicit(&from->share, memory_order_relaxed);
    for (;;) {
        share s = unpack(word, work, whole);
        int piece = left(s) == 0 ? -1 : front ? s.first++ : --s.end;
        if (piece < 0 && s.ahead >= 0)
            return -1;
        if (atomic_compare_exchange_weak_explicit(&from->share, &word, pack(work, s),
                                                  memory_order_relaxed, memory_order_relaxed))
            return piece;
    }
}

/* The thread with most left of the work; -1: nobody has anything left. */
static int neediest(const lks_model *m, uint16_t work, int n) {
    int most = 0, who = -1;
    for (int t = 0; t < m->threads; t++) {
        const uint64_t word = atomic_load_explicit(&m->workers[t]->share, memory_order_relaxed);
        const int has = left(unpack(word, work, lks_part(n, t, m->threads)));
        if (has > most) {
            most = has;
            who = t;
        }
    }
    return who;
}

int lks_work_next(const lks_model *m, lks_worker *w, int n, bool helps) {
    int piece = take(w, w->work, lks_part(n, w->index, m->threads), true);
    for (int t; piece < 0 && helps && (t = neediest(m, w->work, n)) >= 0;)
        piece = take(m->workers[t], w->work, lks_part(n, t, m->threads), false);
    if (piece < 0)
        w->work++;
    return piece;
}
