#include "run/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/json/json.h"
#include "measure/phase_times.h"

/* ,"norms":{"conv1/weight":[gradient,weights],...} */
static void put_norms(FILE *f, const lks_history *h, size_t step) {
    const float(*norms)[2] = (const float(*)[2])h->norms + step * h->n_norms;
    char gradient[32], weight[32];
    fprintf(f, ",\"norms\":{");
    for (size_t t = 0; t < h->n_norms; t++) {
        fputs(t ? "," : "", f);
        lks_json_text(f, h->norm_names[t]);
        fprintf(f, ":[%s,%s]", lks_json_float(norms[t][0], gradient),
                lks_json_float(norms[t][1], weight));
    }
    fprintf(f, "}");
}

static void put_step(FILE *f, const lks_history *h, size_t step) {
    const lks_step_record *r = &h->steps[step];
    char loss[32], accuracy[32], lr[32], norm[32];
    fprintf(f,
            "{\"type\":\"step\",\"step\":%lld,\"epoch\":%d,\"loss\":%s,\"accuracy\":%s,\"lr\":%s,"
            "\"gradient_norm\":%s",
            (long long)r->step, r->epoch, lks_json_number(r->loss, loss),
            lks_json_number(r->accuracy, accuracy), lks_json_number(r->lr, lr),
            lks_json_number(r->gradient_norm, norm));
    if (!isnan(r->gradient_variance))
        fprintf(f, ",\"gradient_variance\":%s,\"gradient_square\":%s",
                lks_json_number(r->gradient_variance, loss),
                lks_json_number(r->gradient_square, norm));
    if (!isnan(r->gradient_norm) && h->n_norms > 0)
        put_norms(f, h, step);
}

static void put_epoch(FILE *f, const lks_epoch_record *r) {
    const struct {
        const char *name;
        double value;
    } figures[] = {{"lr", r->lr},
                   {"train_loss", r->train_loss},
                   {"train_accuracy", r->train_accuracy},
                   {"validation_loss", r->validation_loss},
                   {"validation_accuracy", r->validation_accuracy},
                   {"test_loss", r->test_loss},
                   {"test_accuracy", r->test_accuracy},
                   {"images_per_second", r->images_per_second},
                   {"seconds", r->seconds},
                   {"comm_seconds", r->comm_seconds},
                   {"noise_scale", r->noise_scale}};
    char text[32];
    fprintf(f, "{\"type\":\"epoch\",\"epoch\":%d,\"step\":%lld", r->epoch, (long long)r->step);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        fprintf(f, ",\"%s\":%s", figures[i].name, lks_json_number(figures[i].value, text));
    if (!isnan(r->energy_joules))
        fprintf(f, ",\"energy_joules\":%s", lks_json_number(r->energy_joules, text));
    if (!isnan(r->phases.of[LKS_PHASE_TOTAL].avg)) { /* else of an earlier version */
        fprintf(f, ",\"phases\":");
        lks_phase_times_put(f, &r->phases);
    }
}

static void put_test(FILE *f, const lks_tested *tested, const lks_counts *test) {
    char loss[32], accuracy[32];
    fprintf(
        f,
        "{\"type\":\"test\",\"step\":%lld,\"epoch\":%lld,\"weights\":\"%s\",\"evaluated\":\"%s\","
        "\"weights_sha256\":\"%s\",\"test_loss\":%s,\"test_accuracy\":%s,"
        "\"test_correct\":%lld,\"test_total\":%lld",
        (long long)tested->step, (long long)tested->epoch, tested->best ? "best" : "last",
        tested->average ? LKS_AVERAGE : "model", tested->weights_sha256,
        lks_json_number(lks_mean_loss(test), loss), lks_json_number(lks_accuracy(test), accuracy),
        (long long)test->correct, (long long)test->total);
}

/* --- the check at the end of a line ----------------------------------------------------------- */

#define CHECK        ",\"check\":\""
#define CHECK_DIGITS 16

bool lks_metrics_check_line(const char *line, size_t length) {
    char digest[LKS_SHA256_HEX];
    lks_error ignored;
    const size_t tail = strlen(CHECK) + CHECK_DIGITS + strlen("\"}\n");
    const char *check = strstr(line, CHECK);
    if (!check)
        return strlen(line) == length; /* of an earlier version */
    if (strlen(check) != tail || (size_t)(check - line) + tail != length ||
        lks_sha256_buffer(line, (size_t)(check - line), digest, &ignored) != LKS_OK)
        return false;
    return strncmp(check + strlen(CHECK), digest, CHECK_DIGITS) == 0 &&
           strcmp(check + strlen(CHECK) + CHECK_DIGITS, "\"}\n") == 0;
}

/* False: memory was too short. */
static bool begin_line(lks_text *line) {
    lks_error ignored;
    return lks_text_open(line, "a line of metrics.jsonl", &ignored) == LKS_OK;
}

/* Ends line `from` and adds it to `to`. False: memory was too short. */
static bool end_line(lks_text *from, FILE *to) {
    char digest[LKS_SHA256_HEX];
    lks_error ignored;
    if (lks_text_close(from, "a line of metrics.jsonl", &ignored) != LKS_OK)
        return false;
    const bool whole = lks_sha256_buffer(from->bytes, from->size, digest, &ignored) == LKS_OK;
    if (whole)
        fprintf(to, "%s" CHECK "%.*s\"}\n", from->bytes, CHECK_DIGITS, digest);
    free(from->bytes);
    return whole;
}

static bool add_step(FILE *to, const lks_history *h, size_t step) {
    lks_text line;
    if (!begin_line(&line))
        return false;
    put_step(line.f, h, step);
    return end_line(&line, to);
}

static bool add_epoch(FILE *to, const lks_epoch_record *r) {
    lks_text line;
    if (!begin_line(&line))
        return false;
    put_epoch(line.f, r);
    return end_line(&line, to);
}

static bool add_test(FILE *to, const lks_tested *tested, const lks_counts *test) {
    lks_text line;
    if (!begin_line(&line))
        return false;
    put_test(line.f, tested, test);
    return end_line(&line, to);
}

/* --- the file --------------------------------------------------------------------------------- */

static bool put_all(FILE *to, const lks_history *h) {
    size_t e = 0;
    bool whole = true;
    for (size_t s = 0; s <= h->n_steps; s++) {
        int64_t step = s < h->n_steps ? h->steps[s].step : INT64_MAX;
        for (; e < h->n_epochs && h->epochs[e].step < step; e++)
            whole = add_epoch(to, &h->epochs[e]) && whole;
        if (s < h->n_steps)
            whole = add_step(to, h, s) && whole;
    }
    return whole;
}

lks_status lks_metrics_text(const lks_history *h, char **text, size_t *size, lks_error *err) {
    lks_text t;
    LKS_TRY(lks_text_open(&t, "metrics.jsonl", err));
    const bool whole = put_all(t.f, h);
    LKS_TRY(lks_text_close(&t, "metrics.jsonl", err));
    *text = t.bytes;
    *size = t.size;
    if (whole)
        return LKS_OK;
    free(t.bytes);
    *text = NULL;
    return lks_fail(err, LKS_ERR_MEMORY, "out of memory for metrics.jsonl");
}

lks_status lks_metrics_test_line(const lks_tested *tested, const lks_counts *test, char **text,
                                 size_t *size, lks_error *err) {
    lks_text t;
    LKS_TRY(lks_text_open(&t, "metrics.jsonl", err));
    const bool whole = add_test(t.f, tested, test);
    LKS_TRY(lks_text_close(&t, "metrics.jsonl", err));
    *text = t.bytes;
    *size = t.size;
    if (whole)
        return LKS_OK;
    free(t.bytes);
    *text = NULL;
    return lks_fail(err, LKS_ERR_MEMORY, "out of memory for metrics.jsonl");
}

static lks_status make_text(const void *history, char **text, size_t *size, lks_error *err) {
    return lks_metrics_text(history, text, size, err);
}

lks_status lks_metrics_open(lks_account *m, const char *folder, const lks_history *h,
                            lks_error *err) {
    lks_folder_path(folder, LKS_FOLDER_METRICS, m->path);
    return lks_account_start(m, make_text, h, err);
}

void lks_metrics_add_step(lks_account *m, const lks_history *h) {
    if (!m->file)
        return;
    m->cut = !add_step(m->file, h, h->n_steps - 1) || m->cut;
    fflush(m->file); /* a failure stays noted in the stream */
}

lks_status lks_metrics_add_epoch(lks_account *m, const lks_history *h, lks_error *err) {
    if (!m->path[0])
        return LKS_OK;
    if (m->file)
        m->cut = !add_epoch(m->file, &h->epochs[h->n_epochs - 1]) || m->cut;
    return lks_account_is_whole(m) ? LKS_OK : lks_account_start(m, make_text, h, err);
}

lks_status lks_metrics_finish(lks_account *m, const lks_history *h, const lks_tested *tested,
                              const lks_counts *test, lks_error *err) {
    bool done = false;
    for (int try = 0; try < 2 && !done; try++) {
        if (!lks_account_is_whole(m))
            LKS_TRY(lks_account_start(m, make_text, h, err));
        done = m->file && (!tested || add_test(m->file, tested, test)) && lks_account_is_whole(m);
    }
    return LKS_OK;
}
