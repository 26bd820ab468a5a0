/* Images are brought to the ranks that train on them: each position of each epoch gets the image that the epoch's order
 * says, whatever the windows, and nothing that changed in memory or on its way is taken for one. */
#include "support/test.h"
#include "support/config_file.h"
#include "support/mpi_main.h"

#include <stdlib.h>
#include <string.h>

#include "feed/supply/supply.h"
#include "base/digest.h"
#include "job/job.h"
#include "base/memory.h"

static lks_comm comm;
static lks_error err;

static void stop_unless(lks_status status) {
    if (status != LKS_OK)
        lks_give_up(&comm, 1, err.text);
}

enum { EPOCHS = 3, SEED = 11, HEADER_BYTES = 32 };

typedef struct fixture {
    lks_config config;
    lks_dataset data;
    uint8_t *labels; /* of all images, */
    lks_items items; /* and what an epoch shows of them: as one process makes it */
    lks_deal deal;
    lks_supply *supply;
} fixture;

static const char text[] =
    "data: {dir: '" LKS_GOLDEN_DIR "', limit: 250, validation: 0.1, balanced: true}\n"
    "model: [flatten, {dense: 10}]\n"
    "train: {epochs: 3, global_batch: 53, chunk: 8}\n";

static size_t item_bytes(const fixture *f) {
    return f->data.train.image_bytes + HEADER_BYTES;
}

static void make_list(fixture *f) {
    const lks_image_file *file = &f->data.train.info;
    f->labels = calloc((size_t)file->count, 1);
    stop_unless(lks_image_file_read_labels(file, f->labels, &err));
    const lks_labelled samples = lks_labelled_alone(f->labels, file->count);
    const lks_split_wish wish = lks_split_wish_of(&f->config.data, f->config.seed, 10);
    lks_split_rule rule;
    lks_split split;
    stop_unless(lks_split_plan(&rule, &samples, &wish, &err));
    stop_unless(lks_split_list(&split, &rule, samples.own, f->labels, &err));
    stop_unless(lks_items_make(&f->items, &rule, &split, &samples, &err));
    lks_split_free(&split);
}

/* Windows of `batches` batches; 0: all images are on the host. */
static void open_fixture(fixture *f, int batches) {
    char path[LKS_PATH_MAX];
    lks_write_config(&comm, text, path);
    stop_unless(lks_config_load(&comm, path, NULL, 0, &f->config, &err));
    f->config.data.placement = batches ? LKS_PLACE_SHARDED : LKS_PLACE_HOST;
    stop_unless(lks_dataset_open(&f->data, &comm, &f->config, NULL, true, &err));
    make_list(f);
    f->deal = (lks_deal){f->data.epoch.count, f->config.train.global_batch, f->config.train.chunk,
                         comm.size};
    const int chunks =
        (lks_chunks(f->deal.global_batch, f->deal.chunk) + comm.size - 1) / comm.size;
    const size_t budget = (size_t)(3 * batches * chunks * f->deal.chunk) * item_bytes(f);
    stop_unless(
        lks_supply_create(&f->supply, &f->data, &f->deal, SEED, EPOCHS, budget, &comm, &err));
}

static void close_fixture(fixture *f) {
    lks_supply_free(f->supply);
    lks_free(f->items.of);
    free(f->labels);
    lks_dataset_free(&f->data);
    lks_config_free(&f->config);
}

/* This rank's positions of the batch whose source is what it should be. */
static int64_t sound(const fixture *f, int64_t epoch, int64_t batch) {
    const lks_image_set *s = &f->data.train;
    const lks_permutation order =
        lks_permutation_make(SEED, (uint32_t)epoch, (uint64_t)f->deal.count);
    const lks_range own = lks_deal_positions(&f->deal, batch, comm.rank);
    int64_t good = 0;
    for (int64_t p = own.first; p < own.first + own.count; p++) {
        const lks_item *item = &f->items.of[lks_permutation_apply(&order, (uint64_t)p)];
        const uint32_t image = item->image;
        const lks_source from = lks_supply_find(f->supply, p);
        good += from.pixels && from.image == image && from.id == item->id &&
                from.label == f->labels[image] &&
                from.home == (s->whole.images ? comm.rank
                                              : lks_share_owner(s->info.count, comm.size, image)) &&
                lks_image_sum(s, from.pixels, from.label, from.image) == from.sum;
    }
    return good;
}

static void check_batch(const fixture *f, int64_t epoch, int64_t batch) {
    CU_ASSERT_EQUAL(lks_supply_need(f->supply, epoch, batch, &err), LKS_OK);
    if (batch + 1 == lks_deal_batches(&f->deal)) /* the next window's images are on their way */
        CU_ASSERT_FALSE(lks_supply_works(f->supply, epoch, batch));
    CU_ASSERT_EQUAL(sound(f, epoch, batch), lks_deal_positions(&f->deal, batch, comm.rank).count);
}

static void positions_get_their_images(void) {
    for (int batches = 1; batches <= 8; batches++) { /* an epoch has 5 */
        fixture f;
        open_fixture(&f, batches);
        const int64_t n = lks_deal_batches(&f.deal);
        CU_ASSERT_EQUAL(lks_supply_windows(f.supply),
                        comm.size > 1 ? (n + batches - 1) / batches : 0);
        for (int64_t e = 0; e < EPOCHS; e++)
            for (int64_t b = 0; b < n; b++)
                check_batch(&f, e, b);
        CU_ASSERT_EQUAL(lks_supply_bytes(f.supply) > 0, comm.size > 1);
        CU_ASSERT(lks_supply_bytes(f.supply) <= 2 * lks_supply_forecast(f.supply));
        close_fixture(&f);
    }
}

/* As a run that is resumed, and one that goes back. */
static void any_batch_can_be_next(void) {
    static const int64_t visits[][2] = {{1, 3}, {1, 4}, {2, 1}, {0, 3}, {0, 2}, {2, 4}, {2, 4}};
    for (int batches = 0; batches <= 3; batches += 3) {
        fixture f;
        open_fixture(&f, batches);
        for (size_t i = 0; i < sizeof visits / sizeof *visits; i++)
            check_batch(&f, visits[i][0], visits[i][1]);
        close_fixture(&f);
    }
}

/* Nothing is sent, each rank vouches for its share, and all see the same bytes. */
static void hosts_hold_all(void) {
    fixture f;
    open_fixture(&f, 0);
    const lks_image_set *s = &f.data.train;
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->whole.images);
    CU_ASSERT_EQUAL(lks_supply_windows(f.supply), 0);
    int64_t vouched[2] = {s->share.count, s->read.count};
    lks_comm_sum_i64(&comm, vouched, 2);
    CU_ASSERT(vouched[0] == s->info.count && vouched[1] == s->info.count);
    for (int64_t e = 0; e < EPOCHS; e++)
        for (int64_t b = 0; b < lks_deal_batches(&f.deal); b++)
            check_batch(&f, e, b);
    CU_ASSERT_EQUAL(lks_supply_bytes(f.supply), 0);
    CU_ASSERT(lks_image_set_bytes(s) <=
              (size_t)(s->info.count / comm.size + 1) * (s->image_bytes + 1 + sizeof *s->sums));
    const uint8_t before = s->whole.images[5];
    lks_comm_barrier(&comm);
    if (comm.rank == comm.size - 1)
        s->whole.images[5] ^= 255;
    lks_comm_barrier(&comm);
    CU_ASSERT_EQUAL(s->whole.images[5], before ^ 255);
    close_fixture(&f);
}

static void flip(const void *memory, size_t bit) {
    ((unsigned char *)(uintptr_t)memory)[bit / 8] ^= (unsigned char)(1u << bit % 8);
}

/* Each bit of what came with an image, once it lies here. */
static void changes_are_seen(void) {
    fixture f;
    open_fixture(&f, 8);
    CU_ASSERT_EQUAL(lks_supply_need(f.supply, 0, 0, &err), LKS_OK);
    const lks_range own = lks_deal_positions(&f.deal, 0, comm.rank);
    const lks_source from = lks_supply_find(f.supply, own.first);
    for (size_t bit = 0; comm.size > 1 && bit < 8 * HEADER_BYTES; bit++) {
        flip(from.pixels - HEADER_BYTES, bit);
        CU_ASSERT_EQUAL(sound(&f, 0, 0), own.count - 1);
        flip(from.pixels - HEADER_BYTES, bit);
    }
    flip(from.pixels, 8 * 300);
    const int64_t changed =
        comm.size > 1 ? 1 : own.count - sound(&f, 0, 0); /* alone: the image itself */
    CU_ASSERT(changed >= 1);
    CU_ASSERT_EQUAL(sound(&f, 0, 0), own.count - changed);
    close_fixture(&f);
}

/* Parts that the ranks have make the split that one process makes of all; so are the items. */
static void parts_make_the_whole(void) {
    static const lks_split_wish wishes[] = {{10, 0, 0, false, 1},     {10, 0, 0.1, false, 2},
                                            {10, 0, 0.5, true, 3},    {10, 77, 0.999, false, 4},
                                            {11, 1, 0, false, 5},     {10, 0, 0.0001, true, 6},
                                            {256, 333, 0.3, true, 7}, {10, 1000, 0.1, false, 8}};
    fixture f;
    open_fixture(&f, 2);
    const lks_image_set *s = &f.data.train;
    for (size_t w = 0; w < sizeof wishes / sizeof *wishes; w++) {
        const lks_labelled samples = lks_labelled_alone(f.labels, s->info.count);
        lks_split_rule rule, rule_of_all;
        lks_split own, all;
        stop_unless(lks_dataset_split(&f.data, &comm, &wishes[w], &rule, &own, &err));
        stop_unless(lks_split_plan(&rule_of_all, &samples, &wishes[w], &err));
        stop_unless(lks_split_list(&all, &rule_of_all, samples.own, f.labels, &err));
        CU_ASSERT_EQUAL(memcmp(&rule, &rule_of_all, sizeof rule), 0);
        CU_ASSERT_EQUAL(rule.n_train, all.n_train);
        CU_ASSERT_EQUAL(rule.n_validation, all.n_validation);
        int64_t first[2] = {own.n_train, own.n_validation};
        lks_comm_before_i64(&comm, first, 2);
        CU_ASSERT_FATAL(first[0] + own.n_train <= all.n_train);
        CU_ASSERT_FATAL(first[1] + own.n_validation <= all.n_validation);
        const size_t each = sizeof *own.train;
        CU_ASSERT_EQUAL(memcmp(own.train, all.train + first[0], (size_t)own.n_train * each), 0);
        CU_ASSERT_EQUAL(
            memcmp(own.validation, all.validation + first[1], (size_t)own.n_validation * each), 0);
        int64_t n[] = {own.n_train, own.n_validation};
        lks_comm_sum_i64(&comm, n, 2);
        CU_ASSERT(n[0] == all.n_train && n[1] == all.n_validation);
        lks_split_free(&own);
        lks_split_free(&all);
    }
    int64_t found = 0;
    uint64_t hash = 0;
    for (int64_t i = 0; i < f.items.n; i++)
        hash += lks_hash64(f.items.of[i].id);
    CU_ASSERT_EQUAL(f.data.epoch.hash, hash);
    for (int64_t i = 0; i < f.data.epoch.own.n; i++) {
        const lks_item *item = &f.data.epoch.own.of[i];
        found += memcmp(item, &f.items.of[item->number], sizeof *item) == 0 &&
                 lks_share_owner(s->info.count, comm.size, item->image) == comm.rank;
    }
    lks_comm_sum_i64(&comm, &found, 1);
    CU_ASSERT_EQUAL(found, f.items.n);
    close_fixture(&f);
}

/* By the rank that it happened to, before anything is sent by it. */
static void changed_lists_are_told(void) {
    for (size_t bit = 0; bit < 8 * sizeof(lks_item); bit += 5) {
        fixture f;
        open_fixture(&f, 2);
        CU_ASSERT_EQUAL(lks_supply_need(f.supply, 0, 0, &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_supply_check(f.supply, &err), LKS_OK);
        if (comm.rank == comm.size - 1)
            flip(&f.data.epoch.own.of[3], bit);
        const lks_status own = lks_supply_check(f.supply, &err);
        CU_ASSERT_EQUAL(own, comm.rank == comm.size - 1 ? LKS_ERR_REPLICA : LKS_OK);
        CU_ASSERT_EQUAL(lks_supply_need(f.supply, 1, 0, &err), LKS_ERR_REPLICA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "list of an epoch's images"));
        close_fixture(&f);
    }
}

int main(void) {
    static const lks_test tests[] = {
        {"positions get their images", positions_get_their_images},
        {"parts make the split of the whole", parts_make_the_whole},
        {"any batch can be next", any_batch_can_be_next},
        {"hosts hold all", hosts_hold_all},
        {"changes of what came are seen", changes_are_seen},
        {"changed lists are told", changed_lists_are_told},
        {NULL, NULL},
    };
    return lks_mpi_test_main(&comm, "supply", tests);
}
