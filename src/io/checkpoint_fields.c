#include "io/checkpoint_format.h"

#include <stdio.h>

#define FIELD(object, name, type, member)                                                          \
    {                                                                                              \
        object, name, type, offsetof(lks_checkpoint, member),                                      \
            sizeof(((lks_checkpoint *)0)->member), false                                           \
    }
#define OPTIONAL(object, name, type, member)                                                       \
    {                                                                                              \
        object, name, type, offsetof(lks_checkpoint, member),                                      \
            sizeof(((lks_checkpoint *)0)->member), true                                            \
    }
#define WATCH(rule, member, type) OPTIONAL("/cursor", #rule "_" #member, type, cursor.rule.member)
#define ROOT(name, type, member)  FIELD("/", #name, type, member)
#define CURSOR(member, type)      FIELD("/cursor", #member, type, cursor.member)
#define DATA(member, type)        FIELD("/data", #member, type, data.member)
#define PROVENANCE(member, type)  FIELD("/provenance", #member, type, provenance.member)

#define TRAIT(name, member, type) OPTIONAL("/traits", #name, type, data.traits.member)
#define BOUNDS(name, trait)                                                                        \
    TRAIT(name##_low, low[trait], LKS_H5_I32), TRAIT(name##_high, high[trait], LKS_H5_I32)
#define TEMPERATURE(member, type) OPTIONAL("/temperature", #member, type, temperature.member)

_Static_assert(sizeof(int) == sizeof(int32_t), "int members are stored as 32-bit integers");

const lks_field lks_checkpoint_fields[] = {
    ROOT(numerics, LKS_H5_I32, numerics),
    ROOT(seed, LKS_H5_U64, seed),
    ROOT(weights_sha256, LKS_H5_TEXT, weights_sha256),
    ROOT(state_sha256, LKS_H5_TEXT, state_sha256),
    ROOT(best_step, LKS_H5_I64, best.step),
    ROOT(best_correct, LKS_H5_I64, best.correct),
    ROOT(best_total, LKS_H5_I64, best.total),
    ROOT(best_loss_hi, LKS_H5_I64, best.loss.hi),
    ROOT(best_loss_lo, LKS_H5_I64, best.loss.lo),
    CURSOR(step, LKS_H5_I64),
    CURSOR(epoch, LKS_H5_I64),
    CURSOR(batch, LKS_H5_I64),
    CURSOR(samples_seen, LKS_H5_I64),
    FIELD("/cursor", "loss_hi", LKS_H5_I64, cursor.loss.hi),
    FIELD("/cursor", "loss_lo", LKS_H5_I64, cursor.loss.lo),
    CURSOR(correct, LKS_H5_I64),
    CURSOR(epoch_samples, LKS_H5_I64),
    CURSOR(epoch_hash, LKS_H5_U64),
    WATCH(plateau, evaluations, LKS_H5_I64),
    WATCH(plateau, best_epoch, LKS_H5_I64),
    WATCH(plateau, best, LKS_H5_F64),
    WATCH(plateau, bad, LKS_H5_I64),
    WATCH(plateau, cooldown, LKS_H5_I64),
    WATCH(plateau, reductions, LKS_H5_I64),
    WATCH(early_stop, evaluations, LKS_H5_I64),
    WATCH(early_stop, best_epoch, LKS_H5_I64),
    WATCH(early_stop, best, LKS_H5_F64),
    WATCH(early_stop, bad, LKS_H5_I64),
    DATA(digest, LKS_H5_TEXT),
    DATA(classes, LKS_H5_I32),
    DATA(channels, LKS_H5_I32),
    DATA(rows, LKS_H5_I32),
    DATA(columns, LKS_H5_I32),
    DATA(n_train, LKS_H5_I64),
    TRAIT(images, images, LKS_H5_I64),
    BOUNDS(ink, LKS_TRAIT_INK),
    BOUNDS(extent, LKS_TRAIT_EXTENT),
    BOUNDS(stroke, LKS_TRAIT_STROKE),
    OPTIONAL("/centring", "images", LKS_H5_I64, data.traits.looked),
    OPTIONAL("/centring", "unchanged", LKS_H5_I64, data.traits.centred),
    TEMPERATURE(value, LKS_H5_F64),
    TEMPERATURE(images, LKS_H5_I64),
    TEMPERATURE(wrong, LKS_H5_I64),
    TEMPERATURE(nll_before, LKS_H5_F64),
    TEMPERATURE(nll_after, LKS_H5_F64),
    TEMPERATURE(second_run, LKS_H5_I32),
    PROVENANCE(version, LKS_H5_TEXT),
    PROVENANCE(revision, LKS_H5_TEXT),
    PROVENANCE(compiler, LKS_H5_TEXT),
    PROVENANCE(mpi, LKS_H5_TEXT),
    PROVENANCE(isa, LKS_H5_TEXT),
    PROVENANCE(hosts, LKS_H5_TEXT),
    PROVENANCE(ranks, LKS_H5_I32),
    PROVENANCE(threads, LKS_H5_I32),
    PROVENANCE(time, LKS_H5_TEXT),
    OPTIONAL("/provenance", "init_from", LKS_H5_TEXT, provenance.init_from.path),
    OPTIONAL("/provenance", "init_from_sha256", LKS_H5_TEXT, provenance.init_from.weights_sha256),
    OPTIONAL("/provenance", "init_from_flat", LKS_H5_TEXT, provenance.init_from.flat),
};
const int lks_n_checkpoint_fields = sizeof lks_checkpoint_fields / sizeof lks_checkpoint_fields[0];

int lks_stored_channels(int channels) {
    if (channels < 0)
        return 0;
    return channels < LKS_CHANNELS_MAX ? channels : LKS_CHANNELS_MAX;
}

void lks_tensor_path(char path[160], const lks_flat *flat, const lks_tensor *tensor) {
    snprintf(path, 160, "/%.*s/%.*s", (int)sizeof flat->group, flat->group,
             (int)sizeof tensor->name, tensor->name);
}

/* --- what they say ---------------------------------------------------------------------------- */

bool lks_checkpoint_imported(const lks_checkpoint *c) {
    return c->cursor.step == 0 && c->provenance.init_from.path[0];
}

bool lks_pixels_plain(const lks_data_identity *d) {
    for (int k = 0; k < d->channels; k++)
        if (d->mean[k] != 0 || d->std[k] != 1)
            return false;
    return true;
}

enum { SHOWN = 4, NUMBER_ROOM = 14 }; /* channels; of "%.6g" with a blank */
_Static_assert(LKS_PIXELS_TEXT > 48 + 2 * (SHOWN * NUMBER_ROOM + 4), "a text has room for them");

static size_t add_numbers(char *text, size_t used, const char *before, const double *values,
                          int n) {
    used += (size_t)snprintf(text + used, LKS_PIXELS_TEXT - used, "%s", before);
    for (int k = 0; k < n && k < SHOWN; k++)
        used += (size_t)snprintf(text + used, LKS_PIXELS_TEXT - used, " %.6g", values[k]);
    return used +
           (size_t)snprintf(text + used, LKS_PIXELS_TEXT - used, "%s", n > SHOWN ? " ..." : "");
}

const char *lks_pixels_text(const lks_data_identity *d, char text[LKS_PIXELS_TEXT]) {
    size_t used = (size_t)snprintf(text, LKS_PIXELS_TEXT, "scaled to 0..1");
    if (!lks_pixels_plain(d)) {
        used = add_numbers(text, used, ", less", d->mean, d->channels);
        add_numbers(text, used, ", divided by", d->std, d->channels);
    }
    return text;
}
