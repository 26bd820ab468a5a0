#include "config/option.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Words are stored through an int, whatever enum the member has. */
static_assert(sizeof(lks_init) == sizeof(int), "enums must have the size of int");
static_assert(sizeof(lks_padding) == sizeof(int), "enums must have the size of int");

static const lks_word normalize_words[] = {{"computed", LKS_NORMALIZE_COMPUTED},
                                           {"given", LKS_NORMALIZE_GIVEN},
                                           {"none", LKS_NORMALIZE_NONE},
                                           {0}};
static const lks_word placement_words[] = {
    {"sharded", LKS_PLACE_SHARDED}, {"host", LKS_PLACE_HOST}, {0}};
static const lks_word preprocess_words[] = {{"auto", LKS_PREPROCESS_AUTO},
                                            {"mnist", LKS_PREPROCESS_MNIST},
                                            {"none", LKS_PREPROCESS_NONE},
                                            {0}};
static const lks_word init_words[] = {
    {"glorot_uniform", LKS_INIT_GLOROT_UNIFORM}, {"glorot_normal", LKS_INIT_GLOROT_NORMAL},
    {"he_uniform", LKS_INIT_HE_UNIFORM},         {"he_normal", LKS_INIT_HE_NORMAL},
    {"fan_in_uniform", LKS_INIT_FAN_IN_UNIFORM}, {0}};
static const lks_word chunk_words[] = {{"4", 4}, {"8", 8}, {"16", 16}, {"32", 32}, {0}};
static const lks_word reduce_words[] = {
    {"exact", LKS_REDUCE_EXACT}, {"fp32", LKS_REDUCE_FP32}, {0}};
static const lks_word exchange_words[] = {{"allreduce", LKS_EXCHANGE_ALLREDUCE},
                                          {"host", LKS_EXCHANGE_HOST},
                                          {"scatter", LKS_EXCHANGE_SCATTER},
                                          {0}};
static const lks_word packing_words[] = {
    {"auto", LKS_PACK_AUTO}, {"always", LKS_PACK_ALWAYS}, {"never", LKS_PACK_NEVER}, {0}};
static const lks_word precision_words[] = {{"float32", LKS_FLOAT32}, {"bf16", LKS_BF16}, {0}};
static const lks_word weighting_words[] = {{"none", LKS_WEIGHTING_NONE},
                                           {"balanced", LKS_WEIGHTING_BALANCED},
                                           {"given", LKS_WEIGHTING_GIVEN},
                                           {0}};
static const lks_word watch_words[] = {
    {"loss", LKS_WATCH_LOSS}, {"accuracy", LKS_WATCH_ACCURACY}, {0}};
static const lks_word test_words[] = {{"last", LKS_TEST_LAST}, {"best", LKS_TEST_BEST}, {0}};
static const lks_word scale_words[] = {
    {"none", LKS_LR_AS_GIVEN}, {"linear", LKS_LR_LINEAR}, {"sqrt", LKS_LR_SQRT}, {0}};
static const lks_word schedule_words[] = {{"constant", LKS_SCHEDULE_CONSTANT},
                                          {"step", LKS_SCHEDULE_STEP},
                                          {"exponential", LKS_SCHEDULE_EXPONENTIAL},
                                          {"cosine", LKS_SCHEDULE_COSINE},
                                          {"plateau", LKS_SCHEDULE_PLATEAU},
                                          {"onecycle", LKS_SCHEDULE_ONECYCLE},
                                          {0}};
const lks_word lks_padding_words[] = {{"valid", LKS_PAD_VALID}, {"same", LKS_PAD_SAME}, {0}};

#define AT(member)         .offset = offsetof(lks_config, member)
#define SECOND(member)     .second = offsetof(lks_config, member)
#define TEXT(member)       AT(member), .second = sizeof(((lks_config *)0)->member)
#define FROM(low)          .min = (low), .max = INFINITY
#define ABOVE(low)         .min = (low), .max = INFINITY, .min_open = true
#define BETWEEN(low, high) .min = (low), .max = (high)
#define BELOW(low, high)   .min = (low), .max = (high), .max_open = true
#define ONLY(key, word)    .only_with = (key), .only_word = (word)
#define FREE               .resume = LKS_RESUME_FREE

static const lks_option data_options[] = {
    {"name", "name of the run and of its folder below runs/; default: the file's name",
     LKS_OPT_STRING, TEXT(name), .min = 1, FREE},
    {"seed", "seed of initial weights, epoch orders, dropout and the validation split",
     LKS_OPT_UINT64, AT(seed), FROM(0), .preset = "1"},
    {"threads",
     "OpenMP threads per rank; 0: OMP_NUM_THREADS, or usable cores divided by the ranks of the "
     "host",
     LKS_OPT_INT, AT(threads), BETWEEN(0, 1024), .preset = "0", FREE},

    {"data.dir", "folder of the data files, relative to the working folder", LKS_OPT_STRING,
     TEXT(data.dir), .min = 1, .preset = "data/mnist", FREE},
    {"data.train_images",
     "file of the training images, in data.dir or absolute: IDX (NAME.gz is taken where NAME is "
     "missing), or NAME.h5 or NAME.hdf5 with data sets /images and /labels",
     LKS_OPT_STRING, TEXT(data.train_images), .min = 1, .preset = "train-images-idx3-ubyte"},
    {"data.train_labels",
     "IDX file of the training labels; with images in HDF5 the same file, which need not be named",
     LKS_OPT_STRING, TEXT(data.train_labels), .preset = "train-labels-idx1-ubyte"},
    {"data.test_images", "file of the test images; \"\" together with test_labels: no test set",
     LKS_OPT_STRING, TEXT(data.test_images), .preset = "t10k-images-idx3-ubyte"},
    {"data.test_labels", "file of the test labels", LKS_OPT_STRING, TEXT(data.test_labels),
     .preset = "t10k-labels-idx1-ubyte"},
    {"data.classes", "number of classes; 0: largest training label + 1", LKS_OPT_INT,
     AT(data.classes), BETWEEN(0, LKS_CLASSES_MAX), .preset = "0"},
    {"data.class_names", "names of the classes, for tables and reports", LKS_OPT_STRINGS,
     AT(data.class_names), SECOND(data.n_class_names), .room = LKS_CLASSES_MAX, FREE},
    {"data.label_offset", "subtracted from every label in the files (EMNIST letters start at 1)",
     LKS_OPT_INT, AT(data.label_offset), BETWEEN(0, 255), .preset = "0"},
    {"data.transpose", "swap rows and columns of every image (EMNIST's are transposed)",
     LKS_OPT_BOOL, AT(data.transpose), .preset = "false"},
    {"data.limit",
     "number of training images to train on, chosen by seed, stratified by class; 0: "
     "all",
     LKS_OPT_INT64, AT(data.limit), FROM(0), .preset = "0"},
    {"data.balanced",
     "show every class equally often in an epoch, by repeating images of the smaller ones",
     LKS_OPT_BOOL, AT(data.balanced), .preset = "false"},
    {"data.validation", "share of the training images held out for validation, stratified by class",
     LKS_OPT_DOUBLE, AT(data.validation), BELOW(0, 1), .preset = "0"},
    {"data.normalize",
     "what follows after pixels are scaled to 0..1. none: nothing. given: minus "
     "data.mean, divided by data.std. computed: the same with the mean and standard "
     "deviation of the training part",
     LKS_OPT_WORD, AT(data.normalize), .words = normalize_words, .preset = "none"},
    {"data.mean", "mean of the scaled pixels: one for all channels, or a list with one for each",
     LKS_OPT_DOUBLES, AT(data.mean), SECOND(data.n_mean), .room = LKS_CHANNELS_MAX,
     BETWEEN(-1000, 1000), ONLY("data.normalize", "given")},
    {"data.std",
     "standard deviation of the scaled pixels: one for all channels, or a list with "
     "one for each",
     LKS_OPT_DOUBLES, AT(data.std), SECOND(data.n_std), .room = LKS_CHANNELS_MAX,
     BETWEEN(1e-6, 1000), ONLY("data.normalize", "given")},
    {"data.placement",
     "where the training images stand: sharded (each rank has a share, and sends its images to who "
     "trains on them) or host (all of them once on each host, in memory that its ranks share: "
     "none are sent). Moves no bit",
     LKS_OPT_WORD, AT(data.placement), .words = placement_words, .preset = "sharded", FREE},
    {"data.pictures.preprocess",
     "how predict, eval and the report's page make an image of a picture. mnist: as MNIST's images "
     "were made. none: resized, as by lockstep pack. auto: mnist where the network takes 28 x 28 "
     "grey pixels, else none",
     LKS_OPT_WORD, AT(data.pictures.preprocess), .words = preprocess_words, .preset = "auto", FREE},
    {"data.pictures.invert", "light becomes dark, as by lockstep pack --invert", LKS_OPT_BOOL,
     AT(data.pictures.invert), .preset = "false", ONLY("data.pictures.preprocess", "none"), FREE},
    {"data.pictures.background",
     "grey value of what is transparent or beside a picture, before invert; default: 0, or 255 "
     "with invert",
     LKS_OPT_INT, AT(data.pictures.background), BETWEEN(0, 255),
     ONLY("data.pictures.preprocess", "none"), FREE},
    {"augment.preset",
     "training images are changed anew in each epoch: values for the keys below that nothing else "
     "gives one. digits: for handwritten digits",
     LKS_OPT_WORD, AT(augment.preset), .words = lks_augment_words, .preset = "none"},
};

static const lks_option first_options[] = {
    {"init",
     "initial weights: Glorot & Bengio 2010, He et al. 2015, or PyTorch's default fan_in_uniform",
     LKS_OPT_WORD, AT(init), .words = init_words, .preset = "glorot_uniform"},
    {"model", "the layers, first to last; the last one gives one output per class", LKS_OPT_MODEL,
     AT(layers)},

    {"train.epochs", "passes over the training part", LKS_OPT_INT, AT(train.epochs), FROM(1),
     .preset = "1", .resume = LKS_RESUME_EPOCHS},
    {"train.max_steps", "optimizer steps after which training ends; 0: no limit", LKS_OPT_INT64,
     AT(train.max_steps), FROM(0), .preset = "0", FREE},
    {"train.global_batch", "samples per batch, over all ranks together", LKS_OPT_INT,
     AT(train.global_batch), FROM(1), .preset = "128"},
    {"train.chunk", "samples per chunk, the unit that is dealt to ranks and threads", LKS_OPT_WORD,
     AT(train.chunk), .words = chunk_words, .preset = "16"},
    {"train.accumulate", "batches whose gradients are added up for one optimizer step", LKS_OPT_INT,
     AT(train.accumulate), FROM(1), .preset = "1"},
    {"train.reduce",
     "gradient sums: exact (the same bits on any number of ranks) or fp32 (plain floats, for "
     "comparison)",
     LKS_OPT_WORD, AT(train.reduce), .words = reduce_words, .preset = "exact"},
    {"train.precision",
     "operands of the products in convolutions and dense layers: float32, or bf16, rounded to "
     "bfloat16 (8 bits of mantissa); the same bits on every processor, for those with AMX. "
     "Weights, optimizer, batchnorm, grouped convolutions and loss stay float32. eval and predict "
     "follow it",
     LKS_OPT_WORD, AT(train.precision), .words = precision_words, .preset = "float32"},
    {"train.exchange",
     "how ranks come to the same new weights: allreduce (MPI_Allreduce over all ranks, each with a "
     "copy of weights and optimizer state), host (the ranks of a host add up their sums in shared "
     "memory, where weights and optimizer state are once; MPI_Allreduce between hosts) or scatter "
     "(each rank sums and updates a share of the weights, and sends it to all: "
     "MPI_Reduce_scatter, MPI_Allgatherv; sums are not packed). Moves no bit",
     LKS_OPT_WORD, AT(train.exchange), .words = exchange_words, .preset = "allreduce", FREE},
    {"train.packing",
     "whether small sums share words of a step's message: always, never, or auto (between hosts, "
     "where the first steps show that it is faster). Moves no bit",
     LKS_OPT_WORD, AT(train.packing), .words = packing_words, .preset = "auto", FREE},

    {"train.label_smoothing",
     "share of the target that is spread evenly over all classes (Szegedy et al. 2016); only in "
     "the training loss",
     LKS_OPT_DOUBLE, AT(train.label_smoothing), BELOW(0, 1), .preset = "0"},
    {"train.class_weighting",
     "factor on the training loss of each class's samples. none: 1. balanced: samples "
     "/ (classes * samples of the class). given: train.class_weights",
     LKS_OPT_WORD, AT(train.class_weighting), .words = weighting_words, .preset = "none"},
    {"train.class_weights", "one factor for each class", LKS_OPT_DOUBLES, AT(train.class_weights),
     SECOND(train.n_class_weights), .room = LKS_CLASSES_MAX, BETWEEN(0, 1000),
     ONLY("train.class_weighting", "given")},
    {"train.clip_norm",
     "largest Euclidean norm of the whole mean gradient: a larger one is scaled down to it; 0: no "
     "limit",
     LKS_OPT_DOUBLE, AT(train.clip_norm), FROM(0), .preset = "0"},
    {"train.audit",
     "share of the chunks that another rank computes a second time, all of a batch: what each adds "
     "to "
     "each layer's gradient is compared exactly, and a difference ends the run and names layer and "
     "chunk; 0: none. A rank alone does it itself. No result changes",
     LKS_OPT_DOUBLE, AT(train.audit), BETWEEN(0, 1), .preset = "0", FREE,
     ONLY("train.reduce", "exact")},

    {"train.ema.decay",
     "keep an exponential moving average of the weights with this decay per step, and evaluate "
     "with it; 0: none",
     LKS_OPT_DOUBLE, AT(train.ema_decay), BELOW(0, 1), .preset = "0"},
    {"train.ema.warmup", "the decay of update t is at most (1 + t) / (10 + t)", LKS_OPT_BOOL,
     AT(train.ema_warmup), .preset = "true"},

    {"train.optimizer.name", "how gradients change weights", LKS_OPT_WORD, AT(train.optimizer.name),
     .words = lks_optimizer_words, .preset = "sgd"},
    {"train.optimizer.lr", "learning rate; of the one-cycle schedule, its peak", LKS_OPT_DOUBLE,
     AT(train.optimizer.lr), ABOVE(0), .preset = "0.001"},
    {"train.optimizer.lr_scale",
     "how the rate follows the samples of a step, train.global_batch times train.accumulate. none: "
     "it is lr. linear: times samples / lr_batch (Goyal et al. 2017). sqrt: times the square root "
     "of that (Krizhevsky 2014)",
     LKS_OPT_WORD, AT(train.optimizer.lr_scale), .words = scale_words, .preset = "none"},
    {"train.optimizer.lr_batch", "samples of a step for which lr is right", LKS_OPT_INT,
     AT(train.optimizer.lr_batch), FROM(1), .preset = "128",
     ONLY("train.optimizer.lr_scale", "linear|sqrt")},
    {"train.optimizer.weight_decay",
     "L2 penalty, added to the gradient unless the optimizer does otherwise (see "
     "train.optimizer.name)",
     LKS_OPT_DOUBLE, AT(train.optimizer.weight_decay), FROM(0), .preset = "0"},
    {"train.optimizer.decay_bias_and_norm",
     "weight decay reaches biases and batchnorm's scale and shift too", LKS_OPT_BOOL,
     AT(train.optimizer.decay_bias_and_norm), .preset = "true"},
};

/* After the optimizers' own keys. */
static const lks_option last_options[] = {
    {"train.schedule.name",
     "learning rate over time: constant; step: times gamma after every_epochs epochs; "
     "exponential: times gamma after each epoch; cosine: down to min_lr along half a "
     "cosine, per step (Loshchilov & Hutter 2017); plateau: times factor when "
     "validation no longer improves; onecycle: up, then down, per step (Smith & Topin "
     "2017)",
     LKS_OPT_WORD, AT(train.schedule.name), .words = schedule_words, .preset = "constant"},
    {"train.schedule.gamma", "factor at each step", LKS_OPT_DOUBLE, AT(train.schedule.gamma),
     ABOVE(0), .preset = "0.7", ONLY("train.schedule.name", "step|exponential")},
    {"train.schedule.every_epochs", "epochs between two factors", LKS_OPT_INT,
     AT(train.schedule.every_epochs), FROM(1), .preset = "1", ONLY("train.schedule.name", "step")},
    {"train.schedule.warmup_steps",
     "first optimizer steps, in which the rate rises linearly to the schedule's; 0: none",
     LKS_OPT_INT64, AT(train.schedule.warmup_steps), FROM(0), .preset = "0",
     ONLY("train.schedule.name", "constant|step|exponential|cosine|plateau")},
    {"train.schedule.warmup_samples",
     "the same in samples, whatever the batch; rounded up to whole steps; 0: warmup_steps counts",
     LKS_OPT_INT64, AT(train.schedule.warmup_samples), FROM(0), .preset = "0",
     ONLY("train.schedule.name", "constant|step|exponential|cosine|plateau")},
    {"train.schedule.warmup_factor", "share of the rate that the warm-up begins with",
     LKS_OPT_DOUBLE, AT(train.schedule.warmup_factor), BETWEEN(0, 1), .preset = "0.001",
     ONLY("train.schedule.name", "constant|step|exponential|cosine|plateau")},
    {"train.schedule.min_lr", "last (cosine) or lowest (plateau) learning rate", LKS_OPT_DOUBLE,
     AT(train.schedule.min_lr), FROM(0), .preset = "0",
     ONLY("train.schedule.name", "cosine|plateau")},
    {"train.schedule.watch", "validation figure that has to improve", LKS_OPT_WORD,
     AT(train.schedule.watch), .words = watch_words, .preset = "loss",
     ONLY("train.schedule.name", "plateau")},
    {"train.schedule.factor", "factor of a reduction", LKS_OPT_DOUBLE, AT(train.schedule.factor),
     .min = 0, .max = 1, .min_open = true, .max_open = true, .preset = "0.1",
     ONLY("train.schedule.name", "plateau")},
    {"train.schedule.patience", "evaluations without improvement before a reduction", LKS_OPT_INT,
     AT(train.schedule.patience), FROM(0), .preset = "10", ONLY("train.schedule.name", "plateau")},
    {"train.schedule.threshold", "share of the best figure by which a better one must differ",
     LKS_OPT_DOUBLE, AT(train.schedule.threshold), BELOW(0, 1), .preset = "1e-4",
     ONLY("train.schedule.name", "plateau")},
    {"train.schedule.cooldown", "evaluations after a reduction that do not count", LKS_OPT_INT,
     AT(train.schedule.cooldown), FROM(0), .preset = "0", ONLY("train.schedule.name", "plateau")},
    {"train.schedule.warmup_share", "share of all steps in which the rate goes up", LKS_OPT_DOUBLE,
     AT(train.schedule.warmup_share), BELOW(0, 1), .preset = "0.3",
     ONLY("train.schedule.name", "onecycle")},
    {"train.schedule.div_factor", "first rate = lr / div_factor", LKS_OPT_DOUBLE,
     AT(train.schedule.div_factor), FROM(1), .preset = "25",
     ONLY("train.schedule.name", "onecycle")},
    {"train.schedule.final_div_factor", "last rate = first rate / final_div_factor", LKS_OPT_DOUBLE,
     AT(train.schedule.final_div_factor), ABOVE(0), .preset = "1e4",
     ONLY("train.schedule.name", "onecycle")},
    {"train.schedule.cosine", "cosine annealing; false: linear", LKS_OPT_BOOL,
     AT(train.schedule.cosine), .preset = "true", ONLY("train.schedule.name", "onecycle")},

    {"train.early_stop.patience",
     "evaluations in a row without improvement on the validation split after which "
     "training ends; 0: it never ends early",
     LKS_OPT_INT, AT(train.stop_patience), FROM(0), .preset = "0"},
    {"train.early_stop.threshold", "difference from the best figure that counts as improvement",
     LKS_OPT_DOUBLE, AT(train.stop_threshold), FROM(0), .preset = "0"},
    {"train.early_stop.watch", "validation figure that has to improve", LKS_OPT_WORD,
     AT(train.stop_watch), .words = watch_words, .preset = "loss"},

    {"checkpoint.every_steps", "optimizer steps between two checkpoints; 0: none within an epoch",
     LKS_OPT_INT64, AT(checkpoint.every_steps), FROM(0), .preset = "0", FREE},
    {"checkpoint.every_seconds",
     "seconds from one checkpoint to the next, at the end of a step; 0: time decides nothing",
     LKS_OPT_DOUBLE, AT(checkpoint.every_seconds), FROM(0), .preset = "0", FREE},
    {"checkpoint.every_epochs", "epochs between two checkpoints; 0: one at the end only",
     LKS_OPT_INT, AT(checkpoint.every_epochs), FROM(0), .preset = "1", FREE},
    {"checkpoint.keep",
     "number of newest checkpoints that are kept, beside the best and the last; 0: all",
     LKS_OPT_INT, AT(checkpoint.keep), FROM(0), .preset = "3", FREE},
    {"eval.every_epochs", "epochs between two evaluations", LKS_OPT_INT, AT(eval.every_epochs),
     FROM(1), .preset = "1", .resume = LKS_RESUME_EVALUATIONS},
    {"eval.test_weights",
     "the test figures at the end are those of the last weights, or of the best ones by validation",
     LKS_OPT_WORD, AT(eval.test_weights), .words = test_words, .preset = "last", FREE},
    {"eval.batch", "samples per rank and forward pass in evaluations; cannot change a result",
     LKS_OPT_INT, AT(eval.batch), BETWEEN(1, 65536), .preset = "256", FREE},
    {"metrics.every_steps", "optimizer steps between two lines of metrics.jsonl; 0: none",
     LKS_OPT_INT64, AT(metrics.every_steps), FROM(0), .preset = "10", FREE},
    {"metrics.noise_every_steps",
     "of those steps, whether the gradient's noise is measured in each that is a multiple of N; 0: "
     "in none. It says which "
     "batch is worth its images (McCandlish et al. 2018); not with train.reduce: fp32",
     LKS_OPT_INT64, AT(metrics.noise_every_steps), FROM(0), .preset = "50", FREE},
    {"metrics.tensorboard",
     "write events for TensorBoard into the run folder's tensorboard/: what metrics.jsonl has, "
     "confusion matrices, wrong test images, histograms of weights and gradients after each epoch, "
     "and settings to compare runs by. Moves no bit",
     LKS_OPT_BOOL, AT(metrics.tensorboard), .preset = "false", FREE},
};

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* --- all keys --------------------------------------------------------------------------------- */

/* Both are rows of the same key: they store into the same member. */
static bool same_key(const lks_option *a, const lks_option *b) {
    return a->offset == b->offset;
}

/* The row that optimizer @p name has for the key of @p option, or NULL. */
static const lks_option *row_of(const lks_option *option, lks_optimizer_name name) {
    for (const lks_option *const *own = lks_optimizer_keys_of(name)->options; *own; own++)
        if (same_key(*own, option))
            return *own;
    return NULL;
}

/* The optimizer that has the key of @p option first. */
static lks_optimizer_name first_with(const lks_option *option) {
    lks_optimizer_name name = 0;
    while (!row_of(option, name))
        name++;
    return name;
}

/* Own keys of the optimizers, each once: number *i counted from 0; NULL where there are fewer, then
 * *i is reduced by their number. */
static const lks_option *own_key(int *i) {
    for (lks_optimizer_name name = 0; name < LKS_OPTIMIZER_COUNT; name++)
        for (const lks_option *const *own = lks_optimizer_keys_of(name)->options; *own; own++)
            if (first_with(*own) == name && (*i)-- == 0)
                return *own;
    return NULL;
}

const lks_option *lks_option_at(int i) {
    if (i < COUNT(data_options))
        return &data_options[i];
    i -= COUNT(data_options);
    const lks_option *augment = lks_augment_option(&i);
    if (augment)
        return augment;
    if (i < COUNT(first_options))
        return &first_options[i];
    i -= COUNT(first_options);
    const lks_option *own = own_key(&i);
    return own ? own : i < COUNT(last_options) ? &last_options[i] : NULL;
}

int lks_option_index(const lks_option *option) {
    int i = 0;
    while (!same_key(lks_option_at(i), option))
        i++;
    return i;
}

const lks_option *lks_option_find(const char *key) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (strcmp(option->key, key) == 0)
            return option;
    return NULL;
}

/* The first @p length letters of @p words, which '|' divides, are one of them. */
static bool is_among(const char *words, const char *word) {
    for (size_t n; *words; words += n + (words[n] == '|')) {
        n = strcspn(words, "|");
        if (n == strlen(word) && strncmp(words, word, n) == 0)
            return true;
    }
    return false;
}

const lks_option *lks_option_in(const lks_option *option, const lks_config *config) {
    if (!option->only_with)
        return option;
    if (!option->only_word)
        return row_of(option, config->train.optimizer.name);
    const lks_option *selector = lks_option_find(option->only_with);
    int value;
    memcpy(&value, (const char *)config + selector->offset, sizeof value);
    return is_among(option->only_word, lks_word_of(selector->words, value)) ? option : NULL;
}

bool lks_option_applies(const lks_option *option, const lks_config *config) {
    return lks_option_in(option, config) != NULL;
}

/* Puts the word of every optimizer into @p out, divided by " or ", that has @p preset as the default
 * of the key of @p option; all that have the key where @p preset is NULL. */
static char *join_optimizers(const lks_option *option, const char *preset, char *out, size_t size) {
    size_t used = 0;
    for (lks_optimizer_name name = 0; name < LKS_OPTIMIZER_COUNT && used < size; name++) {
        const lks_option *row = row_of(option, name);
        if (row && (!preset || strcmp(row->preset, preset) == 0))
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " or " : "",
                                     lks_optimizer_words[name].word);
    }
    return out;
}

char *lks_option_only(const lks_option *option, char *out, size_t size) {
    if (!option->only_word)
        return join_optimizers(option, NULL, out, size);
    size_t used = 0;
    for (const char *at = option->only_word; *at && used + 5 < size; at++)
        used += (size_t)snprintf(out + used, size - used, *at == '|' ? " or " : "%c", *at);
    return out;
}

const char *lks_option_presets(const lks_option *option, char *out, size_t size) {
    if (!option->only_with || option->only_word)
        return option->preset;
    size_t used = (size_t)snprintf(out, size, "%s", option->preset);
    for (lks_optimizer_name name = 0; name < LKS_OPTIMIZER_COUNT && used < size; name++) {
        const lks_option *row = row_of(option, name);
        char others[80] = "";
        if (!row || strcmp(row->preset, option->preset) == 0)
            continue;
        join_optimizers(option, row->preset, others, sizeof others);
        if (strncmp(others, lks_optimizer_words[name].word,
                    strlen(lks_optimizer_words[name].word)) == 0) /* told once, by the first */
            used += (size_t)snprintf(out + used, size - used, "; %s with %s", row->preset, others);
    }
    return out;
}

const char *lks_word_of(const lks_word *words, int value) {
    for (; words->word; words++)
        if (words->value == value)
            return words->word;
    return "?";
}

const char *lks_precision_word(lks_precision precision) {
    return lks_word_of(precision_words, (int)precision);
}

const char *lks_exchange_word(lks_exchange_name exchange) {
    return lks_word_of(exchange_words, (int)exchange);
}

const lks_layer_kind *lks_layer_kind_find(const char *name) {
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}

const lks_option *lks_layer_option_find(const lks_layer_kind *kind, const char *key) {
    for (int i = 0; i < kind->n_options; i++)
        if (strcmp(kind->options[i].key, key) == 0)
            return &kind->options[i];
    return NULL;
}

const char *lks_layer_kind_name(const lks_layer_kind *kind) {
    return kind->name;
}
