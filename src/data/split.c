#include "lockstep/data.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lockstep/memory.h"
#include "lockstep/philox.h"

enum { LABELS = 256 };

/* A sample's ticket: the smallest ones of each class are held out. */
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

static ticket draw_ticket(uint64_t seed, uint32_t id) {
    const lks_stream s = lks_stream_make(seed, LKS_PURPOSE_SPLIT, 0, 0, id);
    return (ticket){.draw = (uint64_t)lks_stream_u32(&s, 0) << 32 | lks_stream_u32(&s, 1),
                    .id = id};
}

/* round(n * share), ties up, but not the whole class. The fraction is taken before it is compared,
 * since n * share + 0.5 could round up to the next integer. */
static int64_t held_out(int64_t n, double share) {
    const double exact = (double)n * share;
    const int64_t whole = (int64_t)exact;
    const int64_t rounded = whole + (exact - (double)whole >= 0.5 ? 1 : 0);
    return rounded < n || n == 0 ? rounded : n - 1;
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

/* Marks what is held out in validates[id]; tickets[] is room for n. Returns how many. */
static int64_t mark_validation(bool *validates, ticket *tickets, const int64_t counts[LABELS],
                               const uint8_t *labels, int64_t n, double share, uint64_t seed) {
    int64_t begin[LABELS], next[LABELS], sum = 0, held = 0;
    for (int c = 0; c < LABELS; c++) {
        begin[c] = next[c] = sum;
        sum += counts[c];
    }
    for (int64_t i = 0; i < n; i++)
        tickets[next[labels[i]]++] = draw_ticket(seed, (uint32_t)i);
    for (int c = 0; c < LABELS; c++) {
        const ticket *class_tickets = tickets + begin[c];
        const int64_t of_class = held_out(counts[c], share);
        qsort(tickets + begin[c], (size_t)counts[c], sizeof *tickets, compare_tickets);
        for (int64_t i = 0; i < of_class; i++)
            validates[class_tickets[i].id] = true;
        held += of_class;
    }
    return held;
}

static lks_status fill(lks_split *split, const bool *validates, int64_t n, int64_t held,
                       lks_error *err) {
    split->train = lks_alloc((size_t)(n - held), sizeof *split->train, "training ids", err);
    split->validation = lks_alloc((size_t)held, sizeof *split->train, "validation ids", err);
    if (!split->train || !split->validation) {
        lks_split_free(split);
        return LKS_ERR_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        if (validates[i])
            split->validation[split->n_validation++] = (uint32_t)i;
        else
            split->train[split->n_train++] = (uint32_t)i;
    }
    return LKS_OK;
}

lks_status lks_split_make(lks_split *split, const uint8_t *labels, int64_t n, int classes,
                          double share, uint64_t seed, lks_error *err) {
    *split = (lks_split){0};
    if (!(share >= 0.0 && share < 1.0))
        return lks_fail(err, LKS_ERR_CONFIG, "data.validation = %g; expected 0 <= share < 1",
                        share);
    int64_t counts[LABELS] = {0};
    LKS_TRY(count_labels(counts, labels, n, classes, err));
    bool *validates = lks_alloc((size_t)n, sizeof *validates, "the split", err);
    ticket *tickets = lks_alloc((size_t)n, sizeof *tickets, "the split", err);
    lks_status status = LKS_ERR_MEMORY;
    if (validates && tickets) {
        const int64_t held = mark_validation(validates, tickets, counts, labels, n, share, seed);
        status = fill(split, validates, n, held, err);
    }
    lks_free(tickets);
    lks_free(validates);
    return status;
}

void lks_split_free(lks_split *split) {
    lks_free(split->train);
    lks_free(split->validation);
    *split = (lks_split){0};
}
