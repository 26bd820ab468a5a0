/* Of each class the samples of the smallest tickets are chosen, compared with a sort of all tickets; also where draws of 64
 * bits are equal, which no seed has shown: then the smaller id is first. */
#include "support/test.h"

#include <stdlib.h>

#include "data/choice.h"
#include "lockstep/philox.h"

enum { N = 700, CLASSES = 3, SEED = 5 };

static lks_error err;

/* So many bits of a draw are the stream's, from the highest, and the others are the same for all; 32: it is as it is. */
static unsigned draw_bits;

/* Linked in the place of lks_stream_u32() (--wrap). */
uint32_t __real_lks_stream_u32(const lks_stream *s, uint64_t element);
uint32_t __wrap_lks_stream_u32(const lks_stream *s, uint64_t element);
uint32_t __wrap_lks_stream_u32(const lks_stream *s, uint64_t element) {
    const uint32_t word = __real_lks_stream_u32(s, element);
    if (draw_bits == 32)
        return word;
    const uint32_t high = draw_bits == 0 ? 0 : word >> (32 - draw_bits) << (32 - draw_bits);
    return element == 0 ? high : UINT32_MAX;
}

typedef struct drawn {
    uint64_t draw;
    uint32_t id;
} drawn;

static int by_ticket(const void *a, const void *b) {
    const drawn *x = a, *y = b;
    if (x->draw != y->draw)
        return x->draw < y->draw ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static uint64_t draw_of(uint32_t id) {
    const lks_stream s = lks_stream_make(SEED, LKS_PURPOSE_SPLIT, LKS_DRAW_LIMIT, 0, id);
    return (uint64_t)lks_stream_u32(&s, 0) << 32 | lks_stream_u32(&s, 1);
}

static uint8_t label_of(uint32_t id) {
    return (uint8_t)(id % 7 % CLASSES);
}

/* Marks the first `wanted` of the class, by a sort. */
static void mark(bool chosen[N], int label, int64_t wanted) {
    drawn all[N];
    size_t n = 0;
    for (uint32_t id = 0; id < N; id++)
        if (label_of(id) == label)
            all[n++] = (drawn){draw_of(id), id};
    qsort(all, n, sizeof *all, by_ticket);
    for (int64_t i = 0; i < wanted; i++)
        chosen[all[i].id] = true;
}

/* So many of each class; how many samples are chosen or not where they should not be. */
static int wrong_choices(const int64_t wanted[LKS_CLASSES_MAX]) {
    uint8_t labels[N];
    bool chosen[N] = {false};
    for (uint32_t id = 0; id < N; id++)
        labels[id] = label_of(id);
    const lks_labelled samples = lks_labelled_alone(labels, N);
    const lks_split_rule rule = {.seed = SEED};
    const lks_choice choice = {&samples, &rule, LKS_USE_NONE, LKS_DRAW_LIMIT, CLASSES};
    lks_cutoff cutoffs[LKS_CLASSES_MAX];
    CU_ASSERT_EQUAL_FATAL(lks_choose(cutoffs, &choice, samples.counts, wanted, &err), LKS_OK);
    for (int k = 0; k < CLASSES; k++)
        mark(chosen, k, wanted[k]);
    int wrong = 0;
    for (uint32_t id = 0; id < N; id++)
        wrong += lks_chosen(&cutoffs[labels[id]], SEED, LKS_DRAW_LIMIT, id) != chosen[id];
    return wrong;
}

static void check_choices(unsigned bits) {
    draw_bits = bits;
    for (int64_t n = 0; n <= 200; n += n < 20 ? 1 : 17) {
        const int64_t wanted[LKS_CLASSES_MAX] = {n, n / 2, 200 - n};
        CU_ASSERT_EQUAL(wrong_choices(wanted), 0);
    }
    draw_bits = 32;
}

static void smallest_tickets(void) {
    check_choices(32);
}

static void equal_draws_go_by_id(void) {
    check_choices(3); /* eight values in all */
    check_choices(0); /* one */
}

int main(void) {
    static const lks_test tests[] = {
        {"the smallest tickets are chosen", smallest_tickets},
        {"equal draws go by id", equal_draws_go_by_id},
        {NULL, NULL},
    };
    return lks_test_main("choice", tests);
}
