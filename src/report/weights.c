#include "report/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json/json.h"

static bool says(const lks_report_run *run, const char *key, const char *value) {
    char text[32];
    return lks_json_get_text(run->summary, key, text, sizeof text) && strcmp(text, value) == 0;
}

/* Where the summary does not tell, the checkpoint does: it is the one that was tested. */
static void fill_gaps(lks_report_weights *w, const lks_report_run *run) {
    const lks_checkpoint *c = &run->checkpoint;
    lks_error ignored;
    if (!w->best) {
        w->validation_key = "validation_accuracy";
        w->validation = lks_report_number(run, w->validation_key);
    }
    if (!run->has_checkpoint || run->instead)
        return;
    if (lks_checkpoint_evaluated_digest(c, w->digest, &ignored) != LKS_OK)
        w->digest[0] = '\0';
    if (w->best && c->best.total > 0)
        w->validation = (double)c->best.correct / (double)c->best.total;
}

lks_report_weights lks_report_weights_of(const lks_report_run *run) {
    lks_report_weights w = {.step = lks_report_number(run, "test_step"),
                            .validation_key = "test_validation_accuracy"};
    lks_error ignored;
    if (!run->summary) {
        w.known = run->has_checkpoint;
        w.step = w.known ? (double)run->checkpoint.cursor.step : NAN;
        w.validation = NAN;
        w.best = w.known && run->config.eval.test_weights == LKS_TEST_BEST &&
                 run->checkpoint.best.step == run->checkpoint.cursor.step;
        w.average = w.known && lks_checkpoint_evaluated(&run->checkpoint) != run->checkpoint.flats;
        if (w.known &&
            lks_checkpoint_evaluated_digest(&run->checkpoint, w.digest, &ignored) != LKS_OK)
            w.digest[0] = '\0';
        return w;
    }
    w.known = true;
    w.best = says(run, "test_weights", "best");
    w.average = says(run, "evaluated", LKS_AVERAGE);
    w.validation = lks_report_number(run, w.validation_key);
    if (!lks_json_get_text(run->summary, "test_weights_sha256", w.digest, sizeof w.digest))
        fill_gaps(&w, run);
    return w;
}

const char *lks_report_weights_text(const lks_report_weights *w, char text[LKS_WEIGHTS_ROOM]) {
    int n = snprintf(text, LKS_WEIGHTS_ROOM, "%s%s", w->best ? "best by validation" : "last",
                     w->average ? ", averaged" : "");
    if (w->step < 1e15)
        snprintf(text + n, LKS_WEIGHTS_ROOM - (size_t)n, ", step %.0f", w->step);
    return text;
}

bool lks_report_reproducible(const lks_report_run *run) {
    return run->config.train.reduce == LKS_REDUCE_EXACT;
}
