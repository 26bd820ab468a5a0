/** @file config.h  The configuration: YAML to a checked struct.
 *
 *  One option table drives parsing, defaults, ranges, help and printing: `lockstep help KEY` tells
 * what it says of a key, and `lockstep help layers` what options the kinds of layers have.
 * Nothing here is collective: rank 0 reads the file, its text is broadcast, and every rank parses
 * the same text. Ownership: strings are inside the structs; lks_config owns its layer array
 * (lks_config_free()). */
#ifndef LOCKSTEP_CONFIG_H
#define LOCKSTEP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lockstep/packing.h"
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

#define LKS_NAME_MAX     64
#define LKS_PATH_MAX     1024
#define LKS_CHANNELS_MAX 64 /**< values in data.mean and data.std */
#define LKS_CLASSES_MAX  256
#define LKS_REMARK_MAX   320
#define LKS_FEW_STEPS    100 /**< fewer optimizer steps hardly teach a network anything */

/** A kind of layer, "conv2d" say; what is in it is the library's. */
typedef struct lks_layer_kind lks_layer_kind;

typedef enum lks_padding { LKS_PAD_VALID, LKS_PAD_SAME, LKS_PAD_EXPLICIT } lks_padding;

/** Initial weights. Fan-in and fan-out as in Glorot & Bengio 2010 and He et al. 2015.
 *  fan_in_uniform: weights and biases uniform in +-1/sqrt(fan_in), the default of PyTorch's layers;
 * all others start biases at 0. */
typedef enum lks_init {
    LKS_INIT_GLOROT_UNIFORM,
    LKS_INIT_GLOROT_NORMAL,
    LKS_INIT_HE_UNIFORM,
    LKS_INIT_HE_NORMAL,
    LKS_INIT_FAN_IN_UNIFORM
} lks_init;

/** The optimizers: constant, and word in a configuration. A new one is a line here and a file of its
 * own in the source. */
#define LKS_OPTIMIZERS(each)                                                                       \
    each(LKS_SGD, sgd) each(LKS_ADAM, adam) each(LKS_ADAMW, adamw) each(LKS_RMSPROP, rmsprop)      \
        each(LKS_ADADELTA, adadelta) each(LKS_LARS, lars) each(LKS_LAMB, lamb)                     \
            each(LKS_MUON, muon)
#define LKS_OPTIMIZER_CONSTANT(constant, word) constant,
typedef enum lks_optimizer_name {
    LKS_OPTIMIZERS(LKS_OPTIMIZER_CONSTANT) LKS_OPTIMIZER_COUNT
} lks_optimizer_name;
/** How the rate of a step follows the number of its samples. */
typedef enum lks_lr_scale { LKS_LR_AS_GIVEN, LKS_LR_LINEAR, LKS_LR_SQRT } lks_lr_scale;
typedef enum lks_schedule_name {
    LKS_SCHEDULE_CONSTANT,
    LKS_SCHEDULE_STEP,
    LKS_SCHEDULE_EXPONENTIAL,
    LKS_SCHEDULE_COSINE,
    LKS_SCHEDULE_ONECYCLE,
    LKS_SCHEDULE_PLATEAU
} lks_schedule_name;
typedef enum lks_reduce { LKS_REDUCE_EXACT, LKS_REDUCE_FP32 } lks_reduce;
typedef enum lks_exchange_name {
    LKS_EXCHANGE_ALLREDUCE,
    LKS_EXCHANGE_HOST,
    LKS_EXCHANGE_SCATTER
} lks_exchange_name;
/** What convolutions and dense layers multiply: see products.h for bf16. */
typedef enum lks_precision { LKS_FLOAT32, LKS_BF16 } lks_precision;
typedef enum lks_normalize {
    LKS_NORMALIZE_COMPUTED,
    LKS_NORMALIZE_GIVEN,
    LKS_NORMALIZE_NONE
} lks_normalize;
typedef enum lks_class_weighting {
    LKS_WEIGHTING_NONE,
    LKS_WEIGHTING_BALANCED,
    LKS_WEIGHTING_GIVEN
} lks_class_weighting;
/** What is done to a picture before a network looks at it. */
typedef enum lks_preprocess {
    LKS_PREPROCESS_AUTO,  /**< MNIST where the network looks at images as MNIST's are, else NONE */
    LKS_PREPROCESS_MNIST, /**< lks_picture_center() */
    LKS_PREPROCESS_NONE   /**< lks_picture_fit() to the network's size, as `lockstep pack` */
} lks_preprocess;
/** What a decision looks at, always of the validation split. */
typedef enum lks_watch { LKS_WATCH_LOSS, LKS_WATCH_ACCURACY } lks_watch;
typedef enum lks_test_weights { LKS_TEST_LAST, LKS_TEST_BEST } lks_test_weights;

#define LKS_LAYER_INPUTS_MAX     8  /**< outputs that one layer may read */
#define LKS_LAYER_SETTINGS_BYTES 64 /**< room for what only one kind of layer knows */

/** One entry of `model:`. */
typedef struct lks_layer_config {
    const lks_layer_kind *kind;
    char name[LKS_NAME_MAX]; /**< unique; default: kind and number of that kind, "conv1", "dense2",
                                "pool1" */
    bool trainable; /**< layers with weights: false keeps them as they are; a batchnorm then
                                normalises with its running moments */
    char input[LKS_NAME_MAX]; /**< layer whose output this one reads; "": the one before, "input":
                                 the image */
    int n_from;               /**< layers that are read besides, of kinds that read several */
    char from[LKS_LAYER_INPUTS_MAX - 1][LKS_NAME_MAX];
    int n_inputs;                     /**< 1 + n_from; set by the parser, as the next */
    int inputs[LKS_LAYER_INPUTS_MAX]; /**< layers that are read, -1: the image; `input` first */
    int line; /**< where it stands in the file, for messages; 0: in an override */
    union {
        max_align_t aligned;
        unsigned char bytes[LKS_LAYER_SETTINGS_BYTES];
    } settings; /**< a struct of the kind's own, which its options describe */
} lks_layer_config;

/** How pictures became the images of the data, and so how others are prepared for the network. */
typedef struct lks_pictures_config {
    lks_preprocess preprocess;
    bool invert;    /**< NONE only, as the next: lks_picture_form has them */
    int background; /**< not given: 0, or 255 with invert */
} lks_pictures_config;

/** Where the images of training stand: each rank has a share, or each host all of them, once. */
typedef enum lks_placement { LKS_PLACE_SHARDED, LKS_PLACE_HOST } lks_placement;

typedef struct lks_data_config {
    char dir[LKS_PATH_MAX];
    char train_images[LKS_PATH_MAX]; /**< file in dir (or absolute); NAME.gz is taken where NAME is
                                        missing */
    char train_labels[LKS_PATH_MAX]; /**< train_images where that is HDF5; so with test_labels */
    char test_images[LKS_PATH_MAX];  /**< may be empty together with test_labels: no test set */
    char test_labels[LKS_PATH_MAX];
    int classes;       /**< 0: largest training label + 1 */
    int n_class_names; /**< 0 or the number of classes */
    char class_names[LKS_CLASSES_MAX][LKS_NAME_MAX];
    int label_offset;  /**< subtracted from every label (EMNIST letters start at 1) */
    bool transpose;    /**< rows and columns of every image change places (EMNIST) */
    int64_t limit;     /**< 0: all; else N training images, chosen by seed, stratified */
    bool balanced;     /**< every class is seen equally often in an epoch, by repeating images */
    double validation; /**< share of the training images held out, 0 <= v < 1 */
    lks_normalize normalize;
    int n_mean, n_std; /**< values given: 1 for all channels, or one a channel */
    double mean[LKS_CHANNELS_MAX], std[LKS_CHANNELS_MAX]; /**< of pixels scaled to 0..1 */
    lks_placement placement;
    lks_pictures_config pictures;
} lks_data_config;

/** How training images are changed, anew in each epoch; `lockstep help augment` says what each does. 0: not at
 * all. */
typedef struct lks_augment_config {
    int preset; /**< number of augment.preset's word: it gave the values that nothing else gave */
    double rotate;       /**< degrees */
    double scale, shear; /**< shares */
    double shift;        /**< pixels */
    bool flip;
    int fill;                      /**< value of what comes in from outside */
    double elastic, elastic_sigma; /**< pixels */
    double grid;                   /**< pixels */
    int grid_nodes;
    double stroke;                      /**< pixels */
    double contrast, brightness, noise; /**< shares of the range */
    double erase, erase_area;           /**< shares of the images, and of an image */
    int cutout;                         /**< pixels */
} lks_augment_config;

/** `lockstep help train.optimizer` says which optimizer has which key, and what it means. Members
 * that an optimizer does not use are at some default. */
typedef struct lks_optimizer_config {
    lks_optimizer_name name;
    double lr;             /**< of a batch of lr_batch samples, unless lr_scale is as given */
    lks_lr_scale lr_scale; /**< lks_scaled_rate() */
    int lr_batch;
    double weight_decay;
    bool decay_bias_and_norm; /**< weight decay reaches biases and batchnorm's parameters too */
    double momentum;
    bool nesterov;
    double beta1, beta2;      /**< decays of the first and the second moment */
    double trust_coefficient; /**< of each tensor's own rate */
    double alpha;             /**< decay of a mean square */
    bool centered;            /**< the variance, not the mean square */
    double rho;               /**< decay of two mean squares */
    double adam_lr;           /**< rate of what goes by AdamW, while the other is lr */
    bool adam_last;           /**< the last layer with weights does */
    double epsilon;           /**< never 0 after reading: 0 in the file stands for the default */
} lks_optimizer_config;

typedef struct lks_schedule_config {
    lks_schedule_name name;
    int64_t warmup_steps;    /**< all but onecycle: first steps, in which the rate rises linearly */
    int64_t warmup_samples;  /**< the same in samples; one of both is 0: lks_warmup_steps() */
    double warmup_factor;    /**< share of the rate at step 0 of the warm-up */
    double min_lr;           /**< cosine: last rate; plateau: lowest rate */
    lks_watch watch;         /**< plateau */
    double factor;           /**< plateau: the rate is multiplied by it */
    int patience;            /**< plateau: evaluations without improvement that are borne */
    double threshold;        /**< plateau: relative improvement that counts */
    int cooldown;            /**< plateau: evaluations after a reduction that do not count */
    double gamma;            /**< step, exponential: factor */
    int every_epochs;        /**< step: epochs between factors */
    double warmup_share;     /**< onecycle: pct_start */
    double div_factor;       /**< onecycle: initial lr = lr / div_factor */
    double final_div_factor; /**< onecycle: last lr = initial lr / final_div_factor */
    bool cosine;             /**< onecycle: cosine annealing, else linear */
} lks_schedule_config;

typedef struct lks_train_config {
    int epochs;
    int64_t max_steps; /**< 0: no limit; stops training after this many optimizer steps */
    int global_batch;  /**< samples per (micro-)batch over all ranks */
    int chunk;         /**< 4, 8, 16 or 32 */
    int accumulate;    /**< micro-batches per optimizer step */
    lks_reduce reduce;
    lks_precision precision;
    lks_exchange_name exchange;
    lks_packing packing;
    double label_smoothing; /**< share of the target spread evenly over all classes */
    lks_class_weighting class_weighting;
    int n_class_weights;
    double class_weights[LKS_CLASSES_MAX]; /**< factor on the loss of each class's samples */
    double clip_norm; /**< largest global norm of the mean gradient; 0: no limit */
    double audit;     /**< share of the batches whose chunks another rank computes once more */
    double ema_decay; /**< exponential moving average of the weights, used in evaluation; 0: none
                          */
    bool ema_warmup;  /**< decay of update t is at most (1 + t) / (10 + t) */
    lks_optimizer_config optimizer;
    lks_schedule_config schedule;
    int stop_patience; /**< early stopping: evaluations without improvement that are borne; 0: off
                          */
    double stop_threshold; /**< absolute improvement that counts */
    lks_watch stop_watch;
} lks_train_config;

typedef struct lks_checkpoint_config {
    int64_t every_steps;  /**< 0: none between epochs */
    double every_seconds; /**< 0: time decides nothing */
    int every_epochs;     /**< 0: only at the end */
    int keep; /**< newest step-*.h5 files kept (best.h5's and last.h5's targets always); 0: all */
} lks_checkpoint_config;

typedef struct lks_eval_config {
    int every_epochs; /**< validation (test set, reported only, where there is no validation split)
                       */
    int batch;        /**< samples per rank and forward pass; cannot change a result */
    lks_test_weights test_weights; /**< of which weights the test figures at the end are */
} lks_eval_config;

typedef struct lks_metrics_config {
    int64_t every_steps; /**< a "step" line in metrics.jsonl and history.h5 every N steps; 0:
                            none */
    int64_t
        noise_every_steps; /**< the noise of the gradient in such of those steps as are multiples; 0: never */
    bool tensorboard; /**< events for TensorBoard in the run folder */
} lks_metrics_config;

typedef struct lks_config {
    char name[LKS_NAME_MAX]; /**< default: file name without folder and .yaml */
    uint64_t seed;
    int threads; /**< OpenMP threads per rank; 0: usable cores per local rank */
    lks_data_config data;
    lks_augment_config augment;
    lks_init init;
    lks_layer_config *layers;
    int n_layers;
    lks_train_config train;
    lks_checkpoint_config checkpoint;
    lks_eval_config eval;
    lks_metrics_config metrics;
    bool default_optimizer; /**< neither file nor settings say anything of train.optimizer */
} lks_config;

/** Parses @p text (YAML, @p size bytes, named @p file in messages), then applies @p n_sets
 * overrides "dotted.key=value" in order, then checks every value and every combination of values.
 * An option that belongs to another optimizer, schedule or normalisation is refused; but where an
 * override changes that name, the file's options of the old one are dropped with it.
 *  @return LKS_OK; LKS_ERR_CONFIG with "file:line:column: ..." , source line, caret and, for an
 * unknown key, the nearest known one; LKS_ERR_USAGE for a malformed --set. On failure @p config
 * needs no freeing. */
lks_status lks_config_parse(lks_config *config, const char *text, size_t size, const char *file,
                            const char *const *sets, int n_sets, lks_error *err);

/** A value that the program itself gives to a key. */
typedef struct lks_key_value {
    const char *key; /**< dotted, of the option table; none of a list, nor `model` */
    const char
        *value; /**< "runs/a #2", "12", "false": taken whole, it passes through no parser of YAML */
} lks_key_value;

/** Gives @p n keys of a configuration that was parsed other values, then checks types, ranges and
 * combinations as lks_config_parse() does. For what does not come from a user's --set: another
 * command-line option, a count that was found. @return LKS_OK, or LKS_ERR_CONFIG naming the key; the
 * caller frees @p config in either case. */
lks_status lks_config_override(lks_config *config, const lks_key_value *values, int n,
                               lks_error *err);

/** Reads a file into malloc'd *text (zero-terminated, *size without the zero), at most 1 MiB; for
 * rank 0. A folder, a missing or unreadable file gives LKS_ERR_CONFIG naming it. */
lks_status lks_config_read_file(const char *path, char **text, size_t *size, lks_error *err);

/** The last line of a run folder's config.yaml: the SHA-256 of all before it, 64 digits. */
#define LKS_CONFIG_SEAL "# sha256: "

/** Warns where a configuration that was read from @p path has a seal, and not of these lines. */
void lks_config_check_seal(const char *path, const char *text, size_t size);

/** "sgd with lr 0.001, the default; ..." and how another one is chosen, where the configuration says nothing
 * of an optimizer; else "". @p out of LKS_REMARK_MAX bytes, which is returned. */
char *lks_config_optimizer_remark(const lks_config *config, char *out);

/** The rate that the schedule begins with, or has as its peak: optimizer.lr; for k = samples of a step / lr_batch, with
 * LKS_LR_LINEAR k times it (Goyal et al. 2017, arXiv 1706.02677, section 2.1), with LKS_LR_SQRT sqrt(k) times it
 * (Krizhevsky 2014, arXiv 1404.5997, section 5; Hoffer et al. 2017). A step has global_batch * accumulate samples, also
 * the last one of an epoch, which may have fewer. Pure, as the next. */
double lks_scaled_rate(const lks_train_config *config);

/** Steps of the warm-up: warmup_steps, or as many as warmup_samples need. */
int64_t lks_warmup_steps(const lks_train_config *config);

/** "0.008: lr 0.001 for batches of 128, times 8 ..." and the warm-up in steps, where the configuration leaves either to
 * the size of the batch; else "". @p out of LKS_REMARK_MAX bytes, which is returned. */
char *lks_config_rate_remark(const lks_config *config, char *out);

/** What is hardly meant by a run of @p steps optimizer steps: a warm-up that takes all of them; fewer than
 * LKS_FEW_STEPS, where the weights are @p fresh, not those of another run. Writes a text for each into @p out,
 * and returns their number. Pure. */
int lks_config_step_remarks(const lks_config *config, int64_t steps, bool fresh,
                            char out[2][LKS_REMARK_MAX]);

/** Where some of @p ranks ranks have no chunk in a step: what helps, and whether a batch that gives each a chunk leaves
 * fewer than LKS_FEW_STEPS of @p samples samples an epoch; else "". @p out of LKS_REMARK_MAX bytes, which is returned.
 * Pure. */
char *lks_config_idle_remark(const lks_config *config, int ranks, int64_t samples, char *out);

/** The file beside the images that `lockstep pack` made of pictures. */
#define LKS_PACKED_NAME "pictures.yaml"

/** What it says. */
typedef struct lks_packed_note {
    int rows, columns, channels; /**< of the images that it belongs to */
    lks_data_config data;        /**< classes, class_names and pictures; nothing else has a value */
} lks_packed_note;

/** Reads such a file, @p path in messages. It may have no other keys than those of images.* and
 * data.{classes,class_names,pictures}. LKS_ERR_CONFIG as lks_config_parse(). */
lks_status lks_packed_note_parse(lks_packed_note *note, const char *text, size_t size,
                                 const char *path, lks_error *err);

/** Writes what lks_packed_note_parse() reads back. Returns malloc'd text, NULL with @p err when memory is
 * short. */
char *lks_packed_note_text(const lks_packed_note *note, lks_error *err);

/** Gives @p config what the note says of classes, class names and pictures where it says nothing itself: 0, none
 * and auto. Writes a text for each part in which they differ, and the configuration's is kept, into @p out; returns
 * their number. Pure. */
int lks_config_take_note(lks_config *config, const lks_packed_note *note,
                         char out[3][LKS_REMARK_MAX]);

/** Frees what the config owns and zeroes it. */
void lks_config_free(lks_config *config);

/** As train.precision has it. */
const char *lks_precision_word(lks_precision precision);

/** As train.exchange has it. */
const char *lks_exchange_word(lks_exchange_name exchange);

/** Writes the resolved configuration, defaults included, as YAML that lks_config_parse() takes back
 * to an equal struct, the layers' line apart (numbers with the fewest digits that read back
 * exactly).
 * Returns malloc'd text, NULL with @p err when memory is short. */
char *lks_config_to_yaml(const lks_config *config, lks_error *err);

/** "KEY=VALUE" as --set takes it, with the value of key @p key (not `model`) in @p config. Returns
 * malloc'd text, NULL with @p err when memory is short. */
char *lks_config_assignment(const lks_config *config, const char *key, lks_error *err);

/** What training images go through, "rotate 10, scale 0.1, shift 2": the keys of `augment` that are not at their
 * defaults; "" where there are none. Returns malloc'd text, NULL with @p err when memory is short. */
char *lks_config_augment_text(const lks_config *config, lks_error *err);

/** A layer as one line of JSON: "kind", "inputs" (numbers of the layers that are read, -1: the image)
 * and its options by their keys. Returns malloc'd text, NULL with @p err when memory is short. */
char *lks_layer_to_json(const lks_layer_config *layer, lks_error *err);

/** A key ("train.epochs", or "model, layer 3") and its two values as YAML, "missing" for a layer that one
 * lacks. All are borrowed for the call. */
typedef void (*lks_config_difference)(void *context, const char *key, const char *a, const char *b);

/** Tells every key in which @p a and @p b differ, in the order of the keys. LKS_ERR_MEMORY. */
lks_status lks_config_compare(const lks_config *a, const lks_config *b, lks_config_difference tell,
                              void *context, lks_error *err);

/** Compares what may not change on resume: everything except name, threads, data.dir (the data are
 * compared by digest), data.class_names, data.pictures.*, eval.*, checkpoint.*, metrics.*, train.max_steps, and train.epochs where the
 * schedule does not depend on their total (all but cosine and onecycle). eval.every_epochs may not
 * change where evaluations decide something (plateau schedule, early stopping). Returns LKS_OK or LKS_ERR_MISMATCH
 * naming each differing key with both values. */
lks_status lks_config_same_run(const lks_config *saved, const lks_config *now, lks_error *err);

/** What lks_config_same_run() compares, a line "KEY: VALUE" each but for values at their defaults, so that keys which
 * later versions add change nothing, and for what only tells where the data are. Returns malloc'd text, NULL with @p err when memory is short. */
char *lks_config_deciding(const lks_config *config, lks_error *err);

/** A key that decides what comes out of a run, and its value. Borrowed. */
typedef struct lks_config_value {
    const char *key; /**< dotted */
    enum { LKS_VALUE_NUMBER, LKS_VALUE_TRUTH, LKS_VALUE_TEXT } kind;
    double number;    /**< of a truth value 0 or 1, of a text 0 */
    const char *text; /**< as YAML */
} lks_config_value;

/** Calls @p visit with each key that has a meaning there and decides what comes out, epochs included, at its default or
 * not: not with layers, places of files, and what may differ on resume. LKS_ERR_MEMORY. */
lks_status lks_config_values(const lks_config *config,
                             void (*visit)(void *context, const lks_config_value *value),
                             void *context, lks_error *err);

/** A kind of file that a set of images may be in, as far as its name tells. All kinds stand in
 * lks_data_formats. */
typedef struct lks_data_format {
    const char *name; /**< in messages: "an HDF5 data set" */
    const char *const
        *endings;      /**< of file names, NULL after the last; NULL: those of no other kind */
    bool holds_labels; /**< images and labels are in one file */
} lks_data_format;
extern const lks_data_format *const lks_data_formats[]; /**< NULL after the last */

/** The kind of the file called @p name. */
const lks_data_format *lks_data_format_of(const char *name);

/** The layer kind's name in YAML: "conv2d", "maxpool", ... */
const char *lks_layer_kind_name(const lks_layer_kind *kind);

/** What is to be known of one key of a configuration, or of one kind of layer. */
typedef struct lks_key_info {
    const char *layer;    /**< the kind of layer whose option it is; NULL: a key of its own */
    const char *key;      /**< dotted; NULL: the row is about the kind of layer itself */
    const char *expected; /**< "a whole number >= 1"; the kind's row has none: "" */
    const char *words;    /**< what may be chosen from, separated by blanks; "": no list */
    const char *preset;   /**< default; NULL: none, or it depends (`meaning` tells) */
    bool required;
    const char *condition; /**< "train.optimizer.name: sgd or rmsprop", without which it has no
                                meaning; "": always has one */
    const char *meaning;
    const char *example; /**< of the kind's row: lines of `model` with it; else "" */
} lks_key_info;

/** Calls @p visit with every key in the order of the option table, then with every kind of layer,
 * each followed by its options. The strings are good until @p visit returns. */
void lks_config_keys(void (*visit)(const lks_key_info *key, void *context), void *context);

/** What to write here for a @p word of Keras or PyTorch, or that it is not there: "Conv2D" gives "write
 * conv2d: {filters: 32, kernel: 3}". Case, '_', '-' and prefixes like "nn." do not matter. False, and ""
 * in @p out, where the word is not known. 300 bytes are enough. */
bool lks_config_advice(const char *word, char *out, size_t size);

/** Prints every key with type, range, default and meaning (the text of `lockstep help config`). */
void lks_config_help(FILE *out);

LKS_PUBLIC_END

#endif
