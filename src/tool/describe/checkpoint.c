/* What a checkpoint says of itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json/rows.h"
#include "lockstep/log.h"
#include "lockstep/model.h"
#include "tool/describe/parts.h"

/* --- for people -------------------------------------------------------------------------------- */

static void print_temperature(const lks_temperature *t) {
    if (t->images == 0)
        lks_print(stdout, "calibration    none: see lockstep calibrate\n");
    else
        lks_print(stdout,
                  "calibration    temperature %.4f, by %lld images held out%s, %lld of them wrong; "
                  "their mean loss %.5f, without it %.5f\n",
                  t->value, (long long)t->images, t->second_run ? " of a second run" : "",
                  (long long)t->wrong, t->nll_after, t->nll_before);
}

void lks_print_digests(const lks_checkpoint *c) {
    char average[LKS_SHA256_HEX];
    lks_error ignored;
    lks_print(stdout, "weights        %s\n", c->weights_sha256);
    if (lks_checkpoint_evaluated(c) != c->flats &&
        lks_checkpoint_evaluated_digest(c, average, &ignored) == LKS_OK)
        lks_print(stdout, "average        %s\n", average);
    lks_print(stdout, "state          %s\n", c->state_sha256);
}

void lks_print_origin(const lks_checkpoint *c) {
    const lks_provenance *p = &c->provenance;
    lks_print(stdout, "written        %s by lockstep %s (%s), %s\n", p->time, p->version,
              p->revision, p->compiler);
    if (p->init_from.path[0])
        lks_print(stdout, "started from   %s (%s), weights %s\n", p->init_from.path,
                  p->init_from.flat, p->init_from.weights_sha256);
    lks_print(stdout, "on             %d rank%s x %d thread%s, %s, %s\n", p->ranks,
              p->ranks == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s", p->hosts, p->isa);
    lks_print(stdout, "mpi            %s\n", p->mpi);
}

static void print_checkpoint(const lks_checkpoint *c) {
    char pixels[LKS_PIXELS_TEXT];
    lks_print(
        stdout,
        "checkpoint     step %lld, %lld epoch%s and %lld batch%s, %lld samples seen; numerics "
        "%d, seed %llu\n",
        (long long)c->cursor.step, (long long)c->cursor.epoch, c->cursor.epoch == 1 ? "" : "s",
        (long long)c->cursor.batch, c->cursor.batch == 1 ? "" : "es",
        (long long)c->cursor.samples_seen, c->numerics, (unsigned long long)c->seed);
    lks_print_digests(c);
    print_temperature(&c->temperature);
    lks_print(stdout, "data           %lld training images of %dx%dx%d, %d classes, digest %s\n",
              (long long)c->data.n_train, c->data.rows, c->data.columns, c->data.channels,
              c->data.classes, c->data.digest);
    lks_print(stdout, "pixels         %s\n", lks_pixels_text(&c->data, pixels));
    lks_print_origin(c);
    lks_print(stdout, "\n");
    for (int i = 0; i < c->flats[0].n_tensors; i++) {
        const lks_tensor *t = &c->flats[0].tensors[i];
        lks_print(stdout, "  /model/%-24s", t->name);
        for (int d = 0; d < t->ndim; d++)
            lks_print(stdout, "%s%lld", d ? " x " : "", (long long)t->shape[d]);
        lks_print(stdout, "\n");
    }
    lks_print(stdout, "\n");
}

/* --- for programs ------------------------------------------------------------------------------ */

static void put_temperature(lks_json_object *o, const lks_temperature *t) {
    const bool known = t->images > 0;
    lks_json_put_number(o, "temperature", known ? t->value : NAN);
    lks_json_put_number(o, "temperature_images", known ? (double)t->images : NAN);
    lks_json_put_number(o, "temperature_wrong", known ? (double)t->wrong : NAN);
}

static void put_numbers(lks_json_object *o, const char *key, const double *values, int n) {
    lks_json_key(o, key);
    lks_json_numbers(o->f, values, n);
}

static void put_data(lks_json_object *o, const lks_data_identity *d) {
    lks_json_put_integer(o, "training_images", d->n_train);
    lks_json_put_integer(o, "rows", d->rows);
    lks_json_put_integer(o, "columns", d->columns);
    lks_json_put_integer(o, "channels", d->channels);
    lks_json_put_integer(o, "classes", d->classes);
    lks_json_put_text(o, "data_digest", d->digest);
    put_numbers(o, "pixel_mean", d->mean, d->channels);
    put_numbers(o, "pixel_std", d->std, d->channels);
}

static void put_origin(lks_json_object *o, const lks_provenance *p) {
    lks_json_put_text(o, "written", p->time);
    lks_json_put_text(o, "version", p->version);
    lks_json_put_text(o, "revision", p->revision);
    lks_json_put_text(o, "compiler", p->compiler);
    lks_json_put_text_or_null(o, "init_from", p->init_from.path);
    lks_json_put_text_or_null(o, "init_from_sha256", p->init_from.weights_sha256);
    lks_json_put_integer(o, "world_size", p->ranks);
    lks_json_put_integer(o, "threads_per_rank", p->threads);
    lks_json_put_text(o, "hosts", p->hosts);
    lks_json_put_text(o, "isa", p->isa);
    lks_json_put_text(o, "mpi", p->mpi);
}

void lks_put_checkpoint(lks_json_object *o, const lks_checkpoint *c) {
    char average[LKS_SHA256_HEX] = "";
    lks_error ignored;
    if (lks_checkpoint_evaluated(c) != c->flats)
        lks_checkpoint_evaluated_digest(c, average, &ignored);
    lks_json_put_integer(o, "step", c->cursor.step);
    lks_json_put_integer(o, "epoch", c->cursor.epoch);
    lks_json_put_integer(o, "batch", c->cursor.batch);
    lks_json_put_integer(o, "samples_seen", c->cursor.samples_seen);
    lks_json_put_integer(o, "numerics", c->numerics);
    lks_json_key(o, "seed");
    fprintf(o->f, "%llu", (unsigned long long)c->seed);
    lks_json_put_text(o, "weights_sha256", c->weights_sha256);
    lks_json_put_text_or_null(o, "average_sha256", average);
    lks_json_put_text(o, "state_sha256", c->state_sha256);
    lks_json_put_text_or_null(o, "chain_sha256", c->history.chain.end);
    put_temperature(o, &c->temperature);
    put_data(o, &c->data);
    put_origin(o, &c->provenance);
}

static void put_tensor(lks_rows *r, const lks_tensor *t) {
    char shape[96] = "";
    size_t used = 0;
    for (int d = 0; d < t->ndim; d++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", d ? " x " : "",
                                 (long long)t->shape[d]);
    lks_row_begin(r);
    lks_row_text(r, "tensor", t->name);
    lks_row_text(r, "shape", shape);
    lks_row_integer(r, "values", (int64_t)t->count);
    lks_row_end(r);
}

static void put_tensors(FILE *f, const lks_checkpoint *c, lks_format format) {
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_tensor(&rows, &(lks_tensor){.name = ""});
    for (int i = 0; i < c->flats[0].n_tensors; i++)
        put_tensor(&rows, &c->flats[0].tensors[i]);
    lks_rows_end(&rows);
}

/* --- either ------------------------------------------------------------------------------------ */

static lks_status tell_network(const lks_checkpoint *c, const lks_describe_options *o,
                               lks_json_object *object, lks_error *err) {
    lks_config config;
    LKS_TRY(lks_config_parse(&config, c->config_yaml, strlen(c->config_yaml), o->path, o->sets,
                             o->n_sets, err));
    const lks_status status =
        lks_tell_network(&config, (lks_shape){c->data.rows, c->data.columns, c->data.channels},
                         c->data.classes, o->format, object, err);
    lks_config_free(&config);
    return status;
}

static lks_status put_checkpoint(const lks_checkpoint *c, const lks_describe_options *o,
                                 lks_error *err) {
    lks_json_page page;
    LKS_TRY(lks_json_page_open(&page, err));
    lks_put_checkpoint(&page.object, c);
    lks_json_key(&page.object, "tensors");
    put_tensors(page.object.f, c, LKS_FORMAT_JSON);
    return lks_json_page_close(&page, tell_network(c, o, &page.object, err), err);
}

static lks_status tell(const lks_checkpoint *c, const lks_describe_options *o, lks_error *err) {
    if (o->format == LKS_FORMAT_JSON)
        return put_checkpoint(c, o, err);
    if (o->format == LKS_FORMAT_CSV) {
        if (o->n_sets > 0)
            return lks_fail(err, LKS_ERR_USAGE, "--set %s: it has no effect on the tensors of %s",
                            o->sets[0], o->path);
        put_tensors(stdout, c, o->format);
        return LKS_OK;
    }
    print_checkpoint(c);
    return tell_network(c, o, NULL, err);
}

lks_status lks_describe_checkpoint(const lks_describe_options *o, lks_error *err) {
    lks_checkpoint c;
    LKS_TRY(lks_checkpoint_read(o->path, LKS_NUMERICS, &c, err));
    const lks_status status = tell(&c, o, err);
    lks_checkpoint_free(&c);
    return status;
}
