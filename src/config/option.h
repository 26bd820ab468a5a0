/** @file option.h  The table that parsing, defaults, checks, help, printing and comparison are
 * driven by. */
#ifndef LKS_CONFIG_OPTION_H
#define LKS_CONFIG_OPTION_H

#include "lockstep/config.h"

typedef enum lks_option_type {
    LKS_OPT_BOOL,
    LKS_OPT_INT,
    LKS_OPT_INT64,
    LKS_OPT_UINT64,
    LKS_OPT_DOUBLE,
    LKS_OPT_STRING,  /**< `second`: size of the array; a `min` of 1 refuses the empty text */
    LKS_OPT_NAME,    /**< a string of [A-Za-z0-9_-], never empty */
    LKS_OPT_WORD,    /**< one of `words`, stored as an int or an enum */
    LKS_OPT_DOUBLES, /**< a number or a list of up to `room`; `second`: place of the count */
    LKS_OPT_NAMES,   /**< one name, or a list of up to `room`; `second`: place of the count */
    LKS_OPT_STRINGS, /**< a list of up to `room` texts of LKS_NAME_MAX bytes; `second`: the count */
    LKS_OPT_INT_PAIR, /**< one number for both, or [rows, columns] */
    LKS_OPT_PADDING,  /**< valid, same, or as INT_PAIR; `second`: place of the pair */
    LKS_OPT_MODEL     /**< the list of layers */
} lks_option_type;

typedef struct lks_word {
    const char *word; /**< NULL ends a list */
    int value;
} lks_word;

/** What may differ between a checkpoint and the run that continues it. */
typedef enum lks_resume_rule {
    LKS_RESUME_SAME,
    LKS_RESUME_FREE,
    LKS_RESUME_EPOCHS,     /**< free where the schedule does not depend on their number */
    LKS_RESUME_EVALUATIONS /**< free where evaluations decide nothing */
} lks_resume_rule;

typedef struct lks_option {
    const char *key; /**< dotted: "train.optimizer.lr"; of a layer's option, without dots */
    const char *meaning;
    lks_option_type type;
    bool required; /**< of a layer's option: has no default */
    bool min_open; /**< min itself is refused */
    bool max_open; /**< max itself is refused */
    lks_resume_rule resume;
    size_t offset, second; /**< in lks_config or lks_layer_config */
    int room;              /**< of lists: elements the array holds */
    double min, max;       /**< -INFINITY and INFINITY: no limit but the type's own */
    const lks_word *words;
    const char *preset; /**< default, read like a value of the file; NULL: none, the bytes are 0 */
    const char *only_with; /**< key of a WORD option: meaningless unless that one is `only_word` */
    const char *only_word; /**< or one of several, "step|exponential"; NULL: an optimizer's row, of
                              those that list it */
} lks_option;

#define LKS_OPTIONS_MAX     144
#define LKS_CONFIG_SIZE_MAX (1 << 20) /**< bytes of a configuration file */

/** Option @p i of all, one a key, in the order in which they are printed; NULL where i is their
 * number. Of a key that several optimizers have, the first one's row. */
const lks_option *lks_option_at(int i);

/** The number of @p option's key in that order. */
int lks_option_index(const lks_option *option);

/** What a configuration knows of one optimizer; the table stands in src/optim. */
typedef struct lks_optimizer_keys {
    const char *meaning;
    /** [..., NULL] its rows `train.optimizer.*` besides the keys that all have. A row may be shared;
     * two rows of one key differ in `preset` only. */
    const lks_option *const *options;
    /** Which key contradicts another one, and *why; NULL: none does. May be NULL. */
    const char *(*contradiction)(const lks_optimizer_config *config, const char **why);
} lks_optimizer_keys;

const lks_optimizer_keys *lks_optimizer_keys_of(lks_optimizer_name name);
extern const lks_word lks_optimizer_words[];

/** The keys `augment.*` but augment.preset: number *i counted from 0; NULL where there are fewer, then *i is reduced
 * by their number. The words of augment.preset; and what @p preset gives to the keys that nothing else gives a
 * value, a NULL key at the end. The tables stand in src/augment. */
const lks_option *lks_augment_option(int *i);
extern const lks_word lks_augment_words[];
const lks_key_value *lks_augment_preset(int preset);

/** One kind of layer: how it is written in a configuration, and what src/nn makes of it. Each is
 * described in the file that computes it, src/nn/layers/NAME.c. */
struct lks_layer_kind {
    const char *name;    /**< "conv2d" */
    const char *stem;    /**< of default names: "conv" for conv1, conv2 ... */
    const char *meaning; /**< a line for help */
    const char *example; /**< lines of `model` with it, for help: "- maxpool: 2\n" */
    const lks_option *options;
    int n_options;
    bool short_form; /**< `kind: value` sets the first option */
    /** Fills in what depends on other settings; NULL: nothing does. */
    void (*complete)(lks_layer_config *layer);
    const struct lks_layer_rules *rules; /**< src/nn/layer.h */
};

/** All kinds, in the order of help; NULL ends the list. It is declared here, for parsing goes by it,
 * and defined in src/nn/layers.c, by those who own what stands in it. */
extern const lks_layer_kind *const lks_layer_kinds[];

/** Where a member of the kind's own struct @p type stands in an lks_layer_config. */
#define LKS_SETTING(type, member) (offsetof(lks_layer_config, settings) + offsetof(type, member))

/** What each table of a layer's options ends with. */
#define LKS_LAYER_OPTIONS                                                                          \
    {"name",                                                                                       \
     "name in messages, checkpoints and --set, unique; default: kind and number (conv1, pool2)",   \
     LKS_OPT_NAME, .offset = offsetof(lks_layer_config, name), .second = LKS_NAME_MAX},            \
    {                                                                                              \
        "input",                                                                                   \
            "name of the layer whose output this one reads, or input for the image; default: the " \
            "layer before",                                                                        \
            LKS_OPT_NAME, .offset = offsetof(lks_layer_config, input), .second = LKS_NAME_MAX      \
    }

/** The same for a layer that has weights. */
#define LKS_WEIGHTED_LAYER_OPTIONS                                                                 \
    {"trainable",                                                                                  \
     "false: the weights stay as they are (a batchnorm then uses its running moments)",            \
     LKS_OPT_BOOL, .offset = offsetof(lks_layer_config, trainable), .preset = "true"},             \
        LKS_LAYER_OPTIONS

/** Words of LKS_OPT_PADDING. */
extern const lks_word lks_padding_words[];

/** The kind called @p name, or NULL; the option of a kind called @p key, or NULL. */
const lks_layer_kind *lks_layer_kind_find(const char *name);
const lks_option *lks_layer_option_find(const lks_layer_kind *kind, const char *key);

/** The option called @p key, or NULL. */
const lks_option *lks_option_find(const char *key);

/** The row of @p option's key for @p config: the option itself, of a key of optimizers the row that
 * the chosen one has. NULL if the key means nothing there. */
const lks_option *lks_option_in(const lks_option *option, const lks_config *config);

/** True if @p option's key means something in @p config. */
bool lks_option_applies(const lks_option *option, const lks_config *config);

/** Whom the key of @p option belongs to: "step or exponential". Returns @p out. */
char *lks_option_only(const lks_option *option, char *out, size_t size);

/** Its default, NULL if it has none; where optimizers differ in it "1e-8; 1e-6 with adadelta", in
 * @p out. */
const char *lks_option_presets(const lks_option *option, char *out, size_t size);

/** The word of @p value in @p words; "?" if there is none. */
const char *lks_word_of(const lks_word *words, int value);

#endif
