#include "config/reader.h"
#include "config/value.h"

#include <string.h>

/* Exact sums hold this many chunks: each partial is below 2^51, their sum must stay below 2^63. */
#define CHUNKS_PER_STEP_MAX 4096

static lks_status fail_key(lks_reader *r, const char *key, const char *message) {
    return lks_fail_option(r, lks_option_find(key), "%s", message);
}

static bool given(lks_reader *r, const char *key) {
    return lks_reader_origin(r, lks_option_find(key))->from != LKS_FROM_DEFAULT;
}

/* An option of another optimizer, schedule or normalisation would be ignored in silence, so it is
 * refused. One exception: where a --set chose another name, the file's options of the old one go
 * with it. */
static lks_status check_applies(lks_reader *r) {
    for (int i = 0; i < lks_n_options; i++) {
        const lks_option *option = &lks_options[i];
        lks_origin *origin = lks_reader_origin(r, option);
        if (origin->from == LKS_FROM_DEFAULT || lks_option_applies(option, r->config))
            continue;
        const lks_option *selector = lks_option_find(option->only_with);
        if (origin->from != LKS_FROM_FILE || lks_reader_origin(r, selector)->from < LKS_FROM_SETS)
            return lks_fail_option(r, option,
                                   "%s has no effect: it belongs to %s: %s. Remove it, or change "
                                   "that key",
                                   option->key, option->only_with, option->only_word);
        lks_option_reset(option, r->config);
        *origin = (lks_origin){0};
    }
    return LKS_OK;
}

static lks_status check_name(lks_reader *r) {
    const char *name = r->config->name;
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fail_key(r, "name", "name becomes a folder's name: no '/', not '.' and not '..'");
    return LKS_OK;
}

static lks_status check_data(lks_reader *r) {
    const lks_data_config *d = &r->config->data;
    if (d->normalize == LKS_NORMALIZE_GIVEN && (d->n_mean == 0 || d->n_std == 0))
        return fail_key(r, "data.normalize",
                        "data.normalize: given needs both data.mean and data.std");
    if (d->n_mean > 1 && d->n_std > 1 && d->n_mean != d->n_std)
        return lks_fail_option(
            r, lks_option_find("data.std"),
            "data.mean has %d values and data.std %d: one a channel, or a single "
            "one for all",
            d->n_mean, d->n_std);
    if (!d->test_images[0] != !d->test_labels[0])
        return fail_key(r, d->test_images[0] ? "data.test_labels" : "data.test_images",
                        "data.test_images and data.test_labels: give both, or \"\" for both");
    return LKS_OK;
}

static lks_status check_train(lks_reader *r) {
    const lks_train_config *t = &r->config->train;
    if (t->optimizer.nesterov && t->optimizer.momentum == 0)
        return fail_key(r, "train.optimizer.nesterov",
                        "train.optimizer.nesterov needs train.optimizer.momentum > 0");
    int64_t chunks = ((int64_t)t->global_batch + t->chunk - 1) / t->chunk;
    if (chunks * t->accumulate > CHUNKS_PER_STEP_MAX)
        return lks_fail_option(r,
                               lks_option_find(given(r, "train.accumulate") && t->accumulate > 1
                                                   ? "train.accumulate"
                                                   : "train.global_batch"),
                               "an optimizer step adds up at most %d chunks: train.global_batch %d "
                               "in chunks of %d, %d "
                               "times (train.accumulate), are %lld",
                               CHUNKS_PER_STEP_MAX, t->global_batch, t->chunk, t->accumulate,
                               (long long)(chunks * t->accumulate));
    return LKS_OK;
}

/* Pooling windows stand side by side unless a stride is given; 0 means not given, since it is out
 * of range. */
static lks_status finish_model(lks_reader *r) {
    if (r->config->n_layers == 0)
        return fail_key(r, "model",
                        "'model' is missing: a list of layers, each on a line with '- '");
    for (int i = 0; i < r->config->n_layers; i++) {
        lks_layer_config *layer = &r->config->layers[i];
        if (layer->kind == LKS_MAXPOOL && layer->stride[0] == 0)
            memcpy(layer->stride, layer->window, sizeof layer->stride);
    }
    return LKS_OK;
}

lks_status lks_config_check(lks_reader *r) {
    LKS_TRY(finish_model(r));
    LKS_TRY(check_applies(r));
    LKS_TRY(check_name(r));
    LKS_TRY(check_data(r));
    return check_train(r);
}
