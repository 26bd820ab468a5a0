/* Reading and dealing the data. Only this rank's share of the images is read. */
#include "feed/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "feed/place/deal.h"
#include "job/agree.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/observe/pulse.h"

/* --- one file of images and its labels -------------------------------------------------------- */

/* An image's size and this rank's share. */
static void measure(lks_image_set *s, const lks_comm *comm) {
    s->image_bytes = (size_t)s->info.channels * (size_t)s->info.rows * (size_t)s->info.columns;
    s->share = lks_share(s->info.count, comm->size, comm->rank);
}

lks_status lks_image_set_allocate(lks_image_set *s, const lks_comm *comm, lks_error *err) {
    measure(s, comm);
    const size_t n = (size_t)s->share.count;
    s->read = s->share;
    s->images = lks_alloc(n, s->image_bytes, "the images", err);
    s->labels = lks_alloc(n, 1, "the labels", err);
    s->sums = lks_alloc(n, sizeof *s->sums, "checksums of the images", err);
    if (comm->size == 1)
        s->whole = (lks_whole_set){.images = s->images, .sums = s->sums, .labels = s->labels};
    return s->images && s->labels && s->sums ? LKS_OK : err->status;
}

/* Collective; errors are agreed. */
static lks_status open_room(lks_room *room, lks_comm *comm, size_t bytes, const char *what,
                            lks_error *err) {
    const lks_status status = lks_room_open(room, comm, bytes, what, err);
    if (status == LKS_OK)
        return LKS_OK;
    const lks_error why = *err;
    return lks_fail(err, status,
                    "data.placement: host: %s; data.placement: sharded needs no such memory",
                    why.text);
}

/* Room for all images, of which each rank of the host reads a part. Collective. */
static lks_status allocate_whole(lks_image_set *s, lks_comm *comm, lks_error *err) {
    lks_whole_set *w = &s->whole;
    const size_t n = (size_t)s->info.count;
    measure(s, comm);
    const size_t pixels = (n * s->image_bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    LKS_TRY(open_room(&w->room, comm, pixels + n * (sizeof *w->sums + 1), "the images", err));
    w->images = w->room.memory;
    w->sums = (uint64_t *)(w->images + pixels);
    w->labels = (uint8_t *)(w->sums + n);
    s->read = lks_share(s->info.count, comm->local_size, comm->local_rank);
    s->images = w->images + (size_t)s->share.first * s->image_bytes;
    s->sums = w->sums + s->share.first;
    s->labels = w->labels + s->share.first;
    return LKS_OK;
}

/* Collective; errors are agreed. */
static lks_status allocate(lks_image_set *s, lks_comm *comm, lks_placement placement,
                           lks_error *err) {
    if (placement == LKS_PLACE_HOST && comm->size > 1)
        return allocate_whole(s, comm, err);
    return lks_comm_agree(comm, lks_image_set_allocate(s, comm, err), err);
}

/* Where the images that this rank reads belong, and their labels. */
static uint8_t *read_images(const lks_image_set *s) {
    return s->images + (s->read.first - s->share.first) * (int64_t)s->image_bytes;
}

static uint8_t *read_labels(const lks_image_set *s) {
    return s->labels + (s->read.first - s->share.first);
}

/* An odd factor: each other label gives another sum. */
uint64_t lks_image_sum(const lks_image_set *set, const uint8_t *image, uint8_t label, uint32_t id) {
    return lks_hash_bytes(image, set->image_bytes) + label * UINT64_C(0x9e3779b97f4a7c15) +
           lks_hash64(id);
}

/* Those that this rank read; then all are there. */
static void sum_images(lks_image_set *s) {
    const uint8_t *images = read_images(s), *labels = read_labels(s);
    uint64_t *sums = s->sums + (s->read.first - s->share.first);
    for (int64_t i = 0; i < s->read.count; i++)
        sums[i] = lks_image_sum(s, images + (size_t)i * s->image_bytes, labels[i],
                                (uint32_t)(s->read.first + i));
    lks_room_meet(&s->whole.room);
}

static lks_status same(lks_comm *comm, lks_image_part part, const char *what, const char *text,
                       lks_error *err) {
    char name[32];
    snprintf(name, sizeof name, "the %s %s", part == LKS_PART_TRAIN ? "training" : "test", what);
    const lks_agree_item item = {name, text, LKS_AGREE_REFUSE,
                                 "let data.dir be the same data set on all hosts"};
    return lks_agree(comm, &item, 1, LKS_ERR_DATA, err);
}

static lks_status same_sizes(const lks_image_file *f, lks_comm *comm, lks_image_part part,
                             lks_error *err) {
    char text[128];
    snprintf(text, sizeof text, "%lld of %d x %d x %d", (long long)f->count, f->rows, f->columns,
             f->channels);
    return same(comm, part, "images", text, err);
}

/* Each host has read all images for itself, and each image's digest is one rank's. */
static lks_status same_images(const lks_image_set *s, lks_comm *comm, lks_image_part part,
                              lks_error *err) {
    char text[64];
    uint64_t sum = 0;
    if (!s->whole.images || comm->hosts == 1)
        return LKS_OK;
    for (int64_t i = 0; i < s->info.count; i++)
        sum += lks_hash64(s->whole.sums[i]);
    snprintf(text, sizeof text, "checksum %016llx", (unsigned long long)sum);
    return same(comm, part, "images", text, err);
}

/* All labels pass, and are digested and counted; those of the images that this rank reads stay. */
typedef struct label_pass {
    lks_image_set *set;
    lks_sha256 *digest;
} label_pass;

static lks_status take_labels(void *context, int64_t first, int64_t n, const uint8_t *labels,
                              lks_error *err) {
    label_pass *p = context;
    lks_image_set *s = p->set;
    const int64_t read_end = s->read.first + s->read.count;
    const int64_t from = first > s->read.first ? first : s->read.first;
    const int64_t end = first + n < read_end ? first + n : read_end;
    (void)err;
    lks_sha256_add(p->digest, labels, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        if (s->counts[labels[i]]++ == 0)
            s->first_of[labels[i]] = first + i;
    if (from < end)
        memcpy(read_labels(s) + (from - s->read.first), labels + (from - first),
               (size_t)(end - from));
    return LKS_OK;
}

/* Every rank reads its own file: what is in it must be the same. */
static lks_status pass_labels(lks_image_set *s, lks_comm *comm, lks_image_part part,
                              lks_error *err) {
    char hex[LKS_SHA256_HEX] = "", text[LKS_SHA256_HEX + 16];
    label_pass pass = {s, lks_sha256_start(err)};
    lks_status status = pass.digest ? LKS_OK : err->status;
    if (status == LKS_OK) {
        status = lks_image_file_walk_labels(&s->info, take_labels, &pass, err);
        lks_sha256_finish(pass.digest, hex);
    }
    LKS_TRY(lks_comm_agree(comm, status, err));
    snprintf(text, sizeof text, "SHA-256 %.16s", hex);
    return same(comm, part, "labels", text, err);
}

static lks_status open_set(lks_image_set *s, lks_comm *comm, const lks_data_config *c,
                           lks_image_part part, lks_error *err) {
    lks_status status = lks_image_file_open(&s->info, c, part, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(same_sizes(&s->info, comm, part, err));
    const lks_placement placement = part == LKS_PART_TRAIN ? c->placement : LKS_PLACE_SHARDED;
    LKS_TRY(allocate(s, comm, placement, err));
    status = lks_deal_images(&s->info, comm, s->read, read_images(s), err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(pass_labels(s, comm, part, err));
    sum_images(s);
    LKS_TRY(same_images(s, comm, part, err));
    return lks_image_set_check(s, comm, err);
}

/* As many as MNIST has, of the same size and in equal classes. */
static lks_status make_up_set(lks_image_set *s, lks_comm *comm, const lks_data_config *c,
                              lks_error *err) {
    const int classes = c->classes ? c->classes : c->n_class_names ? c->n_class_names : 10;
    s->info = (lks_image_file){
        .count = 60000, .rows = LKS_SCRIBBLE_SIDE, .columns = LKS_SCRIBBLE_SIDE, .channels = 1};
    LKS_TRY(allocate(s, comm, c->placement, err));
    for (int64_t i = 0; i < s->read.count; i++) {
        const uint32_t id = (uint32_t)(s->read.first + i);
        lks_scribble(read_images(s) + (size_t)i * s->image_bytes, id);
        read_labels(s)[i] = (uint8_t)(id % (uint32_t)classes);
    }
    for (int64_t i = 0; i < s->info.count; i++)
        s->counts[i % classes]++;
    sum_images(s);
    return LKS_OK;
}

/* The least and the largest label. */
static int least_label(const lks_image_set *s) {
    int label = 0;
    while (label < LKS_CLASSES_MAX - 1 && !s->counts[label])
        label++;
    return label;
}

static int largest_label(const lks_image_set *s) {
    int label = LKS_CLASSES_MAX - 1;
    while (label > 0 && !s->counts[label])
        label--;
    return label;
}

static lks_status check_labels(const lks_image_set *s, int classes, lks_error *err) {
    char advice[96] = "";
    int wrong = -1;
    for (int label = classes; label < LKS_CLASSES_MAX; label++)
        if (s->counts[label] && (wrong < 0 || s->first_of[label] < s->first_of[wrong]))
            wrong = label;
    if (wrong < 0)
        return LKS_OK;
    const int least = least_label(s), offset = s->info.label_offset + least;
    if (least > 0)
        snprintf(advice, sizeof advice, "; no label is 0: data.label_offset: %d takes %d off all",
                 offset, offset);
    return lks_fail(
        err, LKS_ERR_DATA, "%s: label %d of image %lld, but there are %d classes (0..%d)%s",
        s->info.labels_path, wrong, (long long)s->first_of[wrong], classes, classes - 1, advice);
}

static void free_set(lks_image_set *s) {
    lks_set_digest_free(&s->digest);
    if (!s->whole.room.memory) {
        lks_free(s->images);
        lks_free(s->labels);
        lks_free(s->sums);
    }
    lks_room_close(&s->whole.room);
}

/* --- what the training part says -------------------------------------------------------------- */

/* Mean and deviation over the training part only: exact integer sums, added over the ranks. */
static lks_status compute_normalisation(lks_dataset *d, lks_comm *comm, lks_error *err) {
    lks_pixel_sums *sums = lks_alloc(1, sizeof *sums, "pixel sums", err);
    if (!sums)
        return lks_comm_fail(comm, err);
    const lks_image_set *s = &d->train;
    int64_t pixels = (int64_t)s->info.rows * s->info.columns;
    for (int64_t i = 0; i < d->own.n_train; i++) {
        const size_t at = (size_t)(d->own.train[i] - s->share.first);
        lks_pixel_sums_add(sums, s->images + at * s->image_bytes, pixels, s->info.channels);
    }
    lks_comm_sum_i64(comm, &sums->words[0][0], LKS_CHANNELS_MAX * 4);
    lks_comm_sum_i64(comm, &sums->pixels, 1);
    lks_pixel_sums_result(sums, s->info.channels, d->identity.mean, d->identity.std);
    lks_free(sums);
    return lks_comm_check(comm, err);
}

static lks_status set_normalisation(lks_dataset *d, lks_comm *comm, const lks_data_config *c,
                                    lks_error *err) {
    for (int i = 0; i < d->identity.channels; i++) {
        d->identity.mean[i] = 0;
        d->identity.std[i] = 1;
        if (c->normalize == LKS_NORMALIZE_GIVEN) {
            d->identity.mean[i] = c->mean[c->n_mean == 1 ? 0 : i];
            d->identity.std[i] = c->std[c->n_std == 1 ? 0 : i];
        }
    }
    return c->normalize == LKS_NORMALIZE_COMPUTED ? compute_normalisation(d, comm, err) : LKS_OK;
}

/* Identity of a data set, whatever the rank count: for every image the SHA-256 of (id, label, pixels), taken as
 * four 64-bit words and added modulo 2^64 over all images. Where they are handed out as they are stored, the set's
 * digest has them already. */
static lks_status digest_share(const lks_image_set *s, lks_digest_words *words, lks_error *err) {
    if (s->digest.blocks && !s->info.transpose && !s->info.label_offset) {
        *words = lks_set_digest_total(&s->digest);
        return LKS_OK;
    }
    for (int64_t i = 0; i < s->share.count; i++) {
        const int64_t id = s->share.first + i;
        LKS_TRY(lks_digest_words_add(words, id, s->labels[i],
                                     s->images + (size_t)i * s->image_bytes, s->image_bytes, err));
    }
    return LKS_OK;
}

static lks_status digest_data(lks_dataset *d, lks_comm *comm, lks_error *err) {
    lks_digest_words words = {{0}};
    lks_status status = digest_share(&d->train, &words, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_sum_i64(comm, (int64_t *)words.of, 4);
    lks_digest_words_print(&words, d->identity.digest);
    return lks_comm_check(comm, err);
}

lks_status lks_check_given_normalisation(const lks_data_config *c, int channels, lks_error *err) {
    if (c->normalize != LKS_NORMALIZE_GIVEN)
        return LKS_OK;
    if ((c->n_mean != 1 && c->n_mean != channels) || (c->n_std != 1 && c->n_std != channels))
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.mean has %d and data.std has %d values; the images have %d channels: "
                        "give 1 value for all, or one for each channel",
                        c->n_mean, c->n_std, channels);
    return LKS_OK;
}

/* --- which images train ----------------------------------------------------------------------- */

static void sum_over_ranks(void *comm, int64_t *values, size_t n) {
    lks_comm_sum_i64(comm, values, n);
}

static void sum_before(void *comm, int64_t *values, size_t n) {
    lks_comm_before_i64(comm, values, n);
}

static lks_status agree(void *comm, lks_status status, lks_error *err) {
    return lks_comm_agree(comm, status, err);
}

static lks_labelled samples_of(const lks_image_set *s, lks_comm *comm) {
    lks_labelled samples = {.n = s->info.count,
                            .own = s->share,
                            .labels = s->labels,
                            .with = {comm, sum_over_ranks, sum_before, agree}};
    memcpy(samples.counts, s->counts, sizeof samples.counts);
    return samples;
}

lks_status lks_dataset_split(const lks_dataset *d, lks_comm *comm, const lks_split_wish *wish,
                             lks_split_rule *rule, lks_split *own, lks_error *err) {
    const lks_image_set *s = &d->train;
    const lks_labelled samples = samples_of(s, comm);
    *own = (lks_split){0};
    LKS_TRY(lks_split_plan(rule, &samples, wish, err));
    LKS_TRY(lks_comm_agree(comm, lks_split_list(own, rule, s->share, s->labels, err), err));
    int64_t n[] = {own->n_train, own->n_validation};
    lks_comm_sum_i64(comm, n, 2);
    LKS_TRY(lks_comm_check(comm, err));
    if (n[0] == rule->n_train && n[1] == rule->n_validation)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_REPLICA,
                    "memory changed while images were split: %lld train and %lld validate, not "
                    "%lld and %lld; start again",
                    (long long)n[0], (long long)n[1], (long long)rule->n_train,
                    (long long)rule->n_validation);
}

/* A number leads to a position of the epoch only if there is such an item. The check words are of what was listed: that
 * it is what the rule says, the hash of a whole epoch tells. */
static lks_status check_items(const lks_dataset *d, const lks_item *items, int64_t n,
                              int64_t wanted, lks_error *err) {
    bool sound = n == wanted;
    for (int64_t i = 0; i < n; i++)
        sound = sound && items[i].number < d->rule.n_items && items[i].image < d->rule.n;
    if (sound)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_REPLICA,
                    "this rank's memory changed while an epoch's list was "
                    "made; start again, best without this host");
}

/* Of all images, whose labels are at hand. Not collective. */
static lks_status list_all(const lks_dataset *d, lks_item *all, lks_error *err) {
    const lks_image_set *s = &d->train;
    const lks_labelled samples = lks_labelled_alone(s->whole.labels, s->info.count);
    lks_items items;
    lks_split split;
    LKS_TRY(lks_split_list(&split, &d->rule, samples.own, samples.labels, err));
    lks_status status = lks_items_make(&items, &d->rule, &split, &samples, err);
    if (status == LKS_OK)
        status = check_items(d, items.of, items.n, d->rule.n_items, err);
    if (status == LKS_OK)
        memcpy(all, items.of, (size_t)items.n * sizeof *all);
    lks_free(items.of);
    lks_split_free(&split);
    return status;
}

/* Of a host's ranks the first one makes the list that all read. Collective; errors are agreed. */
static lks_status share_list(lks_dataset *d, lks_comm *comm, lks_error *err) {
    lks_epoch_list *e = &d->epoch;
    const size_t bytes = (size_t)e->count * sizeof *e->all;
    LKS_TRY(open_room(&e->room, comm, bytes, "an epoch's list", err));
    const lks_status status = e->room.first ? list_all(d, e->room.memory, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_room_meet(&e->room);
    e->all = e->room.memory;
    return LKS_OK;
}

/* Collective; errors are agreed. */
static lks_status list_epoch(lks_dataset *d, lks_comm *comm, lks_error *err) {
    lks_epoch_list *e = &d->epoch;
    const lks_labelled samples = samples_of(&d->train, comm);
    e->count = d->rule.n_items;
    LKS_TRY(lks_items_make(&e->own, &d->rule, &d->own, &samples, err));
    LKS_TRY(lks_comm_agree(comm, check_items(d, e->own.of, e->own.n, e->own.n, err), err));
    e->hash = lks_items_hash(&d->rule, samples.own, samples.labels);
    lks_comm_sum_i64(comm, (int64_t *)&e->hash, 1);
    if (d->train.whole.room.memory)
        return share_list(d, comm, err);
    e->all = d->train.whole.images ? e->own.of : NULL;
    return lks_comm_check(comm, err);
}

static void drop_own_list(lks_epoch_list *e) {
    lks_free(e->own.of);
    e->own = (lks_items){0};
}

static void free_list(lks_epoch_list *e) {
    drop_own_list(e);
    lks_room_close(&e->room);
}

/* All that follows from the training images. */
static lks_status study(lks_dataset *d, lks_comm *comm, const lks_config *config, lks_error *err) {
    const lks_data_config *c = &config->data;
    const lks_image_file *info = &d->train.info;
    LKS_TRY(lks_check_given_normalisation(c, info->channels, err));
    lks_data_identity *id = &d->identity;
    id->rows = info->rows;
    id->columns = info->columns;
    id->channels = info->channels;
    id->classes = c->classes ? c->classes : largest_label(&d->train) + 1;
    LKS_TRY(check_labels(&d->train, id->classes, err));
    LKS_TRY(lks_class_names_check(c, id->classes, err));
    const lks_split_wish wish = lks_split_wish_of(c, config->seed, id->classes);
    LKS_TRY(lks_dataset_split(d, comm, &wish, &d->rule, &d->own, err));
    LKS_TRY(list_epoch(d, comm, err));
    id->n_train = d->rule.n_train;
    LKS_TRY(set_normalisation(d, comm, c, err));
    LKS_TRY(lks_dataset_find_traits(d, comm, err));
    if (d->epoch.room.memory)
        drop_own_list(&d->epoch);
    return digest_data(d, comm, err);
}

static lks_status open_test(lks_dataset *d, lks_comm *comm, const lks_data_config *c,
                            lks_error *err) {
    LKS_TRY(open_set(&d->test, comm, c, LKS_PART_TEST, err));
    d->has_test = true;
    const lks_image_file *info = &d->test.info;
    const lks_data_identity *id = &d->identity;
    if (info->rows != id->rows || info->columns != id->columns || info->channels != id->channels)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s has images of %dx%dx%d (rows, columns, channels); the network was made "
                        "for %dx%dx%d",
                        info->path, info->rows, info->columns, info->channels, id->rows,
                        id->columns, id->channels);
    LKS_TRY(lks_class_names_check(c, id->classes, err));
    return check_labels(&d->test, id->classes, err);
}

static lks_status open_train(lks_dataset *d, lks_comm *comm, const lks_config *config,
                             lks_error *err) {
    LKS_TRY(open_set(&d->train, comm, &config->data, LKS_PART_TRAIN, err));
    return study(d, comm, config, err);
}

/* The float values of bytes, after the first steps ended with @p status; what is open is closed where
 * something went wrong. */
static lks_status complete(lks_dataset *d, lks_comm *comm, lks_status status, lks_error *err) {
    if (status == LKS_OK) {
        d->pixels = lks_alloc((size_t)d->identity.channels, sizeof *d->pixels, "pixel table", err);
        status = lks_comm_agree(comm, d->pixels ? LKS_OK : err->status, err);
    }
    if (status != LKS_OK) {
        lks_dataset_free(d);
        return status;
    }
    lks_normalization_table(d->pixels, d->identity.channels, d->identity.mean, d->identity.std);
    return LKS_OK;
}

lks_status lks_dataset_open(lks_dataset *d, lks_comm *comm, const lks_config *config,
                            const lks_data_identity *saved, bool need_train, lks_error *err) {
    memset(d, 0, sizeof *d);
    lks_pulse_at("load images");
    if (saved)
        d->identity = *saved;
    lks_status status = LKS_OK;
    if (need_train)
        status = open_train(d, comm, config, err);
    if (status == LKS_OK && config->data.test_images[0])
        status = open_test(d, comm, &config->data, err);
    if (status == LKS_OK)
        status = lks_dataset_examine(d, comm, config, err);
    return complete(d, comm, status, err);
}

lks_status lks_dataset_make_up(lks_dataset *d, lks_comm *comm, const lks_config *config,
                               lks_error *err) {
    memset(d, 0, sizeof *d);
    lks_status status = make_up_set(&d->train, comm, &config->data, err);
    status = lks_comm_agree(comm, status, err);
    if (status == LKS_OK)
        status = study(d, comm, config, err);
    return complete(d, comm, status, err);
}

void lks_dataset_free(lks_dataset *d) {
    free_set(&d->train);
    free_set(&d->test);
    free_list(&d->epoch);
    lks_split_free(&d->own);
    lks_free(d->pixels);
    memset(d, 0, sizeof *d);
}

size_t lks_image_set_bytes(const lks_image_set *s) {
    return (size_t)s->read.count * (s->image_bytes + 1 + sizeof *s->sums);
}

size_t lks_dataset_list_bytes(const lks_dataset *d, const lks_comm *comm) {
    const lks_epoch_list *e = &d->epoch;
    const size_t items = (size_t)e->own.n * sizeof *e->own.of;
    const size_t ids = (size_t)(d->own.n_train + d->own.n_validation) * sizeof *d->own.train;
    const size_t room = e->room.memory ? (size_t)e->count * sizeof *e->all : 0;
    return items + ids + room / (size_t)(e->room.shared ? comm->local_size : 1);
}

lks_shape lks_dataset_shape(const lks_dataset *d) {
    return (lks_shape){d->identity.rows, d->identity.columns, d->identity.channels};
}

/* Files of other names than the configuration has. */
static void print_found(const lks_dataset *d) {
    if (d->train.info.found)
        lks_info("found      training images in %s", d->train.info.path);
    if (d->test.info.found)
        lks_info("found      test images in %s", d->test.info.path);
}

static void print_class_counts(const lks_dataset *d) {
    char line[2048];
    int length = 0;
    for (int c = 0; c < d->identity.classes && length < (int)sizeof line - 32; c++)
        length += snprintf(line + length, sizeof line - (size_t)length, " %lld",
                           (long long)d->rule.train[c]);
    lks_info("classes    %d, training images of each:%s", d->identity.classes, line);
}

/* Whether the files were compared with the digests beside them; images that were made have none. */
static void print_checked(const lks_dataset *d) {
    const lks_image_set *open = !d->train.checked                 ? &d->train
                                : d->has_test && !d->test.checked ? &d->test
                                                                  : NULL;
    if (!d->train.info.kind)
        return;
    if (open)
        lks_info("unchecked  no digests of %s and its labels beside it: whether they are right, "
                 "and the same on all hosts, is not known; `lockstep info --digest` writes them",
                 open->info.path);
    else
        lks_info("checked    images and labels, against the digests beside %s", d->train.info.path);
}

/* Warnings were given when the set was opened. */
static void print_notes(const lks_dataset *d) {
    for (int i = 0; i < d->findings.n; i++)
        if (d->findings.of[i].weight == LKS_FINDING_NOTE)
            lks_info("note       %s", d->findings.of[i].text);
}

void lks_dataset_print(const lks_dataset *d) {
    const lks_data_identity *id = &d->identity;
    lks_info(
        "data       %lld training, %lld validation, %lld test images of %dx%dx%d, digest %.16s",
        (long long)d->rule.n_train, (long long)d->rule.n_validation, (long long)d->test.info.count,
        id->rows, id->columns, id->channels, id->digest);
    print_found(d);
    print_checked(d);
    if (d->rule.n_train + d->rule.n_validation < d->train.info.count)
        lks_info("limit      %lld of the %lld images in %s (data.limit)",
                 (long long)(d->rule.n_train + d->rule.n_validation),
                 (long long)d->train.info.count, d->train.info.path);
    print_class_counts(d);
    print_notes(d);
    if (d->rule.balanced)
        lks_info("balanced   every class equally often: %lld images an epoch, %lld of them repeats",
                 (long long)d->epoch.count, (long long)(d->epoch.count - d->rule.n_train));
    if (id->mean[0] == 0 && id->std[0] == 1)
        lks_info("pixels     scaled to 0..1");
    else
        lks_info("pixels     scaled to 0..1, then (x - %.6g) / %.6g%s", id->mean[0], id->std[0],
                 id->channels > 1 ? " in channel 0" : "");
}
