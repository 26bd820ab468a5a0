/* The configuration: defaults, every kind of value, --set, printing, comparison, help. */
#include "config_text.h"
#include "support/layers.h"
#include "support/test.h"

#include "config/value.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- right ones ------------------------------------------------------------------------------- */

static void test_defaults(void) {
    lks_config c = parse_good(MODEL, NULL);
    CU_ASSERT_STRING_EQUAL(c.name, "net");
    CU_ASSERT(c.seed == 1 && c.threads == 0);
    CU_ASSERT_STRING_EQUAL(c.data.dir, "data/mnist");
    CU_ASSERT_STRING_EQUAL(c.data.train_images, "train-images-idx3-ubyte");
    CU_ASSERT_STRING_EQUAL(c.data.train_labels, "train-labels-idx1-ubyte");
    CU_ASSERT_STRING_EQUAL(c.data.test_images, "t10k-images-idx3-ubyte");
    CU_ASSERT_STRING_EQUAL(c.data.test_labels, "t10k-labels-idx1-ubyte");
    CU_ASSERT(c.data.classes == 0 && c.data.validation == 0);
    CU_ASSERT(c.data.normalize == LKS_NORMALIZE_NONE && c.data.n_mean == 0 && c.data.n_std == 0);
    CU_ASSERT(c.init == LKS_INIT_GLOROT_UNIFORM);
    CU_ASSERT(c.train.epochs == 1 && c.train.max_steps == 0 && c.train.global_batch == 128);
    CU_ASSERT(c.train.chunk == 16 && c.train.accumulate == 1 && c.train.reduce == LKS_REDUCE_EXACT);
    CU_ASSERT_EQUAL(c.train.precision, LKS_FLOAT32);
    const lks_optimizer_config *o = &c.train.optimizer;
    CU_ASSERT(o->name == LKS_SGD && o->lr == 0.001 && o->momentum == 0 && !o->nesterov);
    CU_ASSERT(o->weight_decay == 0 && o->beta1 == 0.9 && o->beta2 == 0.999 && o->epsilon == 1e-8);
    const lks_schedule_config *s = &c.train.schedule;
    CU_ASSERT(s->name == LKS_SCHEDULE_CONSTANT && s->gamma == 0.7 && s->every_epochs == 1);
    CU_ASSERT(s->warmup_share == 0.3 && s->div_factor == 25 && s->final_div_factor == 1e4);
    CU_ASSERT(s->cosine);
    CU_ASSERT(c.checkpoint.every_steps == 0 && c.checkpoint.every_epochs == 1);
    CU_ASSERT(c.checkpoint.every_seconds == 0);
    CU_ASSERT(c.checkpoint.keep == 3 && c.eval.every_epochs == 1 && c.eval.batch == 256);
    CU_ASSERT(c.metrics.every_steps == 10);
    lks_config_free(&c);
    CU_ASSERT(c.layers == NULL && c.n_layers == 0);
}

/* A value of every type, in every spelling that is allowed. */
static const char rich[] =
    "name: \"a \\\"run\\\": #1 \\u00e9\\u2028\"\n"
    "seed: 18446744073709551615\n"
    "data: {dir: '/tmp/my data', test_images: \"\", test_labels: '', classes: 256,\n"
    "       validation: .125, normalize: given, mean: [0.1, -0.2, 1e-3], std: "
    "0.30000000000000004}\n"
    "init: he_normal\n"
    "model:\n"
    "  - conv2d: {filters: 3, kernel: [5, 3], padding: same, bias: False, name: first-conv}\n"
    "  - conv2d: {filters: 4, kernel: 3, stride: [2, 1], padding: [1, 0]}\n"
    "  - conv2d:\n"
    "      filters: 5\n"
    "      kernel: 1\n"
    "      padding: 2\n"
    "  - maxpool: [3, 2]\n"
    "  - maxpool: {window: 3, stride: 2}\n"
    "  - relu:\n"
    "  - relu: {name: true}\n"
    "  - \"flatten\"\n"
    "  - dropout: 0\n"
    "  - dense: {units: 10, bias: false, name: logits}\n"
    "train:\n"
    "  max_steps: 9223372036854775807\n"
    "  global_batch: 100\n"
    "  chunk: 8\n"
    "  accumulate: 3\n"
    "  reduce: fp32\n"
    "  precision: bf16\n"
    "  optimizer: {lr: 1.0E+0, momentum: 0.9, nesterov: TRUE, weight_decay: 5e-324}\n"
    "  schedule: {name: onecycle, warmup_share: 0, div_factor: 10, cosine: false}\n"
    "checkpoint: {every_steps: +7, every_seconds: 0.25, every_epochs: 0, keep: 0}\n";

static void test_values(void) {
    lks_config c = parse_good(rich, NULL);
    CU_ASSERT_STRING_EQUAL(c.name, "a \"run\": #1 \xC3\xA9\xE2\x80\xA8");
    CU_ASSERT(c.seed == UINT64_MAX && c.data.classes == 256 && c.data.validation == 0.125);
    CU_ASSERT(!c.data.test_images[0] && !c.data.test_labels[0]);
    CU_ASSERT_STRING_EQUAL(c.data.dir, "/tmp/my data");
    CU_ASSERT(c.data.normalize == LKS_NORMALIZE_GIVEN && c.data.n_mean == 3 && c.data.n_std == 1);
    CU_ASSERT(c.data.mean[0] == 0.1 && c.data.mean[1] == -0.2 && c.data.mean[2] == 0.001);
    CU_ASSERT(c.data.std[0] == 0.1 + 0.2 && c.init == LKS_INIT_HE_NORMAL);
    CU_ASSERT(c.train.max_steps == INT64_MAX && c.train.chunk == 8 && c.train.accumulate == 3);
    CU_ASSERT(c.train.reduce == LKS_REDUCE_FP32 && c.train.precision == LKS_BF16);
    CU_ASSERT(c.train.optimizer.nesterov);
    CU_ASSERT(c.train.optimizer.lr == 1 && c.train.optimizer.weight_decay == 5e-324);
    CU_ASSERT(c.train.schedule.warmup_share == 0 && !c.train.schedule.cosine);
    CU_ASSERT(c.checkpoint.every_steps == 7 && c.checkpoint.every_seconds == 0.25);
    CU_ASSERT(c.checkpoint.keep == 0);
    lks_config_free(&c);
    c = parse_good(MODEL, "train.optimizer.weight_decay=-0.0");
    CU_ASSERT(c.train.optimizer.weight_decay == 0 && !signbit(c.train.optimizer.weight_decay));
    lks_config_free(&c);
}

static int number(const lks_layer_config *layer, const char *key) {
    int value = -1;
    CU_ASSERT(lks_test_setting(layer, key, &value, sizeof value));
    return value;
}

static bool truth(const lks_layer_config *layer, const char *key) {
    bool value = false;
    CU_ASSERT(lks_test_setting(layer, key, &value, sizeof value));
    return value;
}

static bool is_pair(const lks_layer_config *layer, const char *key, int first, int second) {
    int pair[2] = {-1, -1};
    CU_ASSERT(lks_test_setting(layer, key, pair, sizeof pair));
    return pair[0] == first && pair[1] == second;
}

static bool is_pad(const lks_layer_config *layer, int rows, int columns) {
    int pad[2];
    lks_test_pad(layer, pad);
    return pad[0] == rows && pad[1] == columns;
}

static void test_layers(void) {
    lks_config c = parse_good(rich, NULL);
    CU_ASSERT_EQUAL_FATAL(c.n_layers, 10);
    static const char *const names[] = {"first-conv", "conv2", "conv3",    "pool1",    "pool2",
                                        "relu1",      "true",  "flatten1", "dropout1", "logits"};
    for (int i = 0; i < c.n_layers; i++)
        CU_ASSERT_STRING_EQUAL(c.layers[i].name, names[i]);
    const lks_layer_config *l = c.layers;
    CU_ASSERT(lks_test_is(&l[0], "conv2d") && number(&l[0], "filters") == 3 && l[0].line == 7);
    CU_ASSERT(!truth(&l[0], "bias") && is_pair(&l[0], "kernel", 5, 3));
    CU_ASSERT(number(&l[0], "padding") == LKS_PAD_SAME && is_pad(&l[0], 0, 0));
    CU_ASSERT(is_pair(&l[0], "stride", 1, 1));
    CU_ASSERT(is_pair(&l[1], "stride", 2, 1) && truth(&l[1], "bias"));
    CU_ASSERT(number(&l[1], "padding") == LKS_PAD_EXPLICIT && is_pad(&l[1], 1, 0));
    CU_ASSERT(number(&l[2], "filters") == 5 && l[2].line == 9);
    CU_ASSERT(number(&l[2], "padding") == LKS_PAD_EXPLICIT && is_pad(&l[2], 2, 2));
    CU_ASSERT(lks_test_is(&l[3], "maxpool") && is_pair(&l[3], "window", 3, 2));
    CU_ASSERT(is_pair(&l[3], "stride", 3, 2));
    CU_ASSERT(is_pair(&l[4], "window", 3, 3) && is_pair(&l[4], "stride", 2, 2));
    double rate = 1;
    CU_ASSERT(lks_test_setting(&l[8], "rate", &rate, sizeof rate) && rate == 0);
    CU_ASSERT(lks_test_is(&l[9], "dense") && number(&l[9], "units") == 10);
    CU_ASSERT(!truth(&l[9], "bias") && lks_test_is(&l[7], "flatten"));
    lks_config_free(&c);
}

/* --- what is printed reads back --------------------------------------------------------------- */

#define SAME(member)      CU_ASSERT(a->member == b->member)
#define SAME_TEXT(member) CU_ASSERT_STRING_EQUAL(a->member, b->member)

static void compare_data(const lks_data_config *a, const lks_data_config *b) {
    SAME_TEXT(dir);
    SAME_TEXT(train_images);
    SAME_TEXT(train_labels);
    SAME_TEXT(test_images);
    SAME_TEXT(test_labels);
    SAME(classes);
    SAME(validation);
    SAME(normalize);
    SAME(n_mean);
    SAME(n_std);
    CU_ASSERT(memcmp(a->mean, b->mean, sizeof a->mean) == 0);
    CU_ASSERT(memcmp(a->std, b->std, sizeof a->std) == 0);
}

static void compare_train(const lks_train_config *a, const lks_train_config *b) {
    SAME(epochs);
    SAME(max_steps);
    SAME(global_batch);
    SAME(chunk);
    SAME(accumulate);
    SAME(reduce);
    SAME(precision);
    SAME(optimizer.name);
    SAME(optimizer.lr);
    SAME(optimizer.momentum);
    SAME(optimizer.nesterov);
    SAME(optimizer.weight_decay);
    SAME(optimizer.beta1);
    SAME(optimizer.beta2);
    SAME(optimizer.epsilon);
    SAME(schedule.name);
    SAME(schedule.gamma);
    SAME(schedule.every_epochs);
    SAME(schedule.warmup_share);
    SAME(schedule.div_factor);
    SAME(schedule.final_div_factor);
    SAME(schedule.cosine);
}

/* Everything but the line, which is another in another text. */
static void compare_layer(const lks_layer_config *a, const lks_layer_config *b) {
    SAME(kind);
    SAME_TEXT(name);
    SAME_TEXT(input);
    SAME(trainable);
    SAME(n_inputs);
    for (int i = 0; i < a->n_inputs; i++)
        SAME(inputs[i]);
    CU_ASSERT(memcmp(a->from, b->from, sizeof a->from) == 0);
    CU_ASSERT(memcmp(&a->settings, &b->settings, sizeof a->settings) == 0);
}

static void compare_configs(const lks_config *a, const lks_config *b) {
    SAME_TEXT(name);
    SAME(seed);
    SAME(threads);
    SAME(init);
    SAME(checkpoint.every_steps);
    SAME(checkpoint.every_seconds);
    SAME(checkpoint.every_epochs);
    SAME(checkpoint.keep);
    SAME(eval.every_epochs);
    SAME(eval.batch);
    SAME(metrics.every_steps);
    compare_data(&a->data, &b->data);
    compare_train(&a->train, &b->train);
    CU_ASSERT_EQUAL_FATAL(a->n_layers, b->n_layers);
    for (int i = 0; i < a->n_layers; i++)
        compare_layer(&a->layers[i], &b->layers[i]);
}

static void check_round_trip(const char *text, const char *set) {
    lks_error err;
    lks_config a = parse_good(text, set);
    char *yaml = lks_config_to_yaml(&a, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(yaml);
    lks_config b = parse_good(yaml, NULL);
    compare_configs(&a, &b);
    CU_ASSERT_EQUAL(lks_config_same_run(&a, &b, &err), LKS_OK);
    free(yaml);
    lks_config_free(&a);
    lks_config_free(&b);
}

/* Layers that read several name the others, one or a list of them; `input` is the image. */
static void test_layers_that_read_several(void) {
    static const char text[] =
        "model: [{conv2d: {filters: 2, kernel: 1, name: a}}, relu, {concat: [a, input]},\n"
        " {concat: {from: relu1, input: a}}, {add: concat2}, {dense: 3}]";
    static const int inputs[][3] = {{1, 0, -1}, {0, 1, 9}, {3, 3, 9}};
    lks_config c = parse_good(text, NULL);
    for (int l = 0; l < 3; l++) {
        CU_ASSERT_EQUAL_FATAL(c.layers[2 + l].n_inputs, l == 0 ? 3 : 2);
        for (int i = 0; i < c.layers[2 + l].n_inputs; i++)
            CU_ASSERT_EQUAL(c.layers[2 + l].inputs[i], inputs[l][i]);
    }
    lks_error err;
    char *yaml = lks_config_to_yaml(&c, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(yaml);
    CU_ASSERT_PTR_NOT_NULL(strstr(yaml, "concat: {from: [a, input], name: concat1}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(yaml, "concat: {from: relu1, name: concat2, input: a}"));
    free(yaml);
    check_round_trip(text, NULL);
    lks_config_free(&c);
}

static void test_round_trip(void) {
    check_round_trip(MODEL, NULL);
    check_round_trip(rich, NULL);
    static const char *const sets[] = {"train.optimizer.lr=0.1",
                                       "train.optimizer.lr=1.7976931348623157e308",
                                       "train.optimizer.lr=123456",
                                       "train.optimizer.lr=4.9406564584124654e-324",
                                       "train.optimizer.lr=2e-05",
                                       "train.optimizer.lr=0.3333333333333333",
                                       "train.optimizer.lr=1e22",
                                       "train.optimizer.name=adam",
                                       "train.schedule.name=step",
                                       "train.schedule.name=onecycle",
                                       "name=null and void",
                                       "name=\"null\"",
                                       "name=\"-\"",
                                       "name=\"\\xA0\\x85\\uFEFF\\U0001F600\\u00FC\"",
                                       "name='it''s'",
                                       "data.dir=\"C:\\\\ \"",
                                       "data={normalize: given, mean: [1, 2], std: [3, 4]}"};
    for (int i = 0; i < COUNT(sets); i++)
        check_round_trip(MODEL, sets[i]);
}

/* How numbers and texts are written: other YAML readers have to understand them too. */
static void test_spelling(void) {
    static const struct {
        const char *set, *line;
    } written[] = {{"train.optimizer.lr=1000", "lr: 1000\n"},
                   {"train.optimizer.lr=1e9", "lr: 1.0e+09\n"},
                   {"train.optimizer.lr=1e22", "lr: 1.0e+22\n"},
                   {"train.optimizer.lr=1e-7", "lr: 1.0e-07\n"},
                   {"train.optimizer.lr=0.10", "lr: 0.1\n"},
                   {"train.optimizer.weight_decay=-0", "weight_decay: 0\n"},
                   {"name='true'", "name: \"true\"\n"},
                   {"name=run_1", "name: run_1\n"},
                   {"name=\"\\u0085\\uFEFF\"", "name: \"\\u0085\\uFEFF\"\n"}};
    for (int i = 0; i < COUNT(written); i++) {
        lks_config c = parse_good(MODEL, written[i].set);
        char *yaml = lks_config_to_yaml(&c, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(yaml);
        CU_ASSERT_PTR_NOT_NULL(strstr(yaml, written[i].line));
        free(yaml);
        lks_config_free(&c);
    }
}

/* The longest text and the longest list that are allowed. */
static void test_limits(void) {
    char set[1200] = "name=";
    memset(set + 5, 'n', LKS_NAME_MAX - 1);
    lks_config c = parse_good(MODEL, set);
    CU_ASSERT_EQUAL(strlen(c.name), LKS_NAME_MAX - 1);
    lks_config_free(&c);
    strcpy(set, "data={normalize: given, std: 1, mean: [");
    for (int i = 0; i < LKS_CHANNELS_MAX; i++)
        strcat(set, i ? ",2" : "2");
    strcat(set, "]}");
    c = parse_good(MODEL, set);
    CU_ASSERT(c.data.n_mean == LKS_CHANNELS_MAX && c.data.mean[LKS_CHANNELS_MAX - 1] == 2);
    lks_config_free(&c);
}

/* Trainable parameters for @p size x @p size images with one channel, valid convolutions. */
static int count_parameters(const lks_config *c, int size) {
    int channels = 1, total = 0;
    for (const lks_layer_config *l = c->layers; l < c->layers + c->n_layers; l++) {
        int kernel[2], stride[2] = {1, 1};
        lks_test_setting(l, "stride", stride, sizeof stride);
        if (lks_test_setting(l, "kernel", kernel, sizeof kernel)) {
            total += (kernel[0] * kernel[1] * channels + 1) * number(l, "filters");
            size = (size - kernel[0]) / stride[0] + 1;
            channels = number(l, "filters");
        } else if (lks_test_setting(l, "window", kernel, sizeof kernel)) {
            size = (size - kernel[0]) / stride[0] + 1;
        } else if (lks_test_is(l, "flatten")) {
            channels *= size * size;
        } else if (lks_test_is(l, "dense")) {
            total += (channels + 1) * number(l, "units");
            channels = number(l, "units");
        }
    }
    return total;
}

static void test_shipped(void) {
    static const struct {
        const char *file;
        int parameters, batch;
        lks_init init;
        lks_optimizer_name optimizer;
        lks_schedule_name schedule;
    } shipped[] = {
        {"mnist-convnet.yaml", 34826, 128, LKS_INIT_GLOROT_UNIFORM, LKS_ADAM,
         LKS_SCHEDULE_CONSTANT},
        {"pytorch-example.yaml", 1199882, 64, LKS_INIT_FAN_IN_UNIFORM, LKS_ADADELTA,
         LKS_SCHEDULE_STEP},
        {"train-mnist-fast.yaml", 215194, 256, LKS_INIT_FAN_IN_UNIFORM, LKS_ADAM,
         LKS_SCHEDULE_ONECYCLE},
        {"smoke.yaml", 938, 64, LKS_INIT_GLOROT_UNIFORM, LKS_ADAM, LKS_SCHEDULE_CONSTANT}};
    for (int i = 0; i < COUNT(shipped); i++) {
        size_t size;
        char *text = read_shipped(shipped[i].file, &size);
        lks_config c = parse_good(text, NULL);
        CU_ASSERT_EQUAL(count_parameters(&c, 28), shipped[i].parameters);
        CU_ASSERT(strncmp(c.name, shipped[i].file, strlen(c.name)) == 0);
        CU_ASSERT(c.train.global_batch == shipped[i].batch && c.init == shipped[i].init);
        CU_ASSERT(c.train.optimizer.name == shipped[i].optimizer);
        CU_ASSERT(c.train.schedule.name == shipped[i].schedule);
        CU_ASSERT_STRING_EQUAL(c.data.dir, "data/mnist");
        lks_config_free(&c);
        check_round_trip(text, NULL);
        free(text);
    }
}

/* The locale of the program has a decimal comma, where the machine has such a locale; it is left
 * as it was. */
static void test_locale(void) {
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C"};
    for (int i = 0; !setlocale(LC_ALL, commas[i]); i++)
        ;
    locale_t own = duplocale(LC_GLOBAL_LOCALE);
    uselocale(own);
    check_round_trip(rich, "train.optimizer.lr=0.25");
    lks_config c = parse_good(MODEL, "train.optimizer.lr=0.25");
    CU_ASSERT(c.train.optimizer.lr == 0.25);
    CU_ASSERT(uselocale((locale_t)0) == own);
    lks_config_free(&c);
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(own);
    setlocale(LC_ALL, "C");
}

/* --- settings, resume, help ------------------------------------------------------------------- */

static void test_good_sets(void) {
    static const char *const sets[] = {"train.epochs=3", "model.dense1.units=7",
                                       "model.dense1.name=last", "model.last.bias=false",
                                       "train={epochs: 4, optimizer: {lr: 2}}"};
    lks_config c;
    lks_error err = {LKS_OK, ""};
    CU_ASSERT_EQUAL_FATAL(lks_config_parse(&c, MODEL, strlen(MODEL), "x", sets, COUNT(sets), &err),
                          LKS_OK);
    CU_ASSERT(c.train.epochs == 4 && c.train.optimizer.lr == 2);
    CU_ASSERT(number(&c.layers[1], "units") == 7 && !truth(&c.layers[1], "bias"));
    CU_ASSERT_STRING_EQUAL(c.layers[1].name, "last");
    lks_config_free(&c);
    /* What a padding in numbers has left is gone. */
    static const char *const paddings[] = {"model.conv1.padding=2", "model.conv1.padding=same"};
    static const char conv[] = "model: [{conv2d: {filters: 1, kernel: 3}}]";
    CU_ASSERT_EQUAL_FATAL(lks_config_parse(&c, conv, strlen(conv), "x", paddings, 2, &err), LKS_OK);
    CU_ASSERT(number(&c.layers[0], "padding") == LKS_PAD_SAME && is_pad(&c.layers[0], 0, 0));
    lks_config_free(&c);
    /* A stride that was not given follows the window. */
    c = parse_good("model: [{maxpool: 2}]", "model.pool1.window=[3, 4]");
    CU_ASSERT(is_pair(&c.layers[0], "stride", 3, 4));
    lks_config_free(&c);
    /* Another optimizer's options go with it when --set changes the name. */
    c = parse_good(MODEL "train: {optimizer: {name: adam, beta1: 0.5}}",
                   "train.optimizer.name=sgd");
    CU_ASSERT(c.train.optimizer.name == LKS_SGD && c.train.optimizer.beta1 == 0.9);
    lks_config_free(&c);
}

/* A text in --set is a shell's word: nothing of YAML but its quotes is seen in it. */
static void test_whole_sets(void) {
    static const char *const texts[] = {
        "gold #2", "[gold]", "null", "~",          "a: b", "*a",   "&a b",     "!x",
        "{a: b}",  "- a",    "#",    " gold ",     "a, b", "a\\n", "true",     "1",
        "|",       "%a",     "@",    "it's \"x\"", "?",    "a=b",  "\xC3\xBC", "> a"};
    for (int i = 0; i < COUNT(texts); i++) {
        char set[64];
        snprintf(set, sizeof set, "data.dir=%s", texts[i]);
        lks_config c = parse_good(MODEL, set);
        CU_ASSERT_STRING_EQUAL(c.data.dir, texts[i]);
        lks_config_free(&c);
        check_round_trip(MODEL, set);
    }
    lks_config c = parse_good(MODEL, "data.dir='it''s #2' # quoted");
    CU_ASSERT_STRING_EQUAL(c.data.dir, "it's #2");
    lks_config_free(&c);
    c = parse_good(MODEL "data: {test_labels: \"\"}", "data.test_images=");
    CU_ASSERT_STRING_EQUAL(c.data.test_images, "");
    lks_config_free(&c);
}

static void test_same_run(void) {
    static const struct {
        const char *set, *message; /* NULL: may differ */
    } changes[] = {
        {"name=other", NULL},
        {"threads=3", NULL},
        {"data.dir=elsewhere", NULL},
        {"data.pictures.preprocess=none", NULL},
        {"data.pictures={preprocess: none, invert: true, background: 7}", NULL},
        {"eval.batch=7", NULL},
        {"eval.every_epochs=2", NULL},
        {"checkpoint.keep=9", NULL},
        {"checkpoint.every_steps=9", NULL},
        {"checkpoint.every_seconds=0.5", NULL},
        {"checkpoint.every_epochs=9", NULL},
        {"metrics.every_steps=1", NULL},
        {"train.max_steps=5", NULL},
        {"train.epochs=9", NULL},
        {"seed=2", "seed: 1 in the checkpoint, 2 now"},
        {"init=he_uniform", "init: glorot_uniform in the checkpoint, he_uniform now"},
        {"data.validation=0.1", "data.validation: 0 in"},
        {"data.classes=11", "data.classes"},
        {"data.normalize=computed", "data.normalize: none"},
        {"data.train_images=x", "data.train_images"},
        {"train.global_batch=64", "train.global_batch: 128 in the checkpoint, 64 now"},
        {"train.chunk=8", "train.chunk: 16"},
        {"train.accumulate=2", "train.accumulate"},
        {"train.reduce=fp32", "train.reduce"},
        {"train.precision=bf16", "train.precision: float32 in the checkpoint, bf16 now"},
        {"train.optimizer.lr=0.01", "train.optimizer.lr: 0.001 in the checkpoint, 0.01 now"},
        {"train.optimizer.name=adam", "train.optimizer.name"},
        {"train.optimizer.momentum=0.5", "train.optimizer.momentum: 0 "},
        {"train.schedule.name=step", "train.schedule.name"},
        {"model.dense1.units=11", "model, layer 2: dense: {units: 10,"},
        {"model.dense1.name=d", "layer 2"},
        {"model=[flatten]", "now"},
        {"model=[flatten, {dense: 10}, relu]", "model, layer 3: missing in the checkpoint, relu"}};
    lks_config saved = parse_good(MODEL, NULL);
    for (int i = 0; i < COUNT(changes); i++) {
        lks_error err = {LKS_OK, ""};
        lks_config now = parse_good(MODEL, changes[i].set);
        lks_status status = lks_config_same_run(&saved, &now, &err);
        CU_ASSERT_EQUAL(status, changes[i].message ? LKS_ERR_MISMATCH : LKS_OK);
        CU_ASSERT(!changes[i].message || strstr(err.text, changes[i].message));
        lks_config_free(&now);
    }
    lks_config_free(&saved);

    /* The one-cycle schedule depends on the number of epochs; two differences, both are named. */
    lks_error err = {LKS_OK, ""};
    saved = parse_good(MODEL "train: {schedule: {name: onecycle}}", NULL);
    lks_config now = parse_good(MODEL "train: {schedule: {name: onecycle}}", "train.epochs=2");
    now.seed = 7;
    CU_ASSERT_EQUAL(lks_config_same_run(&saved, &now, &err), LKS_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "train.epochs: 1 in the checkpoint, 2 now"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "seed: 1 in the checkpoint, 7 now"));
    lks_config_free(&saved);
    lks_config_free(&now);
}

static void check_preset(const lks_option *option) {
    char preset[64];
    snprintf(preset, sizeof preset, "%s", option->preset ? option->preset : "");
    lks_node node = {.type = LKS_NODE_SCALAR, .plain = true, .text = preset};
    lks_source source = {.label = "preset", .text = ""};
    lks_config config;
    lks_status status =
        option->preset ? lks_option_read(option, &config, "", &node, &source, NULL) : LKS_OK;
    CU_ASSERT_EQUAL(status, LKS_OK);
}

/* Help is complete, and every default is within its own range. */
static void test_help(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    lks_config_help(out);
    fclose(out);
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++) {
        char line[64];
        snprintf(line, sizeof line, "\n%s: ", option->key);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
        CU_ASSERT(!option->only_with || lks_option_find(option->only_with));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "train.optimizer.lr: a number > 0; default 0.001\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "train.chunk: one of 4, 8, 16, 32; default 16\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "; only with train.optimizer.name: sgd or rmsprop or lars or muon\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; default 1e-8; 1e-6 with adadelta or lamb"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; adadelta: Adadelta (Zeiler 2012)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  conv2d: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "rate: a number >= 0 and < 1; required\n"));
    free(text);
    for (int i = 0; (option = lks_option_at(i)); i++)
        check_preset(option);
}

/* The rows that optimizers have for one key are alike but for the default. */
static void test_optimizer_rows(void) {
    for (const lks_word *w = lks_optimizer_words; w->word; w++) {
        const lks_option *const *own = lks_optimizer_keys_of((lks_optimizer_name)w->value)->options;
        for (; *own; own++) {
            const lks_option *first = lks_option_find((*own)->key);
            CU_ASSERT_PTR_NOT_NULL_FATAL(first);
            CU_ASSERT(first->offset == (*own)->offset && first->type == (*own)->type);
            CU_ASSERT(first->min == (*own)->min && first->max == (*own)->max);
            CU_ASSERT(first->max_open == (*own)->max_open);
            CU_ASSERT_EQUAL(lks_option_index(first), lks_option_index(*own));
            CU_ASSERT_PTR_EQUAL(lks_option_at(lks_option_index(*own)), first);
            check_preset(*own);
        }
    }
}

/* Each optimizer has its own default, also after --set has chosen it, also where the file has 0. */
static void test_optimizer_defaults(void) {
    static const struct {
        const char *text, *set;
        double epsilon;
    } cases[] = {
        {"train: {optimizer: {name: adam}}\n", NULL, 1e-8},
        {"train: {optimizer: {name: adadelta}}\n", NULL, 1e-6},
        {"train: {optimizer: {name: adam}}\n", "train.optimizer.name=adadelta", 1e-6},
        {"train: {optimizer: {epsilon: 0, name: adadelta}}\n", NULL, 1e-6},
        {"train: {optimizer: {name: rmsprop}}\n", "train.optimizer.epsilon=0", 1e-8},
        {"train: {optimizer: {name: adam, epsilon: 0.5}}\n", "train.optimizer.name=adadelta", 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "%smodel: [dense: 10]\n", cases[i].text);
        lks_config c;
        lks_error err;
        CU_ASSERT_EQUAL_FATAL(lks_config_parse(&c, text, strlen(text), "t.yaml", &cases[i].set,
                                               cases[i].set != NULL, &err),
                              LKS_OK);
        CU_ASSERT_EQUAL(c.train.optimizer.epsilon, cases[i].epsilon);
        lks_config_free(&c);
    }
}

int main(void) {
    static const lks_test tests[] = {{"defaults", test_defaults},
                                     {"every type of value", test_values},
                                     {"layers", test_layers},
                                     {"layers that read several", test_layers_that_read_several},
                                     {"what is printed reads back", test_round_trip},
                                     {"spelling", test_spelling},
                                     {"limits", test_limits},
                                     {"shipped configurations", test_shipped},
                                     {"a locale with a comma", test_locale},
                                     {"--set", test_good_sets},
                                     {"--set with a text", test_whole_sets},
                                     {"what may change on resume", test_same_run},
                                     {"help", test_help},
                                     {"rows of optimizers", test_optimizer_rows},
                                     {"defaults of optimizers", test_optimizer_defaults},
                                     {NULL, NULL}};
    return lks_test_main("config", tests);
}
