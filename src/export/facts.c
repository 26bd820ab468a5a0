/* What a file says about the network in it: the same in every format that has a place for it. */
#include "export/facts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
#include "base/text.h"
#include "infer/predict/preparation.h"
#include "lockstep/library.h"

const char *lks_export_class_name(const lks_exporting *x, int k, char number[16]) {
    const lks_data_config *data = &x->network->config.data;
    snprintf(number, 16, "%d", k);
    return data->n_class_names ? data->class_names[k] : number;
}

const char *lks_export_fact_of(const lks_exporting *x, const char *key) {
    for (int i = 0; i < x->n_facts; i++)
        if (strcmp(x->facts[i].key, key) == 0)
            return x->facts[i].value;
    return "";
}

void lks_export_put_facts(lks_json_object *o, const lks_exporting *x) {
    for (int i = 0; i < x->n_facts; i++)
        lks_json_put_text(o, x->facts[i].key, x->facts[i].value);
}

static const char what[] = "facts about the network";

lks_status lks_export_facts_text(const lks_exporting *x, lks_text *text, lks_error *err) {
    LKS_TRY(lks_text_open(text, what, err));
    lks_json_object o = lks_json_begin(text->f, "");
    lks_export_put_facts(&o, x);
    lks_json_end(&o, "");
    return lks_text_close(text, what, err);
}

static void write_version(FILE *f, const lks_exporting *x) {
    (void)x;
    fputs(lks_version(), f);
}

static void write_numerics(FILE *f, const lks_exporting *x) {
    (void)x;
    fprintf(f, "%d", LKS_NUMERICS);
}

static void write_name(FILE *f, const lks_exporting *x) {
    fputs(x->network->config.name, f);
}

static void write_step(FILE *f, const lks_exporting *x) {
    fprintf(f, "%" PRId64, x->network->cursor.step);
}

static void write_epoch(FILE *f, const lks_exporting *x) {
    fprintf(f, "%" PRId64, x->network->cursor.epoch);
}

static void write_digest(FILE *f, const lks_exporting *x) {
    fputs(x->weights_sha256, f);
}

static void write_averaged(FILE *f, const lks_exporting *x) {
    fputs(x->network->averaged ? "true" : "false", f);
}

static void write_data(FILE *f, const lks_exporting *x) {
    fputs(x->network->data.digest, f);
}

/* Of an imported network nobody may know how many. */
static void write_images(FILE *f, const lks_exporting *x) {
    if (x->network->data.n_train > 0)
        fprintf(f, "%" PRId64, x->network->data.n_train);
}

static void write_bounds(FILE *f, const int32_t *bounds) {
    for (int k = 0; k < LKS_TRAITS; k++)
        fprintf(f, "%s%" PRId32, k ? ", " : "[", bounds[k]);
    fputs("]", f);
}

/* By which `lockstep predict` notices a picture that is not like the training images. */
static void write_traits(FILE *f, const lks_exporting *x) {
    const lks_traits *t = &x->network->data.traits;
    if (t->images == 0)
        return;
    fprintf(f, "{\"images\": %" PRId64 ", \"looked\": %" PRId64 ", \"centred\": %" PRId64,
            t->images, t->looked, t->centred);
    fputs(", \"low\": ", f);
    write_bounds(f, t->low);
    fputs(", \"high\": ", f);
    write_bounds(f, t->high);
    fputs("}", f);
}

static void write_classes(FILE *f, const lks_exporting *x) {
    char number[16];
    for (int k = 0; k < x->classes; k++) {
        fputs(k ? ", " : "[", f);
        lks_json_text(f, lks_export_class_name(x, k, number));
    }
    fputs("]", f);
}

static void write_input(FILE *f, const lks_exporting *x) {
    const lks_shape s = x->input;
    fprintf(f, "{\"rows\": %d, \"columns\": %d, \"channels\": %d}", s.rows, s.columns, s.channels);
}

/* x = (pixel * scale - mean) / std, in float64, rounded to float32 once. */
static void write_normalization(FILE *f, const lks_exporting *x) {
    const lks_data_identity *d = &x->network->data;
    fputs("{\"scale\": \"1/255\", \"mean\": ", f);
    lks_json_numbers(f, d->mean, d->channels);
    fputs(", \"std\": ", f);
    lks_json_numbers(f, d->std, d->channels);
    fputs("}", f);
}

/* A format that holds tensors alone leaves it to its reader. */
static void write_takes(FILE *f, const lks_exporting *x) {
    const bool pixels =
        (x->format->options & LKS_EXPORT_NORMALIZED) && !lks_export_has(x, LKS_EXPORT_NORMALIZED);
    fputs(pixels ? "pixels from 0 to 255" : "normalized pixels", f);
}

static void write_gives(FILE *f, const lks_exporting *x) {
    fputs(lks_export_has(x, LKS_EXPORT_SOFTMAX) ? "probabilities" : "logits", f);
}

/* The way that `lockstep predict` would take: what cannot be centred as MNIST's images is resized. */
static void write_pictures(FILE *f, const lks_exporting *x) {
    const lks_pictures_config said = {.preprocess = LKS_PREPROCESS_AUTO};
    const lks_network *n = x->network;
    const lks_pictures_config *own = &n->config.data.pictures;
    lks_preparation p;
    lks_error unfit;
    const bool mnist = lks_preparation_make(&p, &said, own, &n->data, n->path, &unfit) == LKS_OK &&
                       p.way != LKS_PREPROCESS_NONE;
    fprintf(f, "{\"preprocess\": \"%s\", \"invert\": %s, \"background\": %d}",
            mnist ? "mnist" : "none", own->invert ? "true" : "false", own->background);
}

static void write_precision(FILE *f, const lks_exporting *x) {
    fputs(lks_precision_word(x->network->config.train.precision), f);
}

/* Logits are divided by it before the softmax, for probabilities that are calibrated. */
static void write_temperature(FILE *f, const lks_exporting *x) {
    const lks_temperature *t = &x->network->temperature;
    char text[32];
    if (t->images > 0)
        fputs(lks_json_number(t->value, text), f);
}

/* What the temperature was fitted on: without it nobody can tell what it is worth. */
static void write_calibration(FILE *f, const lks_exporting *x) {
    const lks_temperature *t = &x->network->temperature;
    char value[32], before[32], after[32];
    if (t->images > 0)
        fprintf(f,
                "{\"temperature\": %s, \"images\": %" PRId64 ", \"wrong\": %" PRId64
                ", \"loss_before\": %s, \"loss_after\": %s, \"second_run\": %d}",
                lks_json_number(t->value, value), t->images, t->wrong,
                lks_json_number(t->nll_before, before), lks_json_number(t->nll_after, after),
                (int)t->second_run);
}

static lks_status write_layers(FILE *f, const lks_exporting *x, lks_error *err) {
    for (int i = 0; i < x->n_layers; i++) {
        char *layer = lks_layer_to_json(x->layers[i].config, err);
        if (!layer)
            return err->status;
        fprintf(f, "%s%s", i ? ", " : "[", layer);
        free(layer);
    }
    fputs("]", f);
    return LKS_OK;
}

typedef struct fact_row {
    const char *key;
    void (*write)(FILE *f, const lks_exporting *x); /* nothing: there is no such fact */
} fact_row;

static const fact_row rows[] = {{"lockstep", write_version},
                                {"numerics", write_numerics},
                                {"config", write_name},
                                {"step", write_step},
                                {"epoch", write_epoch},
                                {"weights_sha256", write_digest},
                                {"averaged", write_averaged},
                                {"data_sha256", write_data},
                                {"data_images", write_images},
                                {"traits", write_traits},
                                {"classes", write_classes},
                                {"input", write_input},
                                {"normalization", write_normalization},
                                {"takes", write_takes},
                                {"gives", write_gives},
                                {"pictures", write_pictures},
                                {"precision", write_precision},
                                {"temperature", write_temperature},
                                {"calibration", write_calibration}};
enum { ROWS = sizeof rows / sizeof rows[0] };
static_assert(ROWS + 1 <= LKS_EXPORT_FACTS_MAX, "raise LKS_EXPORT_FACTS_MAX");

/* Ends the text of a fact, where it went well so far. */
static lks_status add(lks_exporting *x, const char *key, lks_text *text, lks_status so_far,
                      lks_error *err) {
    if (so_far != LKS_OK)
        lks_text_drop(text);
    LKS_TRY(so_far);
    LKS_TRY(lks_text_close(text, what, err));
    if (text->size > 0)
        x->facts[x->n_facts++] = (lks_export_fact){key, text->bytes};
    else
        free(text->bytes);
    return LKS_OK;
}

lks_status lks_export_facts_make(lks_exporting *x, lks_error *err) {
    lks_text text;
    for (int i = 0; i < ROWS; i++) {
        LKS_TRY(lks_text_open(&text, what, err));
        rows[i].write(text.f, x);
        LKS_TRY(add(x, rows[i].key, &text, LKS_OK, err));
    }
    LKS_TRY(lks_text_open(&text, what, err));
    return add(x, "layers", &text, write_layers(text.f, x, err), err);
}

void lks_export_facts_free(lks_exporting *x) {
    for (int i = 0; i < x->n_facts; i++)
        free(x->facts[i].value);
    x->n_facts = 0;
}
