/* What a run folder says is held against itself. A forger can make all of it fit; that is what the replay is for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/whole_file.h"
#include "base/json/json.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "run/metrics.h"
#include "train/proof/recorded.h"

/* --- comparing -------------------------------------------------------------------------------- */

bool lks_same_figure(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

const char *lks_figures(char text[LKS_DIFFERENCE_ROOM], const char *name, double a, double b) {
    if (a == b)
        snprintf(text, LKS_DIFFERENCE_ROOM, "%s", name);
    else
        snprintf(text, LKS_DIFFERENCE_ROOM, "%s (%.17g in place of %.17g)", name, a, b);
    return text;
}

const char *lks_epoch_difference(const lks_epoch_record *a, const lks_epoch_record *b,
                                 char text[LKS_DIFFERENCE_ROOM]) {
    const struct {
        const char *name;
        double a, b;
    } figures[] = {{"lr", a->lr, b->lr},
                   {"train_loss", a->train_loss, b->train_loss},
                   {"train_accuracy", a->train_accuracy, b->train_accuracy},
                   {"validation_loss", a->validation_loss, b->validation_loss},
                   {"validation_accuracy", a->validation_accuracy, b->validation_accuracy},
                   {"test_loss", a->test_loss, b->test_loss},
                   {"test_accuracy", a->test_accuracy, b->test_accuracy}};
    if (a->epoch != b->epoch || a->step != b->step)
        return lks_figures(text, "step", (double)a->step, (double)b->step);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!lks_same_figure(figures[i].a, figures[i].b))
            return lks_figures(text, figures[i].name, figures[i].a, figures[i].b);
    return NULL;
}

static const char *sums_difference(const lks_chain_step *a, const lks_chain_step *b,
                                   char text[LKS_DIFFERENCE_ROOM]) {
    if (a->loss.hi != b->loss.hi || a->loss.lo != b->loss.lo)
        return lks_figures(text, "the sum of losses", lks_limbs_value(a->loss),
                           lks_limbs_value(b->loss));
    if (a->correct != b->correct)
        return lks_figures(text, "the count of right answers", (double)a->correct,
                           (double)b->correct);
    if (a->samples != b->samples)
        return lks_figures(text, "the count of samples", (double)a->samples, (double)b->samples);
    return lks_same_figure(a->lr, b->lr) ? NULL
                                         : lks_figures(text, "the learning rate", a->lr, b->lr);
}

const char *lks_row_difference(const lks_chain *a, size_t i, const lks_chain *b, size_t k,
                               char text[LKS_DIFFERENCE_ROOM]) {
    char words[LKS_DIFFERENCE_ROOM];
    const char *sums = sums_difference(&a->steps[i], &b->steps[k], words);
    if (a->n_layers != b->n_layers)
        return "the number of layers";
    for (size_t n = 0; n < a->n_layers; n++)
        if (a->hashes[i * a->n_layers + n] != b->hashes[k * a->n_layers + n]) {
            snprintf(text, LKS_DIFFERENCE_ROOM, "layer %.*s%s%.160s", LKS_TENSOR_NAME_MAX - 1,
                     a->layers[n], sums ? ", and before it " : "", sums ? sums : "");
            return text;
        }
    return sums ? strcpy(text, sums) : NULL;
}

const lks_step_record *lks_recorded_step(const lks_history *h, int64_t step) {
    size_t low = 0, high = h->n_steps;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (h->steps[middle].step < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low < h->n_steps && h->steps[low].step == step ? &h->steps[low] : NULL;
}

/* --- records against the chain ------------------------------------------------------------------ */

static bool in_chain(const lks_chain *chain, int64_t step) {
    return step > chain->first && step <= lks_chain_last(chain);
}

static lks_status check_step(const lks_chain *chain, const lks_step_record *r, lks_error *err) {
    if (!in_chain(chain, r->step))
        return r->step <= chain->first
                   ? LKS_OK
                   : lks_fail(err, LKS_ERR_MISMATCH, "step %lld: its record is beyond the chain",
                              (long long)r->step);
    const lks_chain_step *row = &chain->steps[r->step - chain->first];
    const double n = (double)row->samples;
    const struct {
        const char *name;
        double found, wanted;
    } figures[] = {{"loss", r->loss, lks_limbs_value(row->loss) / n},
                   {"accuracy", r->accuracy, (double)row->correct / n},
                   {"lr", r->lr, row->lr}};
    char text[LKS_DIFFERENCE_ROOM];
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!lks_same_figure(figures[i].found, figures[i].wanted))
            return lks_fail(
                err, LKS_ERR_MISMATCH, "step %lld: the %s of its record is not that of the chain",
                (long long)r->step,
                lks_figures(text, figures[i].name, figures[i].found, figures[i].wanted));
    return LKS_OK;
}

/* Sums of rows after step `first` up to step `last`, as an epoch adds them up. */
static lks_chain_step add_rows(const lks_chain *chain, int64_t first, int64_t last) {
    lks_chain_step sum = {.lr = NAN};
    for (int64_t s = first + 1; s <= last; s++) {
        const lks_chain_step *row = &chain->steps[s - chain->first];
        sum.loss = lks_limbs_sum(sum.loss, row->loss);
        sum.correct += row->correct;
        sum.samples += row->samples;
        sum.lr = row->lr;
    }
    return sum;
}

static lks_status check_epoch(const lks_history *h, size_t e, lks_error *err) {
    const lks_epoch_record *r = &h->epochs[e];
    const int64_t first = e > 0 ? h->epochs[e - 1].step : 0;
    if (first < h->chain.first)
        return LKS_OK;
    if (r->step <= first || r->step > lks_chain_last(&h->chain))
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "epoch %d: its record has a step that is not in the chain", r->epoch);
    const lks_chain_step sum = add_rows(&h->chain, first, r->step);
    const double n = (double)sum.samples;
    lks_epoch_record wanted = *r;
    wanted.lr = sum.lr;
    wanted.train_loss = lks_limbs_value(sum.loss) / n;
    wanted.train_accuracy = (double)sum.correct / n;
    char text[LKS_DIFFERENCE_ROOM];
    const char *what = lks_epoch_difference(r, &wanted, text);
    return what
               ? lks_fail(err, LKS_ERR_MISMATCH,
                          "epoch %d: the %s of its record is not that of the chain", r->epoch, what)
               : LKS_OK;
}

static lks_status check_records(const lks_history *h, lks_error *err) {
    for (size_t i = 0; i < h->n_steps; i++)
        LKS_TRY(check_step(&h->chain, &h->steps[i], err));
    for (size_t e = 0; e < h->n_epochs; e++)
        LKS_TRY(check_epoch(h, e, err));
    return LKS_OK;
}

/* --- texts ------------------------------------------------------------------------------------ */

static lks_status check_text(const char *summary, const char *key, const char *wanted,
                             lks_error *err) {
    char text[LKS_SHA256_HEX] = "";
    if (!lks_json_get_text(summary, key, text, sizeof text) || strcmp(text, wanted) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH, "summary.json: its %s is not that of %s", key,
                        strcmp(key, "chain_sha256") == 0 ? "history.h5" : "the newest checkpoint");
    return LKS_OK;
}

static lks_status check_summary(const lks_recorded *r, lks_error *err) {
    int64_t correct = 0;
    const lks_predictions *p = &r->test;
    if (!r->summary)
        return LKS_OK;
    LKS_TRY(check_text(r->summary, "chain_sha256", r->history.chain.end, err));
    if (r->n_saved > 0)
        LKS_TRY(check_text(r->summary, "state_sha256", r->saved[r->n_saved - 1].state_sha256, err));
    for (int64_t i = 0; i < p->n; i++)
        correct += p->labels[i] == p->predicted[i];
    const int64_t told = lks_json_get_integer(r->summary, "test_correct", INT64_MAX, -1);
    char text[LKS_DIFFERENCE_ROOM];
    if (p->n > 0 && correct != told)
        return lks_fail(err, LKS_ERR_MISMATCH, "summary.json: its %s is not that of history.h5",
                        lks_figures(text, "test_correct", (double)told, (double)correct));
    return LKS_OK;
}

static size_t line_of(const char *text, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

/* metrics.jsonl may be ahead of the newest checkpoint, and ends with the test result; as far as both go they are
 * equal. */
static lks_status check_metrics(const lks_recorded *r, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX], *wanted = NULL;
    unsigned char *found = NULL;
    size_t size = 0, wanted_size = 0, at = 0;
    if (!lks_folder_has(r->folder, LKS_FOLDER_METRICS))
        return LKS_OK;
    lks_folder_path(r->folder, LKS_FOLDER_METRICS, path);
    lks_status status = lks_read_whole_file(path, 0, NULL, &found, &size, err);
    if (status == LKS_OK)
        status = lks_metrics_text(&r->history, &wanted, &wanted_size, err);
    if (status == LKS_OK) {
        while (at < size && at < wanted_size && (char)found[at] == wanted[at])
            at++;
        if (at < wanted_size && (at < size || r->summary))
            status =
                lks_fail(err, LKS_ERR_MISMATCH, "metrics.jsonl: line %zu is not that of history.h5",
                         line_of(wanted, at));
    }
    free(found);
    free(wanted);
    return status;
}

lks_status lks_recorded_check(const lks_recorded *r, lks_error *err) {
    const lks_history *h = &r->history;
    if (strcmp(h->chain.start, r->origin) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "the chain's first link is not of this configuration, these data and first "
                        "weights: config.yaml, or the chain, was changed");
    LKS_TRY(lks_chain_check(h, err));
    LKS_TRY(check_records(h, err));
    LKS_TRY(check_summary(r, err));
    return check_metrics(r, err);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

static bool same_layers(const lks_chain *a, const lks_chain *b) {
    if (a->n_layers != b->n_layers)
        return false;
    for (size_t k = 0; k < a->n_layers; k++)
        if (strcmp(a->layers[k], b->layers[k]) != 0)
            return false;
    return true;
}

/* Its chain is the beginning of the run's. */
static lks_status check_prefix(const lks_chain *whole, const lks_chain *part, lks_error *err) {
    char text[LKS_DIFFERENCE_ROOM];
    if (strcmp(part->start, whole->start) != 0 || part->first != whole->first ||
        part->n > whole->n || part->n_epochs > whole->n_epochs || !same_layers(part, whole))
        return lks_fail(err, LKS_ERR_MISMATCH, "its chain is not the beginning of the run's");
    for (size_t i = 0; i < part->n; i++) {
        const char *what = lks_row_difference(part, i, whole, i, text);
        if (what)
            return lks_fail(err, LKS_ERR_MISMATCH, "step %lld: %s is not that of the run's chain",
                            (long long)(part->first + (int64_t)i), what);
    }
    for (size_t e = 0; e < part->n_epochs; e++)
        if (strcmp(part->epochs[e].state, whole->epochs[e].state) != 0 ||
            strcmp(part->epochs[e].link, whole->epochs[e].link) != 0)
            return lks_fail(err, LKS_ERR_MISMATCH,
                            "epoch %zu of its chain is not that of the run's", e + 1);
    return LKS_OK;
}

/* Its state is what the chain says of its step. */
static lks_status check_state(const lks_checkpoint *c, lks_error *err) {
    const lks_chain *chain = &c->history.chain;
    const size_t row = chain->n - 1;
    lks_layers l;
    lks_status status = lks_layers_find(&l, c->flats[0].tensors, c->flats[0].n_tensors, err);
    uint64_t *hashes =
        status == LKS_OK ? lks_alloc(l.n, sizeof *hashes, "hashes of layers", err) : NULL;
    if (!hashes)
        status = LKS_ERR_MEMORY;
    else if (l.n != chain->n_layers)
        status = lks_fail(err, LKS_ERR_MISMATCH, "its layers are not those of its chain");
    else
        lks_layers_hash(&l, c->flats, c->n_flats, hashes);
    for (size_t k = 0; status == LKS_OK && k < l.n; k++)
        if (hashes[k] != chain->hashes[row * l.n + k])
            status = lks_fail(err, LKS_ERR_MISMATCH,
                              "step %lld, layer %s: its state is not what the chain says",
                              (long long)c->cursor.step, l.names[k]);
    lks_free(hashes);
    lks_layers_free(&l);
    return status;
}

/* Where it stands is what the chain's sums say. */
static lks_status check_cursor(const lks_checkpoint *c, lks_error *err) {
    const lks_history *h = &c->history;
    const lks_cursor *k = &c->cursor;
    const int64_t begun = h->n_epochs > 0 ? h->epochs[h->n_epochs - 1].step : 0;
    if (lks_chain_last(&h->chain) != k->step || begun > k->step)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "its chain ends at another step than its cursor, %lld", (long long)k->step);
    if (begun < h->chain.first)
        return LKS_OK;
    const lks_chain_step sum = add_rows(&h->chain, begun, k->step);
    if (sum.loss.hi != k->loss.hi || sum.loss.lo != k->loss.lo || sum.correct != k->correct ||
        sum.samples != k->epoch_samples || (int64_t)h->n_epochs != k->epoch)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "step %lld: its cursor is not what the chain adds up to",
                        (long long)k->step);
    if (k->batch == 0 && h->chain.n_epochs > 0 &&
        strcmp(h->chain.epochs[h->chain.n_epochs - 1].state, c->state_sha256) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "epoch %lld: its state has not the SHA-256 of the chain",
                        (long long)k->epoch);
    return LKS_OK;
}

/* The best result is that of an epoch's record. */
static lks_status check_best(const lks_checkpoint *c, lks_error *err) {
    const lks_best *b = &c->best;
    if (b->step == 0)
        return LKS_OK;
    for (size_t e = 0; e < c->history.n_epochs; e++) {
        const lks_epoch_record *r = &c->history.epochs[e];
        if (r->step == b->step &&
            lks_same_figure(r->validation_accuracy, (double)b->correct / (double)b->total) &&
            lks_same_figure(r->validation_loss, lks_limbs_value(b->loss) / (double)b->total))
            return LKS_OK;
    }
    return lks_fail(err, LKS_ERR_MISMATCH, "its best result, of step %lld, is that of no epoch",
                    (long long)b->step);
}

static lks_status check_all(const lks_recorded *r, const lks_checkpoint *c, lks_error *err) {
    LKS_TRY(check_prefix(&r->history.chain, &c->history.chain, err));
    LKS_TRY(lks_chain_check(&c->history, err));
    LKS_TRY(check_records(&c->history, err));
    LKS_TRY(check_cursor(c, err));
    LKS_TRY(check_state(c, err));
    return check_best(c, err);
}

lks_status lks_recorded_check_saved(const lks_recorded *r, const char *path,
                                    const lks_checkpoint *c, lks_error *err) {
    if (c->history.chain.n == 0)
        return c->cursor.step <= r->history.chain.first
                   ? LKS_OK /* of before the chain began */
                   : lks_fail(err, LKS_ERR_MISMATCH, "%s has no chain, and the run had one by then",
                              path);
    const lks_status status = check_all(r, c, err);
    return status == LKS_OK ? LKS_OK : lks_fail_context(err, "%s", path);
}
