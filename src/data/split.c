#include <inttypes.h>
#include <string.h>

#include "data/choice.h"
#include "base/digest.h"
#include "base/memory.h"

enum { LABELS = LKS_CLASSES_MAX };

/* --- who has the samples ---------------------------------------------------------------------- */

static void sum_alone(void *of, int64_t *values, size_t n) {
    (void)of;
    (void)values;
    (void)n;
}

static void before_first(void *of, int64_t *values, size_t n) {
    (void)of;
    memset(values, 0, n * sizeof *values);
}

static lks_status agree_alone(void *of, lks_status status, lks_error *err) {
    (void)of;
    (void)err;
    return status;
}

static const lks_together alone = {NULL, sum_alone, before_first, agree_alone};

lks_labelled lks_labelled_alone(const uint8_t *labels, int64_t n) {
    lks_labelled s = {.n = n, .own = {0, n}, .labels = labels, .with = alone};
    for (int64_t i = 0; i < n; i++)
        s.counts[labels[i]]++;
    return s;
}

/* --- how many of each class ------------------------------------------------------------------- */

/* round(n * share), ties up, but not the whole class. The fraction is taken before it is compared,
 * since n * share + 0.5 could round up to the next integer. */
static int64_t held_out(int64_t n, double share) {
    const double exact = (double)n * share;
    const int64_t whole = (int64_t)exact;
    const int64_t rounded = whole + (exact - (double)whole >= 0.5 ? 1 : 0);
    return rounded < n || n == 0 ? rounded : n - 1;
}

/* Deals `limit` of n samples to the classes in proportion to their counts, by largest remainders
 * (Hamilton's method), ties to the smaller class number. Products are below 2^64: both factors are
 * at most 2^32. */
static void apportion(int64_t wanted[LABELS], const int64_t counts[LABELS], int64_t n,
                      int64_t limit) {
    uint64_t remainder[LABELS];
    int64_t left = limit;
    for (int c = 0; c < LABELS; c++) {
        const uint64_t product = (uint64_t)counts[c] * (uint64_t)limit;
        wanted[c] = (int64_t)(product / (uint64_t)n);
        remainder[c] = product % (uint64_t)n;
        left -= wanted[c];
    }
    for (; left > 0; left--) {
        int most = 0;
        for (int c = 1; c < LABELS; c++)
            if (remainder[c] > remainder[most])
                most = c;
        wanted[most]++;
        remainder[most] = 0;
    }
}

/* How often the images of each class are shown so that every class that has images comes up `most`
 * times: each[c] times, and once_more[c] of them once more. */
static void plan_repeats(lks_split_rule *r, int64_t once_more[LABELS]) {
    int64_t most = 0;
    for (int c = 0; c < LABELS; c++)
        most = r->train[c] > most ? r->train[c] : most;
    for (int c = 0; c < LABELS; c++) {
        const int64_t n = r->train[c];
        r->items[c] = r->balanced && n ? most : n;
        r->each[c] = n ? r->items[c] / n : 0;
        once_more[c] = n ? r->items[c] % n : 0;
        r->n_items += r->items[c];
    }
}

/* --- the rule --------------------------------------------------------------------------------- */

static lks_status check_labels(const lks_labelled *s, int classes, lks_error *err) {
    int64_t first = 0;
    while (first < s->own.count && s->labels[first] < classes)
        first++;
    if (first == s->own.count)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_DATA,
                    "label %d of sample %" PRId64 " is not below the number of classes, "
                    "%d; correct the label file or data.classes",
                    s->labels[first], s->own.first + first, classes);
}

static lks_status check_wish(const lks_split_wish *w, int64_t n, lks_error *err) {
    if (!(w->validation >= 0.0 && w->validation < 1.0))
        return lks_fail(err, LKS_ERR_CONFIG, "data.validation = %g; expected 0 <= share < 1",
                        w->validation);
    if (w->limit < 0 || w->limit > n)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.limit = %" PRId64 ", but there are %" PRId64
                        " training images; give at most that many, or 0 for all",
                        w->limit, n);
    return LKS_OK;
}

/* Sets how many of each class are kept. */
static lks_status keep(lks_split_rule *r, const lks_labelled *s, const lks_split_wish *w,
                       int64_t kept[LABELS], lks_error *err) {
    memcpy(kept, s->counts, LABELS * sizeof *kept);
    if (w->limit)
        apportion(kept, s->counts, s->n, w->limit);
    const lks_choice all = {s, r, LKS_USE_NONE, LKS_DRAW_LIMIT, w->classes};
    return lks_choose(r->kept, &all, s->counts, kept, err);
}

/* While nothing is held out, all that are kept train. */
static lks_status hold_out(lks_split_rule *r, const lks_labelled *s, const lks_split_wish *w,
                           const int64_t kept[LABELS], lks_error *err) {
    for (int c = 0; c < LABELS; c++) {
        r->validation[c] = held_out(kept[c], w->validation);
        r->train[c] = kept[c] - r->validation[c];
        r->n_validation += r->validation[c];
        r->n_train += r->train[c];
    }
    const lks_choice choice = {s, r, LKS_USE_TRAIN, LKS_DRAW_VALIDATION, w->classes};
    return lks_choose(r->held_out, &choice, kept, r->validation, err);
}

static lks_status repeat(lks_split_rule *r, const lks_labelled *s, const lks_split_wish *w,
                         lks_error *err) {
    int64_t once_more[LABELS];
    plan_repeats(r, once_more);
    if (r->n + (r->n_items - r->n_train) > UINT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.balanced would show %" PRId64
                        " images an epoch, more than can be numbered; the classes differ too much",
                        r->n_items);
    const lks_choice choice = {s, r, LKS_USE_TRAIN, LKS_DRAW_REPEATS, w->classes};
    return lks_choose(r->repeated, &choice, r->train, once_more, err);
}

lks_split_wish lks_split_wish_of(const lks_data_config *c, uint64_t seed, int classes) {
    return (lks_split_wish){classes, c->limit, c->validation, c->balanced, seed};
}

lks_status lks_split_plan(lks_split_rule *r, const lks_labelled *s, const lks_split_wish *w,
                          lks_error *err) {
    int64_t kept[LABELS];
    memset(r, 0, sizeof *r);
    r->seed = w->seed;
    r->balanced = w->balanced;
    r->n = s->n;
    lks_status status = check_wish(w, s->n, err);
    if (status == LKS_OK)
        status = check_labels(s, w->classes, err);
    LKS_TRY(s->with.agree(s->with.of, status, err));
    LKS_TRY(keep(r, s, w, kept, err));
    LKS_TRY(hold_out(r, s, w, kept, err));
    return repeat(r, s, w, err);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void fill(lks_split *split, const lks_split_rule *rule, lks_range own,
                 const uint8_t *labels) {
    split->n_train = split->n_validation = 0;
    for (int64_t i = 0; i < own.count; i++) {
        const uint32_t id = (uint32_t)(own.first + i);
        const lks_use use = lks_split_use(rule, id, labels[i]);
        if (use == LKS_USE_VALIDATION)
            split->validation[split->n_validation++] = id;
        else if (use == LKS_USE_TRAIN)
            split->train[split->n_train++] = id;
    }
}

lks_status lks_split_list(lks_split *split, const lks_split_rule *rule, lks_range own,
                          const uint8_t *labels, lks_error *err) {
    *split = (lks_split){0};
    for (int64_t i = 0; i < own.count; i++) {
        const lks_use use = lks_split_use(rule, (uint32_t)(own.first + i), labels[i]);
        split->n_train += use == LKS_USE_TRAIN;
        split->n_validation += use == LKS_USE_VALIDATION;
    }
    split->train = lks_alloc((size_t)split->n_train, sizeof *split->train, "training ids", err);
    split->validation =
        lks_alloc((size_t)split->n_validation, sizeof *split->train, "validation ids", err);
    if (!split->train || !split->validation) {
        lks_split_free(split);
        return LKS_ERR_MEMORY;
    }
    fill(split, rule, own, labels);
    return LKS_OK;
}

static lks_status plan_and_list(lks_split *split, lks_split_rule *rule, const lks_labelled *s,
                                const lks_split_wish *wish, lks_error *err) {
    LKS_TRY(lks_split_plan(rule, s, wish, err));
    return lks_split_list(split, rule, s->own, s->labels, err);
}

lks_status lks_split_make(lks_split *split, const uint8_t *labels, int64_t n,
                          const lks_split_wish *wish, lks_error *err) {
    const lks_labelled samples = lks_labelled_alone(labels, n);
    *split = (lks_split){0};
    lks_split_rule *rule = lks_alloc(1, sizeof *rule, "the split", err);
    if (!rule)
        return LKS_ERR_MEMORY;
    const lks_status status = plan_and_list(split, rule, &samples, wish, err);
    lks_free(rule);
    return status;
}

void lks_split_free(lks_split *split) {
    lks_free(split->train);
    lks_free(split->validation);
    *split = (lks_split){0};
}

/* --- what an epoch shows ---------------------------------------------------------------------- */

uint32_t lks_item_check(uint32_t number, uint32_t image, uint32_t id) {
    return (uint32_t)lks_hash64(lks_hash64(number) ^ ((uint64_t)image << 32 | id));
}

static int64_t repeats_of(const lks_split_rule *r, uint32_t image, uint8_t label) {
    const int64_t times =
        r->each[label] + lks_chosen(&r->repeated[label], r->seed, LKS_DRAW_REPEATS, image);
    return times > 0 ? times - 1 : 0;
}

static void add(lks_items *items, int64_t number, uint32_t image, int64_t id) {
    const uint32_t short_number = (uint32_t)number, short_id = (uint32_t)id;
    items->of[items->n++] =
        (lks_item){short_number, image, short_id, lks_item_check(short_number, image, short_id)};
}

/* `first` are the numbers of the first image's item and of the first repeat. */
static void list_items(lks_items *items, const lks_split_rule *rule, const lks_split *split,
                       const lks_labelled *s, const int64_t first[2]) {
    int64_t number = first[1];
    for (int64_t i = 0; i < split->n_train; i++)
        add(items, first[0] + i, split->train[i], split->train[i]);
    for (int64_t i = 0; i < split->n_train; i++) {
        const uint32_t image = split->train[i];
        const int64_t n = repeats_of(rule, image, s->labels[image - s->own.first]);
        for (int64_t k = 0; k < n; k++, number++)
            add(items, number, image, rule->n + number - rule->n_train);
    }
}

lks_status lks_items_make(lks_items *items, const lks_split_rule *rule, const lks_split *split,
                          const lks_labelled *s, lks_error *err) {
    int64_t first[2] = {split->n_train, 0};
    *items = (lks_items){0};
    for (int64_t i = 0; i < split->n_train; i++)
        first[1] += repeats_of(rule, split->train[i], s->labels[split->train[i] - s->own.first]);
    items->of = lks_alloc((size_t)(first[0] + first[1]), sizeof *items->of, "an epoch's list", err);
    LKS_TRY(s->with.agree(s->with.of, items->of ? LKS_OK : LKS_ERR_MEMORY, err));
    s->with.before(s->with.of, first, 2);
    first[1] += rule->n_train;
    list_items(items, rule, split, s, first);
    return s->with.agree(s->with.of, LKS_OK, err); /* `before` may have failed */
}

uint64_t lks_items_hash(const lks_split_rule *rule, lks_range own, const uint8_t *labels) {
    uint64_t hash = 0;
    for (int64_t i = 0; i < own.count; i++) {
        const uint32_t id = (uint32_t)(own.first + i);
        if (lks_split_use(rule, id, labels[i]) == LKS_USE_TRAIN)
            hash += lks_hash64(id);
    }
    const int64_t end = rule->n + rule->n_items - rule->n_train;
    for (int64_t round = rule->n; round < end;
         round += rule->n) /* repeats, dealt as the samples are */
        for (int64_t i = own.first; i < own.first + own.count && round + i < end; i++)
            hash += lks_hash64((uint64_t)(round + i));
    return hash;
}
