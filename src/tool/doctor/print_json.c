/* What was found, as one JSON object. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/json/json.h"
#include "comm/probe.h"
#include "tool/doctor/parts.h"

/* Before item number i of an array. */
static void put_comma(FILE *f, int i) {
    if (i > 0)
        fputc(',', f);
}

static void put_check(FILE *f, const lks_symptom *s) {
    lks_json_object o = lks_json_begin(f, "");
    lks_json_put_text(&o, "name", s->name);
    lks_json_put_text(&o, "result", lks_verdict_word(s->verdict));
    lks_json_put_text(&o, "found", s->found);
    lks_json_put_text_or_null(&o, "advice", s->advice);
    lks_json_end(&o, "");
}

static void put_checks(lks_json_object *all, const lks_diagnosis *d) {
    lks_json_put_integer(all, "warnings", d->count[LKS_VERDICT_WARNING]);
    lks_json_put_integer(all, "faults", d->count[LKS_VERDICT_FAULT]);
    lks_json_key(all, "checks");
    fputc('[', all->f);
    for (int i = 0; i < d->n; i++) {
        put_comma(all->f, i);
        put_check(all->f, &d->of[i]);
    }
    fputc(']', all->f);
}

/* Null where there is no such link. */
static void put_link(lks_json_object *all, const char *name, const lks_link *l) {
    lks_json_key(all, name);
    if (l->n == 0) {
        fputs("null", all->f);
        return;
    }
    lks_json_object o = lks_json_begin(all->f, "");
    lks_json_put_number(&o, "latency_us", 1e6 * lks_link_latency(l));
    lks_json_put_number(&o, "seconds_per_byte", lks_link_seconds_a_byte(l));
    lks_json_key(&o, "points");
    fputc('[', all->f);
    for (int i = 0; i < l->n; i++) {
        put_comma(all->f, i);
        lks_json_object point = lks_json_begin(all->f, "");
        lks_json_put_number(&point, "bytes", l->at[i].bytes);
        lks_json_put_number(&point, "seconds", l->at[i].seconds);
        lks_json_end(&point, "");
    }
    fputc(']', all->f);
    lks_json_end(&o, "");
}

static void put_sums(lks_json_object *all, const lks_network_figures *f) {
    lks_json_key(all, "allreduce");
    fputc('[', all->f);
    for (int i = 0, n = 0; i < LKS_SUM_SIZES; i++)
        if (f->sums[i].seconds > 0) {
            put_comma(all->f, n++);
            lks_json_object o = lks_json_begin(all->f, "");
            lks_json_put_number(&o, "bytes", f->sums[i].bytes);
            lks_json_put_number(&o, "seconds", f->sums[i].seconds);
            lks_json_end(&o, "");
        }
    fputc(']', all->f);
    lks_json_key(all, "algorithms");
    lks_json_object o = lks_json_begin(all->f, "");
    for (int a = 0; a <= LKS_PROBE_ALGORITHMS; a++)
        if (f->tried[a] > 0)
            lks_json_put_number(&o, lks_probe_algorithm(a), f->tried[a]);
    lks_json_end(&o, "");
}

static void put_network(lks_json_object *all, const lks_network_figures *f) {
    lks_json_key(all, "network");
    lks_json_object o = lks_json_begin(all->f, "");
    put_link(&o, "within", &f->net.within);
    put_link(&o, "between", &f->net.between);
    put_link(&o, "within_one_way", &f->alone[0]);
    put_link(&o, "between_one_way", &f->alone[1]);
    lks_json_put_number(&o, "addition_seconds_per_byte", f->net.addition);
    put_sums(&o, f);
    lks_json_end(&o, "");
}

static void put_ranks(lks_json_object *all, const lks_speeds *s, int ranks) {
    lks_json_key(all, "ranks");
    fputc('[', all->f);
    for (int r = 0; r < ranks; r++) {
        put_comma(all->f, r);
        lks_json_object o = lks_json_begin(all->f, "");
        lks_json_put_number(&o, "peak_gflops", 1e-9 * s->of[r].peak);
        lks_json_put_number(&o, "memory_gbytes", 1e-9 * s->of[r].memory);
        lks_json_put_number(&o, "work_ms", 1e3 * s->of[r].work);
        lks_json_put_number(&o, "update_ms", 1e3 * s->of[r].steady);
        lks_json_end(&o, "");
    }
    fputc(']', all->f);
}

static void put_work(lks_json_object *all, const lks_speeds *s) {
    const lks_constants *c = &s->constants;
    lks_json_key(all, "step");
    lks_json_object o = lks_json_begin(all->f, "");
    lks_json_put_bool(&o, "made_up", s->made_up);
    lks_json_key(&o, "work");
    fputc('[', all->f);
    for (int i = 0; i < c->n_work; i++) {
        put_comma(all->f, i);
        lks_json_object point = lks_json_begin(all->f, "");
        lks_json_put_number(&point, "chunks", c->work[i].chunks);
        lks_json_put_number(&point, "ms", 1e3 * c->work[i].seconds);
        lks_json_end(&point, "");
    }
    fputc(']', all->f);
    lks_json_put_number(&o, "update_ms", 1e3 * c->steady);
    lks_json_put_number(&o, "communication_ms", 1e3 * s->communication);
    lks_json_put_number(&o, "sums_bytes", c->messages.sums);
    lks_json_put_number(&o, "widths_bytes", c->messages.widths);
    lks_json_put_number(&o, "communication_scale", c->scale);
    lks_json_put_number(&o, "communication_more_ms", 1e3 * c->more);
    lks_json_end(&o, "");
}

static void put_forecast(FILE *f, const lks_forecast *row) {
    lks_json_object o = lks_json_begin(f, "");
    lks_json_put_integer(&o, "ranks", row->ranks);
    lks_json_put_integer(&o, "hosts", row->hosts);
    lks_json_put_integer(&o, "global_batch", row->batch);
    lks_json_put_integer(&o, "chunks", row->chunks);
    lks_json_put_number(&o, "compute_ms", 1e3 * row->compute);
    lks_json_put_number(&o, "update_ms", 1e3 * row->update);
    lks_json_put_number(&o, "communication_ms", 1e3 * row->communication);
    lks_json_put_number(&o, "exchange_ms", 1e3 * row->exchange);
    lks_json_put_number(&o, "wait_ms", 1e3 * row->wait);
    lks_json_put_number(&o, "step_ms", 1e3 * row->seconds);
    lks_json_put_text(&o, "algorithm", lks_probe_algorithm((int)row->algorithm));
    lks_json_put_number(&o, "efficiency", row->efficiency);
    lks_json_put_number(&o, "epochs_per_hour", row->epochs_an_hour);
    lks_json_put_number(&o, "node_hours", row->node_hours);
    lks_json_end(&o, "");
}

static void put_forecasts(lks_json_object *all, const char *name, const lks_forecast *rows, int n) {
    lks_json_key(all, name);
    fputc('[', all->f);
    for (int i = 0; i < n; i++) {
        put_comma(all->f, i);
        put_forecast(all->f, &rows[i]);
    }
    fputc(']', all->f);
}

static void put_setting(lks_json_object *o, const lks_report_of_doctor *r) {
    const lks_provenance *p = r->provenance;
    lks_json_put_text_or_null(o, "name", r->speeds->name);
    lks_json_put_text(o, "version", p->version);
    lks_json_put_text(o, "revision", p->revision);
    lks_json_put_text(o, "isa", p->isa);
    lks_json_put_text(o, "mpi", p->mpi);
    lks_json_put_text(o, "hosts", p->hosts);
    lks_json_put_number(o, "world_size", p->ranks);
    lks_json_put_number(o, "n_hosts", r->seats->hosts);
    lks_json_put_number(o, "threads_per_rank", p->threads);
}

lks_status lks_doctor_print_json(const lks_report_of_doctor *r, lks_error *err) {
    static const char what[] = "the results";
    lks_text text; /* whole or not at all */
    LKS_TRY(lks_text_open(&text, what, err));
    lks_json_object o = lks_json_begin(text.f, "");
    put_setting(&o, r);
    put_checks(&o, r->diagnosis);
    put_network(&o, r->network);
    put_ranks(&o, r->speeds, r->provenance->ranks);
    if (r->n > 0) {
        put_work(&o, r->speeds);
        put_forecasts(&o, "strong", r->strong, r->n);
        put_forecasts(&o, "weak", r->weak, r->n);
        lks_json_put_integer(&o, "useful_ranks", r->useful);
        lks_json_put_text(&o, "limit", lks_limit_word(r->why));
        lks_json_put_text(&o, "limit_reason", lks_limit_reason(r->why));
        lks_json_put_bool(&o, "this_host_alone", r->host_alone);
        lks_json_put_bool(&o, "one_rank_alone", r->rank_alone);
    }
    lks_json_end(&o, "\n");
    LKS_TRY(lks_text_close(&text, what, err));
    fputs(text.bytes, stdout);
    fflush(stdout);
    free(text.bytes);
    return LKS_OK;
}
