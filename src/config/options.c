#include "config/option.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Words are stored through an int, whatever enum the member has. */
static_assert(sizeof(lks_init) == sizeof(int), "enums must have the size of int");
static_assert(sizeof(lks_padding) == sizeof(int), "enums must have the size of int");

static const lks_word normalize_words[] = {{"computed", LKS_NORMALIZE_COMPUTED},
                                           {"given", LKS_NORMALIZE_GIVEN},
                                           {"none", LKS_NORMALIZE_NONE},
                                           {0}};
static const lks_word init_words[] = {
    {"glorot_uniform", LKS_INIT_GLOROT_UNIFORM}, {"glorot_normal", LKS_INIT_GLOROT_NORMAL},
    {"he_uniform", LKS_INIT_HE_UNIFORM},         {"he_normal", LKS_INIT_HE_NORMAL},
    {"fan_in_uniform", LKS_INIT_FAN_IN_UNIFORM}, {0}};
static const lks_word chunk_words[] = {{"4", 4}, {"8", 8}, {"16", 16}, {"32", 32}, {0}};
static const lks_word reduce_words[] = {
    {"exact", LKS_REDUCE_EXACT}, {"fp32", LKS_REDUCE_FP32}, {0}};
static const lks_word optimizer_words[] = {{"sgd", LKS_SGD}, {"adam", LKS_ADAM}, {0}};
static const lks_word schedule_words[] = {{"constant", LKS_SCHEDULE_CONSTANT},
                                          {"step", LKS_SCHEDULE_STEP},
                                          {"onecycle", LKS_SCHEDULE_ONECYCLE},
                                          {0}};
static const lks_word padding_words[] = {{"valid", LKS_PAD_VALID}, {"same", LKS_PAD_SAME}, {0}};

#define AT(member)         .offset = offsetof(lks_config, member)
#define SECOND(member)     .second = offsetof(lks_config, member)
#define TEXT(member)       AT(member), .second = sizeof(((lks_config *)0)->member)
#define FROM(low)          .min = (low), .max = INFINITY
#define ABOVE(low)         .min = (low), .max = INFINITY, .min_open = true
#define BETWEEN(low, high) .min = (low), .max = (high)
#define BELOW(low, high)   .min = (low), .max = (high), .max_open = true
#define ONLY(key, word)    .only_with = (key), .only_word = (word)
#define FREE               .resume = LKS_RESUME_FREE

const lks_option lks_options[] = {
    {"name", "name of the run and of its folder below runs/; default: the file's name",
     LKS_OPT_STRING, TEXT(name), .min = 1, FREE},
    {"seed", "seed of initial weights, epoch orders, dropout and the validation split",
     LKS_OPT_UINT64, AT(seed), FROM(0), .preset = "1"},
    {"threads", "OpenMP threads per rank; 0: usable cores divided by the ranks of the host",
     LKS_OPT_INT, AT(threads), BETWEEN(0, 1024), .preset = "0", FREE},

    {"data.dir", "folder of the data files, relative to the working folder", LKS_OPT_STRING,
     TEXT(data.dir), .min = 1, .preset = "data/mnist", FREE},
    {"data.train_images",
     "IDX file of the training images, in data.dir or absolute; NAME.gz is taken where NAME is "
     "missing",
     LKS_OPT_STRING, TEXT(data.train_images), .min = 1, .preset = "train-images-idx3-ubyte"},
    {"data.train_labels", "IDX file of the training labels", LKS_OPT_STRING,
     TEXT(data.train_labels), .min = 1, .preset = "train-labels-idx1-ubyte"},
    {"data.test_images", "IDX file of the test images; \"\" together with test_labels: no test set",
     LKS_OPT_STRING, TEXT(data.test_images), .preset = "t10k-images-idx3-ubyte"},
    {"data.test_labels", "IDX file of the test labels", LKS_OPT_STRING, TEXT(data.test_labels),
     .preset = "t10k-labels-idx1-ubyte"},
    {"data.classes", "number of classes; 0: largest training label + 1", LKS_OPT_INT,
     AT(data.classes), BETWEEN(0, 256), .preset = "0"},
    {"data.validation", "share of the training images held out for validation, stratified by class",
     LKS_OPT_DOUBLE, AT(data.validation), BELOW(0, 1), .preset = "0"},
    {"data.normalize",
     "pixels are scaled to 0..1; then: none; given: minus data.mean, divided by data.std; "
     "computed: the same with the training part's own mean and standard deviation",
     LKS_OPT_WORD, AT(data.normalize), .words = normalize_words, .preset = "none"},
    {"data.mean", "mean of the scaled pixels, one for all channels or a list with one a channel",
     LKS_OPT_DOUBLES, AT(data.mean), SECOND(data.n_mean), BETWEEN(-1000, 1000),
     ONLY("data.normalize", "given")},
    {"data.std",
     "standard deviation of the scaled pixels, one for all channels or a list with one a channel",
     LKS_OPT_DOUBLES, AT(data.std), SECOND(data.n_std), BETWEEN(1e-6, 1000),
     ONLY("data.normalize", "given")},

    {"init",
     "initial weights: Glorot & Bengio 2010, He et al. 2015, or PyTorch's default fan_in_uniform",
     LKS_OPT_WORD, AT(init), .words = init_words, .preset = "glorot_uniform"},
    {"model", "the layers, first to last (see below); the last one gives one output per class",
     LKS_OPT_MODEL, AT(layers)},

    {"train.epochs", "passes over the training part", LKS_OPT_INT, AT(train.epochs), FROM(1),
     .preset = "1", .resume = LKS_RESUME_EPOCHS},
    {"train.max_steps", "stop after so many optimizer steps; 0: no limit", LKS_OPT_INT64,
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

    {"train.optimizer.name", "stochastic gradient descent, or Adam (Kingma & Ba 2015)",
     LKS_OPT_WORD, AT(train.optimizer.name), .words = optimizer_words, .preset = "sgd"},
    {"train.optimizer.lr", "learning rate; of the one-cycle schedule, its peak", LKS_OPT_DOUBLE,
     AT(train.optimizer.lr), ABOVE(0), .preset = "0.001"},
    {"train.optimizer.momentum", "share of the last update that is kept", LKS_OPT_DOUBLE,
     AT(train.optimizer.momentum), BELOW(0, 1), .preset = "0", ONLY("train.optimizer.name", "sgd")},
    {"train.optimizer.nesterov", "Nesterov's form of momentum", LKS_OPT_BOOL,
     AT(train.optimizer.nesterov), .preset = "false", ONLY("train.optimizer.name", "sgd")},
    {"train.optimizer.weight_decay", "L2 penalty, added to the gradient", LKS_OPT_DOUBLE,
     AT(train.optimizer.weight_decay), FROM(0), .preset = "0"},
    {"train.optimizer.beta1", "decay of the first moment", LKS_OPT_DOUBLE,
     AT(train.optimizer.beta1), BELOW(0, 1), .preset = "0.9", ONLY("train.optimizer.name", "adam")},
    {"train.optimizer.beta2", "decay of the second moment", LKS_OPT_DOUBLE,
     AT(train.optimizer.beta2), BELOW(0, 1), .preset = "0.999",
     ONLY("train.optimizer.name", "adam")},
    {"train.optimizer.epsilon", "added to the root of the second moment", LKS_OPT_DOUBLE,
     AT(train.optimizer.epsilon), ABOVE(0), .preset = "1e-8", ONLY("train.optimizer.name", "adam")},

    {"train.schedule.name",
     "learning rate over time: constant; step: times gamma every so many epochs; "
     "onecycle: up, then down, per step (Smith & Topin 2017)",
     LKS_OPT_WORD, AT(train.schedule.name), .words = schedule_words, .preset = "constant"},
    {"train.schedule.gamma", "factor at each step", LKS_OPT_DOUBLE, AT(train.schedule.gamma),
     ABOVE(0), .preset = "0.7", ONLY("train.schedule.name", "step")},
    {"train.schedule.every_epochs", "epochs between two factors", LKS_OPT_INT,
     AT(train.schedule.every_epochs), FROM(1), .preset = "1", ONLY("train.schedule.name", "step")},
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

    {"checkpoint.every_steps", "a checkpoint every so many optimizer steps; 0: none between epochs",
     LKS_OPT_INT64, AT(checkpoint.every_steps), FROM(0), .preset = "0", FREE},
    {"checkpoint.every_epochs", "a checkpoint every so many epochs; 0: only at the end",
     LKS_OPT_INT, AT(checkpoint.every_epochs), FROM(0), .preset = "1", FREE},
    {"checkpoint.keep", "newest checkpoints kept besides the best and the last; 0: all",
     LKS_OPT_INT, AT(checkpoint.keep), FROM(0), .preset = "3", FREE},
    {"eval.every_epochs", "an evaluation every so many epochs", LKS_OPT_INT, AT(eval.every_epochs),
     FROM(1), .preset = "1", FREE},
    {"eval.batch", "samples per rank and forward pass in evaluations; cannot change a result",
     LKS_OPT_INT, AT(eval.batch), BETWEEN(1, 65536), .preset = "256", FREE},
    {"metrics.every_steps", "a line in metrics.jsonl every so many optimizer steps; 0: none",
     LKS_OPT_INT64, AT(metrics.every_steps), FROM(0), .preset = "10", FREE},
};

#undef AT
#define AT(member) .offset = offsetof(lks_layer_config, member)
#define NAME                                                                                       \
    {                                                                                              \
        "name",                                                                                    \
            "name in messages, checkpoints and --set, unique; default: kind and number (conv1, "   \
            "pool2)",                                                                              \
            LKS_OPT_NAME, AT(name), .second = LKS_NAME_MAX                                         \
    }
#define BIAS                                                                                       \
    { "bias", "add a trainable constant to each output", LKS_OPT_BOOL, AT(bias), .preset = "true" }

static const lks_option conv2d_options[] = {
    {"filters", "output channels", LKS_OPT_INT, AT(filters), BETWEEN(1, 65536), .required = true},
    {"kernel", "size of the filter", LKS_OPT_INT_PAIR, AT(kernel), BETWEEN(1, 4096),
     .required = true},
    {"stride", "distance between two outputs", LKS_OPT_INT_PAIR, AT(stride), BETWEEN(1, 4096),
     .preset = "1"},
    {"padding",
     "zeros around the input: valid (none), same (output size = input size / stride, rounded up), "
     "or how many on each side",
     LKS_OPT_PADDING, AT(padding), .second = offsetof(lks_layer_config, pad), BETWEEN(0, 4096),
     .words = padding_words, .preset = "valid"},
    BIAS,
    NAME};
static const lks_option maxpool_options[] = {{"window", "size of the window", LKS_OPT_INT_PAIR,
                                              AT(window), BETWEEN(1, 4096), .required = true},
                                             {"stride",
                                              "distance between two windows; default: the window",
                                              LKS_OPT_INT_PAIR, AT(stride), BETWEEN(1, 4096)},
                                             NAME};
static const lks_option dense_options[] = {
    {"units", "outputs", LKS_OPT_INT, AT(units), BETWEEN(1, 1048576), .required = true},
    BIAS,
    NAME};
static const lks_option dropout_options[] = {
    {"rate", "share of the elements that are dropped while training", LKS_OPT_DOUBLE, AT(rate),
     BELOW(0, 1), .required = true},
    NAME};
static const lks_option plain_options[] = {NAME};

#define COUNT(array)   ((int)(sizeof(array) / sizeof(array)[0]))
#define OPTIONS(array) .options = (array), .n_options = COUNT(array)

const lks_layer_options lks_layer_table[LKS_LAYER_KINDS] = {
    [LKS_CONV2D] = {"conv2d", "conv", "2-d convolution", OPTIONS(conv2d_options),
                    .short_form = true},
    [LKS_MAXPOOL] = {"maxpool", "pool", "largest value of each window", OPTIONS(maxpool_options),
                     .short_form = true},
    [LKS_DENSE] = {"dense", "dense", "fully connected", OPTIONS(dense_options), .short_form = true},
    [LKS_RELU] = {"relu", "relu", "max(x, 0)", OPTIONS(plain_options)},
    [LKS_DROPOUT] = {"dropout", "dropout", "zeroes elements at random while training",
                     OPTIONS(dropout_options), .short_form = true},
    [LKS_FLATTEN] = {"flatten", "flatten", "rows, columns and channels become one vector",
                     OPTIONS(plain_options)},
};

const int lks_n_options = COUNT(lks_options);
static_assert(COUNT(lks_options) <= LKS_OPTIONS_MAX, "raise LKS_OPTIONS_MAX");

const lks_option *lks_option_find(const char *key) {
    for (int i = 0; i < lks_n_options; i++)
        if (strcmp(lks_options[i].key, key) == 0)
            return &lks_options[i];
    return NULL;
}

bool lks_option_applies(const lks_option *option, const lks_config *config) {
    if (!option->only_with)
        return true;
    const lks_option *selector = lks_option_find(option->only_with);
    int value;
    memcpy(&value, (const char *)config + selector->offset, sizeof value);
    return strcmp(lks_word_of(selector->words, value), option->only_word) == 0;
}

const char *lks_word_of(const lks_word *words, int value) {
    for (; words->word; words++)
        if (words->value == value)
            return words->word;
    return "?";
}

const char *lks_layer_kind_name(lks_layer_kind kind) {
    return (unsigned)kind < LKS_LAYER_KINDS ? lks_layer_table[kind].kind : "?";
}
