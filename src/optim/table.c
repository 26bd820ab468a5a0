/* All optimizers. */
#include "optim/class.h"

#define WORD(constant, word) {#word, constant},
const lks_word lks_optimizer_words[] = {LKS_OPTIMIZERS(WORD){0}};

#define CLASS(constant, word) [constant] = &lks_optimizer_##word,
static const lks_optimizer_class *const classes[] = {LKS_OPTIMIZERS(CLASS)};

const lks_optimizer_class *lks_optimizer_class_of(lks_optimizer_name name) {
    return classes[name];
}

const lks_optimizer_keys *lks_optimizer_keys_of(lks_optimizer_name name) {
    return &classes[name]->keys;
}
