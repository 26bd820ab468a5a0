#include "run/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lockstep/json.h"
#include "lockstep/phase_times.h"
#include "lockstep/publish.h"

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
    if (!isnan(r->gradient_norm) && h->n_norms > 0)
        put_norms(f, h, step);
    fprintf(f, "}\n");
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
                   {"comm_seconds", r->comm_seconds}};
    char text[32];
    fprintf(f, "{\"type\":\"epoch\",\"epoch\":%d,\"step\":%lld", r->epoch, (long long)r->step);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        fprintf(f, ",\"%s\":%s", figures[i].name, lks_json_number(figures[i].value, text));
    if (!isnan(r->phases.of[LKS_PHASE_TOTAL].avg)) { /* else of an earlier version */
        fprintf(f, ",\"phases\":");
        lks_phase_times_put(f, &r->phases);
    }
    fprintf(f, "}\n");
}

static lks_status write_all(const char *path, const lks_history *h, lks_error *err) {
    size_t e = 0;
    lks_text text;
    LKS_TRY(lks_text_open(&text, path, err));
    for (size_t s = 0; s <= h->n_steps; s++) {
        int64_t step = s < h->n_steps ? h->steps[s].step : INT64_MAX;
        for (; e < h->n_epochs && h->epochs[e].step < step; e++)
            put_epoch(text.f, &h->epochs[e]);
        if (s < h->n_steps)
            put_step(text.f, h, s);
    }
    LKS_TRY(lks_text_close(&text, path, err));
    lks_status status = lks_publish_text(path, text.bytes, text.size, err);
    free(text.bytes);
    return status;
}

lks_status lks_metrics_open(lks_metrics *m, const char *folder, const lks_history *h,
                            lks_error *err) {
    lks_folder_path(folder, LKS_FOLDER_METRICS, m->path);
    LKS_TRY(write_all(m->path, h, err));
    m->file = fopen(m->path, "a");
    if (!m->file)
        return lks_fail(err, LKS_ERR_IO, "%s: cannot append: %s", m->path, strerror(errno));
    return lks_publish_allowed(
        err); /* the file is this life's: no other one's lines go there, or come */
}

void lks_metrics_close(lks_metrics *m) {
    if (m->file)
        fclose(m->file); /* lks_metrics_check() has told of what could not be written */
    m->file = NULL;
}

void lks_metrics_add_step(lks_metrics *m, const lks_history *h) {
    put_step(m->file, h, h->n_steps - 1);
    fflush(m->file);
}

void lks_metrics_add_epoch(lks_metrics *m, const lks_epoch_record *r) {
    put_epoch(m->file, r);
}

void lks_metrics_add_test(lks_metrics *m, const lks_tested *tested, const lks_counts *test) {
    char loss[32], accuracy[32];
    fprintf(
        m->file,
        "{\"type\":\"test\",\"step\":%lld,\"epoch\":%lld,\"weights\":\"%s\",\"evaluated\":\"%s\","
        "\"weights_sha256\":\"%s\",\"test_loss\":%s,\"test_accuracy\":%s,"
        "\"test_correct\":%lld,\"test_total\":%lld}\n",
        (long long)tested->step, (long long)tested->epoch, tested->best ? "best" : "last",
        tested->average ? LKS_AVERAGE : "model", tested->weights_sha256,
        lks_json_number(lks_mean_loss(test), loss), lks_json_number(lks_accuracy(test), accuracy),
        (long long)test->correct, (long long)test->total);
}

lks_status lks_metrics_check(lks_metrics *m, lks_error *err) {
    errno = 0;
    if (fflush(m->file) == 0 && !ferror(m->file))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "%s: cannot write: %s", m->path,
                    errno ? strerror(errno) : "an earlier write failed");
}
