/** @file advice.h  Words that people bring along from Keras and PyTorch, and what is written here. */
#ifndef LKS_CONFIG_ADVICE_H
#define LKS_CONFIG_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/option.h"

typedef struct lks_advice {
    const char
        *words; /**< how it is called there, "kernelsize|filtersize": small letters and digits */
    const char
        *instead;     /**< what takes its place: a dotted key, or options, words or kinds of layers,
                            "kernel|window"; NULL: nothing does */
    const char *text; /**< "write kernel, ..."; NULL where `instead` is a dotted key: says it all */
} lks_advice;

extern const lks_advice lks_advice_table[]; /**< ends with a row without words */

/** The row of @p word: case, '_', '-' and what stands before a last dot ("nn.", "layers.") do not
 * matter. NULL if there is none. */
const lks_advice *lks_advice_find(const char *word);

/** True if @p name is one of the row's `instead`. @p advice may be NULL. */
bool lks_advice_names(const lks_advice *advice, const char *name);

/** The one of @p words that @p text means: but for case, as others call it, or the nearest. NULL if none
 * is near. */
const char *lks_advice_word(const lks_word *words, const char *text);

/** How @p key is written within @p section ("" is the top; elsewhere the section is left out of account):
 * "optimizer: {lr: ...}" of train.optimizer.lr within train. Returns @p out. */
char *lks_advice_place(const char *key, const char *section, char *out, size_t size);

#endif
