/* What was found, as text. */
#include <stdio.h>

#include "lockstep/log.h"
#include "comm/probe.h"
#include "tool/doctor/parts.h"

const char *lks_limit_word(lks_limit why) {
    static const char *const words[] = {"none",   "chunks",   "communication",
                                        "update", "exchange", "wait"};
    return words[why];
}

const char *lks_limit_reason(lks_limit why) {
    static const char *const reasons[] = {
        "each doubling of the ranks shortens a step by a tenth or more",
        "the batch has no more chunks to share out: a larger train.global_batch would",
        "the sums of the gradients take most of what more ranks do not shorten",
        "the update takes most of what more ranks do not shorten: each makes all of it",
        "the exchange of images takes most of what more ranks do not shorten",
        "waiting for the slowest of them takes most of what more ranks do not shorten"};
    return reasons[why];
}

/* --- checks ----------------------------------------------------------------------------------- */

static void print_checks(const lks_diagnosis *d) {
    for (int i = 0; i < d->n; i++) {
        const lks_symptom *s = &d->of[i];
        lks_print(stdout, "%-8s %-14s %s\n", lks_verdict_word(s->verdict), s->name, s->found);
        if (*s->advice)
            lks_print(stdout, "%23s > %s\n", "", s->advice);
    }
    printf("\n%d ok, %d warning%s, %d fault%s\n", d->count[LKS_VERDICT_OK],
           d->count[LKS_VERDICT_WARNING], d->count[LKS_VERDICT_WARNING] == 1 ? "" : "s",
           d->count[LKS_VERDICT_FAULT], d->count[LKS_VERDICT_FAULT] == 1 ? "" : "s");
}

/* --- measurements ----------------------------------------------------------------------------- */

static void print_link(const char *what, const lks_link *l) {
    const double slope = lks_link_seconds_a_byte(l);
    if (l->n == 0)
        return;
    printf("  %-36s %9.2f us", what, 1e6 * lks_link_latency(l));
    if (slope > 0)
        printf(" %9.3f GB/s", 1e-9 / slope);
    printf("\n");
}

static void print_sums(const lks_network_figures *f) {
    printf("\nallreduce, measured over all ranks\n");
    for (int i = 0; i < LKS_SUM_SIZES; i++)
        if (f->sums[i].seconds > 0)
            printf("  %12.0f bytes %s %11.3f ms %9.3f GB/s\n", f->sums[i].bytes,
                   i == 2 ? "(sums of a step)" : "                ", 1e3 * f->sums[i].seconds,
                   1e-9 * f->sums[i].bytes / f->sums[i].seconds);
    for (int a = 1; a <= LKS_PROBE_ALGORITHMS; a++)
        if (f->tried[a] > 0)
            printf("    by algorithm %d, %-24s %9.3f ms\n", a, lks_probe_algorithm(a),
                   1e3 * f->tried[a]);
}

static void print_network(const lks_network_figures *f, int ranks) {
    printf("\nnetwork, measured                         latency       bandwidth\n");
    if (ranks == 1)
        printf("  one rank alone: there is nothing to measure\n");
    print_link("within a host, a pair, one way", &f->alone[0]);
    print_link("within a host, all pairs, both ways", &f->net.within);
    print_link("between hosts, a pair, one way", &f->alone[1]);
    print_link("between hosts, all pairs, both ways", &f->net.between);
    printf("  adding up sums                                    %9.3f GB/s\n",
           f->net.addition > 0 ? 1e-9 / f->net.addition : 0.0);
    if (ranks > 1)
        print_sums(f);
}

static void print_work(const lks_speeds *s) {
    const lks_constants *c = &s->constants;
    printf("\na step, measured (slowest rank, median%s)\n", s->made_up ? "; made-up images" : "");
    for (int i = 0; i < c->n_work; i++)
        printf("  %4.0f chunk%s of %d images             %9.3f ms\n", c->work[i].chunks,
               c->work[i].chunks > 1 ? "s" : " ", c->chunk, 1e3 * c->work[i].seconds);
    printf("  update, and all else               %9.3f ms\n", 1e3 * c->steady);
    if (c->ranks > 1)
        printf("  communication                      %9.3f ms\n", 1e3 * s->communication);
}

/* --- forecast --------------------------------------------------------------------------------- */

static void print_strong(const lks_report_of_doctor *r) {
    printf("\nforecast: a batch of %lld images on more ranks, ms a step; epochs and node hours of "
           "steps "
           "alone\n"
           "%6s %6s %7s %9s %8s %9s %9s %8s %9s %6s %10s %10s\n",
           (long long)r->strong[0].batch, "ranks", "hosts", "chunks", "compute", "update",
           "communic.", "exchange", "wait", "step", "eff.", "epochs/h", "node h");
    for (int i = 0; i < r->n; i++) {
        const lks_forecast *f = &r->strong[i];
        printf("%6d %6d %7d %9.3f %8.3f %9.3f %9.3f %8.3f %9.3f %4.0f %% %10.2f %10.3f\n", f->ranks,
               f->hosts, f->chunks, 1e3 * f->compute, 1e3 * f->update, 1e3 * f->communication,
               1e3 * f->exchange, 1e3 * f->wait, 1e3 * f->seconds, 100 * f->efficiency,
               f->epochs_an_hour, f->node_hours);
    }
}

static void print_weak(const lks_report_of_doctor *r) {
    printf("\nforecast: a batch that grows with the ranks, %lld images each\n"
           "%6s %10s %9s %9s %6s %12s\n",
           (long long)r->weak[0].batch, "ranks", "batch", "communic.", "step", "eff.", "images/s");
    for (int i = 0; i < r->n; i++) {
        const lks_forecast *f = &r->weak[i];
        printf("%6d %10lld %9.3f %9.3f %4.0f %% %12.0f\n", f->ranks, (long long)f->batch,
               1e3 * f->communication, 1e3 * f->seconds, 100 * f->efficiency,
               (double)f->batch / f->seconds);
    }
}

static void print_limit(const lks_report_of_doctor *r) {
    if (r->rank_alone)
        printf("\nOne rank sends no messages, so none were measured, and one rank is forecast: "
               "start two or "
               "more with mpirun or\nsrun, or say --network LATENCY_US:GBPS.\n");
    else if (r->host_alone)
        printf("\nThe network between hosts was not measured, so this host alone is forecast: "
               "start ranks on "
               "two hosts or more,\nor say --network LATENCY_US:GBPS.\n");
    if (r->rank_alone)
        return;
    if (r->why == LKS_LIMIT_NONE)
        printf("\nup to %d ranks %s\n", r->useful, lks_limit_reason(r->why));
    else
        printf("\nmore than %d rank%s help little: %s\n", r->useful, r->useful == 1 ? "" : "s",
               lks_limit_reason(r->why));
}

void lks_doctor_print(const lks_report_of_doctor *r) {
    const lks_provenance *p = r->provenance;
    lks_print(stdout, "doctor   %s%slockstep %s (%s), %d rank%s x %d thread%s on %s, %s\n\n",
              r->speeds->name, *r->speeds->name ? ": " : "", p->version, p->revision, p->ranks,
              p->ranks == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s", p->hosts, p->isa);
    print_checks(r->diagnosis);
    print_network(r->network, p->ranks);
    if (r->n > 0) {
        print_work(r->speeds);
        print_strong(r);
        print_weak(r);
        print_limit(r);
    }
    fflush(stdout);
}
