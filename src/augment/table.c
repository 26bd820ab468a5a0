/* All operations of augmentation, and what the presets are. */
#include "augment/operation.h"

extern const lks_augment_operation lks_augment_geometry, lks_augment_elastic, lks_augment_grid,
    lks_augment_stroke, lks_augment_tone, lks_augment_noise, lks_augment_erase, lks_augment_cutout;

const lks_augment_operation *const lks_augment_operations[] = {
    &lks_augment_geometry, &lks_augment_elastic, &lks_augment_grid,
    &lks_augment_stroke,   &lks_augment_tone,    &lks_augment_noise,
    &lks_augment_erase,    &lks_augment_cutout,  NULL};

static const lks_key_value digits[] = {
    {"augment.rotate", "10"}, {"augment.scale", "0.1"}, {"augment.shift", "2"}, {0}};

enum { NONE, DIGITS };
static const lks_key_value none[] = {{0}};
static const lks_key_value *const presets[] = {[NONE] = none, [DIGITS] = digits};

const lks_word lks_augment_words[] = {{"none", NONE}, {"digits", DIGITS}, {0}};

const lks_key_value *lks_augment_preset(int preset) {
    return presets[preset];
}

const lks_option *lks_augment_option(int *i) {
    for (const lks_augment_operation *const *o = lks_augment_operations; *o; o++) {
        if (*i < (*o)->n_options)
            return &(*o)->options[*i];
        *i -= (*o)->n_options;
    }
    return NULL;
}
