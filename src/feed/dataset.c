/* Reading and dealing the data. Only this rank's share of the images is read. */
#include "feed/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/digest.h"
#include "feed/place/deal.h"
#include "job/agree.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/pulse.h"

/* --- one file of images and its labels -------------------------------------------------------- */

/* Room for the images of this rank's share. */
static lks_status allocate_share(lks_image_set *s, const lks_comm *comm, lks_error *err) {
    s->read = s->share;
    s->images = lks_alloc((size_t)s->share.count, s->image_bytes, "the images", err);
    s->sums = lks_alloc((size_t)s->share.count, sizeof *s->sums, "checksums of the images", err);
    if (comm->size == 1)
        s->whole = (lks_whole_set){.images = s->images, .sums = s->sums};
    return s->images && s->sums ? LKS_OK : err->status;
}

/* Room for all images, of which each rank of the host reads a part. Collective. */
static lks_status allocate_whole(lks_image_set *s, lks_comm *comm, lks_error *err) {
    lks_whole_set *w = &s->whole;
    const size_t n = (size_t)s->info.count;
    const size_t pixels = (n * s->image_bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    const lks_status status =
        lks_room_open(&w->room, comm, pixels + n * sizeof *w->sums, "the images", err);
    if (status != LKS_OK) {
        const lks_error why = *err;
        return lks_fail(err, status,
                        "data.placement: host: %s; data.placement: sharded needs no such memory",
                        why.text);
    }
    w->images = w->room.memory;
    w->sums = (uint64_t *)(w->images + pixels);
    s->read = lks_share(s->info.count, comm->local_size, comm->local_rank);
    s->images = w->images + (size_t)s->share.first * s->image_bytes;
    s->sums = w->sums + s->share.first;
    return LKS_OK;
}

/* Room for all labels and for the images. Collective; errors are agreed. */
static lks_status allocate(lks_image_set *s, lks_comm *comm, lks_placement placement,
                           lks_error *err) {
    lks_status status;
    s->image_bytes = (size_t)s->info.channels * s->info.rows * s->info.columns;
    s->share = lks_share(s->info.count, comm->size, comm->rank);
    s->labels = lks_alloc((size_t)s->info.count, 1, "the labels", err);
    status = lks_comm_agree(comm, s->labels ? LKS_OK : err->status, err);
    if (status == LKS_OK && placement == LKS_PLACE_HOST && comm->size > 1)
        return allocate_whole(s, comm, err);
    return status == LKS_OK ? lks_comm_agree(comm, allocate_share(s, comm, err), err) : status;
}

/* Where the images that this rank reads belong. */
static uint8_t *read_images(const lks_image_set *s) {
    return s->images + (s->read.first - s->share.first) * (int64_t)s->image_bytes;
}

/* An odd factor: each other label gives another sum. */
uint64_t lks_image_sum(const lks_image_set *set, const uint8_t *image, uint8_t label, uint32_t id) {
    return lks_hash_bytes(image, set->image_bytes) + label * UINT64_C(0x9e3779b97f4a7c15) +
           lks_hash64(id);
}

/* Those that this rank read; then all are there. */
static void sum_images(lks_image_set *s) {
    const uint8_t *images = read_images(s);
    uint64_t *sums = s->sums + (s->read.first - s->share.first);
    for (int64_t i = 0; i < s->read.count; i++) {
        const uint32_t id = (uint32_t)(s->read.first + i);
        sums[i] = lks_image_sum(s, images + (size_t)i * s->image_bytes, s->labels[id], id);
    }
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

/* Every rank read its own file. */
static lks_status same_labels(const lks_image_set *s, lks_comm *comm, lks_image_part part,
                              lks_error *err) {
    char hex[LKS_SHA256_HEX], text[LKS_SHA256_HEX + 16];
    const lks_status status = lks_sha256_buffer(s->labels, (size_t)s->info.count, hex, err);
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
    if (status == LKS_OK)
        status = lks_image_file_read_labels(&s->info, s->labels, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(same_labels(s, comm, part, err));
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
    for (int64_t i = 0; i < s->read.count; i++)
        lks_scribble(read_images(s) + (size_t)i * s->image_bytes, (uint32_t)(s->read.first + i));
    for (int64_t i = 0; i < s->info.count; i++)
        s->labels[i] = (uint8_t)(i % classes);
    sum_images(s);
    return LKS_OK;
}

/* The least label: where it is above 0, the file counts from there. */
static int least_label(const lks_image_set *s) {
    int least = UINT8_MAX;
    for (int64_t i = 0; i < s->info.count; i++)
        least = s->labels[i] < least ? s->labels[i] : least;
    return least;
}

static lks_status check_labels(const lks_image_set *s, int classes, lks_error *err) {
    char advice[96] = "";
    for (int64_t i = 0; i < s->info.count; i++) {
        if (s->labels[i] < classes)
            continue;
        const int least = least_label(s), offset = s->info.label_offset + least;
        if (least > 0)
            snprintf(advice, sizeof advice,
                     "; no label is 0: data.label_offset: %d takes %d off all", offset, offset);
        return lks_fail(
            err, LKS_ERR_DATA, "%s: label %d of image %lld, but there are %d classes (0..%d)%s",
            s->info.labels_path, s->labels[i], (long long)i, classes, classes - 1, advice);
    }
    return LKS_OK;
}

static void free_set(lks_image_set *s) {
    lks_set_digest_free(&s->digest);
    lks_free(s->labels);
    if (!s->whole.room.memory) {
        lks_free(s->images);
        lks_free(s->sums);
    }
    lks_room_close(&s->whole.room);
}

/* --- what the training part says -------------------------------------------------------------- */

static int count_classes(const lks_image_set *s, int given) {
    int largest = 0;
    for (int64_t i = 0; i < s->info.count; i++)
        if (s->labels[i] > largest)
            largest = s->labels[i];
    return given ? given : largest + 1;
}

/* Mean and deviation over the training part only: exact integer sums, added over the ranks. */
static lks_status compute_normalisation(lks_dataset *d, lks_comm *comm, lks_error *err) {
    lks_pixel_sums *sums = lks_alloc(1, sizeof *sums, "pixel sums", err);
    if (!sums)
        return lks_comm_fail(comm, err);
    const lks_image_set *s = &d->train;
    int64_t pixels = (int64_t)s->info.rows * s->info.columns;
    for (int64_t i = 0; i < d->split.n_train; i++) {
        int64_t at = (int64_t)d->split.train[i] - s->share.first;
        if (at >= 0 && at < s->share.count)
            lks_pixel_sums_add(sums, s->images + (size_t)at * s->image_bytes, pixels,
                               s->info.channels);
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
        LKS_TRY(lks_digest_words_add(words, id, s->labels[id],
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

static lks_status check_given(const lks_data_config *c, int channels, lks_error *err) {
    if (c->normalize != LKS_NORMALIZE_GIVEN)
        return LKS_OK;
    if ((c->n_mean != 1 && c->n_mean != channels) || (c->n_std != 1 && c->n_std != channels))
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.mean has %d and data.std has %d values; the images have %d channels: "
                        "give 1 value for all, or one for each channel",
                        c->n_mean, c->n_std, channels);
    return LKS_OK;
}

/* All that follows from the training images. */
static lks_status study(lks_dataset *d, lks_comm *comm, const lks_config *config, lks_error *err) {
    const lks_data_config *c = &config->data;
    const lks_image_file *info = &d->train.info;
    LKS_TRY(check_given(c, info->channels, err));
    lks_data_identity *id = &d->identity;
    id->rows = info->rows;
    id->columns = info->columns;
    id->channels = info->channels;
    id->classes = count_classes(&d->train, c->classes);
    LKS_TRY(check_labels(&d->train, id->classes, err));
    LKS_TRY(lks_class_names_check(c, id->classes, err));
    lks_status status = lks_split_make(&d->split, d->train.labels, info->count, id->classes,
                                       c->limit, c->validation, config->seed, err);
    if (status == LKS_OK)
        status = lks_epoch_list_make(&d->epoch, &d->split, d->train.labels, info->count,
                                     c->balanced, config->seed, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    id->n_train = d->split.n_train;
    LKS_TRY(set_normalisation(d, comm, c, err));
    LKS_TRY(lks_dataset_find_traits(d, comm, err));
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
    lks_epoch_list_free(&d->epoch);
    lks_split_free(&d->split);
    lks_free(d->pixels);
    memset(d, 0, sizeof *d);
}

size_t lks_image_set_bytes(const lks_image_set *s) {
    return (size_t)s->read.count * (s->image_bytes + sizeof *s->sums);
}

size_t lks_dataset_bytes(const lks_dataset *d) {
    return lks_image_set_bytes(&d->train) + lks_image_set_bytes(&d->test) +
           (size_t)(d->train.info.count + d->test.info.count);
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
    int64_t counts[256] = {0};
    char line[2048];
    int length = 0;
    for (int64_t i = 0; i < d->split.n_train; i++)
        counts[d->train.labels[d->split.train[i]]]++;
    for (int c = 0; c < d->identity.classes && length < (int)sizeof line - 32; c++)
        length +=
            snprintf(line + length, sizeof line - (size_t)length, " %lld", (long long)counts[c]);
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
        (long long)d->split.n_train, (long long)d->split.n_validation,
        (long long)d->test.info.count, id->rows, id->columns, id->channels, id->digest);
    print_found(d);
    print_checked(d);
    if (d->split.n_train + d->split.n_validation < d->train.info.count)
        lks_info("limit      %lld of the %lld images in %s (data.limit)",
                 (long long)(d->split.n_train + d->split.n_validation),
                 (long long)d->train.info.count, d->train.info.path);
    print_class_counts(d);
    print_notes(d);
    if (d->epoch.owned)
        lks_info("balanced   every class equally often: %lld images an epoch, %lld of them repeats",
                 (long long)d->epoch.count, (long long)(d->epoch.count - d->split.n_train));
    if (id->mean[0] == 0 && id->std[0] == 1)
        lks_info("pixels     scaled to 0..1");
    else
        lks_info("pixels     scaled to 0..1, then (x - %.6g) / %.6g%s", id->mean[0], id->std[0],
                 id->channels > 1 ? " in channel 0" : "");
}
