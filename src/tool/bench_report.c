/* What was measured, as tables or as one JSON object. A figure of a mode is the median of its rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/json/json.h"
#include "measure/phase_times.h"
#include "tool/bench_parts.h"

/* --- figures ---------------------------------------------------------------------------------- */

typedef double (*figure)(const lks_bench_result *b, const lks_bench_round *r);

static double images_per_second(const lks_bench_result *b, const lks_bench_round *r) {
    (void)b;
    return (double)r->images / r->seconds;
}

static double step_ms(const lks_bench_result *b, const lks_bench_round *r) {
    return 1e3 * r->seconds / b->steps;
}

static double needed_rate(const lks_bench_result *b, const lks_bench_round *r) {
    (void)b;
    return 1e-9 * (double)r->flop / r->seconds;
}

static double dense_rate(const lks_bench_result *b, const lks_bench_round *r) {
    return 1e-9 * b->dense_flop * (double)r->images / r->seconds;
}

static double peak_rate(const lks_bench_result *b, const lks_bench_round *r) {
    (void)b;
    return 1e-9 * r->peak;
}

static double needed_share(const lks_bench_result *b, const lks_bench_round *r) {
    return needed_rate(b, r) / peak_rate(b, r);
}

static double dense_share(const lks_bench_result *b, const lks_bench_round *r) {
    return dense_rate(b, r) / peak_rate(b, r);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Least, median and most of the rounds. */
typedef struct spread {
    double least, median, most;
} spread;

static spread spread_of(double values[LKS_BENCH_MOST_ROUNDS], int n) {
    qsort(values, (size_t)n, sizeof *values, ascending);
    return (spread){values[0], (values[(n - 1) / 2] + values[n / 2]) / 2, values[n - 1]};
}

static spread rounds_of(const lks_bench_result *b, int mode, figure f) {
    double values[LKS_BENCH_MOST_ROUNDS];
    for (int r = 0; r < b->rounds; r++)
        values[r] = f(b, &b->modes[mode].rounds[r]);
    return spread_of(values, b->rounds);
}

/* Round by round, since what else the machine does changes. */
static spread ratio(const lks_bench_result *b) {
    double values[LKS_BENCH_MOST_ROUNDS];
    for (int r = 0; r < b->rounds; r++)
        values[r] = images_per_second(b, &b->modes[LKS_BENCH_EXACT].rounds[r]) /
                    images_per_second(b, &b->modes[LKS_BENCH_FP32].rounds[r]);
    return spread_of(values, b->rounds);
}

static double needed_flop(const lks_bench_result *b, int mode) {
    int64_t flop = 0, images = 0;
    for (int r = 0; r < b->rounds; r++) {
        flop += b->modes[mode].rounds[r].flop;
        images += b->modes[mode].rounds[r].images;
    }
    return (double)flop / (double)images;
}

/* Bytes of a step's message as it travels: the mean, where it is packed. */
static double sent_bytes(const lks_bench_result *b, int mode) {
    const lks_trainer *t = &b->modes[mode].trainer;
    uint64_t sent = 0;
    if (!t->exchange.sum.blocks)
        return (double)lks_trainer_message_bytes(t);
    for (int r = 0; r < b->rounds; r++)
        sent += b->modes[mode].rounds[r].sent;
    return (double)sent / b->rounds / b->steps;
}

/* "amx" or "fma". */
static const char *unit_of(const lks_bench_result *b) {
    const lks_bench_mode *m = &b->modes[LKS_BENCH_EXACT];
    return lks_products_unit(&m->config, m->trainer.kernels);
}

/* --- a table ---------------------------------------------------------------------------------- */

static void print_row(const char *what, const char *format, double exact, double plain) {
    char a[32], b[32];
    snprintf(a, sizeof a, format, exact);
    snprintf(b, sizeof b, format, plain);
    printf("  %-40s %12s %12s\n", what, a, b);
}

static void print_median(const lks_bench_result *b, const char *what, const char *format,
                         double factor, figure f) {
    print_row(what, format, factor * rounds_of(b, LKS_BENCH_EXACT, f).median,
              factor * rounds_of(b, LKS_BENCH_FP32, f).median);
}

void lks_bench_print(const lks_bench_result *b) {
    const lks_trainer *exact = &b->modes[LKS_BENCH_EXACT].trainer,
                      *plain = &b->modes[LKS_BENCH_FP32].trainer;
    const spread both = ratio(b);
    printf("bench      %d round%s of %d step%s of %d images, exact and fp32 in turn\n"
           "memory     at most %.1f..%.1f MiB resident per rank (exact)\n\n",
           b->rounds, b->rounds == 1 ? "" : "s", b->steps, b->steps == 1 ? "" : "s",
           exact->config->train.global_batch, b->resident.least, b->resident.most);
    printf("  %-40s %12s %12s\n", "median of the rounds", "exact", "fp32");
    print_median(b, "images a second", "%.1f", 1, images_per_second);
    print_row("  of the best round", "%.1f", rounds_of(b, LKS_BENCH_EXACT, images_per_second).most,
              rounds_of(b, LKS_BENCH_FP32, images_per_second).most);
    print_median(b, "ms a step", "%.3f", 1, step_ms);
    print_row("MFLOP an image, needed", "%.3f", 1e-6 * needed_flop(b, LKS_BENCH_EXACT),
              1e-6 * needed_flop(b, LKS_BENCH_FP32));
    print_row("  dense equivalent", "%.3f", 1e-6 * b->dense_flop, 1e-6 * b->dense_flop);
    print_median(b, "GFLOP a second, needed", "%.1f", 1, needed_rate);
    print_median(b, "  dense equivalent", "%.1f", 1, dense_rate);
    print_median(b,
                 strcmp(unit_of(b), "amx") == 0 ? "  AMX peak of all threads beside it"
                                                : "  FMA peak of all threads beside it",
                 "%.1f", 1, peak_rate);
    print_median(b, "share of that peak, needed", "%.1f %%", 100, needed_share);
    print_median(b, "  dense equivalent", "%.1f %%", 100, dense_share);
    print_row("bytes of a step's message", "%.0f", (double)lks_trainer_message_bytes(exact),
              (double)lks_trainer_message_bytes(plain));
    if (exact->exchange.sum.blocks)
        print_row("  packed, as it travels between hosts", "%.0f", sent_bytes(b, LKS_BENCH_EXACT),
                  sent_bytes(b, LKS_BENCH_FP32));
    printf("\n  exact : fp32, images a second: %.3f (%.3f..%.3f)\n\n", both.median, both.least,
           both.most);
    lks_phase_times_print(stdout, "time per phase in all rounds of exact, seconds",
                          &b->modes[LKS_BENCH_EXACT].phases);
    fflush(stdout);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static lks_status put_mode(lks_json_object *all, lks_bench_result *b, int mode, const char *name,
                           lks_error *err) {
    const lks_trainer *t = &b->modes[mode].trainer;
    const spread speed = rounds_of(b, mode, images_per_second);
    lks_checkpoint c;
    lks_trainer_snapshot(t, &c);
    LKS_TRY(lks_checkpoint_digest(&c, err));
    lks_json_key(all, name);
    lks_json_object o = lks_json_begin(all->f, "");
    lks_json_put_number(&o, "images_per_second", speed.median);
    lks_json_put_number(&o, "images_per_second_best", speed.most);
    lks_json_put_number(&o, "step_ms", rounds_of(b, mode, step_ms).median);
    lks_json_put_number(&o, "flop_per_image", needed_flop(b, mode));
    lks_json_put_number(&o, "gflops", rounds_of(b, mode, needed_rate).median);
    lks_json_put_number(&o, "gflops_dense", rounds_of(b, mode, dense_rate).median);
    lks_json_put_number(&o, "gflops_peak", rounds_of(b, mode, peak_rate).median);
    lks_json_put_number(&o, "share", rounds_of(b, mode, needed_share).median);
    lks_json_put_number(&o, "share_dense", rounds_of(b, mode, dense_share).median);
    lks_json_put_number(&o, "message_bytes", (double)lks_trainer_message_bytes(t));
    lks_json_put_number(&o, "sent_bytes", sent_bytes(b, mode));
    lks_json_put_text(&o, "weights_sha256", c.weights_sha256);
    lks_json_key(&o, "phases");
    lks_phase_times_put(o.f, &b->modes[mode].phases);
    lks_json_end(&o, "");
    return LKS_OK;
}

static void put_setting(lks_json_object *o, const lks_bench_result *b) {
    const lks_trainer *t = &b->modes[LKS_BENCH_EXACT].trainer;
    const lks_provenance *p = &b->provenance;
    lks_json_put_text(o, "name", t->config->name);
    lks_json_put_text(o, "version", p->version);
    lks_json_put_text(o, "revision", p->revision);
    lks_json_put_text(o, "isa", p->isa);
    lks_json_put_text(o, "hosts", p->hosts);
    lks_json_put_number(o, "world_size", p->ranks);
    lks_json_put_number(o, "threads_per_rank", p->threads);
    lks_json_put_number(o, "parameters", (double)t->view.n_parameters);
    lks_json_put_number(o, "global_batch", t->config->train.global_batch);
    lks_json_put_bool(o, "made_up", t->made_up);
    lks_json_put_text(o, "data_digest", t->data.identity.digest);
    lks_json_put_number(o, "rounds", b->rounds);
    lks_json_put_number(o, "steps_per_round", b->steps);
    lks_json_put_number(o, "flop_per_image_dense", b->dense_flop);
}

lks_status lks_bench_print_json(lks_bench_result *b, lks_error *err) {
    static const char what[] = "the results";
    const spread both = ratio(b);
    lks_text text; /* whole or not at all */
    LKS_TRY(lks_text_open(&text, what, err));
    lks_json_object o = lks_json_begin(text.f, "");
    put_setting(&o, b);
    lks_status status = put_mode(&o, b, LKS_BENCH_EXACT, "exact", err);
    if (status == LKS_OK)
        status = put_mode(&o, b, LKS_BENCH_FP32, "fp32", err);
    lks_json_put_number(&o, "exact_to_fp32", both.median);
    lks_json_put_number(&o, "exact_to_fp32_least", both.least);
    lks_json_put_number(&o, "exact_to_fp32_most", both.most);
    lks_json_key(&o, "peak_rss_mib");
    lks_resident_put(o.f, b->resident);
    lks_json_put_text(&o, "precision",
                      lks_precision_word(b->modes[LKS_BENCH_EXACT].config.train.precision));
    lks_json_put_text(&o, "products", unit_of(b));
    lks_json_put_text(&o, "exchange",
                      lks_exchange_word(b->modes[LKS_BENCH_EXACT].config.train.exchange));
    lks_json_end(&o, "\n");
    if (status != LKS_OK) {
        lks_text_drop(&text);
        return status;
    }
    LKS_TRY(lks_text_close(&text, what, err));
    fputs(text.bytes, stdout);
    fflush(stdout);
    free(text.bytes);
    return LKS_OK;
}
