#include "train/proof/witness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/whole_file.h"
#include "base/json/json.h"
#include "run/summary.h"

#define SHOWN_MOST 80 /* bytes of a value in a message */

/* --- steps ------------------------------------------------------------------------------------ */

static lks_status compare_row(const lks_chain *recorded, const lks_chain *own, lks_error *err) {
    char text[LKS_DIFFERENCE_ROOM];
    const int64_t step = lks_chain_last(own);
    const char *what =
        lks_row_difference(recorded, (size_t)(step - recorded->first), own, own->n - 1, text);
    return what ? lks_fail(err, LKS_ERR_MISMATCH,
                           "step %lld, %s: computed again, it is another one than was recorded",
                           (long long)step, what)
                : LKS_OK;
}

/* Norms of the newest record of `own` and of record `r` of `h`. */
static bool same_norms(const lks_history *h, const lks_step_record *r, const lks_history *own) {
    const size_t i = (size_t)(r - h->steps), k = own->n_steps - 1, n = h->n_norms;
    if (n != own->n_norms || n == 0)
        return true; /* none are recorded */
    for (size_t t = 0; t < n; t++)
        for (int which = 0; which < 2; which++)
            if (!lks_same_figure((double)h->norms[i * n + t][which],
                                 (double)own->norms[k * n + t][which]))
                return false;
    return true;
}

/* How often it is measured may change from start to start. */
static bool same_noise(const lks_step_record *a, const lks_step_record *b) {
    return isnan(a->gradient_variance) || isnan(b->gradient_variance) ||
           (a->gradient_variance == b->gradient_variance &&
            lks_same_figure(a->gradient_square, b->gradient_square));
}

/* Where metrics.every_steps recorded this step; loss, accuracy and rate are those of the row. */
static lks_status compare_record(const lks_history *recorded, const lks_history *own,
                                 lks_error *err) {
    const lks_step_record *now = own->n_steps ? &own->steps[own->n_steps - 1] : NULL;
    const int64_t step = lks_chain_last(&own->chain);
    const lks_step_record *r = lks_recorded_step(recorded, step);
    if (!r || !now || now->step != step)
        return LKS_OK;
    char text[LKS_DIFFERENCE_ROOM];
    const char *what =
        r->epoch != now->epoch ? lks_figures(text, "epoch", r->epoch, now->epoch)
        : !lks_same_figure(r->gradient_norm, now->gradient_norm)
            ? lks_figures(text, "gradient norm", r->gradient_norm, now->gradient_norm)
        : !same_noise(r, now)           ? "gradient's noise"
        : !same_norms(recorded, r, own) ? "norm of a tensor"
                                        : NULL;
    return what ? lks_fail(err, LKS_ERR_MISMATCH,
                           "step %lld: the %s of its record, computed again, is another one",
                           (long long)step, what)
                : LKS_OK;
}

/* --- checkpoints ------------------------------------------------------------------------------ */

static bool same_temperature(const lks_temperature *a, const lks_temperature *b) {
    return a->images == 0 || a->second_run ||
           (a->images == b->images && a->wrong == b->wrong && a->value == b->value &&
            a->nll_before == b->nll_before && a->nll_after == b->nll_after);
}

static bool same_best(const lks_best *a, const lks_best *b) {
    return a->step == b->step && a->correct == b->correct && a->total == b->total &&
           lks_limbs_value(a->loss) == lks_limbs_value(b->loss);
}

/* The checkpoint that was saved at step `step`; NULL: none. */
static const lks_saved *find_saved(const lks_witness *w, int64_t step) {
    const lks_saved *s = w->recorded->saved, *end = s + w->recorded->n_saved;
    while (s < end && s->cursor.step != step)
        s++;
    return s < end ? s : NULL;
}

/* The checkpoint that was saved where training stands now, if there is one. */
static lks_status compare_saved(lks_witness *w, const lks_run *run, lks_error *err) {
    const lks_saved *s = find_saved(w, run->trainer.cursor.step);
    lks_checkpoint now;
    if (!s)
        return LKS_OK;
    w->checkpoints++;
    lks_run_snapshot(run, &now);
    LKS_TRY(lks_checkpoint_digest(&now, err));
    const char *what = strcmp(now.state_sha256, s->state_sha256) != 0         ? "state"
                       : !same_best(&s->best, &now.best)                      ? "best result"
                       : !same_temperature(&s->temperature, &now.temperature) ? "temperature"
                                                                              : NULL;
    return what ? lks_fail(err, LKS_ERR_MISMATCH,
                           "%s: its %s, computed again, is another one than was saved", s->path,
                           what)
                : LKS_OK;
}

/* --- what the loop calls ------------------------------------------------------------------------ */

bool lks_witness_wants(const lks_witness *w, int64_t step) {
    return find_saved(w, step);
}

lks_status lks_witness_step(lks_witness *w, const lks_run *run, lks_error *err) {
    const lks_history *own = &run->record.history, *recorded = &w->recorded->history;
    LKS_TRY(compare_row(&recorded->chain, &own->chain, err));
    LKS_TRY(compare_record(recorded, own, err));
    return run->trainer.cursor.batch < run->trainer.plan.batches ? compare_saved(w, run, err)
                                                                 : LKS_OK;
}

static const lks_epoch_record *find_epoch(const lks_history *h, const lks_epoch_record *like) {
    for (size_t e = 0; e < h->n_epochs; e++)
        if (h->epochs[e].epoch == like->epoch)
            return &h->epochs[e];
    return NULL;
}

lks_status lks_witness_epoch(lks_witness *w, const lks_run *run, lks_error *err) {
    const lks_history *own = &run->record.history, *recorded = &w->recorded->history;
    const lks_epoch_record *now = &own->epochs[own->n_epochs - 1];
    const lks_epoch_record *r = find_epoch(recorded, now);
    if (!r)
        return lks_fail(err, LKS_ERR_MISMATCH, "epoch %d: there is no record of it", now->epoch);
    char text[LKS_DIFFERENCE_ROOM];
    const char *what = lks_epoch_difference(r, now, text);
    if (what)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "epoch %d: the %s of its record, computed again, is another one",
                        now->epoch, what);
    w->epochs++;
    return compare_saved(w, run, err);
}

lks_status lks_witness_start(const lks_witness *w, const lks_chain *own, lks_error *err) {
    if (strcmp(w->recorded->history.chain.start, own->start) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "the chain's first link is not of this configuration, these data and "
                        "these first weights");
    return compare_row(&w->recorded->history.chain, own, err);
}

/* --- the end ---------------------------------------------------------------------------------- */

static lks_status compare_predictions(const lks_predictions *p, const lks_run *run,
                                      const lks_predicted *now, lks_error *err) {
    const size_t row = (size_t)p->classes * sizeof *p->probabilities;
    if (p->n != run->record.test->total || (p->n > 0 && p->classes != run->record.test->classes))
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "history.h5: it has predictions of %lld test images, and there are %lld",
                        (long long)p->n, (long long)run->record.test->total);
    char text[LKS_DIFFERENCE_ROOM];
    for (int64_t i = 0; i < p->n; i++)
        if (p->labels[i] != now->labels[i] || p->predicted[i] != now->classes[i] ||
            memcmp(p->probabilities + i * p->classes, now->probabilities + i * p->classes, row) !=
                0)
            return lks_fail(err, LKS_ERR_MISMATCH,
                            "history.h5: its prediction of test image %lld, computed again, is %s",
                            (long long)i,
                            lks_figures(text, "another one", p->predicted[i], now->classes[i]));
    return LKS_OK;
}

/* --- texts of the end: nothing may be in them that is not known here ------------------------------ */

/* Keys of summary.json that tell of the machine, its time and the way there. */
static bool of_machine(const char *key, size_t length) {
    static const char *const free_keys[] = {"train_seconds", "images_per_second",
                                            "comm_seconds",  "sent_bytes_per_step",
                                            "energy_joules", "phases",
                                            "peak_rss_mib",  "world_size",
                                            "isa",           "threads_per_rank",
                                            "hosts",         "mpi",
                                            "version",       "revision",
                                            "resumed_from",  "init_from",
                                            "products",      "exchange",
                                            "sha256"};
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
        if (strlen(free_keys[i]) == length && strncmp(key, free_keys[i], length) == 0)
            return true;
    return false;
}

/* A line of summary.json: a member has one to itself, a brace has no key. */
typedef struct line {
    const char *text, *key;
    size_t length, key_length;
} line;

/* The line at `at`; returns where the next one begins. */
static const char *take_line(const char *at, line *l) {
    *l = (line){.text = at, .length = strcspn(at, "\n")};
    const size_t indent = strspn(at, " ");
    if (indent < l->length && at[indent] == '"') {
        l->key = at + indent + 1;
        l->key_length = strcspn(l->key, "\"\n");
    }
    return at + l->length + (at[l->length] != 0);
}

static bool same_key(const line *a, const line *b) {
    return a->key_length == b->key_length && !a->key == !b->key &&
           (!a->key || strncmp(a->key, b->key, a->key_length) == 0);
}

static bool same_line(const line *a, const line *b) {
    return a->length == b->length && strncmp(a->text, b->text, a->length) == 0;
}

/* What stands behind the key, as far as a message has room for it, or the whole line. */
static const char *value(const line *l) {
    const char *colon = l->key ? memchr(l->key, ':', (size_t)(l->text + l->length - l->key)) : NULL;
    const char *at = colon ? colon + 1 : l->text;
    return at + strspn(at, " ");
}

static int value_length(const line *l) {
    const char *at = value(l);
    size_t n = (size_t)(l->text + l->length - at);
    n -= n > 0 && at[n - 1] == ',';
    return (int)(n < SHOWN_MOST ? n : SHOWN_MOST);
}

static lks_status compare_lines(const char *summary, const char *now, lks_error *err) {
    line a, b;
    for (int number = 1; *summary || *now; number++) {
        summary = take_line(summary, &a);
        now = take_line(now, &b);
        if (!same_key(&a, &b))
            return lks_fail(err, LKS_ERR_MISMATCH,
                            "summary.json: line %d is \"%.*s\", and would be \"%.*s\"", number,
                            (int)a.key_length, a.key ? a.key : "", (int)b.key_length,
                            b.key ? b.key : "");
        if (!same_line(&a, &b) && !(a.key && of_machine(a.key, a.key_length)))
            return lks_fail(err, LKS_ERR_MISMATCH,
                            "summary.json: its \"%.*s\", computed again, is another one: %.*s in "
                            "place of %.*s",
                            (int)a.key_length, a.key ? a.key : "", value_length(&a), value(&a),
                            value_length(&b), value(&b));
    }
    return LKS_OK;
}

static lks_status compare_summary(const char *summary, lks_run *run, lks_error *err) {
    char *now;
    LKS_TRY(lks_run_summary_text(run, "done", &now, err));
    const lks_status status = compare_lines(summary, now, err);
    free(now);
    return status;
}

/* The test's line, `n` bytes, ends metrics.jsonl; before it is what history.h5 has, `head` bytes that were compared
 * with it, and nothing else. */
static lks_status compare_end(const lks_recorded *r, size_t head, const char *wanted, size_t n,
                              lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    unsigned char *found = NULL;
    size_t size = 0;
    lks_folder_path(r->folder, LKS_FOLDER_METRICS, path);
    lks_status status = lks_read_whole_file(path, 0, NULL, &found, &size, err);
    if (status == LKS_OK && n > 0 && (size < n || memcmp(found + size - n, wanted, n) != 0))
        status = lks_fail(err, LKS_ERR_MISMATCH,
                          "metrics.jsonl: its last line, computed again, is another one");
    else if (status == LKS_OK && !r->from_saved && size != head + n)
        status = lks_fail(err, LKS_ERR_MISMATCH,
                          "metrics.jsonl: it has lines that are not of history.h5");
    free(found);
    return status;
}

static lks_status compare_metrics(const lks_recorded *r, const lks_record *now, lks_error *err) {
    char *head = NULL, *test = NULL;
    size_t head_size = 0, test_size = 0;
    if (!lks_folder_has(r->folder, LKS_FOLDER_METRICS))
        return LKS_OK;
    lks_status status = lks_metrics_text(&r->history, &head, &head_size, err);
    if (status == LKS_OK && now->test->total > 0)
        status = lks_metrics_test_line(&now->tested, now->test, &test, &test_size, err);
    if (status == LKS_OK)
        status = compare_end(r, head_size, test, test_size, err);
    free(head);
    free(test);
    return status;
}

lks_status lks_witness_end(const lks_witness *w, lks_run *run, const lks_predicted *predicted,
                           lks_error *err) {
    if (!w->recorded->from_saved)
        LKS_TRY(compare_predictions(&w->recorded->test, run, predicted, err));
    LKS_TRY(compare_summary(w->recorded->summary, run, err));
    return compare_metrics(w->recorded, &run->record, err);
}
