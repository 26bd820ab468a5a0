/* A rank asks of each of the images that it holds, by the inverse of the epoch's permutation, at which positions of the
 * epoch it stands, and so who trains on it and when: its share of the work, whatever the number of images and ranks. What
 * is sent says its position, so the other side need not know who sends what. */
#include "feed/supply/supply.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "comm/transfer.h"

/* What stands before the pixels of an image on its way. */
typedef struct header {
    uint64_t sum;   /* lks_image_sum() */
    uint64_t check; /* of the other members and the item's number */
    uint32_t image, id, position, label;
} header;
static_assert(sizeof(header) == LKS_SUPPLY_HEADER, "pixels follow it");

/* The own item of that index, to be sent to who trains on that position. */
typedef struct parcel {
    uint32_t own, position;
} parcel;

/* Batches [first, end) of an epoch; end 0: none. */
typedef struct window {
    int64_t epoch, first, end;
} window;

/* A window's images on this rank. */
typedef struct stock {
    window of;
    lks_permutation order; /* of its epoch */
    uint8_t *items;        /* [capacity]: headers and pixels */
    size_t capacity, count;
    uint32_t *places; /* [own positions of the window] the item's number + 1; 0: none */
    int64_t *before;  /* [batches of a window] own positions of the window in batches before */
} stock;

struct lks_supply {
    const lks_dataset *data;
    lks_comm *comm;
    lks_deal deal;
    uint64_t seed;
    int64_t epochs, batches, window_batches;
    size_t item_bytes, most_positions; /* of one rank in a window */

    const lks_item *list; /* [n_list] of the images that this rank holds: all, or its own */
    size_t n_list;
    uint64_t list_sum;

    /* One epoch's order, and of ranks that send their parcels in it, window by window. */
    int64_t epoch; /* -1: none yet */
    lks_permutation order;
    parcel *parcels;      /* [n_list] */
    size_t *window_first; /* [windows + 1] parcels */

    lks_transfer *transfer;                     /* NULL: images stay where they are */
    int *send_counts, *receive_counts, *places; /* [ranks] */
    uint8_t *to_send;
    size_t send_capacity;
    stock stocks[2];
    int current;   /* the one that is trained on; the other is under way, or empty */
    bool underway; /* whether it is */
    size_t peak_bytes;
};

/* --- what is where ---------------------------------------------------------------------------- */

static int home(const lks_supply *s, uint32_t image) {
    return lks_share_owner(s->data->train.info.count, s->comm->size, image);
}

static uint64_t sum_list(const lks_supply *s) {
    return lks_hash_bytes(s->list, s->n_list * sizeof *s->list);
}

lks_status lks_supply_check(const lks_supply *s, lks_error *err) {
    if (sum_list(s) == s->list_sum)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_REPLICA,
                    "epoch %lld: this rank's memory changed: the list of an epoch's images; the "
                    "same command goes on from the last good checkpoint",
                    (long long)s->epoch + 1);
}

/* Whether it is as it was made. */
static bool sound(const lks_item *item) {
    return item->check == lks_item_check(item->number, item->image, item->id);
}

/* --- one epoch -------------------------------------------------------------------------------- */

static int64_t window_of(const lks_supply *s, uint32_t position) {
    return position / s->deal.global_batch / s->window_batches;
}

static uint32_t position_of(const lks_supply *s, const lks_item *item) {
    return (uint32_t)lks_permutation_invert(&s->order, item->number);
}

/* Sorts this rank's parcels by window. */
static void sort_parcels(lks_supply *s) {
    const int64_t windows = lks_supply_windows(s);
    size_t *next = s->window_first;
    memset(next, 0, (size_t)(windows + 1) * sizeof *next);
    for (size_t i = 0; i < s->n_list; i++)
        next[window_of(s, position_of(s, &s->list[i]))]++;
    for (int64_t w = windows - 1, end = (int64_t)s->n_list; w >= 0; w--) {
        end -= (int64_t)next[w];
        next[w + 1] = (size_t)end; /* moves on as parcels come, to where the window ends */
    }
    next[0] = 0;
    for (size_t i = 0; i < s->n_list; i++) {
        const uint32_t position = position_of(s, &s->list[i]);
        s->parcels[next[window_of(s, position) + 1]++] = (parcel){(uint32_t)i, position};
    }
}

static lks_status enter_epoch(lks_supply *s, int64_t epoch, lks_error *err) {
    if (epoch == s->epoch)
        return LKS_OK;
    s->epoch = epoch;
    LKS_TRY(lks_supply_check(s, err)); /* first: a changed number leads anywhere */
    s->order = lks_permutation_make(s->seed, (uint32_t)epoch, (uint64_t)s->deal.count);
    if (s->transfer)
        sort_parcels(s);
    return LKS_OK;
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool in_window(const lks_supply *s, const window *w, uint32_t position) {
    const int64_t batch = position / s->deal.global_batch;
    return batch >= w->first && batch < w->end;
}

static uint64_t check_of(const header *h, uint64_t number) {
    uint64_t x = lks_hash64(h->sum ^ h->label);
    x = lks_hash64(x ^ ((uint64_t)h->image << 32 | h->id));
    return lks_hash64(x ^ (number << 32 | h->position));
}

/* A parcel whose memory changed, or its item's, leads nowhere: nothing sound comes for its position. */
static void fill(const lks_supply *s, const parcel *p, uint8_t *to) {
    const lks_image_set *set = &s->data->train;
    if (p->own >= s->n_list || !sound(&s->list[p->own])) {
        memset(to, 0, s->item_bytes);
        return;
    }
    const lks_item *item = &s->list[p->own];
    const size_t at = (size_t)(item->image - set->share.first);
    header h = {.sum = set->sums[at],
                .image = item->image,
                .id = item->id,
                .position = p->position,
                .label = set->labels[at]};
    h.check = check_of(&h, item->number);
    memcpy(to, &h, sizeof h);
    memcpy(to + sizeof h, set->images + at * set->image_bytes, set->image_bytes);
}

/* Images that a buffer of `capacity` has room for once `count` had to fit in. How many images a rank has in a window
 * differs from one to the next by about the root of their number: the rest is six times that, so that after the first
 * windows no buffer grows. */
static size_t room_for(size_t count, size_t capacity) {
    return count <= capacity ? capacity : count + count / 8 + 64;
}

static lks_status grow(uint8_t **buffer, size_t *capacity, size_t count, size_t each,
                       lks_error *err) {
    const size_t room = room_for(count, *capacity);
    if (room == *capacity)
        return LKS_OK;
    lks_free(*buffer);
    *capacity = 0;
    *buffer = lks_alloc(room, each, "images on their way", err);
    if (!*buffer)
        return err->status;
    *capacity = room;
    return LKS_OK;
}

static size_t add_up(const int *counts, int n, int *places) {
    size_t sum = 0;
    for (int r = 0; r < n; r++) {
        places[r] = (int)sum;
        sum += (size_t)counts[r];
    }
    return sum;
}

/* The parcels of the window, one after the other, and who they are for. */
static void count_parcels(lks_supply *s, const window *w, size_t *first, size_t *end) {
    const int64_t number = w->first / s->window_batches;
    *first = s->window_first[number];
    *end = s->window_first[number + 1];
    memset(s->send_counts, 0, (size_t)s->comm->size * sizeof *s->send_counts);
    for (size_t i = *first; i < *end; i++)
        if (in_window(s, w, s->parcels[i].position))
            s->send_counts[lks_deal_rank(&s->deal, s->parcels[i].position)]++;
}

static void fill_all(lks_supply *s, const window *w, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) {
        const parcel *p = &s->parcels[i];
        if (!in_window(s, w, p->position))
            continue;
        const size_t place = (size_t)s->places[lks_deal_rank(&s->deal, p->position)]++;
        fill(s, p, s->to_send + place * s->item_bytes);
    }
}

static void note_bytes(lks_supply *s) {
    const size_t bytes =
        (s->send_capacity + s->stocks[0].capacity + s->stocks[1].capacity) * s->item_bytes;
    s->peak_bytes = bytes > s->peak_bytes ? bytes : s->peak_bytes;
}

/* Begins to bring a window into the stock that is not trained on. */
static lks_status begin(lks_supply *s, const window *w, lks_error *err) {
    stock *to = &s->stocks[!s->current];
    size_t first = 0, end = 0;
    lks_status status = enter_epoch(s, w->epoch, err);
    LKS_TRY(lks_comm_agree(s->comm, status, err));
    count_parcels(s, w, &first, &end);
    status = lks_transfer_count(s->transfer, s->send_counts, s->receive_counts, err);
    to->of = *w;
    to->count = add_up(s->receive_counts, s->comm->size, s->places);
    const size_t sent = add_up(s->send_counts, s->comm->size, s->places);
    if (status == LKS_OK)
        status = grow(&s->to_send, &s->send_capacity, sent, s->item_bytes, err);
    if (status == LKS_OK)
        status = grow(&to->items, &to->capacity, to->count, s->item_bytes, err);
    LKS_TRY(lks_comm_agree(s->comm, status, err));
    note_bytes(s);
    fill_all(s, w, first, end);
    lks_transfer_begin(s->transfer, s->to_send, s->send_counts, to->items, s->receive_counts);
    s->underway = true;
    return LKS_OK;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* This rank's positions in a window have numbers in their order; -1: it is another's. */
static int64_t number_of(const lks_supply *s, const stock *k, uint32_t position) {
    const int64_t batch = position / s->deal.global_batch;
    if (batch < k->of.first || batch >= k->of.end)
        return -1;
    const lks_range own = lks_deal_positions(&s->deal, batch, s->comm->rank);
    const int64_t at = (int64_t)position - own.first;
    return at >= 0 && at < own.count ? k->before[batch - k->of.first] + at : -1;
}

static int64_t number_batches(const lks_supply *s, stock *k) {
    int64_t sum = 0;
    for (int64_t b = k->of.first; b < k->of.end; b++) {
        k->before[b - k->of.first] = sum;
        sum += lks_deal_positions(&s->deal, b, s->comm->rank).count;
    }
    return sum;
}

/* Finds where each position's image lies. What changed on its way has no position: its place stays empty. So does what was
 * sent for another item than the epoch's order has at the position, since the number of it goes into the check. */
static void unpack(const lks_supply *s, stock *k) {
    k->order = lks_permutation_make(s->seed, (uint32_t)k->of.epoch, (uint64_t)s->deal.count);
    memset(k->places, 0, (size_t)number_batches(s, k) * sizeof *k->places);
    for (size_t i = 0; i < k->count; i++) {
        header h;
        memcpy(&h, k->items + i * s->item_bytes, sizeof h);
        const int64_t number = number_of(s, k, h.position);
        if (number >= 0 && h.check == check_of(&h, lks_permutation_apply(&k->order, h.position)))
            k->places[number] = (uint32_t)(i + 1);
    }
}

void lks_supply_await(lks_supply *s) {
    if (!s->underway)
        return;
    lks_transfer_end(s->transfer);
    s->underway = false;
}

/* --- windows ---------------------------------------------------------------------------------- */

static bool has(const window *w, int64_t epoch, int64_t batch) {
    return w->end > 0 && w->epoch == epoch && batch >= w->first && batch < w->end;
}

static bool is_here(const lks_supply *s, int64_t epoch, int64_t batch) {
    return s->transfer ? has(&s->stocks[s->current].of, epoch, batch) : epoch == s->epoch;
}

static window window_from(const lks_supply *s, int64_t epoch, int64_t batch) {
    const int64_t end = (batch / s->window_batches + 1) * s->window_batches;
    return (window){epoch, batch, end < s->batches ? end : s->batches};
}

static lks_status begin_next(lks_supply *s, const window *after, lks_error *err) {
    const bool last = after->end == s->batches;
    const window next = window_from(s, after->epoch + last, last ? 0 : after->end);
    return next.epoch < s->epochs ? begin(s, &next, err) : LKS_OK;
}

static lks_status bring(lks_supply *s, int64_t epoch, int64_t batch, lks_error *err) {
    lks_supply_await(s);
    LKS_TRY(lks_comm_check(s->comm, err));
    if (!has(&s->stocks[!s->current].of, epoch, batch)) {
        const window w = window_from(s, epoch, batch);
        LKS_TRY(begin(s, &w, err));
        lks_supply_await(s);
        LKS_TRY(lks_comm_check(s->comm, err));
    }
    s->current = !s->current;
    unpack(s, &s->stocks[s->current]);
    return begin_next(s, &s->stocks[s->current].of, err);
}

/* Each batch but a window's last sends as much, so that the next one's images are there in time. */
static void send_on(lks_supply *s, int64_t batch) {
    const window *w = &s->stocks[s->current].of;
    lks_transfer_send(s->transfer, batch - w->first + 1, w->end - w->first - 1);
}

static bool sends(const lks_supply *s) {
    return s->underway && lks_transfer_sends(s->transfer);
}

bool lks_supply_works(const lks_supply *s, int64_t epoch, int64_t batch) {
    return !is_here(s, epoch, batch) || sends(s);
}

lks_status lks_supply_need(lks_supply *s, int64_t epoch, int64_t batch, lks_error *err) {
    if (!is_here(s, epoch, batch))
        LKS_TRY(s->transfer ? bring(s, epoch, batch, err)
                            : lks_comm_agree(s->comm, enter_epoch(s, epoch, err), err));
    if (sends(s))
        send_on(s, batch);
    return LKS_OK;
}

/* --- what is found ---------------------------------------------------------------------------- */

static lks_source find_at_home(const lks_supply *s, int64_t position) {
    const lks_whole_set *set = &s->data->train.whole;
    const uint64_t number = lks_permutation_apply(&s->order, (uint64_t)position);
    const lks_item *item = &s->list[number];
    lks_source from = {.image = item->image, .id = item->id, .home = s->comm->rank};
    if (!sound(item) || item->number != number) /* the list has changed since it was checked */
        return from;
    from.label = set->labels[from.image];
    from.sum = set->sums[from.image];
    from.pixels = set->images + from.image * s->data->train.image_bytes;
    return from;
}

/* Looked at again: it may lie here for an epoch. */
lks_source lks_supply_find(const lks_supply *s, int64_t position) {
    const stock *k = &s->stocks[s->current];
    const lks_source none = {.home = s->comm->rank};
    header h;
    if (!s->transfer)
        return find_at_home(s, position);
    const int64_t number = number_of(s, k, (uint32_t)position);
    const uint32_t place = number >= 0 ? k->places[number] : 0;
    if (place == 0 || place > k->count)
        return none;
    const uint8_t *item = k->items + (size_t)(place - 1) * s->item_bytes;
    memcpy(&h, item, sizeof h);
    const uint64_t item_number = lks_permutation_apply(&k->order, (uint64_t)position);
    if (h.position != position || h.check != check_of(&h, item_number))
        return none;
    return (lks_source){.pixels = item + sizeof h,
                        .sum = h.sum,
                        .image = h.image,
                        .id = h.id,
                        .home = home(s, h.image),
                        .label = (uint8_t)h.label};
}

/* --- begin and end ---------------------------------------------------------------------------- */

/* Three buffers of a window's images, but for the room that is left for differences between windows. */
static void size_windows(lks_supply *s, size_t budget) {
    const int chunks = lks_chunks(s->deal.global_batch, s->deal.chunk), ranks = s->deal.ranks;
    const size_t of_batch = (size_t)((chunks + ranks - 1) / ranks) * (size_t)s->deal.chunk;
    const int64_t fit = (int64_t)(budget / (3 * s->item_bytes * of_batch));
    s->batches = lks_deal_batches(&s->deal);
    s->window_batches = fit < 1 ? 1 : fit < s->batches ? fit : s->batches;
    s->most_positions = (size_t)s->window_batches * of_batch;
}

static lks_status make_stock(const lks_supply *s, stock *k, lks_error *err) {
    k->places = lks_alloc(s->most_positions, sizeof *k->places, "the supply of images", err);
    k->before =
        lks_alloc((size_t)s->window_batches, sizeof *k->before, "the supply of images", err);
    return k->places && k->before ? LKS_OK : err->status;
}

static lks_status make_buffers(lks_supply *s, lks_error *err) {
    static const char what[] = "the supply of images";
    const size_t ranks = (size_t)s->comm->size;
    LKS_TRY(lks_transfer_create(&s->transfer, s->comm, s->item_bytes, err));
    s->parcels = lks_alloc(s->n_list, sizeof *s->parcels, what, err);
    s->window_first =
        lks_alloc((size_t)lks_supply_windows(s) + 1, sizeof *s->window_first, what, err);
    s->send_counts = lks_alloc(ranks, sizeof *s->send_counts, what, err);
    s->receive_counts = lks_alloc(ranks, sizeof *s->receive_counts, what, err);
    s->places = lks_alloc(ranks, sizeof *s->places, what, err);
    if (!s->parcels || !s->window_first || !s->send_counts || !s->receive_counts || !s->places)
        return err->status;
    LKS_TRY(make_stock(s, &s->stocks[0], err));
    return make_stock(s, &s->stocks[1], err);
}

lks_status lks_supply_create(lks_supply **supply, const lks_dataset *d, const lks_deal *deal,
                             uint64_t seed, int64_t epochs, size_t budget, lks_comm *comm,
                             lks_error *err) {
    lks_supply *s = lks_alloc(1, sizeof *s, "the supply of images", err);
    *supply = s;
    if (!s)
        return err->status;
    s->data = d;
    s->comm = comm;
    s->deal = *deal;
    s->seed = seed;
    s->epochs = epochs;
    s->epoch = -1;
    s->item_bytes = sizeof(header) + d->train.image_bytes;
    size_windows(s, budget);
    s->list = d->epoch.all ? d->epoch.all : d->epoch.own.of;
    s->n_list = d->epoch.all ? (size_t)d->epoch.count : (size_t)d->epoch.own.n;
    if (!d->epoch.all)
        LKS_TRY(make_buffers(s, err));
    s->list_sum = sum_list(s);
    return LKS_OK;
}

static void free_stock(stock *k) {
    lks_free(k->items);
    lks_free(k->places);
    lks_free(k->before);
}

void lks_supply_free(lks_supply *s) {
    if (!s)
        return;
    lks_supply_await(s);
    lks_transfer_free(s->transfer);
    lks_free(s->parcels);
    lks_free(s->window_first);
    lks_free(s->send_counts);
    lks_free(s->receive_counts);
    lks_free(s->places);
    lks_free(s->to_send);
    free_stock(&s->stocks[0]);
    free_stock(&s->stocks[1]);
    lks_free(s);
}

int64_t lks_supply_windows(const lks_supply *s) {
    return s->transfer ? (s->batches + s->window_batches - 1) / s->window_batches : 0;
}

size_t lks_supply_bytes(const lks_supply *s) {
    return s->peak_bytes;
}

size_t lks_supply_forecast(const lks_supply *s) {
    const size_t mean = s->n_list / (size_t)(lks_supply_windows(s) ? lks_supply_windows(s) : 1);
    const size_t sent = room_for(mean, 0), received = room_for(s->most_positions, 0);
    const size_t stocks = lks_supply_windows(s) * s->epochs > 1 ? 2 : 1;
    return s->transfer ? (sent + stocks * received) * s->item_bytes : 0;
}
