/* Batches put together from what the supply brings. */
#include "feed/loader.h"

#include <omp.h>
#include <string.h>

#include "feed/supply/supply.h"
#include "base/digest.h"
#include "base/memory.h"

struct lks_loader {
    const lks_dataset *data;
    lks_augment *augment;
    lks_comm *comm;
    lks_phases *phases;
    lks_supply *supply;
    lks_deal deal;
    int threads;
    int64_t batches;

    uint32_t epoch;
    int64_t next; /* batch */

    uint8_t *images, *labels; /* one batch on this rank */
    uint32_t *ids;
    lks_source *sources;
    int capacity;

    bool image_changed;
    lks_image_fault fault;
};

/* Images lie anywhere in memory: asked for while the next ones are looked up, they are there when they are copied. The
 * processor itself goes on with a long one, once it has seen some lines. */
static void ask_for(const lks_source *from, size_t bytes) {
    enum { LINE = 64, LINES = 16 };
    for (size_t at = 0; from->pixels && at < bytes && at < (size_t)LINE * LINES; at += LINE)
        __builtin_prefetch(from->pixels + at);
}

/* Copies image i of the batch; false where it is not what was loaded. */
static bool take_image(lks_loader *l, int64_t i) {
    const lks_image_set *s = &l->data->train;
    const lks_source *from = &l->sources[i];
    uint8_t *to = l->images + (size_t)i * s->image_bytes;
    if (!from->pixels)
        return false;
    memcpy(to, from->pixels, s->image_bytes);
    return lks_image_sum(s, to, l->labels[i], from->image) == from->sum;
}

/* Images lie anywhere in memory, and each is read twice: that is work for all threads. */
static void take_images(lks_loader *l, int64_t n) {
    int64_t changed = n; /* the first one that is not what was loaded */
#pragma omp parallel for num_threads(l->threads) schedule(dynamic, 8)
    for (int64_t i = 0; i < n; i++)
        if (!take_image(l, i)) {
#pragma omp critical(lks_loader)
            changed = i < changed ? i : changed;
        }
    if (changed == n || l->image_changed)
        return;
    l->image_changed = true;
    const lks_source *from = &l->sources[changed];
    l->fault = (lks_image_fault){from->image, from->home, from->pixels != NULL};
}

/* After all were compared with what was loaded. */
static void augment_images(lks_loader *l, int64_t n) {
    if (!l->augment)
        return;
    lks_phases_enter(l->phases, LKS_PHASE_AUGMENT);
    const size_t bytes = l->data->train.image_bytes;
#pragma omp parallel for num_threads(l->threads) schedule(dynamic, 8)
    for (int64_t i = 0; i < n; i++)
        lks_augment_image(l->augment, omp_get_thread_num(), l->images + (size_t)i * bytes, l->epoch,
                          l->ids[i]);
}

lks_status lks_loader_next(lks_loader *l, lks_batch *batch, lks_error *err) {
    if (lks_supply_works(l->supply, l->epoch, l->next)) {
        lks_phases_enter(l->phases, LKS_PHASE_EXCHANGE);
        LKS_TRY(lks_supply_need(l->supply, l->epoch, l->next, err));
    }
    lks_phases_enter(l->phases, LKS_PHASE_BATCH);
    const lks_range mine = lks_deal_positions(&l->deal, l->next, l->comm->rank);
    for (int64_t i = 0; i < mine.count; i++) {
        l->sources[i] = lks_supply_find(l->supply, mine.first + i);
        ask_for(&l->sources[i], l->data->train.image_bytes);
        l->ids[i] = l->sources[i].id;
        l->labels[i] = l->sources[i].label;
    }
    take_images(l, mine.count);
    augment_images(l, mine.count);
    *batch = (lks_batch){l->images, l->labels, l->ids, (int)mine.count, l->epoch};
    l->next++;
    return LKS_OK;
}

bool lks_loader_image_changed(const lks_loader *l, lks_image_fault *image) {
    *image = l->fault;
    return l->image_changed;
}

bool lks_loader_share_changed(const lks_loader *l, lks_image_fault *image) {
    const lks_image_set *s = &l->data->train;
    for (int64_t i = 0; i < s->share.count; i++) {
        const uint32_t id = (uint32_t)(s->share.first + i);
        const uint8_t *at = s->images + (size_t)i * s->image_bytes;
        *image = (lks_image_fault){id, l->comm->rank, true};
        if (lks_image_sum(s, at, s->labels[i], id) != s->sums[i])
            return true;
    }
    return false;
}

lks_status lks_loader_check_list(const lks_loader *l, lks_error *err) {
    return lks_supply_check(l->supply, err);
}

void lks_loader_seek(lks_loader *l, int64_t epoch, int64_t batch) {
    l->epoch = (uint32_t)epoch;
    l->next = batch;
}

static lks_status make_batch(lks_loader *l, lks_error *err) {
    const size_t n = (size_t)l->capacity;
    l->images = lks_alloc(n, l->data->train.image_bytes, "a batch", err);
    l->labels = lks_alloc(n, 1, "a batch", err);
    l->ids = lks_alloc(n, sizeof *l->ids, "a batch", err);
    l->sources = lks_alloc(n, sizeof *l->sources, "a batch", err);
    return l->images && l->labels && l->ids && l->sources ? LKS_OK : err->status;
}

lks_status lks_loader_create(lks_loader **loader, const lks_dataset *d, lks_augment *augment,
                             lks_comm *comm, const lks_config *config, int threads,
                             lks_phases *phases, lks_error *err) {
    const lks_train_config *c = &config->train;
    lks_loader *l = lks_alloc(1, sizeof *l, "the loader", err);
    if (!l)
        return err->status;
    *loader = l;
    l->data = d;
    l->augment = augment;
    l->comm = comm;
    l->phases = phases;
    l->deal = (lks_deal){d->epoch.count, c->global_batch, c->chunk, comm->size};
    l->threads = threads;
    l->batches = lks_deal_batches(&l->deal);
    const int chunks = lks_chunks(c->global_batch, c->chunk);
    l->capacity = (chunks + comm->size - 1) / comm->size * c->chunk;
    if (l->capacity > c->global_batch)
        l->capacity = c->global_batch;
    LKS_TRY(make_batch(l, err));
    return lks_supply_create(&l->supply, d, &l->deal, config->seed, c->epochs, LKS_SUPPLY_BUDGET,
                             comm, err);
}

void lks_loader_free(lks_loader *l) {
    if (!l)
        return;
    lks_supply_free(l->supply);
    lks_free(l->images);
    lks_free(l->labels);
    lks_free(l->ids);
    lks_free(l->sources);
    lks_free(l);
}

int64_t lks_loader_batches(const lks_loader *l) {
    return l->batches;
}

int lks_loader_capacity(const lks_loader *l) {
    return l->capacity;
}

void lks_loader_await(lks_loader *l) {
    lks_supply_await(l->supply);
}

int64_t lks_loader_windows(const lks_loader *l) {
    return lks_supply_windows(l->supply);
}

size_t lks_loader_bytes(const lks_loader *l) {
    return lks_supply_bytes(l->supply);
}

size_t lks_loader_forecast(const lks_loader *l) {
    return lks_supply_forecast(l->supply);
}
