/* lockstep doctor: looks, measures, forecasts. */
#include "tool/doctor/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define MESSAGE_ALONE 1048576.0 /* bytes of sums, without a configuration */

/* All that one call holds. */
typedef struct visit {
    lks_comm *comm;
    const lks_doctor_options *options;
    lks_diagnosis *diagnosis;
    lks_seats seats;
    lks_config config;
    const lks_kernels *kernels;
    int threads;
    lks_network_figures network;
    lks_speeds speeds;
    lks_report_of_doctor report;
} visit;

static const lks_config *config_of(const visit *v) {
    return v->options->config ? &v->config : NULL;
}

/* --- looking ---------------------------------------------------------------------------------- */

static lks_status prepare(visit *v, lks_error *err) {
    const lks_doctor_options *o = v->options;
    v->diagnosis = lks_alloc(1, sizeof *v->diagnosis, "what was found", err);
    LKS_TRY(lks_comm_agree(v->comm, v->diagnosis ? LKS_OK : err->status, err));
    if (o->config)
        LKS_TRY(lks_config_load(v->comm, o->config, o->sets, o->n_sets, &v->config, err));
    lks_status status = lks_kernels_select(getenv("LOCKSTEP_ISA"), &v->kernels, err);
    LKS_TRY(lks_comm_agree(v->comm, status, err));
    LKS_TRY(
        lks_choose_threads(v->comm, o->threads ? o->threads : v->config.threads, &v->threads, err));
    return lks_seats_find(&v->seats, v->comm, err);
}

static lks_status look_at_folder(visit *v, lks_error *err) {
    char folder[LKS_PATH_MAX + 64] = "runs";
    if (v->options->out)
        snprintf(folder, sizeof folder, "%s", v->options->out);
    else if (config_of(v))
        snprintf(folder, sizeof folder, "runs/%s", v->config.name);
    return lks_doctor_folder(v->diagnosis, v->comm, &v->seats, folder,
                             (double)v->speeds.weights * sizeof(float), err);
}

static lks_status look(visit *v, lks_error *err) {
    LKS_TRY(lks_doctor_places(v->diagnosis, v->comm, &v->seats, v->threads, v->kernels, err));
    if (config_of(v))
        LKS_TRY(lks_doctor_data(v->diagnosis, v->comm, &v->seats, &v->config, err));
    LKS_TRY(lks_doctor_speeds(&v->speeds, v->diagnosis, v->comm, config_of(v), v->threads,
                              v->kernels, err));
    LKS_TRY(look_at_folder(v, err));
    double message = config_of(v) ? v->speeds.constants.messages.sums : MESSAGE_ALONE;
    lks_comm_max_f64(v->comm, &message, 1); /* ranks that share the state have parts of it */
    return lks_doctor_network(&v->network, v->diagnosis, v->comm, &v->seats, message, err);
}

/* --- the forecast, on rank 0 ------------------------------------------------------------------ */

/* What measured steps took beyond, or below, what the model says of them. */
static void fit_communication(lks_constants *c, double measured) {
    lks_constants plain = *c;
    if (c->ranks == 1)
        return;
    plain.scale = 1;
    plain.more = 0;
    if (plain.sums_by == LKS_SUMS_BY_PROGRAM)
        plain.sums_by = LKS_SUMS_BY_OPEN_MPI; /* as it was measured */
    const double model =
        lks_forecast_for(&plain, c->ranks,
                         (int64_t)c->work[c->n_work - 1].chunks * c->chunk * c->ranks, 1)
            .communication;
    if (measured < model)
        c->scale = measured / model;
    else
        c->more = measured - model;
}

/* What the exchange took beyond its messages goes by images. */
static void fit_exchange(lks_constants *c, const lks_speeds *s) {
    const double wait =
        s->ahead ? 0 : lks_exchange_wait(&c->network, c->ranks, s->window, c->exchange.image, 0);
    if (s->window > 0 && s->exchange > wait)
        c->exchange.seconds_an_image = (s->exchange - wait) / s->window;
}

/* That this host has cores for. */
static int ranks_of_host(const visit *v) {
    const int cores = (int)sysconf(_SC_NPROCESSORS_ONLN) / v->threads;
    return cores > v->comm->size ? cores : v->comm->size;
}

/* Without messages between hosts the forecast ends with this host, without any with one rank. */
static int most_ranks(const visit *v) {
    const lks_report_of_doctor *r = &v->report;
    return r->rank_alone ? 1 : r->host_alone ? ranks_of_host(v) : 1 << (LKS_FORECASTS - 1);
}

static void forecast(visit *v) {
    lks_report_of_doctor *r = &v->report;
    lks_constants *c = &v->speeds.constants;
    const lks_doctor_options *o = v->options;
    const int measured_chunks = (int)((c->batch + c->chunk - 1) / c->chunk);
    const int busy = c->ranks < measured_chunks ? c->ranks : measured_chunks;
    const int64_t share = (c->batch + busy - 1) / busy;
    c->network = v->network.net;
    fit_communication(c, v->speeds.communication);
    fit_exchange(c, &v->speeds);
    if (o->rate > 0)
        c->network.between = lks_link_made(o->latency, o->rate);
    r->host_alone = c->network.between.n == 0;
    r->rank_alone = r->host_alone && c->network.within.n == 0;
    const int most = most_ranks(v);
    if (r->host_alone)
        c->network.host_ranks = most;
    for (int ranks = 1; r->n < LKS_FORECASTS && ranks <= most; ranks *= 2) {
        r->strong[r->n] = lks_forecast_for(c, ranks, c->batch, c->batch);
        r->weak[r->n++] = lks_forecast_for(c, ranks, share * ranks, share);
    }
    r->useful = lks_forecast_limit(c, most, &r->why);
}

static lks_status report(visit *v, int *faults, lks_error *err) {
    lks_provenance provenance;
    lks_status status = LKS_OK;
    lks_fill_provenance(&provenance, v->comm, v->kernels, v->threads);
    v->report.provenance = &provenance;
    v->report.diagnosis = v->diagnosis;
    v->report.seats = &v->seats;
    v->report.network = &v->network;
    v->report.speeds = &v->speeds;
    if (v->comm->rank == 0) {
        if (config_of(v))
            forecast(v);
        if (v->options->json)
            status = lks_doctor_print_json(&v->report, err);
        else
            lks_doctor_print(&v->report);
    }
    *faults = v->diagnosis->count[LKS_VERDICT_FAULT];
    lks_comm_broadcast(v->comm, faults, sizeof *faults, 0);
    return lks_comm_agree(v->comm, status, err);
}

lks_status lks_doctor(lks_comm *comm, const lks_doctor_options *options, int *faults,
                      lks_error *err) {
    visit v;
    memset(&v, 0, sizeof v);
    v.comm = comm;
    v.options = options;
    lks_status status = prepare(&v, err);
    if (status == LKS_OK)
        status = look(&v, err);
    if (status == LKS_OK)
        status = report(&v, faults, err);
    lks_speeds_free(&v.speeds);
    lks_seats_free(&v.seats);
    lks_config_free(&v.config);
    lks_free(v.diagnosis);
    return status;
}
