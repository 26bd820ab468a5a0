/* The n-th smallest ticket of a class is found digit by digit, from the highest: how many tickets begin with the digits
 * found so far and go on with each of 16 values is counted by every process for its own samples, and added up. Some five
 * digits are enough as a rule: as soon as all tickets that begin so are chosen, the rest of them says nothing. */
#include "data/choice.h"

#include <string.h>

#include "base/memory.h"
#include "lockstep/philox.h"

/* A ticket's digits, of four bits: those of the draw, then those of the id, which no two samples share. */
enum { VALUES = 16, DRAW_DIGITS = 16, TICKET_DIGITS = 24 };

typedef struct ticket {
    uint64_t draw;
    uint32_t id;
} ticket;

/* What is known of a class's last chosen ticket. */
typedef struct search {
    ticket found; /* its first digits; the others are 0 */
    int64_t left; /* its place among the tickets that begin so, from 1 */
    bool ended;
} search;

static ticket draw_ticket(uint64_t seed, lks_draw what, uint32_t id) {
    const lks_stream s = lks_stream_make(seed, LKS_PURPOSE_SPLIT, (uint32_t)what, 0, id);
    return (ticket){(uint64_t)lks_stream_u32(&s, 0) << 32 | lks_stream_u32(&s, 1), id};
}

bool lks_chosen(const lks_cutoff *cutoff, uint64_t seed, lks_draw draw, uint32_t id) {
    if (!cutoff->any)
        return false;
    if (cutoff->draw == UINT64_MAX && cutoff->id == UINT32_MAX) /* all are */
        return true;
    const ticket t = draw_ticket(seed, draw, id);
    return t.draw != cutoff->draw ? t.draw < cutoff->draw : id <= cutoff->id;
}

lks_use lks_split_use(const lks_split_rule *r, uint32_t id, uint8_t label) {
    if (!lks_chosen(&r->kept[label], r->seed, LKS_DRAW_LIMIT, id))
        return LKS_USE_NONE;
    return lks_chosen(&r->held_out[label], r->seed, LKS_DRAW_VALIDATION, id) ? LKS_USE_VALIDATION
                                                                             : LKS_USE_TRAIN;
}

static int shift_of(int digit) {
    return 4 * (digit < DRAW_DIGITS ? DRAW_DIGITS - 1 - digit : TICKET_DIGITS - 1 - digit);
}

static int digit_of(const ticket *t, int digit) {
    return (int)((digit < DRAW_DIGITS ? t->draw : t->id) >> shift_of(digit) & (VALUES - 1));
}

static void set_digit(ticket *t, int digit, int value) {
    if (digit < DRAW_DIGITS)
        t->draw |= (uint64_t)value << shift_of(digit);
    else
        t->id |= (uint32_t)value << shift_of(digit);
}

static bool begins_as(const ticket *t, const ticket *found, int digits) {
    for (int d = 0; d < digits; d++)
        if (digit_of(t, d) != digit_of(found, d))
            return false;
    return true;
}

/* Tickets of this process's samples that begin with what was found, by their next digit. */
static void count_own(int64_t (*counts)[VALUES], const search *searches, const lks_choice *c,
                      int digit) {
    const lks_labelled *s = c->samples;
    for (int64_t i = 0; i < s->own.count; i++) {
        const uint8_t label = s->labels[i];
        const uint32_t id = (uint32_t)(s->own.first + i);
        if (searches[label].ended ||
            (c->among != LKS_USE_NONE && lks_split_use(c->rule, id, label) != c->among))
            continue;
        const ticket t = draw_ticket(c->rule->seed, c->draw, id);
        if (begins_as(&t, &searches[label].found, digit))
            counts[label][digit_of(&t, digit)]++;
    }
}

/* The next digit. Where all tickets that begin with it are chosen, the greatest of them may be any. */
static void go_on(search *s, const int64_t counts[VALUES], int digit) {
    int value = 0;
    while (value < VALUES - 1 && s->left > counts[value])
        s->left -= counts[value++];
    set_digit(&s->found, digit, value);
    s->ended = s->left == counts[value];
    for (int d = digit + 1; s->ended && d < TICKET_DIGITS; d++)
        set_digit(&s->found, d, VALUES - 1);
}

static bool all_ended(const search *searches) {
    for (int k = 0; k < LKS_CLASSES_MAX; k++)
        if (!searches[k].ended)
            return false;
    return true;
}

/* Classes of which none or all are chosen need no search; nor do labels that are of no class. */
static void start(search *searches, int classes, const int64_t *counts, const int64_t *wanted) {
    for (int k = 0; k < LKS_CLASSES_MAX; k++) {
        searches[k].left = wanted[k];
        searches[k].ended = k >= classes || wanted[k] == 0 || wanted[k] >= counts[k];
        searches[k].found = (ticket){UINT64_MAX, UINT32_MAX};
        if (!searches[k].ended)
            searches[k].found = (ticket){0, 0};
    }
}

static lks_status search_all(search *searches, const lks_choice *c, lks_error *err) {
    const lks_together *with = &c->samples->with;
    const size_t classes = (size_t)c->classes;
    int64_t(*found)[VALUES] = lks_alloc(classes, sizeof *found, "the split", err);
    lks_status status = with->agree(with->of, found ? LKS_OK : LKS_ERR_MEMORY, err);
    for (int digit = 0; status == LKS_OK && digit < TICKET_DIGITS && !all_ended(searches);
         digit++) {
        memset(found, 0, classes * sizeof *found);
        count_own(found, searches, c, digit);
        with->sum(with->of, &found[0][0], classes * VALUES);
        for (int k = 0; k < c->classes; k++)
            if (!searches[k].ended)
                go_on(&searches[k], found[k], digit);
    }
    lks_free(found);
    if (status == LKS_OK)
        status = with->agree(with->of, LKS_OK, err); /* a sum may have failed */
    return status;
}

lks_status lks_choose(lks_cutoff cutoffs[LKS_CLASSES_MAX], const lks_choice *c,
                      const int64_t counts[LKS_CLASSES_MAX], const int64_t wanted[LKS_CLASSES_MAX],
                      lks_error *err) {
    search searches[LKS_CLASSES_MAX];
    start(searches, c->classes, counts, wanted);
    if (!all_ended(searches))
        LKS_TRY(search_all(searches, c, err));
    for (int k = 0; k < LKS_CLASSES_MAX; k++)
        cutoffs[k] = (lks_cutoff){wanted[k] > 0, searches[k].found.id, searches[k].found.draw};
    return LKS_OK;
}
