#include "config/advice.h"
#include "base/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NO_LAYER      "there is no such layer here"
#define NO_ACTIVATION "there is no such activation here"
#define NO_OPTIMIZER  "there is no such optimizer here"
#define LOSS          "leave it out: softmax and cross-entropy are the loss"

const lks_advice lks_advice_table[] = {
    /* layers */
    {"conv2d|convolution2d|conv", "conv2d", "write conv2d: {filters: 32, kernel: 3}"},
    {"conv1d|conv3d", NULL, "there is no such layer here: images have rows and columns, conv2d"},
    {"conv2dtranspose|convtranspose2d|upsampling2d|upsample", NULL, NO_LAYER},
    {"maxpooling2d|maxpool2d|maxpooling|maxpool", "maxpool",
     "write maxpool: 2, the size of the window"},
    {"averagepooling2d|avgpool2d|averagepooling|avgpooling|avgpool", "avgpool",
     "write avgpool: 2, the size of the window"},
    {"globalaveragepooling2d|globalavgpool2d|globalaveragepooling|globalavgpool", "global_avgpool",
     "write global_avgpool"},
    {"adaptiveavgpool2d", "global_avgpool",
     "write global_avgpool: one value for each channel, as of AdaptiveAvgPool2d(1)"},
    {"globalmaxpooling2d|globalmaxpool|adaptivemaxpool2d", NULL,
     "there is no such layer here: write maxpool with a window as large as its input"},
    {"linear|dense|fullyconnected|fc", "dense", "write dense: 10, the number of outputs"},
    {"batchnormalization|batchnorm2d|batchnorm1d|batchnorm|bn", "batchnorm",
     "write batchnorm; its momentum is PyTorch's: Keras's 0.99 is 0.01 here"},
    {"layernormalization|layernorm", NULL, "there is no layer normalisation here"},
    {"groupnormalization|groupnorm|instancenorm2d|instancenorm|lrn|localresponsenorm|rmsnorm", NULL,
     "there is no such normalisation here"},
    {"dropout", "dropout", "write dropout: 0.5, the share that is dropped"},
    {"dropout2d|spatialdropout2d|alphadropout|dropconnect", NULL,
     "there is no such dropout here: dropout: 0.25 drops single values, not whole channels"},
    {"relu", "relu", "write relu, a layer of its own"},
    {"leakyrelu", "leaky_relu", "write leaky_relu: 0.01, the factor below 0"},
    {"tanh", "tanh", "write tanh, a layer of its own"},
    {"sigmoid", "sigmoid", "write sigmoid, a layer of its own"},
    {"gelu", "gelu", "write gelu, a layer of its own"},
    {"silu|swish", "silu", "write silu, a layer of its own"},
    {"relu6|elu|selu|celu|prelu|hardswish|hardsigmoid|mish|softplus|softsign|maxout", NULL,
     NO_ACTIVATION},
    {"activation|activationfunction", NULL,
     "write the activation as a layer of its own after this one: - relu"},
    {"softmax|logsoftmax", NULL, "leave it out: softmax is part of the loss"},
    {"crossentropyloss|crossentropy|categoricalcrossentropy|sparsecategoricalcrossentropy|nllloss|"
     "loss|lossfunction|criterion",
     NULL, LOSS},
    {"mse|mseloss|meansquarederror|binarycrossentropy|bceloss|bcewithlogitsloss|hingeloss", NULL,
     "there is no such loss here: softmax and cross-entropy are the loss"},
    {"flatten", "flatten", "write flatten"},
    {"reshape|permute|view|lambda|resizing|identity", NULL, NO_LAYER},
    {"input|inputlayer|inputshape|inputs", NULL,
     "leave it out: the data tell the size of the images"},
    {"sequential|layers|network|architecture", "model", NULL},
    {"add|residual|skip|shortcut", "add", "write add: NAME, the layer whose output is added"},
    {"concatenate|concat|cat", "concat",
     "write concat: NAME, the layer whose channels follow those of the input"},
    {"depthwiseconv2d|separableconv2d", "conv2d",
     "write conv2d with groups: the number of input channels for a depthwise one, then a 1 x 1 "
     "one"},
    {"zeropadding2d|zeropad2d", "padding", "write padding: 1 as an option of the layer after it"},
    {"lstm|gru|rnn|simplernn|embedding|attention|multiheadattention|transformer", NULL, NO_LAYER},
    {"rescaling|totensor|normalization", "data.normalize",
     "leave it out: pixels are scaled to 0..1; data.normalize does more"},
    {"augmentation|augment|randomflip|randomrotation|randomcrop|transforms", NULL,
     "there is no augmentation here"},

    /* options of layers */
    {"kernelsize|filtersize", "kernel|window", "write kernel; of a pooling layer, window"},
    {"poolsize", "window", "write window"},
    {"outchannels|outputchannels|numfilters|nfilters|channels", "filters", "write filters"},
    {"strides", "stride", "write stride"},
    {"outfeatures|hiddenunits|numunits|outputs", "units", "write units"},
    {"inchannels|infeatures|numfeatures|inputdim|inputsize|inputchannels", NULL,
     "leave it out: the layer before tells it"},
    {"usebias", "bias", "write bias"},
    {"eps", "epsilon", "write epsilon"},
    {"negativeslope", "slope", "write slope"},
    {"p|droprate|dropoutrate|prob", "rate", "write rate"},
    {"depthmultiplier|numgroups", "groups", "write groups"},
    {"dilation|dilationrate", NULL, "there is no dilation here"},
    {"kernelinitializer|initializer|weightinit|initialization|kernelinit", "init", NULL},
    {"trackrunningstats", NULL, "leave it out: running moments are always kept"},

    /* keys */
    {"learningrate|baselr|initiallr|lr", "train.optimizer.lr", NULL},
    {"batchsize|batch|minibatchsize|minibatch", "train.global_batch", NULL},
    {"epochs|numepochs|nepochs|maxepochs|epoch", "train.epochs", NULL},
    {"maxsteps|iterations|maxiterations|numsteps|steps", "train.max_steps", NULL},
    {"betas", "beta1|beta2",
     "write beta1 and beta2: optimizer: {name: adam, beta1: 0.9, beta2: 0.999}"},
    {"weightdecay|l2|wd|kernelregularizer", "train.optimizer.weight_decay", NULL},
    {"numclasses|nclasses", NULL,
     "the last layer has one output for each class: - dense: 10; data.classes is for checks"},
    {"validationsplit|valsplit|validationshare|valfraction", "data.validation", NULL},
    {"gradientclip|gradientclipping|gradclip|gradclipping|clipgradnorm|maxgradnorm|clipnorm|"
     "gradientclipval",
     "train.clip_norm", NULL},
    {"scheduler|lrscheduler|lrschedule", "train.schedule.name", NULL},
    {"warmup|warmupsteps|numwarmupsteps", "train.schedule.warmup_steps", NULL},
    {"earlystopping|patience", "train.early_stop.patience", NULL},
    {"gradientaccumulationsteps|accumulationsteps|accumulategradbatches", "train.accumulate", NULL},
    {"numworkers|workers|numthreads|nthreads", "threads", NULL},
    {"randomseed|manualseed|randomstate", "seed", NULL},
    {"datadir|datapath|dataroot|dataset", "data.dir", NULL},
    {"path|root|folder|directory", "dir", "write dir"},
    {"callbacks", NULL,
     "leave it out: checkpoint, metrics and train.early_stop do what callbacks would"},
    {"amp|autocast|mixedprecision|dtype", "train.precision", NULL},
    {"shuffle", NULL, "leave it out: each epoch has an order of its own, which the seed decides"},
    {"device|gpu|gpus|cuda|accelerator", NULL, "leave it out: training runs on processors only"},

    /* values */
    {"adagrad|nadam|adamax|radam|lion|lbfgs|ftrl|adafactor", NULL, NO_OPTIMIZER},
    {"bfloat16|mixedbfloat16|bf16mixed", "bf16", "write train: {precision: bf16}"},
    {"float|fp32|single", "float32", "write train: {precision: float32}"},
    {"float16|fp16|half|mixedfloat16|16mixed|fp8|float8|double|float64|tf32", NULL,
     "there is no such precision here: float32 or bf16"},
    {"steplr", "step", "write step"},
    {"exponentiallr|exponentialdecay", "exponential", "write exponential"},
    {"cosineannealinglr|cosineannealing|cosinedecay", "cosine", "write cosine"},
    {"reducelronplateau", "plateau", "write plateau"},
    {"onecyclelr|1cycle", "onecycle", "write onecycle"},
    {"multisteplr|lambdalr|cycliclr|polynomiallr", NULL, "there is no such schedule here"},
    {"xavieruniform|xavier|glorot", "glorot_uniform", "write glorot_uniform"},
    {"xaviernormal", "glorot_normal", "write glorot_normal"},
    {"kaiminguniform|kaiming", "he_uniform", "write he_uniform"},
    {"kaimingnormal", "he_normal", "write he_normal"},
    {0}};

/* The letters and digits of @p word after its last dot, small; "" where they are too many. */
static void normalise(const char *word, char *out, size_t size) {
    const char *dot = strrchr(word, '.');
    size_t used = 0;
    for (const char *c = dot ? dot + 1 : word; *c && used < size; c++)
        if (*c != '_' && *c != '-' && *c != ' ')
            out[used++] = (char)tolower((unsigned char)*c);
    out[used < size ? used : 0] = '\0';
}

static bool is_listed(const char *list, const char *word) {
    const size_t length = strlen(word);
    while (length > 0) {
        const size_t n = strcspn(list, "|");
        if (n == length && strncmp(list, word, n) == 0)
            return true;
        if (!list[n])
            break;
        list += n + 1;
    }
    return false;
}

const lks_advice *lks_advice_find(const char *word) {
    char plain[48];
    normalise(word, plain, sizeof plain);
    for (const lks_advice *a = lks_advice_table; a->words; a++)
        if (is_listed(a->words, plain))
            return a;
    return NULL;
}

bool lks_advice_names(const lks_advice *advice, const char *name) {
    return advice && advice->instead && is_listed(advice->instead, name);
}

const char *lks_advice_word(const lks_word *words, const char *text) {
    const lks_advice *advice = lks_advice_find(text);
    lks_nearest nearest = lks_nearest_start(text);
    for (const lks_word *w = words; w->word; w++) {
        if (strcasecmp(w->word, text) == 0 || lks_advice_names(advice, w->word))
            return w->word;
        lks_nearest_offer(&nearest, w->word, strlen(w->word));
    }
    const bool absent = advice && !advice->instead;
    return nearest.length > 2 && !absent ? nearest.best : NULL;
}

char *lks_advice_place(const char *key, const char *section, char *out, size_t size) {
    const size_t skip = strlen(section);
    if (skip > 0 && strncmp(key, section, skip) == 0 && key[skip] == '.')
        key += skip + 1;
    size_t used = 0;
    int depth = 0;
    for (const char *dot; (dot = strchr(key, '.')) && used < size; key = dot + 1, depth++)
        used += (size_t)snprintf(out + used, size - used, "%.*s: {", (int)(dot - key), key);
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, "%s: ...", key);
    while (depth-- > 0 && used + 1 < size)
        used += (size_t)snprintf(out + used, size - used, "}");
    return out;
}

bool lks_config_advice(const char *word, char *out, size_t size) {
    const lks_advice *advice = lks_advice_find(word);
    char place[160];
    if (advice && advice->text)
        snprintf(out, size, "%s", advice->text);
    else if (advice)
        snprintf(out, size, "write %s", lks_advice_place(advice->instead, "", place, sizeof place));
    else if (size > 0)
        *out = '\0';
    return advice;
}
