/* The n-th smallest ticket of a class is found byte by byte, from the highest: how many tickets begin with the bytes found
 * so far and go on with each of 256 values is counted by every process for its own samples, and added up. Two or three
 * bytes are enough as a rule: as soon as all tickets that begin so are chosen, the rest of them says nothing. */
#include "data/choice.h"

#include <string.h>

#include "lockstep/memory.h"
#include "lockstep/philox.h"

/* A ticket's bytes: those of the draw, then those of the id, which no two samples share. */
enum { VALUES = 256, DRAW_BYTES = 8, TICKET_BYTES = 12 };

typedef struct ticket {
    uint64_t draw;
    uint32_t id;
} ticket;

/* What is known of a class's last chosen ticket. */
typedef struct search {
    ticket found; /* its first bytes; the others are 0 */
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

static int shift_of(int byte) {
    return 8 * (byte < DRAW_BYTES ? DRAW_BYTES - 1 - byte : TICKET_BYTES - 1 - byte);
}

static int byte_of(const ticket *t, int byte) {
    return (int)((byte < DRAW_BYTES ? t->draw : t->id) >> shift_of(byte) & 0xff);
}

static void set_byte(ticket *t, int byte, int value) {
    if (byte < DRAW_BYTES)
        t->draw |= (uint64_t)value << shift_of(byte);
    else
        t->id |= (uint32_t)value << shift_of(byte);
}

static bool begins_as(const ticket *t, const ticket *found, int bytes) {
    for (int b = 0; b < bytes; b++)
        if (byte_of(t, b) != byte_of(found, b))
            return false;
    return true;
}

/* Tickets of this process's samples that begin with what was found, by their next byte. */
static void count_own(int64_t (*counts)[VALUES], const search *searches, const lks_choice *c,
                      int byte) {
    const lks_labelled *s = c->samples;
    for (int64_t i = 0; i < s->own.count; i++) {
        const uint8_t label = s->labels[i];
        const uint32_t id = (uint32_t)(s->own.first + i);
        if (searches[label].ended ||
            (c->among != LKS_USE_NONE && lks_split_use(c->rule, id, label) != c->among))
            continue;
        const ticket t = draw_ticket(c->rule->seed, c->draw, id);
        if (begins_as(&t, &searches[label].found, byte))
            counts[label][byte_of(&t, byte)]++;
    }
}

/* The next byte. Where all tickets that begin with it are chosen, the greatest of them may be any. */
static void go_on(search *s, const int64_t counts[VALUES], int byte) {
    int value = 0;
    while (value < VALUES - 1 && s->left > counts[value])
        s->left -= counts[value++];
    set_byte(&s->found, byte, value);
    s->ended = s->left == counts[value];
    for (int b = byte + 1; s->ended && b < TICKET_BYTES; b++)
        set_byte(&s->found, b, VALUES - 1);
}

static bool all_ended(const search *searches, int classes) {
    for (int k = 0; k < classes; k++)
        if (!searches[k].ended)
            return false;
    return true;
}

/* Classes of which none or all are chosen need no search. */
static void start(search *searches, int classes, const int64_t *counts, const int64_t *wanted) {
    for (int k = 0; k < classes; k++) {
        searches[k].left = wanted[k];
        searches[k].ended = wanted[k] == 0 || wanted[k] >= counts[k];
        searches[k].found = (ticket){UINT64_MAX, UINT32_MAX};
        if (!searches[k].ended)
            searches[k].found = (ticket){0, 0};
    }
}

static lks_status search_all(search *searches, const lks_choice *c, lks_error *err) {
    const lks_together *with = &c->samples->with;
    const size_t classes = (size_t)c->classes;
    int64_t(*found)[VALUES] = lks_alloc(classes, sizeof *found, "the split", err);
    LKS_TRY(with->agree(with->of, found ? LKS_OK : LKS_ERR_MEMORY, err));
    for (int byte = 0; byte < TICKET_BYTES && !all_ended(searches, c->classes); byte++) {
        memset(found, 0, classes * sizeof *found);
        count_own(found, searches, c, byte);
        with->sum(with->of, &found[0][0], classes * VALUES);
        for (int k = 0; k < c->classes; k++)
            if (!searches[k].ended)
                go_on(&searches[k], found[k], byte);
    }
    lks_free(found);
    return with->agree(with->of, LKS_OK, err); /* a sum may have failed */
}

lks_status lks_choose(lks_cutoff cutoffs[LKS_CLASSES_MAX], const lks_choice *c,
                      const int64_t counts[LKS_CLASSES_MAX], const int64_t wanted[LKS_CLASSES_MAX],
                      lks_error *err) {
    search searches[LKS_CLASSES_MAX];
    start(searches, c->classes, counts, wanted);
    if (!all_ended(searches, c->classes))
        LKS_TRY(search_all(searches, c, err));
    for (int k = 0; k < c->classes; k++)
        cutoffs[k] = (lks_cutoff){wanted[k] > 0, searches[k].found.id, searches[k].found.draw};
    return LKS_OK;
}
