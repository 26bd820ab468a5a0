/* The exchange works in windows of an eighth of an epoch: before a window's first batch every rank
 * walks the window's positions, all of them the same on all ranks: position -> item of the epoch
 * (its permutation) -> image -> the rank that has it and the rank that trains on it. So no counts need to be
 * sent, buffers stay at an eighth of the rank's part, and a run can be resumed at any batch. A rank alone
 * takes images from where they are kept: it needs no buffers. */
#include "feed/loader.h"

#include <omp.h>
#include <string.h>

#include "lockstep/digest.h"
#include "lockstep/memory.h"

#define WINDOWS 8

/* An image on its way has its checksum right after it. */
#define SUM_BYTES sizeof(uint64_t)

/* An image of a batch, where it is kept or was received. */
typedef struct source {
    const uint8_t *pixels; /* NULL: where it should be there is nothing */
    const void *sum;       /* the checksum that came with it, SUM_BYTES */
    uint32_t image;
    int home; /* the rank that holds it */
} source;

/* Checksums of an epoch's list and of its order, which decide who sends what. */
typedef struct list_sums {
    uint64_t list, order;
} list_sums;

struct lks_loader {
    const lks_dataset *data;
    lks_augment *augment;
    lks_comm *comm;
    lks_phases *phases;
    uint64_t seed;
    int chunk, global_batch, threads;
    int64_t batches;

    lks_permutation order;
    uint32_t epoch;
    int64_t next, window_first, window_end; /* batches */

    int *send_counts, *receive_counts; /* [ranks] */
    int64_t *place;                    /* [ranks]: next item from each rank in `received` */
    uint8_t *to_send, *received;
    size_t send_capacity, receive_capacity; /* images */
    size_t peak_bytes;

    uint8_t *images, *labels; /* one batch on this rank */
    uint32_t *ids;
    source *sources;
    int capacity;

    list_sums sums;
    bool image_changed;
    lks_image_fault fault;
};

static bool is_alone(const lks_loader *l) {
    return l->comm->size == 1;
}

static size_t item_bytes(const lks_loader *l) {
    return l->data->train.image_bytes + SUM_BYTES;
}

static uint64_t sum_list(const lks_dataset *d) {
    const lks_epoch_list *e = &d->epoch;
    const size_t bytes = (size_t)e->count * sizeof *e->images;
    return lks_hash64(lks_hash_bytes(e->images, bytes)) ^ lks_hash_bytes(e->ids, bytes);
}

/* Ranks whose lists differ would send each other what nobody waits for. */
static lks_status check_list(const lks_loader *l, lks_error *err) {
    if (sum_list(l->data) == l->sums.list &&
        lks_hash_bytes(&l->order, sizeof l->order) == l->sums.order)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_REPLICA,
                    "epoch %u: this rank's memory changed: the list of an epoch's images; the same "
                    "command goes on from the last good checkpoint",
                    l->epoch + 1);
}

static int64_t batch_size(const lks_loader *l, int64_t batch) {
    int64_t left = l->data->epoch.count - batch * l->global_batch;
    return left < l->global_batch ? left : l->global_batch;
}

/* Positions within the epoch that `rank` trains on in `batch`. */
static lks_range positions(const lks_loader *l, int64_t batch, int rank) {
    int64_t size = batch_size(l, batch);
    lks_range chunks = lks_chunk_share(lks_chunks(size, l->chunk), l->comm->size, rank, batch);
    int64_t first = chunks.first * l->chunk, end = (chunks.first + chunks.count) * l->chunk;
    end = end < size ? end : size;
    return (lks_range){batch * l->global_batch + first, chunks.count ? end - first : 0};
}

/* The item of the epoch's list that stands at a position. */
static uint64_t item_at(const lks_loader *l, int64_t position) {
    return lks_permutation_apply(&l->order, (uint64_t)position);
}

static int home(const lks_loader *l, uint32_t image) {
    return lks_share_owner(l->data->train.info.count, l->comm->size, image);
}

/* Calls `visit` for every position of the window, rank by rank within each batch. */
static void walk(lks_loader *l, void (*visit)(lks_loader *, int to, uint32_t image)) {
    for (int64_t b = l->window_first; b < l->window_end; b++)
        for (int r = 0; r < l->comm->size; r++) {
            lks_range p = positions(l, b, r);
            for (int64_t i = p.first; i < p.first + p.count; i++)
                visit(l, r, l->data->epoch.images[item_at(l, i)]);
        }
}

static void count_item(lks_loader *l, int to, uint32_t image) {
    int from = home(l, image);
    if (from == l->comm->rank)
        l->send_counts[to]++;
    if (to == l->comm->rank)
        l->receive_counts[from]++;
}

/* place[to] is where the next image for that rank goes. */
static void fill_item(lks_loader *l, int to, uint32_t image) {
    if (home(l, image) != l->comm->rank)
        return;
    const lks_image_set *s = &l->data->train;
    const size_t at = (size_t)(image - s->share.first);
    uint8_t *item = l->to_send + (size_t)l->place[to]++ * item_bytes(l);
    memcpy(item, s->images + at * s->image_bytes, s->image_bytes);
    memcpy(item + s->image_bytes, &s->sums[at], SUM_BYTES);
}

static int64_t starts(const int *counts, int n, int64_t *place) {
    int64_t sum = 0;
    for (int r = 0; r < n; r++) {
        place[r] = sum;
        sum += counts[r];
    }
    return sum;
}

/* Images that a buffer of `capacity` has room for once `count` had to fit in. How many of a rank's
 * images a window has differs from one to the next by about the root of their number: the rest is six
 * times that, so that after the first windows no buffer grows. */
static size_t room_for(int64_t count, size_t capacity) {
    size_t n = (size_t)count;
    return n <= capacity ? capacity : n + n / 8 + 64;
}

static lks_status grow(uint8_t **buffer, size_t *capacity, int64_t count, size_t each,
                       lks_error *err) {
    size_t room = room_for(count, *capacity);
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

/* Makes the window that begins at the next batch the current one, and counts its images. */
static void enter_window(lks_loader *l, int64_t *sent, int64_t *received) {
    int ranks = l->comm->size;
    l->window_first = l->next;
    l->window_end = l->next + (l->batches + WINDOWS - 1) / WINDOWS;
    if (l->window_end > l->batches)
        l->window_end = l->batches;
    memset(l->send_counts, 0, sizeof(int) * (size_t)ranks);
    memset(l->receive_counts, 0, sizeof(int) * (size_t)ranks);
    walk(l, count_item);
    *sent = starts(l->send_counts, ranks, l->place);
    *received = 0;
    for (int r = 0; r < ranks; r++)
        *received += l->receive_counts[r];
}

static lks_status exchange_window(lks_loader *l, lks_error *err) {
    int64_t sent = 0, received = 0;
    int ranks = l->comm->size;
    size_t each = item_bytes(l);
    lks_status status = check_list(l, err); /* first: a changed number leads anywhere */
    if (status == LKS_OK) {
        enter_window(l, &sent, &received);
        if (is_alone(l))
            return LKS_OK;
        status = grow(&l->to_send, &l->send_capacity, sent, each, err);
    }
    if (status == LKS_OK)
        status = grow(&l->received, &l->receive_capacity, received, each, err);
    LKS_TRY(lks_comm_agree(l->comm, status, err));
    walk(l, fill_item);
    lks_comm_exchange(l->comm, l->to_send, l->send_counts, l->received, l->receive_counts, each);
    LKS_TRY(lks_comm_check(l->comm, err));
    starts(l->receive_counts, ranks, l->place);
    size_t bytes = (l->send_capacity + l->receive_capacity) * each;
    if (bytes > l->peak_bytes)
        l->peak_bytes = bytes;
    return LKS_OK;
}

/* Of images from the same rank the one that came first is next. */
static source next_source(lks_loader *l, uint32_t image) {
    const lks_image_set *s = &l->data->train;
    source from = {.image = image, .home = l->comm->rank};
    if (image >= s->info.count) /* the list has changed since it was checked; it leads nowhere */
        return from;
    from.home = home(l, image);
    if (is_alone(l)) {
        const size_t at = (size_t)(image - s->share.first);
        from.pixels = s->images + at * s->image_bytes;
        from.sum = &s->sums[at];
        return from;
    }
    const size_t place = (size_t)l->place[from.home]++;
    if (place >= l->receive_capacity) { /* the list has changed: more than were sent */
        from.home = l->comm->rank;
        return from;
    }
    from.pixels = l->received + place * item_bytes(l);
    from.sum = from.pixels + s->image_bytes;
    return from;
}

/* Copies image i of the batch; false where it is not what was loaded. */
static bool take_image(lks_loader *l, int64_t i) {
    const lks_image_set *s = &l->data->train;
    const source *from = &l->sources[i];
    uint8_t *to = l->images + (size_t)i * s->image_bytes;
    uint64_t sum;
    if (!from->pixels)
        return false;
    memcpy(to, from->pixels, s->image_bytes);
    memcpy(&sum, from->sum, SUM_BYTES);
    l->labels[i] = s->labels[from->image];
    return lks_image_sum(s, to, l->labels[i], from->image) == sum;
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
    l->fault = (lks_image_fault){l->sources[changed].image, l->sources[changed].home};
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
    if (l->next == l->window_end) {
        lks_phases_enter(l->phases, LKS_PHASE_EXCHANGE);
        LKS_TRY(exchange_window(l, err));
    }
    lks_phases_enter(l->phases, LKS_PHASE_BATCH);
    lks_range mine = positions(l, l->next, l->comm->rank);
    for (int64_t i = 0; i < mine.count; i++) {
        uint64_t item = item_at(l, mine.first + i);
        l->sources[i] = next_source(l, l->data->epoch.images[item]);
        l->ids[i] = l->data->epoch.ids[item];
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
        *image = (lks_image_fault){id, l->comm->rank};
        if (lks_image_sum(s, at, s->labels[id], id) != s->sums[i])
            return true;
    }
    return false;
}

void lks_loader_seek(lks_loader *l, int64_t epoch, int64_t batch) {
    l->epoch = (uint32_t)epoch;
    l->order = lks_permutation_make(l->seed, l->epoch, (uint64_t)l->data->epoch.count);
    l->sums.order = lks_hash_bytes(&l->order, sizeof l->order);
    l->next = l->window_first = l->window_end = batch;
}

size_t lks_loader_forecast(lks_loader *l) {
    size_t send = 0, receive = 0;
    lks_loader_seek(l, 0, 0);
    if (is_alone(l))
        return 0;
    while (l->next < l->batches) {
        int64_t sent, received;
        enter_window(l, &sent, &received);
        send = room_for(sent, send);
        receive = room_for(received, receive);
        l->next = l->window_end;
    }
    lks_loader_seek(l, 0, 0);
    return (send + receive) * item_bytes(l);
}

lks_status lks_loader_create(lks_loader **loader, const lks_dataset *d, lks_augment *augment,
                             lks_comm *comm, const lks_config *config, int threads,
                             lks_phases *phases, lks_error *err) {
    lks_loader *l = lks_alloc(1, sizeof *l, "the loader", err);
    if (!l)
        return err->status;
    *loader = l;
    l->data = d;
    l->augment = augment;
    l->comm = comm;
    l->phases = phases;
    l->seed = config->seed;
    l->chunk = config->train.chunk;
    l->global_batch = config->train.global_batch;
    l->threads = threads;
    l->sums.list = sum_list(d);
    l->batches = (d->epoch.count + l->global_batch - 1) / l->global_batch;
    int chunks = lks_chunks(l->global_batch, l->chunk);
    l->capacity = (chunks + comm->size - 1) / comm->size * l->chunk;
    if (l->capacity > l->global_batch)
        l->capacity = l->global_batch;
    size_t ranks = (size_t)comm->size, n = (size_t)l->capacity;
    l->send_counts = lks_alloc(ranks, sizeof(int), "the loader", err);
    l->receive_counts = lks_alloc(ranks, sizeof(int), "the loader", err);
    l->place = lks_alloc(ranks, sizeof *l->place, "the loader", err);
    l->images = lks_alloc(n, d->train.image_bytes, "a batch", err);
    l->labels = lks_alloc(n, 1, "a batch", err);
    l->ids = lks_alloc(n, sizeof *l->ids, "a batch", err);
    l->sources = lks_alloc(n, sizeof *l->sources, "a batch", err);
    if (!l->send_counts || !l->receive_counts || !l->place || !l->images || !l->labels || !l->ids ||
        !l->sources)
        return err->status;
    return LKS_OK;
}

void lks_loader_free(lks_loader *l) {
    if (!l)
        return;
    lks_free(l->send_counts);
    lks_free(l->receive_counts);
    lks_free(l->place);
    lks_free(l->to_send);
    lks_free(l->received);
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

size_t lks_loader_bytes(const lks_loader *l) {
    return l->peak_bytes;
}
