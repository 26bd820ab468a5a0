/* Who holds and trains on what, splits, normalisation, epoch order: all pure functions. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "base/memory.h"

/* A small generator for test input, unrelated to the one under test. */
static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* --- shares
 * ----------------------------------------------------------------------------------------- */

static void shares_partition(void) {
    const int64_t sizes[] = {0, 1, 2, 7, 59, 60, 61, 1000, 60000, 60001};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int parts = 1; parts <= 70; parts++) {
            const int64_t n = sizes[s];
            int64_t next = 0;
            bool good = true;
            for (int part = 0; part < parts; part++) {
                const lks_range r = lks_share(n, parts, part);
                good = good && r.first == next && r.count == n / parts + (part < n % parts);
                next += r.count;
                for (int64_t i = r.first; i < next; i += 1 + r.count / 3) /* some of each part */
                    good = good && lks_share_owner(n, parts, i) == part;
                if (r.count > 0)
                    good = good && lks_share_owner(n, parts, next - 1) == part;
            }
            CU_ASSERT_TRUE(good && next == n);
        }
    const lks_range last = lks_share(UINT32_MAX, 3, 2); /* beyond 32 bits */
    CU_ASSERT_EQUAL(last.first + last.count, UINT32_MAX);
    CU_ASSERT_EQUAL(lks_share_owner(UINT32_MAX, 3, last.first), 2);
    CU_ASSERT_EQUAL(lks_share_owner(UINT32_MAX, 3, last.first - 1), 1);
}

static void chunks_round_up(void) {
    CU_ASSERT_EQUAL(lks_chunks(0, 16), 0);
    CU_ASSERT_EQUAL(lks_chunks(1, 16), 1);
    CU_ASSERT_EQUAL(lks_chunks(16, 16), 1);
    CU_ASSERT_EQUAL(lks_chunks(17, 16), 2);
    CU_ASSERT_EQUAL(lks_chunks(60000, 4), 15000);
}

/* Deals @p batches equal batches; each must be cut without a gap, and no rank may get ahead of
 * another. */
static bool deal_chunks(int n_chunks, int ranks, int64_t first_batch, int batches) {
    int64_t total[64] = {0};
    for (int64_t b = first_batch; b < first_batch + batches; b++) {
        int64_t next = 0, least = INT64_MAX, most = 0;
        for (int rank = 0; rank < ranks; rank++) {
            const lks_range r = lks_chunk_share(n_chunks, ranks, rank, b);
            if (r.first != next || r.count < n_chunks / ranks || r.count > n_chunks / ranks + 1)
                return false;
            next += r.count;
            total[rank] += r.count;
            least = total[rank] < least ? total[rank] : least;
            most = total[rank] > most ? total[rank] : most;
        }
        if (next != n_chunks || most - least > 1)
            return false;
    }
    return true;
}

static void chunk_shares_partition_and_rotate(void) {
    for (int n_chunks = 0; n_chunks <= 40; n_chunks++)
        for (int ranks = 1; ranks <= 20; ranks++) {
            CU_ASSERT_TRUE(deal_chunks(n_chunks, ranks, 0, 2 * ranks + 1));
            CU_ASSERT_TRUE(deal_chunks(n_chunks, ranks, INT64_C(987654321012), ranks));
        }
    /* one chunk, three ranks: each has it in turn */
    for (int64_t b = 0; b < 7; b++)
        for (int rank = 0; rank < 3; rank++)
            CU_ASSERT_EQUAL(lks_chunk_share(1, 3, rank, b).count, rank == b % 3);
}

/* --- splits
 * ----------------------------------------------------------------------------------------- */

enum { SPLIT_N = 3000, SPLIT_CLASSES = 7 };

/* Classes of very different sizes: 0 has most, 5 has one sample, 6 has none. */
static void make_labels(uint8_t labels[SPLIT_N]) {
    uint32_t state = 5;
    for (int i = 0; i < SPLIT_N; i++) {
        const uint32_t r = next_random(&state) % 100;
        labels[i] = (uint8_t)(r < 50 ? 0 : r < 75 ? 1 : r < 90 ? 2 : r < 99 ? 3 : 4);
    }
    labels[1234] = 5;
}

static lks_status try_split(lks_split *split, const uint8_t *labels, int64_t n, int classes,
                            int64_t limit, double share, uint64_t seed, lks_error *err) {
    const lks_split_wish wish = {classes, limit, share, false, seed};
    return lks_split_make(split, labels, n, &wish, err);
}

static lks_split make_split(const uint8_t *labels, int64_t n, double share, uint64_t seed) {
    lks_split split;
    CU_ASSERT_EQUAL_FATAL(try_split(&split, labels, n, SPLIT_CLASSES, 0, share, seed, NULL),
                          LKS_OK);
    return split;
}

/* Disjoint, complete and ascending, and each class held out by round(n_c * share), but never
 * wholly. */
static void check_split(const uint8_t *labels, const lks_split *split, double share) {
    int64_t train = 0, validation = 0, of_class[SPLIT_CLASSES] = {0}, held[SPLIT_CLASSES] = {0};
    bool good = split->n_train + split->n_validation == SPLIT_N;
    for (uint32_t id = 0; good && id < SPLIT_N; id++) {
        of_class[labels[id]]++;
        if (validation < split->n_validation && split->validation[validation] == id) {
            validation++;
            held[labels[id]]++;
        } else {
            good = train < split->n_train && split->train[train] == id;
            train++;
        }
    }
    CU_ASSERT_TRUE(good);
    for (int c = 0; c < SPLIT_CLASSES; c++) {
        int64_t expected = (int64_t)floor((double)of_class[c] * share + 0.5);
        if (expected == of_class[c] && expected > 0)
            expected--;
        CU_ASSERT_EQUAL(held[c], expected);
    }
}

/* Each position of an epoch belongs to exactly the rank that lks_deal_rank() names. */
static void deals_and_their_inverse(void) {
    for (int64_t count = 1; count <= 200; count += 13)
        for (int batch = 1; batch <= 64; batch = 2 * batch + 1)
            for (int chunk = 1; chunk <= 16; chunk *= 4)
                for (int ranks = 1; ranks <= 9; ranks++) {
                    const lks_deal d = {count, batch, chunk, ranks};
                    int64_t next = 0, wrong = 0;
                    for (int64_t b = 0; b < lks_deal_batches(&d); b++)
                        for (int r = 0; r < ranks; r++) {
                            const lks_range p = lks_deal_positions(&d, b, r);
                            wrong += p.count > 0 && p.first != next;
                            for (int64_t i = 0; i < p.count; i++)
                                wrong += lks_deal_rank(&d, p.first + i) != r;
                            next += p.count;
                        }
                    CU_ASSERT_EQUAL(next, count);
                    CU_ASSERT_EQUAL(wrong, 0);
                }
}

static void splits_are_stratified(void) {
    uint8_t labels[SPLIT_N];
    make_labels(labels);
    const double shares[] = {0.0, 0.001, 0.1, 1.0 / 6.0, 0.5, 0.75, 0.999};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        lks_split split = make_split(labels, SPLIT_N, shares[i], 42);
        check_split(labels, &split, shares[i]);
        lks_split_free(&split);
        CU_ASSERT_PTR_NULL(split.train);
    }
    /* ties go up: half of 5 is 3 */
    const uint8_t five[5] = {0};
    lks_split split = make_split(five, 5, 0.5, 1);
    CU_ASSERT_EQUAL(split.n_validation, 3);
    lks_split_free(&split);
}

static int64_t common_ids(const lks_split *a, const lks_split *b) {
    int64_t common = 0;
    for (int64_t i = 0, j = 0; i < a->n_validation && j < b->n_validation;) {
        common += a->validation[i] == b->validation[j];
        if (a->validation[i] < b->validation[j])
            i++;
        else
            j++;
    }
    return common;
}

static void splits_depend_on_the_seed_only(void) {
    uint8_t labels[SPLIT_N];
    make_labels(labels);
    lks_split a = make_split(labels, SPLIT_N, 0.1, 42);
    lks_split again = make_split(labels, SPLIT_N, 0.1, 42);
    lks_split larger = make_split(labels, SPLIT_N, 0.2, 42);
    lks_split other = make_split(labels, SPLIT_N, 0.1, 43);
    CU_ASSERT_EQUAL(common_ids(&a, &again), a.n_validation);
    CU_ASSERT_EQUAL(again.n_validation, a.n_validation);
    CU_ASSERT_EQUAL(common_ids(&a, &larger), a.n_validation); /* the smallest draws of each class */
    /* another seed: about a tenth of 300 in common */
    CU_ASSERT_TRUE(common_ids(&a, &other) > 5 && common_ids(&a, &other) < 80);
    /* Held-out ids lie everywhere: a mean index far from the middle would be 5 standard errors (50)
     * off. */
    double mean = 0.0;
    for (int64_t i = 0; i < a.n_validation; i++)
        mean += (double)a.validation[i] / (double)a.n_validation;
    CU_ASSERT_DOUBLE_EQUAL(mean, SPLIT_N / 2.0, 250.0);
    lks_split_free(&a);
    lks_split_free(&again);
    lks_split_free(&larger);
    lks_split_free(&other);
}

/* Part of what makes a run the same everywhere: if these ids move, runs with a validation split
 * change. */
static void split_ids_are_pinned(void) {
    uint8_t labels[40];
    for (int i = 0; i < 40; i++)
        labels[i] = (uint8_t)(i % 2);
    const uint32_t expected[] = {1, 12, 16, 23, 25, 26, 34, 35};
    lks_split split = make_split(labels, 40, 0.2, 7);
    CU_ASSERT_EQUAL_FATAL(split.n_validation, 8);
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(split.validation[i], expected[i]);
    lks_split_free(&split);
}

/* --- limits ----------------------------------------------------------------------------------- */

static lks_split make_limited(const uint8_t *labels, int64_t limit, double share, uint64_t seed) {
    lks_split split;
    CU_ASSERT_EQUAL_FATAL(
        try_split(&split, labels, SPLIT_N, SPLIT_CLASSES, limit, share, seed, NULL), LKS_OK);
    CU_ASSERT_EQUAL(split.n_train + split.n_validation, limit);
    return split;
}

/* Samples of each class that are kept, and how many of them validate. */
static void count_kept(const uint8_t *labels, const lks_split *split, int64_t kept[SPLIT_CLASSES],
                       int64_t held[SPLIT_CLASSES]) {
    memset(kept, 0, SPLIT_CLASSES * sizeof *kept);
    memset(held, 0, SPLIT_CLASSES * sizeof *held);
    for (int64_t i = 0; i < split->n_train; i++)
        kept[labels[split->train[i]]]++;
    for (int64_t i = 0; i < split->n_validation; i++) {
        kept[labels[split->validation[i]]]++;
        held[labels[split->validation[i]]]++;
    }
}

/* Every class keeps its exact quota, rounded down or up, and loses the same share to validation. */
static void limits_are_stratified(void) {
    uint8_t labels[SPLIT_N];
    int64_t all[SPLIT_CLASSES] = {0}, kept[SPLIT_CLASSES], held[SPLIT_CLASSES];
    make_labels(labels);
    for (int i = 0; i < SPLIT_N; i++)
        all[labels[i]]++;
    const int64_t limits[] = {1, 2, 7, 100, 1000, 1499, 2999, 3000};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        lks_split split = make_limited(labels, limits[l], 0.25, 42);
        count_kept(labels, &split, kept, held);
        for (int c = 0; c < SPLIT_CLASSES; c++) {
            const int64_t down = all[c] * limits[l] / SPLIT_N;
            CU_ASSERT(kept[c] == down || kept[c] == down + 1);
            int64_t expected = (int64_t)floor((double)kept[c] * 0.25 + 0.5);
            CU_ASSERT_EQUAL(held[c], expected == kept[c] && expected ? expected - 1 : expected);
        }
        for (int64_t i = 1; i < split.n_train; i++)
            CU_ASSERT_FATAL(split.train[i - 1] < split.train[i]);
        lks_split_free(&split);
    }
    /* quotas of 3, 3 and 4 of 10: 1.5, 1.5 and 2; the tie goes to the smaller number */
    const uint8_t ten[10] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 2};
    lks_split split;
    CU_ASSERT_EQUAL_FATAL(try_split(&split, ten, 10, 3, 5, 0, 1, NULL), LKS_OK);
    int64_t of[3] = {0};
    for (int i = 0; i < 5; i++)
        of[ten[split.train[i]]]++;
    CU_ASSERT(of[0] == 2 && of[1] == 1 && of[2] == 2);
    lks_split_free(&split);
}

static void limits_depend_on_the_seed_only(void) {
    uint8_t labels[SPLIT_N];
    make_labels(labels);
    lks_split plain = make_split(labels, SPLIT_N, 0.1, 42);
    lks_split whole = make_limited(labels, SPLIT_N, 0.1, 42);
    CU_ASSERT_EQUAL(whole.n_validation, plain.n_validation);
    CU_ASSERT_EQUAL(common_ids(&whole, &plain),
                    plain.n_validation); /* a limit that limits nothing */
    lks_split a = make_limited(labels, 1000, 0, 42), again = make_limited(labels, 1000, 0, 42);
    lks_split other = make_limited(labels, 1000, 0, 43);
    CU_ASSERT_EQUAL(memcmp(a.train, again.train, 1000 * sizeof *a.train), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a.train, other.train, 1000 * sizeof *a.train), 0);
    /* What is kept leans neither on the file's order nor on what would be held out: of the 300 that
     * the plain split holds out about 100 are kept (standard deviation 8). */
    int64_t kept = 0;
    double mean = 0;
    for (int64_t i = 0, j = 0; i < a.n_train; i++) {
        mean += a.train[i] / 1000.0;
        while (j < plain.n_validation && plain.validation[j] < a.train[i])
            j++;
        kept += j < plain.n_validation && plain.validation[j] == a.train[i];
    }
    CU_ASSERT_DOUBLE_EQUAL(mean, SPLIT_N / 2.0, 150.0);
    CU_ASSERT(kept > 60 && kept < 140);
    lks_split *all[] = {&plain, &whole, &a, &again, &other};
    for (int i = 0; i < 5; i++)
        lks_split_free(all[i]);
}

/* --- what an epoch shows ---------------------------------------------------------------------- */

/* What an epoch shows of samples that this process has. */
typedef struct shown {
    lks_split_rule rule;
    lks_split split;
    lks_items items;
} shown;

static shown *make_epoch(const uint8_t *labels, int64_t n, const lks_split_wish *wish) {
    shown *e = calloc(1, sizeof *e);
    const lks_labelled samples = lks_labelled_alone(labels, n);
    CU_ASSERT_EQUAL_FATAL(lks_split_plan(&e->rule, &samples, wish, NULL), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_split_list(&e->split, &e->rule, samples.own, labels, NULL), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_items_make(&e->items, &e->rule, &e->split, &samples, NULL), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(e->items.n, e->rule.n_items);
    CU_ASSERT(e->rule.n_train == e->split.n_train && e->rule.n_validation == e->split.n_validation);
    for (int64_t i = 0; i < e->items.n; i++)
        CU_ASSERT_EQUAL(e->items.of[i].number, i);
    return e;
}

static void free_epoch(shown *e) {
    lks_split_free(&e->split);
    lks_free(e->items.of);
    free(e);
}

/* A balanced epoch: each class `most` times, no id twice, images evenly repeated. */
static void check_balanced(const uint8_t *labels, const shown *e, int64_t most) {
    const lks_split *split = &e->split;
    int64_t of_class[SPLIT_CLASSES] = {0}, of_image[SPLIT_N] = {0}, sizes[SPLIT_CLASSES] = {0};
    bool *met = calloc((size_t)(SPLIT_N + e->items.n), 1), good = true;
    for (int64_t i = 0; i < e->items.n; i++) {
        const uint32_t image = e->items.of[i].image, id = e->items.of[i].id;
        of_class[labels[image]]++;
        good = good && id < SPLIT_N + e->items.n - split->n_train && !met[id];
        good = good && (id == image) == (of_image[image] == 0); /* the first one, and only that */
        met[id] = true;
        of_image[image]++;
    }
    free(met);
    CU_ASSERT(good);
    for (int64_t i = 0; i < split->n_train; i++)
        sizes[labels[split->train[i]]]++;
    for (int c = 0; c < SPLIT_CLASSES; c++) {
        CU_ASSERT_EQUAL(of_class[c], sizes[c] ? most : 0);
        CU_ASSERT_EQUAL(e->rule.items[c], of_class[c]);
        CU_ASSERT_EQUAL(e->rule.train[c], sizes[c]);
    }
    for (int64_t i = 0, j = 0; i < SPLIT_N; i++) {
        const bool trains = j < split->n_train && split->train[j] == i;
        const int64_t times = trains ? most / sizes[labels[i]] : 0;
        j += trains;
        good = good && (of_image[i] == times || (trains && of_image[i] == times + 1));
    }
    CU_ASSERT(good);
}

static void epochs_are_balanced(void) {
    uint8_t labels[SPLIT_N];
    make_labels(labels);
    lks_split_wish wish = {SPLIT_CLASSES, 2000, 0.1, false, 5};
    shown *plain = make_epoch(labels, SPLIT_N, &wish);
    int64_t most = 0;
    for (int c = 0; c < SPLIT_CLASSES; c++)
        most = plain->rule.train[c] > most ? plain->rule.train[c] : most;
    CU_ASSERT_EQUAL_FATAL(plain->items.n, plain->split.n_train);
    for (int64_t i = 0; i < plain->items.n; i++) {
        CU_ASSERT_EQUAL(plain->items.of[i].image, plain->split.train[i]);
        CU_ASSERT_EQUAL(plain->items.of[i].id, plain->split.train[i]);
    }
    wish.balanced = true;
    shown *list = make_epoch(labels, SPLIT_N, &wish);
    shown *again = make_epoch(labels, SPLIT_N, &wish);
    check_balanced(labels, list, most);
    wish.seed = 6;
    shown *other = make_epoch(labels, SPLIT_N, &wish);
    check_balanced(labels, other, most);
    CU_ASSERT_EQUAL_FATAL(again->items.n, list->items.n);
    CU_ASSERT_EQUAL_FATAL(other->items.n, list->items.n);
    const size_t bytes = (size_t)list->items.n * sizeof *list->items.of;
    CU_ASSERT_EQUAL(memcmp(list->items.of, again->items.of, bytes), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(list->items.of, other->items.of, bytes), 0);
    free_epoch(plain);
    free_epoch(list);
    free_epoch(again);
    free_epoch(other);
}

/* Part of what makes a run the same everywhere, as split_ids_are_pinned(). By another program: 13 of
 * 15, 8 and 5 images are 7, 4 and 2, each class comes 7 times. */
static void limits_and_repeats_are_pinned(void) {
    enum { KEPT = 13, SHOWN = 21 };
    uint8_t labels[28];
    for (int i = 0; i < 28; i++)
        labels[i] = i < 15 ? 0 : i < 23 ? 1 : 2;
    const lks_split_wish wish = {3, KEPT, 0, true, 7};
    shown *e = make_epoch(labels, 28, &wish);
    CU_ASSERT_EQUAL_FATAL(e->split.n_train, KEPT);
    const uint32_t images[SHOWN] = {0,  1,  4,  7,  10, 13, 14, 16, 17, 19, 20,
                                    23, 24, 16, 19, 20, 23, 23, 24, 24, 24};
    CU_ASSERT_EQUAL_FATAL(e->items.n, SHOWN);
    for (int i = 0; i < SHOWN; i++) {
        CU_ASSERT_EQUAL(e->items.of[i].image, images[i]);
        CU_ASSERT_EQUAL(e->items.of[i].id, i < KEPT ? images[i] : 28u + (uint32_t)(i - KEPT));
    }
    free_epoch(e);
}

static void bad_limits(void) {
    const uint8_t labels[] = {0, 1, 0, 1, 0};
    lks_split split;
    lks_error err = {0};
    CU_ASSERT_EQUAL(try_split(&split, labels, 5, 2, 6, 0, 1, &err), LKS_ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "data.limit = 6, but there are 5 training images"));
    CU_ASSERT_EQUAL(try_split(&split, labels, 5, 2, -1, 0, 1, &err), LKS_ERR_CONFIG);
}

static void bad_splits(void) {
    const uint8_t labels[] = {0, 1, 2, 10, 3};
    lks_split split;
    lks_error err = {0};
    CU_ASSERT_EQUAL(try_split(&split, labels, 5, 10, 0, 0.2, 1, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "label 10 of sample 3"));
    CU_ASSERT_PTR_NULL(split.train);
    CU_ASSERT_EQUAL(try_split(&split, labels, 5, 11, 0, 0.2, 1, &err), LKS_OK);
    lks_split_free(&split);
    CU_ASSERT_EQUAL(try_split(&split, labels, 5, 11, 0, 1.0, 1, &err), LKS_ERR_CONFIG);
    CU_ASSERT_EQUAL(try_split(&split, labels, 5, 11, 0, (double)NAN, 1, &err), LKS_ERR_CONFIG);
    CU_ASSERT_EQUAL(try_split(&split, labels, 0, 11, 0, 0.5, 1, &err), LKS_OK);
    CU_ASSERT_EQUAL(split.n_train + split.n_validation, 0);
    lks_split_free(&split);
}

/* --- normalisation
 * ---------------------------------------------------------------------------------- */

static void pixel_sums_do_not_depend_on_the_partition(void) {
    enum { IMAGES = 97, PIXELS = 391, CHANNELS = 3 };
    uint8_t *images = malloc(IMAGES * PIXELS * CHANNELS);
    uint32_t state = 11;
    double expected_mean[CHANNELS] = {0}, expected_square[CHANNELS] = {0};
    for (int i = 0; i < IMAGES * PIXELS * CHANNELS; i++) {
        const uint32_t r = next_random(&state);
        images[i] = (uint8_t)(i % CHANNELS == 1 ? r % 256 : 200 + r % 3); /* a narrow one, too */
        expected_mean[i % CHANNELS] += images[i];
        expected_square[i % CHANNELS] += (double)images[i] * images[i];
    }
    for (int parts = 1; parts <= 7; parts++) {
        lks_pixel_sums whole = {0}, total = {0};
        for (int part = 0; part < parts; part++) {
            lks_pixel_sums own = {0};
            const lks_range r = lks_share(IMAGES, parts, part);
            for (int64_t i = r.first; i < r.first + r.count; i++)
                lks_pixel_sums_add(&own, images + i * PIXELS * CHANNELS, PIXELS, CHANNELS);
            for (int c = 0; c < CHANNELS; c++)
                for (int w = 0; w < 4; w++)
                    total.words[c][w] += own.words[c][w];
            total.pixels += own.pixels;
        }
        for (int i = 0; i < IMAGES; i++)
            lks_pixel_sums_add(&whole, images + i * PIXELS * CHANNELS, PIXELS, CHANNELS);
        CU_ASSERT_EQUAL(memcmp(&whole, &total, sizeof whole), 0);
        double mean[CHANNELS], std[CHANNELS];
        lks_pixel_sums_result(&total, CHANNELS, mean, std);
        for (int c = 0; c < CHANNELS; c++) {
            const double n = IMAGES * PIXELS, m = expected_mean[c] / n;
            CU_ASSERT_EQUAL(mean[c], expected_mean[c] / (255.0 * n)); /* both sums are exact */
            CU_ASSERT_DOUBLE_EQUAL(std[c], sqrt(expected_square[c] / n - m * m) / 255.0, 1e-10);
        }
    }
    free(images);
}

/* Sums whose words and products need more than 64 bits. */
static void large_pixel_sums(void) {
    /* 2^45 pixels, half of them 255, half 0: mean and deviation are 1/2 exactly */
    const int64_t n = INT64_C(1) << 45;
    lks_pixel_sums sums = {.pixels = n};
    sums.words[0][0] = (n / 2 * 255) >> 32;
    sums.words[0][2] = (n / 2 * 65025 >> 32) - 3;
    sums.words[0][3] = INT64_C(3) << 32; /* an uncarried low word */
    double mean, std;
    lks_pixel_sums_result(&sums, 1, &mean, &std);
    CU_ASSERT_EQUAL(mean, 0.5);
    CU_ASSERT_EQUAL(std, 0.5);
    /* a single image of 2^25 bytes of 255: both sums beyond 2^32 */
    enum { BIG = 1 << 25 };
    uint8_t *image = malloc(BIG);
    memset(image, 255, BIG);
    sums = (lks_pixel_sums){0};
    lks_pixel_sums_add(&sums, image, BIG, 1);
    CU_ASSERT_EQUAL(sums.words[0][0] * (INT64_C(1) << 32) + sums.words[0][1], INT64_C(255) * BIG);
    CU_ASSERT_EQUAL(sums.words[0][2] * (INT64_C(1) << 32) + sums.words[0][3], INT64_C(65025) * BIG);
    CU_ASSERT_TRUE(sums.words[0][3] <= UINT32_MAX);
    lks_pixel_sums_result(&sums, 1, &mean, &std);
    CU_ASSERT_EQUAL(mean, 1.0);
    CU_ASSERT_EQUAL(std, 1.0); /* constant */
    free(image);
    lks_pixel_sums_result(&(lks_pixel_sums){0}, 1, &mean, &std);
    CU_ASSERT_EQUAL(mean, 0.0);
    CU_ASSERT_EQUAL(std, 1.0);
}

static void golden_mean_and_deviation(void) {
    lks_idx_info info;
    CU_ASSERT_EQUAL_FATAL(lks_idx_open(&info, LKS_GOLDEN_DIR, "train-images-idx3-ubyte", 3, NULL),
                          LKS_OK);
    uint8_t *images = malloc(2000 * 784);
    CU_ASSERT_EQUAL_FATAL(lks_idx_read(&info, 0, 2000, images, NULL), LKS_OK);
    lks_pixel_sums sums = {0};
    for (int i = 0; i < 2000; i++)
        lks_pixel_sums_add(&sums, images + i * 784, 784, 1);
    free(images);
    CU_ASSERT_EQUAL(sums.words[0][1], 52050445); /* by another program */
    double mean, std;
    lks_pixel_sums_result(&sums, 1, &mean, &std);
    CU_ASSERT_DOUBLE_EQUAL(mean, 0.1301781837735094, 1e-16);
    CU_ASSERT_DOUBLE_EQUAL(std, 0.30769771867766443, 1e-15);
}

static void normalisation_table(void) {
    float lut[2][256];
    lks_normalization_table(lut, 2, (double[]){0.0, 0.1307}, (double[]){1.0, 0.3081});
    CU_ASSERT_EQUAL(lut[0][0], 0.0f);
    CU_ASSERT_EQUAL(lut[0][255], 1.0f);
    CU_ASSERT_EQUAL(lut[0][51], 0.2f);
    for (int b = 0; b < 256; b++)
        CU_ASSERT_EQUAL(lut[1][b], (float)((b / 255.0 - 0.1307) / 0.3081));
    CU_ASSERT_DOUBLE_EQUAL(lut[1][0], -0.42421, 1e-5); /* as in many a PyTorch example */
    CU_ASSERT_DOUBLE_EQUAL(lut[1][255], 2.82149, 1e-5);
}

/* --- epoch order
 * ------------------------------------------------------------------------------------ */

/* Every index is met once, and invert() finds the way back. */
static bool is_bijection(uint64_t n, uint64_t seed, uint32_t epoch) {
    const lks_permutation p = lks_permutation_make(seed, epoch, n);
    bool *met = calloc(n, 1), good = true;
    for (uint64_t i = 0; good && i < n; i++) {
        const uint64_t index = lks_permutation_apply(&p, i);
        good = index < n && !met[index] && lks_permutation_invert(&p, index) == i;
        if (good)
            met[index] = true;
    }
    free(met);
    return good;
}

static void permutations_are_bijections(void) {
    for (uint64_t n = 1; n <= 700; n++)
        CU_ASSERT_TRUE(is_bijection(n, n, (uint32_t)n % 5));
    const uint64_t large[] = {4095, 4096, 4097, 60000, 65535, 65536, 65537, 1048576, 1048577};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        CU_ASSERT_TRUE(is_bijection(large[i], 3, 1));
    /* too many to walk through: there and back */
    const uint64_t huge[] = {UINT32_MAX, UINT64_C(1) << 32, (UINT64_C(1) << 62) + 1};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        const lks_permutation p = lks_permutation_make(9, 2, huge[i]);
        for (uint64_t k = 0; k < 1000; k++) {
            const uint64_t position = huge[i] - 1 - k * (huge[i] / 1001);
            const uint64_t index = lks_permutation_apply(&p, position);
            CU_ASSERT_TRUE(index < huge[i] && lks_permutation_invert(&p, index) == position);
        }
    }
}

/* How orders of n items, each given by (seed, epoch), look beside chance. */
static void orders_look_random(void) {
    enum { N = 60000 };
    double sum = 0.0, next_sum = 0.0;
    int fixed = 0, ascents = 0, same = 0, same_seed = 0;
    const lks_permutation p = lks_permutation_make(1, 0, N), q = lks_permutation_make(1, 1, N);
    const lks_permutation r = lks_permutation_make(2, 0, N);
    double previous = 0.0;
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t index = lks_permutation_apply(&p, i);
        const double x = ((double)i + 0.5) / N - 0.5, y = ((double)index + 0.5) / N - 0.5;
        sum += 12.0 * x * y / N;
        next_sum += 12.0 * previous * y / N;
        ascents += y > previous;
        previous = y;
        fixed += index == i;
        same += index == lks_permutation_apply(&q, i);
        same_seed += index == lks_permutation_apply(&r, i);
    }
    /* correlations: standard error 1 / sqrt(N) = 0.0041; ascents: N / 2, standard error sqrt(N /
     * 12) = 71; fixed points and agreements of two orders: Poisson with mean 1 */
    CU_ASSERT_TRUE(fabs(sum) < 0.017);
    CU_ASSERT_TRUE(fabs(next_sum) < 0.017);
    CU_ASSERT_TRUE(abs(ascents - N / 2) < 300);
    CU_ASSERT_TRUE(fixed <= 7);
    CU_ASSERT_TRUE(same <= 7);
    CU_ASSERT_TRUE(same_seed <= 7);
}

/* Over many epochs, every place is taken by every item equally often. */
static void epochs_look_independent(void) {
    enum { N = 50, EPOCHS = 5000 };
    static int counts[N][N];
    int fixed = 0;
    for (uint32_t e = 0; e < EPOCHS; e++) {
        const lks_permutation p = lks_permutation_make(77, e, N);
        for (uint64_t i = 0; i < N; i++) {
            const uint64_t index = lks_permutation_apply(&p, i);
            counts[i][index]++;
            fixed += index == i;
        }
    }
    double chi_square = 0.0; /* (N - 1)^2 = 2401 degrees of freedom, standard deviation 69 */
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            chi_square += (counts[i][k] - EPOCHS / N) * (double)(counts[i][k] - EPOCHS / N) /
                          ((double)EPOCHS / N);
    CU_ASSERT_TRUE(chi_square > 2401 - 300 && chi_square < 2401 + 300);
    CU_ASSERT_TRUE(abs(fixed - EPOCHS) < 300); /* Poisson with mean 5000 */
}

/* All six orders of three items turn up. */
static void tiny_orders_are_all_met(void) {
    int met[27] = {0}, kinds = 0;
    for (uint32_t e = 0; e < 600; e++) {
        const lks_permutation p = lks_permutation_make(5, e, 3);
        uint64_t code = 0;
        for (uint64_t i = 0; i < 3; i++)
            code = code * 3 + lks_permutation_apply(&p, i);
        kinds += met[code]++ == 0;
    }
    CU_ASSERT_EQUAL(kinds, 6);
}

/* Part of what makes a run the same everywhere: if this order moves, so do all weights. */
static void epoch_order_is_pinned(void) {
    const uint64_t expected[] = {11195, 23089, 50015, 14551, 45932, 57326, 23714, 22948};
    const lks_permutation p = lks_permutation_make(UINT64_C(0x123456789abcdef0), 3, 60000);
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(lks_permutation_apply(&p, i), expected[i]);
    CU_ASSERT_EQUAL(lks_permutation_make(1, 0, 65536).half_bits, 8);
    CU_ASSERT_EQUAL(lks_permutation_make(1, 0, 65537).half_bits, 9);
}

int main(void) {
    static const lks_test tests[] = {
        {"shares partition, owners invert", shares_partition},
        {"chunks round up", chunks_round_up},
        {"chunk shares partition and rotate", chunk_shares_partition_and_rotate},
        {"deals and their inverse", deals_and_their_inverse},
        {"splits are stratified", splits_are_stratified},
        {"splits depend on the seed only", splits_depend_on_the_seed_only},
        {"split ids are pinned", split_ids_are_pinned},
        {"limits are stratified", limits_are_stratified},
        {"limits depend on the seed only", limits_depend_on_the_seed_only},
        {"bad limits", bad_limits},
        {"epochs are balanced", epochs_are_balanced},
        {"limits and repeats are pinned", limits_and_repeats_are_pinned},
        {"bad splits", bad_splits},
        {"pixel sums over any partition", pixel_sums_do_not_depend_on_the_partition},
        {"large pixel sums", large_pixel_sums},
        {"mean and deviation of the golden set", golden_mean_and_deviation},
        {"normalisation table", normalisation_table},
        {"permutations are bijections", permutations_are_bijections},
        {"orders look random", orders_look_random},
        {"epochs look independent", epochs_look_independent},
        {"tiny orders are all met", tiny_orders_are_all_met},
        {"the epoch order is pinned", epoch_order_is_pinned},
        {NULL, NULL},
    };
    return lks_test_main("data", tests);
}
