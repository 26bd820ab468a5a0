#include "config/check.h"
#include "config/value.h"
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

/* Exact sums hold this many chunks: each partial is below 2^51, their sum must stay below 2^63. */
#define CHUNKS_PER_STEP_MAX 4096

static lks_status fail_key(lks_reader *r, const char *key, const char *message) {
    return lks_fail_option(r, lks_option_find(key), "%s", message);
}

/* True for an option that was given and would be ignored in silence. One exception: where a --set chose
 * another optimizer, schedule or normalisation, the file's options of the old one go with it. */
static bool has_no_effect(lks_reader *r, const lks_option *option) {
    lks_origin *origin = lks_reader_origin(r, option);
    if (origin->from == LKS_FROM_DEFAULT || origin->unsound ||
        lks_option_applies(option, r->config) || !lks_reader_sound(r, option->only_with))
        return false;
    if (origin->from != LKS_FROM_FILE ||
        lks_reader_origin(r, lks_option_find(option->only_with))->from < LKS_FROM_SETS)
        return true;
    lks_option_reset(option, r->config);
    *origin = (lks_origin){0};
    return false;
}

static void check_applies(lks_reader *r) {
    const lks_option *option;
    char words[80];
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (has_no_effect(r, option))
            lks_fail_option(
                r, option, "%s has no effect: it belongs to %s: %s. Remove it, or change that key",
                option->key, option->only_with, lks_option_only(option, words, sizeof words));
}

static lks_status check_name(lks_reader *r) {
    const char *name = r->config->name;
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fail_key(r, "name", "name becomes a folder's name: no '/', not '.' and not '..'");
    return LKS_OK;
}

static bool has_ending(const char *name, const char *const *endings) {
    const char *dot = strrchr(name, '.');
    for (; dot && *endings; endings++)
        if (strcmp(dot, *endings) == 0)
            return true;
    return false;
}

const lks_data_format *lks_data_format_of(const char *name) {
    const lks_data_format *any = NULL;
    for (const lks_data_format *const *f = lks_data_formats; *f; f++) {
        if (!(*f)->endings)
            any = *f;
        else if (has_ending(name, (*f)->endings))
            return *f;
    }
    return any;
}

/* Where images have their labels beside them in one file, the key of the labels names the same file,
 * nothing, or is not given. */
static lks_status join_labels(lks_reader *r, const char *images_key, const char *images,
                              const char *labels_key, char *labels) {
    const lks_data_format *of = lks_data_format_of(images), *other = lks_data_format_of(labels);
    if (of->holds_labels &&
        (!labels[0] || !lks_reader_given(r, labels_key) || strcmp(labels, images) == 0)) {
        memcpy(labels, images, LKS_PATH_MAX);
        return LKS_OK;
    }
    if (of->holds_labels || other->holds_labels)
        return lks_fail_option(
            r, lks_option_find(labels_key),
            "%s and %s: %s has images and labels in one file; give its name, \"\" or nothing as %s",
            images_key, labels_key, of->holds_labels ? of->name : other->name, labels_key);
    return LKS_OK;
}

static lks_status check_training_files(lks_reader *r) {
    lks_data_config *d = &r->config->data;
    LKS_TRY(
        join_labels(r, "data.train_images", d->train_images, "data.train_labels", d->train_labels));
    if (!d->train_labels[0])
        return fail_key(r, "data.train_labels", "data.train_labels: the name of a file is missing");
    return LKS_OK;
}

static lks_status check_test_files(lks_reader *r) {
    lks_data_config *d = &r->config->data;
    LKS_TRY(join_labels(r, "data.test_images", d->test_images, "data.test_labels", d->test_labels));
    if (!d->test_images[0] != !d->test_labels[0])
        return fail_key(r, d->test_images[0] ? "data.test_labels" : "data.test_images",
                        "data.test_images and data.test_labels: give both, or \"\" for both");
    return LKS_OK;
}

static lks_status check_moments(lks_reader *r) {
    const lks_data_config *d = &r->config->data;
    if (d->normalize == LKS_NORMALIZE_GIVEN && (d->n_mean == 0 || d->n_std == 0))
        return fail_key(r, "data.normalize",
                        "data.normalize: given needs both data.mean and data.std");
    if (d->n_mean > 1 && d->n_std > 1 && d->n_mean != d->n_std)
        return lks_fail_option(
            r, lks_option_find("data.std"),
            "data.mean has %d values and data.std %d: one for each channel, or a single "
            "one for all",
            d->n_mean, d->n_std);
    return LKS_OK;
}

static lks_status check_class_names(lks_reader *r) {
    const lks_data_config *d = &r->config->data;
    if (d->n_class_names > 0 && d->classes > 0 && d->n_class_names != d->classes)
        return lks_fail_option(r, lks_option_find("data.class_names"),
                               "data.class_names has %d names for %d classes (data.classes)",
                               d->n_class_names, d->classes);
    return LKS_OK;
}

static lks_status check_packing(lks_reader *r) {
    const lks_train_config *t = &r->config->train;
    if (t->exchange != LKS_EXCHANGE_SCATTER || t->packing != LKS_PACK_ALWAYS)
        return LKS_OK;
    return fail_key(r, "train.packing",
                    "train.packing: always needs another train.exchange than scatter, which packs "
                    "nothing: set train.packing=auto, or train.exchange=allreduce");
}

/* Where the validation split decides something, there has to be one. */
static lks_status check_plateau(lks_reader *r) {
    const lks_config *c = r->config;
    if (c->train.schedule.name != LKS_SCHEDULE_PLATEAU || c->data.validation > 0)
        return LKS_OK;
    return fail_key(r, "train.schedule.name",
                    "train.schedule.name: plateau watches the validation split: set "
                    "data.validation, for example to 0.1");
}

static lks_status check_early_stop(lks_reader *r) {
    if (r->config->train.stop_patience == 0 || r->config->data.validation > 0)
        return LKS_OK;
    return fail_key(
        r, "train.early_stop.patience",
        "early stopping watches the validation split: set data.validation, for example to "
        "0.1");
}

static lks_status check_test_weights(lks_reader *r) {
    if (r->config->eval.test_weights != LKS_TEST_BEST || r->config->data.validation > 0)
        return LKS_OK;
    return fail_key(r, "eval.test_weights",
                    "eval.test_weights: best needs a validation split to choose by: set "
                    "data.validation, for example to 0.1");
}

static lks_status check_class_weights(lks_reader *r) {
    const lks_config *c = r->config;
    int n = c->train.n_class_weights;
    if (c->train.class_weighting != LKS_WEIGHTING_GIVEN)
        return LKS_OK;
    if (n == 0)
        return fail_key(r, "train.class_weighting",
                        "train.class_weighting: given needs train.class_weights");
    if (c->data.classes > 0 && n != c->data.classes)
        return lks_fail_option(r, lks_option_find("train.class_weights"),
                               "train.class_weights has %d values for %d classes (data.classes)", n,
                               c->data.classes);
    return LKS_OK;
}

/* What is beside a picture becomes black. */
static void choose_background(lks_reader *r) {
    lks_pictures_config *p = &r->config->data.pictures;
    if (!lks_reader_given(r, "data.pictures.background"))
        p->background = p->invert ? 255 : 0;
}

/* Where optimizers differ in a default, that of the chosen one holds; an epsilon of 0 stands for it,
 * too. */
static void choose_defaults(lks_reader *r) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++) {
        const lks_option *row = lks_option_in(option, r->config);
        if (row && row != option && lks_reader_origin(r, option)->from == LKS_FROM_DEFAULT)
            lks_option_reset(row, r->config);
    }
    const lks_option *epsilon =
        lks_option_in(lks_option_find("train.optimizer.epsilon"), r->config);
    if (epsilon && r->config->train.optimizer.epsilon == 0)
        lks_option_reset(epsilon, r->config);
}

void lks_config_set_value(lks_reader *r, const lks_key_value *value) {
    const lks_source source = {
        .kind = LKS_SOURCE_PROGRAM, .text = value->value, .size = strlen(value->value)};
    const lks_option *option = lks_option_find(value->key);
    if (lks_option_set(option, r->config, option->key, &source, &r->problems) != LKS_OK)
        lks_reader_doubt(r, option->key);
}

/* Where a --set chose the preset, the file's values of its keys go with what the file chose. */
static void forget_file(lks_reader *r, const lks_option *option) {
    lks_origin *origin = lks_reader_origin(r, option);
    if (origin->from != LKS_FROM_FILE)
        return;
    lks_option_reset(option, r->config);
    *origin = (lks_origin){0};
}

static void apply_preset(lks_reader *r) {
    const lks_option *preset = lks_option_find("augment.preset"), *option;
    for (int i = 0; lks_reader_origin(r, preset)->from >= LKS_FROM_SETS; i++) {
        int k = i;
        if (!(option = lks_augment_option(&k)))
            break;
        forget_file(r, option);
    }
    for (const lks_key_value *v = lks_augment_preset(r->config->augment.preset); v->key; v++)
        if (lks_reader_origin(r, lks_option_find(v->key))->from == LKS_FROM_DEFAULT)
            lks_config_set_value(r, v);
}

static lks_status check_optimizer(lks_reader *r) {
    const lks_optimizer_config *o = &r->config->train.optimizer;
    const lks_optimizer_keys *keys = lks_optimizer_keys_of(o->name);
    const char *why, *key = keys->contradiction ? keys->contradiction(o, &why) : NULL;
    return key ? lks_fail_option(r, lks_option_find(key), "%s %s", key, why) : LKS_OK;
}

static lks_status check_lowest_rate(lks_reader *r) {
    const lks_train_config *t = &r->config->train;
    const double rate = lks_scaled_rate(t);
    if (t->schedule.min_lr <= rate)
        return LKS_OK;
    return fail_key(r, "train.schedule.min_lr",
                    rate == t->optimizer.lr
                        ? "train.schedule.min_lr is larger than train.optimizer.lr"
                        : "train.schedule.min_lr is larger than train.optimizer.lr as "
                          "train.optimizer.lr_scale makes it for this batch");
}

static lks_status check_warmup(lks_reader *r) {
    const lks_schedule_config *s = &r->config->train.schedule;
    if (s->warmup_steps == 0 || s->warmup_samples == 0)
        return LKS_OK;
    return fail_key(r, "train.schedule.warmup_samples",
                    "train.schedule.warmup_samples and train.schedule.warmup_steps are the same "
                    "warm-up: give one of them");
}

static lks_status check_chunks(lks_reader *r) {
    const lks_train_config *t = &r->config->train;
    int64_t chunks = ((int64_t)t->global_batch + t->chunk - 1) / t->chunk;
    if (chunks * t->accumulate <= CHUNKS_PER_STEP_MAX)
        return LKS_OK;
    const bool accumulates = lks_reader_given(r, "train.accumulate") && t->accumulate > 1;
    return lks_fail_option(r,
                           lks_option_find(accumulates ? "train.accumulate" : "train.global_batch"),
                           "an optimizer step adds up at most %d chunks, and here are %lld: "
                           "train.global_batch %d in chunks "
                           "of %d, times train.accumulate %d",
                           CHUNKS_PER_STEP_MAX, (long long)(chunks * t->accumulate),
                           t->global_batch, t->chunk, t->accumulate);
}

/* Fails where layer i stands in the file, or at the --set that gave the list. */
static lks_status fail_layer(lks_reader *r, int i, const char *what) {
    static const char format[] = "layer %d (%s '%s'): %s";
    const lks_layer_config *l = &r->config->layers[i];
    const char *kind = lks_layer_kind_name(l->kind);
    if (l->line == 0)
        return lks_fail_option(r, lks_option_find("model"), format, i + 1, kind, l->name, what);
    return lks_fail_at(&r->problems, &r->file, r->layers[i], format, i + 1, kind, l->name, what);
}

/* The index of the layer that `key` of layer i names; -1 for the image. */
static lks_status find_layer(lks_reader *r, int i, const char *key, const char *name, int *index) {
    const lks_config *c = r->config;
    *index = -1;
    if (strcmp(name, "input") == 0)
        return LKS_OK;
    lks_nearest nearest = lks_nearest_start(name);
    for (int k = 0; k < i; k++) {
        if (strcmp(c->layers[k].name, name) == 0) {
            *index = k;
            return LKS_OK;
        }
        lks_nearest_offer(&nearest, c->layers[k].name, strlen(c->layers[k].name));
    }
    char what[4 * LKS_NAME_MAX];
    snprintf(what, sizeof what, "%s: no earlier layer is called '%s'%s%s%s", key, name,
             nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
             nearest.best ? "'?" : "");
    return fail_layer(r, i, what);
}

static lks_status connect(lks_reader *r, int i) {
    lks_layer_config *layer = &r->config->layers[i];
    if (strcmp(layer->name, "input") == 0)
        return fail_layer(r, i, "'input' names the image; choose another name");
    layer->n_inputs = 1 + layer->n_from;
    layer->inputs[0] = i - 1;
    if (layer->input[0])
        LKS_TRY(find_layer(r, i, "input", layer->input, &layer->inputs[0]));
    for (int k = 0; k < layer->n_from; k++)
        LKS_TRY(find_layer(r, i, "from", layer->from[k], &layer->inputs[1 + k]));
    return LKS_OK;
}

static lks_status finish_model(lks_reader *r) {
    if (r->config->n_layers == 0)
        return fail_key(r, "model",
                        "'model' is missing: a list of layers, each on a line with '- '");
    for (int i = 0; i < r->config->n_layers; i++) {
        lks_layer_config *layer = &r->config->layers[i];
        if (layer->kind->complete)
            layer->kind->complete(layer);
        connect(r, i);
    }
    return LKS_OK;
}

/* Each in a place of its own, since it looks only at what is sound. */
static const struct {
    lks_status (*check)(lks_reader *r);
    const char *inputs[3]; /* keys, or sections for all below them */
} checks[] = {
    {finish_model, {"model"}},
    {check_name, {"name"}},
    {check_training_files, {"data.train_images", "data.train_labels"}},
    {check_test_files, {"data.test_images", "data.test_labels"}},
    {check_moments, {"data.normalize", "data.mean", "data.std"}},
    {check_class_names, {"data.classes", "data.class_names"}},
    {check_plateau, {"data.validation", "train.schedule.name"}},
    {check_early_stop, {"data.validation", "train.early_stop.patience"}},
    {check_packing, {"train.exchange", "train.packing"}},
    {check_test_weights, {"data.validation", "eval.test_weights"}},
    {check_class_weights, {"data.classes", "train.class_weights", "train.class_weighting"}},
    {check_optimizer, {"train.optimizer"}},
    {check_lowest_rate, {"train"}},
    {check_warmup, {"train.schedule"}},
    {check_chunks, {"train.global_batch", "train.chunk", "train.accumulate"}}};

void lks_config_check_pictures(lks_reader *r) {
    check_applies(r);
    choose_background(r);
    if (lks_reader_sound(r, "data.classes") && lks_reader_sound(r, "data.class_names"))
        check_class_names(r);
}

void lks_config_check(lks_reader *r) {
    check_applies(r);
    choose_defaults(r);
    choose_background(r);
    apply_preset(r);
    for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
        bool sound = true;
        for (int i = 0; i < 3 && checks[c].inputs[i]; i++)
            sound = sound && lks_reader_sound(r, checks[c].inputs[i]);
        if (sound)
            checks[c].check(r);
    }
}

/* --- what is allowed, and hardly meant -------------------------------------------------------- */

char *lks_config_optimizer_remark(const lks_config *config, char *out) {
    const lks_optimizer_config *o = &config->train.optimizer;
    const char *name = lks_word_of(lks_optimizer_words, (int)o->name);
    out[0] = '\0';
    if (config->default_optimizer)
        snprintf(
            out, LKS_REMARK_MAX,
            "%s with lr %g, the default; another one: train: {optimizer: {name: adam, lr: 0.001}}, "
            "or --set train.optimizer.name=adam",
            name, o->lr);
    return out;
}

char *lks_config_idle_remark(const lks_config *config, int ranks, int64_t samples, char *out) {
    const lks_train_config *t = &config->train;
    const int chunks = (t->global_batch + t->chunk - 1) / t->chunk;
    const int64_t batch = (int64_t)ranks * t->chunk, full = batch * t->accumulate;
    const int64_t steps = (samples + full - 1) / full * t->epochs;
    size_t used = 0;
    out[0] = '\0';
    if (ranks > chunks)
        used = (size_t)snprintf(
            out, LKS_REMARK_MAX,
            "%d ranks share %d chunks of %d samples: %d ranks have no work in each step; use fewer "
            "ranks, a larger train.global_batch or a smaller train.chunk",
            ranks, chunks, t->chunk, ranks - chunks);
    if (used > 0 && steps < LKS_FEW_STEPS)
        snprintf(out + used, LKS_REMARK_MAX - used,
                 ". With %lld samples, a chunk for each rank, %d epoch%s would be %lld steps, too "
                 "few for most networks",
                 (long long)batch, t->epochs, t->epochs == 1 ? "" : "s", (long long)steps);
    return out;
}

int lks_config_step_remarks(const lks_config *config, int64_t steps, bool fresh,
                            char out[2][LKS_REMARK_MAX]) {
    const lks_train_config *t = &config->train;
    const int64_t warmup = lks_warmup_steps(t);
    const bool samples = t->schedule.warmup_samples > 0;
    int n = 0;
    if (warmup >= steps && warmup > 0 &&
        lks_option_applies(lks_option_find("train.schedule.warmup_steps"), config))
        snprintf(
            out[n++], LKS_REMARK_MAX,
            "train.schedule.warmup_%s %lld%s, and the run has %lld steps: the learning rate "
            "does not get to train.optimizer.lr. Make the warm-up shorter, or train.epochs larger",
            samples ? "samples makes" : "steps is", (long long)warmup, samples ? " steps" : "",
            (long long)steps);
    if (fresh && steps < LKS_FEW_STEPS)
        snprintf(out[n++], LKS_REMARK_MAX,
                 "the run has %lld optimizer step%s, too few for most networks to learn: raise "
                 "train.epochs, or lower train.global_batch%s",
                 (long long)steps, steps == 1 ? "" : "s",
                 t->accumulate > 1 ? " or train.accumulate" : "");
    return n;
}
