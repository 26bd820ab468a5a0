/* `lockstep eval`: the network of a checkpoint, or several that answer together, on their test set or another part
 * of their data. */
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/packed/packed.h"
#include "lockstep/eval.h"
#include "job/job.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "files/publish.h"
#include "data/traits.h"
#include "infer/network.h"
#include "infer/evaluate.h"
#include "infer/eval_pictures.h"
#include "infer/eval_print.h"
#include "infer/worst.h"

/* What is evaluated: a part of a set, or all of it. */
typedef struct part {
    const lks_image_set *set;
    const uint32_t *ids; /* [own] ascending, of this rank's share; NULL: all */
    int64_t own, n;      /* of n images */
    const char *name;    /* of one: "test", "training" */
} part;

static void score(void *ensemble, const lks_batch *batch, lks_score *scores, float *probabilities) {
    const lks_ensemble *e = ensemble;
    const size_t count = (size_t)batch->n * (size_t)e->classes;
    lks_ensemble_score(ensemble, batch, scores);
    for (size_t i = 0; probabilities && i < count; i++)
        probabilities[i] = (float)e->means[i];
}

/* --- which images ----------------------------------------------------------------------------- */

/* Another split of the images is not the one that was trained on. */
static lks_status check_sets(const lks_eval_options *o, lks_error *err) {
    static const char *const keys[] = {"seed=", "data.validation=", "data.limit=", "data="};
    for (int i = 0; i < o->n_sets; i++)
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (strncmp(o->sets[i], keys[k], strlen(keys[k])) == 0)
                return lks_fail(err, LKS_ERR_USAGE,
                                "--set %s: which images the network was trained on is known, and "
                                "cannot be set",
                                o->sets[i]);
    return LKS_OK;
}

/* The network learnt nothing from other images, and nothing was held out of them. */
static lks_status check_same_data(const lks_network *first, const lks_dataset *d, lks_error *err) {
    if (strcmp(first->data.digest, d->identity.digest) == 0)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_MISMATCH,
        "%s and its labels are not what %s was trained on (digests %.16s, %.16s); other "
        "images can be evaluated as a test set: --set data.test_images=FILE --set "
        "data.test_labels=FILE",
        d->train.info.path, first->path, d->identity.digest, first->data.digest);
}

static bool same_ids(const uint32_t *a, int64_t n_a, const uint32_t *b, int64_t n_b) {
    return n_a == n_b && memcmp(a, b, (size_t)n_a * sizeof *a) == 0;
}

/* What one network held out, another may have learnt. */
static lks_status check_fellow(const lks_network *own, const lks_ensemble *e, const lks_dataset *d,
                               lks_comm *comm, lks_split_rule *rule, lks_error *err) {
    const lks_split_wish wish = lks_split_wish_of(&own->config.data, own->config.seed, e->classes);
    lks_split split;
    const lks_status status = lks_dataset_split(d, comm, &wish, rule, &split, err);
    int64_t same =
        status == LKS_OK && same_ids(split.train, split.n_train, d->own.train, d->own.n_train) &&
        same_ids(split.validation, split.n_validation, d->own.validation, d->own.n_validation);
    lks_split_free(&split);
    LKS_TRY(status);
    lks_comm_min_i64(comm, &same, 1);
    LKS_TRY(lks_comm_check(comm, err));
    if (same)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_MISMATCH,
                    "%s and %s trained on different parts of these images (seed, data.validation, "
                    "data.limit); evaluate one by one, or on the test set",
                    e->members[0].path, own->path);
}

/* Collective; errors are agreed. */
static lks_status check_split(const lks_ensemble *e, const lks_dataset *d, lks_comm *comm,
                              lks_error *err) {
    lks_split_rule *rule = lks_alloc(1, sizeof *rule, "a split", err);
    lks_status status = lks_comm_agree(comm, rule ? LKS_OK : LKS_ERR_MEMORY, err);
    for (int k = 1; status == LKS_OK && k < e->n; k++)
        status = check_fellow(&e->members[k], e, d, comm, rule, err);
    lks_free(rule);
    return status;
}

/* The test set tells nothing here, and is not read. */
static lks_status open_training(lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                                lks_dataset *d, part *p, lks_error *err) {
    lks_network *first = &e->members[0];
    const bool train = o->on == LKS_EVAL_TRAIN;
    LKS_TRY(check_sets(o, err));
    first->config.data.test_images[0] = 0;
    LKS_TRY(lks_dataset_open(d, comm, &first->config, &first->data, true, err));
    LKS_TRY(check_same_data(first, d, err));
    LKS_TRY(check_split(e, d, comm, err));
    *p = (part){.set = &d->train,
                .ids = train ? d->own.train : d->own.validation,
                .own = train ? d->own.n_train : d->own.n_validation,
                .n = train ? d->rule.n_train : d->rule.n_validation,
                .name = train ? "training" : "validation"};
    if (p->n > 0)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_CONFIG,
                    "%s: no images were held out of its training: data.validation was 0",
                    first->path);
}

static lks_status open_test(const lks_network *first, lks_comm *comm, lks_dataset *d, part *p,
                            lks_error *err) {
    if (!first->config.data.test_images[0])
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s: its configuration names no test set; give one with --set "
                        "data.test_images=FILE --set data.test_labels=FILE",
                        first->path);
    LKS_TRY(lks_packed_compare(&first->config, comm, err));
    LKS_TRY(lks_dataset_open(d, comm, &first->config, &first->data, false, err));
    *p = (part){.set = &d->test, .n = d->test.info.count, .name = "test"};
    return LKS_OK;
}

static lks_status open_part(lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                            lks_dataset *d, part *p, lks_error *err) {
    if (!o->pictures)
        return o->on == LKS_EVAL_TEST ? open_test(&e->members[0], comm, d, p, err)
                                      : open_training(e, comm, o, d, p, err);
    LKS_TRY(lks_eval_pictures_open(&d->test, comm, e, o->pictures, err));
    *p = (part){.set = &d->test, .n = d->test.info.count, .name = "pictures"};
    return LKS_OK;
}

/* --- what comes out --------------------------------------------------------------------------- */

static lks_status write_sheet(const lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                              const part *p, const lks_worst *list, lks_error *err) {
    const int n = (int)o->worst;
    uint8_t *pixels = lks_alloc((size_t)n, p->set->image_bytes, "the worst images", err);
    lks_status status = lks_comm_agree(comm, pixels ? LKS_OK : err->status, err);
    if (status == LKS_OK)
        status = lks_worst_images(list, n, p->set, comm, pixels, err);
    if (status == LKS_OK) {
        const bool writes = comm->rank == 0;
        status = writes ? lks_worst_sheet(list, n, pixels, e->shape, o->sheet, err) : LKS_OK;
        status = lks_comm_agree(comm, status, err);
    }
    lks_free(pixels);
    if (status == LKS_OK)
        lks_info("sheet %s", o->sheet);
    return status;
}

/* Rank 0's list, the worst first; on the others, and where none is wanted, nothing. Errors are agreed. */
static lks_status list_worst(const lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                             const part *p, const lks_predicted *predicted, lks_worst **list,
                             lks_error *err) {
    const size_t n = comm->rank == 0 && o->worst ? (size_t)p->n : 0;
    *list = lks_alloc(n, sizeof **list, "the losses", err);
    LKS_TRY(lks_comm_agree(comm, *list ? LKS_OK : err->status, err));
    if (n > 0)
        lks_worst_of(*list, predicted, e->classes);
    return LKS_OK;
}

static lks_status print(const lks_eval_found *found, lks_comm *comm, lks_format format,
                        lks_error *err) {
    lks_status status = LKS_OK;
    if (comm->rank == 0 && format == LKS_FORMAT_TEXT)
        lks_eval_print(found);
    else if (comm->rank == 0)
        status = lks_eval_print_rows(found, format, err);
    return lks_comm_agree(comm, status, err);
}

static lks_status tell(const lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                       const part *p, const lks_counts *counts, const lks_predicted *predicted,
                       const lks_contested *contested, lks_error *err) {
    lks_worst *list;
    LKS_TRY(list_worst(e, comm, o, p, predicted, &list, err));
    const bool judged = contested && comm->rank == 0;
    const lks_eval_found found = {
        .networks = e,
        .counts = counts,
        .part = p->name,
        .path = p->set->info.path,
        .contested = contested,
        .contested_wrong =
            judged ? lks_contested_errors(contested, predicted->labels, predicted->classes) : 0,
        .worst = list,
        .n_worst = (int)o->worst};
    lks_status status = print(&found, comm, o->format, err);
    if (status == LKS_OK && o->sheet)
        status = write_sheet(e, comm, o, p, list, err);
    lks_free(list);
    return status;
}

static lks_status evaluate(lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                           const part *p, lks_error *err) {
    const lks_scorer scorer = {score, e};
    const lks_contested *contested = NULL;
    lks_predicted predicted = {0};
    if (!p->ids)
        LKS_TRY(lks_contested_of_set(&contested, p->set, comm, err));
    lks_counts *counts = lks_alloc(1, sizeof *counts, "results", err);
    if (!counts)
        return lks_comm_fail(comm, err);
    counts->classes = e->classes;
    lks_status status = lks_evaluate_by(scorer, p->set, p->ids, p->own, e->capacity, comm, counts,
                                        contested || o->worst ? &predicted : NULL, err);
    if (status == LKS_OK)
        status = tell(e, comm, o, p, counts, &predicted, contested, err);
    lks_predicted_free(&predicted);
    lks_free(counts);
    return status;
}

/* Before the work: there are so many images, and the sheet can be written. */
static lks_status check_wishes(const lks_eval_options *o, lks_comm *comm, const part *p,
                               lks_error *err) {
    if (o->worst > p->n)
        return lks_fail(err, LKS_ERR_USAGE, "--worst %lu: there are %lld %s images",
                        (unsigned long)o->worst, (long long)p->n, p->name);
    if (!o->sheet)
        return LKS_OK;
    return lks_comm_agree(comm, comm->rank == 0 ? lks_publish_check(o->sheet, err) : LKS_OK, err);
}

/* Images of which most have another share of ink, extent or stroke than nearly all training images had: light and dark
 * are exchanged, or they were made in another way. Collective. */
static lks_status warn_of_unlike(const lks_image_set *s, const lks_traits *traits, lks_comm *comm,
                                 lks_error *err) {
    int64_t counts[2] = {0, s->share.count};
    if (s->info.channels != 1)
        return LKS_OK;
    for (int64_t i = 0; i < s->share.count; i++) {
        int values[LKS_TRAITS];
        lks_traits_measure(s->images + (size_t)i * s->image_bytes, s->info.rows, s->info.columns,
                           values);
        counts[0] += lks_traits_beyond(traits, values) != 0;
    }
    lks_comm_sum_i64(comm, counts, 2);
    if (2 * counts[0] > counts[1])
        lks_warn(
            "%lld of %lld images are unlike those that the network was trained on: their ink, "
            "size or strokes are; is dark light in them, or were they prepared in another way?",
            (long long)counts[0], (long long)counts[1]);
    return lks_comm_check(comm, err);
}

static lks_status run_eval(lks_ensemble *e, lks_comm *comm, const lks_eval_options *o,
                           lks_dataset *d, lks_error *err) {
    const lks_network_source source = {o->checkpoints, o->n_checkpoints, o->data,
                                       o->sets,        o->n_sets,        o->shifts};
    LKS_TRY(lks_ensemble_load(e, comm, &source, err));
    const lks_network *first = &e->members[0];
    int threads;
    part p = {.n = 0};
    LKS_TRY(
        lks_choose_threads(comm, o->threads ? o->threads : first->config.threads, &threads, err));
    LKS_TRY(open_part(e, comm, o, d, &p, err));
    LKS_TRY(check_wishes(o, comm, &p, err));
    LKS_TRY(warn_of_unlike(p.set, &first->data.traits, comm, err));
    LKS_TRY(lks_ensemble_build(e, comm, threads, err));
    return evaluate(e, comm, o, &p, err);
}

lks_status lks_eval(lks_comm *comm, const lks_eval_options *options, lks_error *err) {
    lks_ensemble e;
    lks_dataset d;
    memset(&e, 0, sizeof e);
    memset(&d, 0, sizeof d);
    fesetenv(FE_DFL_ENV);
    lks_status status = run_eval(&e, comm, options, &d, err);
    lks_ensemble_free(&e);
    lks_dataset_free(&d);
    return status;
}
