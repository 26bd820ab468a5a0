#include "lockstep/data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/digest.h"
#include "lockstep/memory.h"
#include "lockstep/philox.h"

enum { LABELS = 256 };

/* What is drawn. Each purpose has random numbers of its own, so that no choice leans on another. */
typedef enum purpose { DRAW_VALIDATION, DRAW_LIMIT, DRAW_REPEATS } purpose;

/* A sample's ticket: the smallest ones of each class are chosen. */
typedef struct ticket {
    uint64_t draw;
    uint32_t id;
} ticket;

static int compare_tickets(const void *left, const void *right) {
    const ticket *a = left, *b = right;
    if (a->draw != b->draw)
        return a->draw < b->draw ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static ticket draw_ticket(uint64_t seed, purpose what, uint32_t id) {
    const lks_stream s = lks_stream_make(seed, LKS_PURPOSE_SPLIT, (uint32_t)what, 0, id);
    return (ticket){.draw = (uint64_t)lks_stream_u32(&s, 0) << 32 | lks_stream_u32(&s, 1),
                    .id = id};
}

/* Samples that are being chosen from, and room for their tickets. */
typedef struct pool {
    const uint8_t *labels;
    int64_t n;
    const bool *among; /* [n]; NULL: all */
    int64_t counts[LABELS];
    ticket *tickets; /* [n] */
    uint64_t seed;
} pool;

/* Marks in chosen[id] the wanted[c] samples of each class c that have the smallest tickets. */
static void choose(bool *chosen, const pool *p, purpose what, const int64_t wanted[LABELS]) {
    int64_t begin[LABELS], next[LABELS], sum = 0;
    for (int c = 0; c < LABELS; c++) {
        begin[c] = next[c] = sum;
        sum += p->counts[c];
    }
    for (int64_t i = 0; i < p->n; i++)
        if (!p->among || p->among[i])
            p->tickets[next[p->labels[i]]++] = draw_ticket(p->seed, what, (uint32_t)i);
    for (int c = 0; c < LABELS; c++) {
        ticket *class_tickets = p->tickets + begin[c];
        if (wanted[c] == 0)
            continue;
        qsort(class_tickets, (size_t)p->counts[c], sizeof *class_tickets, compare_tickets);
        for (int64_t i = 0; i < wanted[c]; i++)
            chosen[class_tickets[i].id] = true;
    }
}

/* --- how many of each class ------------------------------------------------------------------- */

/* round(n * share), ties up, but not the whole class. The fraction is taken before it is compared,
 * since n * share + 0.5 could round up to the next integer. */
static int64_t held_out(int64_t n, double share) {
    const double exact = (double)n * share;
    const int64_t whole = (int64_t)exact;
    const int64_t rounded = whole + (exact - (double)whole >= 0.5 ? 1 : 0);
    return rounded < n || n == 0 ? rounded : n - 1;
}

/* Deals `limit` of n samples to the classes in proportion to their counts, by largest remainders
 * (Hamilton's method), ties to the smaller class number. Products are below 2^64: both factors are
 * at most 2^32. */
static void apportion(int64_t wanted[LABELS], const int64_t counts[LABELS], int64_t n,
                      int64_t limit) {
    uint64_t remainder[LABELS];
    int64_t left = limit;
    for (int c = 0; c < LABELS; c++) {
        const uint64_t product = (uint64_t)counts[c] * (uint64_t)limit;
        wanted[c] = (int64_t)(product / (uint64_t)n);
        remainder[c] = product % (uint64_t)n;
        left -= wanted[c];
    }
    for (; left > 0; left--) {
        int most = 0;
        for (int c = 1; c < LABELS; c++)
            if (remainder[c] > remainder[most])
                most = c;
        wanted[most]++;
        remainder[most] = 0;
    }
}

static lks_status count_labels(int64_t counts[LABELS], const uint8_t *labels, int64_t n,
                               int classes, lks_error *err) {
    for (int64_t i = 0; i < n; i++) {
        if (labels[i] >= classes)
            return lks_fail(err, LKS_ERR_DATA,
                            "label %d of sample %" PRId64 " is not below the number of classes, "
                            "%d; correct the label file or data.classes",
                            labels[i], i, classes);
        counts[labels[i]]++;
    }
    return LKS_OK;
}

/* --- the split -------------------------------------------------------------------------------- */

/* Ascending ids of the samples that are kept: those that validate, and the others. */
static lks_status fill(lks_split *split, const bool *kept, const bool *validates, int64_t n,
                       int64_t total, int64_t held, lks_error *err) {
    split->train = lks_alloc((size_t)(total - held), sizeof *split->train, "training ids", err);
    split->validation = lks_alloc((size_t)held, sizeof *split->train, "validation ids", err);
    if (!split->train || !split->validation) {
        lks_split_free(split);
        return LKS_ERR_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        if (validates[i])
            split->validation[split->n_validation++] = (uint32_t)i;
        else if (kept[i])
            split->train[split->n_train++] = (uint32_t)i;
    }
    return LKS_OK;
}

/* kept[] and validates[] have room for p->n each. */
static lks_status split_pool(lks_split *split, pool *p, bool *kept, bool *validates, int64_t limit,
                             double share, lks_error *err) {
    int64_t wanted[LABELS], held = 0;
    const int64_t total = limit ? limit : p->n;
    memset(kept, !limit, (size_t)p->n);
    if (limit) {
        apportion(wanted, p->counts, p->n, limit);
        choose(kept, p, DRAW_LIMIT, wanted);
        memcpy(p->counts, wanted, sizeof wanted);
    }
    p->among = kept;
    for (int c = 0; c < LABELS; c++) {
        wanted[c] = held_out(p->counts[c], share);
        held += wanted[c];
    }
    choose(validates, p, DRAW_VALIDATION, wanted);
    return fill(split, kept, validates, p->n, total, held, err);
}

lks_status lks_split_make(lks_split *split, const uint8_t *labels, int64_t n, int classes,
                          int64_t limit, double share, uint64_t seed, lks_error *err) {
    *split = (lks_split){0};
    if (!(share >= 0.0 && share < 1.0))
        return lks_fail(err, LKS_ERR_CONFIG, "data.validation = %g; expected 0 <= share < 1",
                        share);
    if (limit < 0 || limit > n)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.limit = %" PRId64 ", but there are %" PRId64
                        " training images; give at most that many, or 0 for all",
                        limit, n);
    pool p = {.labels = labels, .n = n, .seed = seed};
    LKS_TRY(count_labels(p.counts, labels, n, classes, err));
    bool *kept = lks_alloc((size_t)n, sizeof *kept, "the split", err);
    bool *validates = lks_alloc((size_t)n, sizeof *validates, "the split", err);
    p.tickets = lks_alloc((size_t)n, sizeof *p.tickets, "the split", err);
    lks_status status = LKS_ERR_MEMORY;
    if (kept && validates && p.tickets)
        status = split_pool(split, &p, kept, validates, limit, share, err);
    lks_free(p.tickets);
    lks_free(validates);
    lks_free(kept);
    return status;
}

void lks_split_free(lks_split *split) {
    lks_free(split->train);
    lks_free(split->validation);
    *split = (lks_split){0};
}

/* --- what an epoch shows ---------------------------------------------------------------------- */

/* How often the images of each class are shown so that every class that has images comes up `most`
 * times: each[c] times, and once_more[c] of them once more. Returns the sum. */
static int64_t plan_repeats(const int64_t counts[LABELS], int64_t each[LABELS],
                            int64_t once_more[LABELS]) {
    int64_t most = 0, total = 0;
    for (int c = 0; c < LABELS; c++)
        most = counts[c] > most ? counts[c] : most;
    for (int c = 0; c < LABELS; c++) {
        each[c] = counts[c] ? most / counts[c] : 0;
        once_more[c] = counts[c] ? most % counts[c] : 0;
        total += counts[c] ? most : 0;
    }
    return total;
}

/* First every image once under its own number, so that equal classes give the plain list; then the
 * repeats, numbered on from the last image. */
static void list_repeats(lks_epoch_list *list, const lks_split *split, const pool *p,
                         const int64_t each[LABELS], const bool *extra) {
    uint32_t *images = list->owned, *ids = list->owned + list->count;
    int64_t at = split->n_train;
    for (int64_t i = 0; i < split->n_train; i++) {
        const uint32_t image = split->train[i];
        images[i] = ids[i] = image;
        for (int64_t k = extra[image] ? 0 : 1; k < each[p->labels[image]]; k++, at++) {
            images[at] = image;
            ids[at] = (uint32_t)(p->n + at - split->n_train);
        }
    }
}

static lks_status balance(lks_epoch_list *list, const lks_split *split, pool *p, bool *trains,
                          bool *extra, lks_error *err) {
    int64_t each[LABELS], once_more[LABELS];
    for (int64_t i = 0; i < split->n_train; i++) {
        trains[split->train[i]] = true;
        p->counts[p->labels[split->train[i]]]++;
    }
    p->among = trains;
    list->count = plan_repeats(p->counts, each, once_more);
    if (p->n + (list->count - split->n_train) > UINT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.balanced would show %" PRId64
                        " images an epoch, more than can be numbered; the classes differ too much",
                        list->count);
    choose(extra, p, DRAW_REPEATS, once_more);
    list->owned = lks_alloc((size_t)list->count, 2 * sizeof *list->owned, "the repeats", err);
    if (!list->owned)
        return LKS_ERR_MEMORY;
    list_repeats(list, split, p, each, extra);
    list->images = list->owned;
    list->ids = list->owned + list->count;
    return LKS_OK;
}

static void sum_ids(lks_epoch_list *list) {
    for (int64_t i = 0; i < list->count; i++)
        list->hash += lks_hash64(list->ids[i]);
}

lks_status lks_epoch_list_make(lks_epoch_list *list, const lks_split *split, const uint8_t *labels,
                               int64_t n, bool balanced, uint64_t seed, lks_error *err) {
    *list = (lks_epoch_list){.images = split->train, .ids = split->train, .count = split->n_train};
    if (!balanced) {
        sum_ids(list);
        return LKS_OK;
    }
    pool p = {.labels = labels, .n = n, .seed = seed};
    bool *trains = lks_alloc((size_t)n, sizeof *trains, "the repeats", err);
    bool *extra = lks_alloc((size_t)n, sizeof *extra, "the repeats", err);
    p.tickets = lks_alloc((size_t)n, sizeof *p.tickets, "the repeats", err);
    lks_status status = LKS_ERR_MEMORY;
    if (trains && extra && p.tickets)
        status = balance(list, split, &p, trains, extra, err);
    if (status == LKS_OK)
        sum_ids(list);
    lks_free(p.tickets);
    lks_free(extra);
    lks_free(trains);
    return status;
}

void lks_epoch_list_free(lks_epoch_list *list) {
    lks_free(list->owned);
    *list = (lks_epoch_list){0};
}
