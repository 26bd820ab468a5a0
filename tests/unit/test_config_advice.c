/* Words of Keras and PyTorch get an answer that says what to write here, or that it is not there. */
#include "config_text.h"
#include "support/test.h"

#include "config/advice.h"

#include <stdio.h>
#include <string.h>

/* @p text is refused once, with this message. */
static void refused(const char *text, const char *set, const char *message) {
    lks_config config;
    lks_error err;
    CU_ASSERT_EQUAL(parse_text(&config, text, set, &err), LKS_ERR_CONFIG);
    if (!strstr(err.text, message))
        printf("\n    expected: %s\n    got: %s\n", message, err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, message));
}

static void test_layers(void) {
    static const char *const answers[][2] = {
        {"Conv2D", "write conv2d: {filters: 32, kernel: 3}"},
        {"nn.Conv2d", "write conv2d: {filters: 32, kernel: 3}"},
        {"MaxPooling2D", "write maxpool: 2"},
        {"max_pool_2d", "write maxpool: 2"},
        {"Linear", "write dense: 10"},
        {"Dense", "write dense: 10"},
        {"BatchNormalization", "write batchnorm; its momentum is PyTorch's"},
        {"BatchNorm2d", "write batchnorm; its momentum is PyTorch's"},
        {"LayerNorm", "there is no layer normalisation here"},
        {"layernorm", "there is no layer normalisation here"},
        {"Dropout2d", "there is no such dropout here"},
        {"ReLU", "write relu"},
        {"LeakyReLU", "write leaky_relu: 0.01"},
        {"Softmax", "leave it out: softmax is part of the loss"},
        {"CrossEntropyLoss", "leave it out: softmax and cross-entropy are the loss"},
        {"Flatten", "write flatten"},
        {"AdaptiveAvgPool2d", "write global_avgpool"},
        {"GlobalAveragePooling2D", "write global_avgpool"},
        {"InputLayer", "leave it out"},
        {"SiLU", "write silu"},
        {"Concatenate", "write concat: NAME"},
        {"DepthwiseConv2D", "write conv2d with groups"},
        {"Drpout", "did you mean 'dropout'?"},
        {"quite_another", "known kinds: conv2d"}};
    for (int i = 0; i < COUNT(answers); i++) {
        char text[200], message[200];
        snprintf(text, sizeof text, "model:\n  - %s: 3\n", answers[i][0]);
        snprintf(message, sizeof message, "yaml:2:5: unknown layer '%s'; %s", answers[i][0],
                 answers[i][1]);
        refused(text, NULL, message);
    }
}

/* Options beside the kind, as in {type: conv2d, filters: 32}. */
static void test_flat_layers(void) {
    static const char shape[] = "a layer has one key, its kind: - conv2d: {filters: 32, kernel: 3}";
    refused("model: [{type: conv2d, filters: 32, kernel: 3}]", NULL, shape);
    refused("model: [{name: first, dense: 10}]", NULL, shape);
    refused("model: [{type: conv2d}]", NULL, "known kinds: conv2d");
}

static void test_options_of_layers(void) {
    static const char *const answers[][3] = {
        {"conv2d", "kernel_size", "did you mean 'kernel'?"},
        {"maxpool", "kernel_size", "did you mean 'window'?"},
        {"maxpool", "pool_size", "did you mean 'window'?"},
        {"conv2d", "out_channels", "did you mean 'filters'?"},
        {"conv2d", "strides", "did you mean 'stride'?"},
        {"conv2d", "in_channels", "leave it out: the layer before tells it"},
        {"conv2d", "activation",
         "write the activation as a layer of its own after this one: - relu"},
        {"dense", "out_features", "did you mean 'units'?"},
        {"dense", "use_bias", "did you mean 'bias'?"},
        {"dense", "input_shape", "leave it out: the data tell the size of the images"},
        {"batchnorm", "eps", "did you mean 'epsilon'?"},
        {"leaky_relu", "negative_slope", "did you mean 'slope'?"},
        {"dropout", "p", "did you mean 'rate'?"},
        {"dense", "kernel_size", "known options: units"}};
    for (int i = 0; i < COUNT(answers); i++) {
        char text[200], message[200];
        snprintf(text, sizeof text, "model: [{%s: {%s: 3}}]", answers[i][0], answers[i][1]);
        snprintf(message, sizeof message, "%s has no option '%s'; %s", answers[i][0], answers[i][1],
                 answers[i][2]);
        refused(text, NULL, message);
    }
}

static void test_keys(void) {
    static const char *const answers[][2] = {
        {"learning_rate: 1", "'learning_rate'; write train: {optimizer: {lr: ...}}"},
        {"train: {learning_rate: 1}", "'learning_rate' in 'train'; write optimizer: {lr: ...}"},
        {"train: {batch_size: 1}", "'batch_size' in 'train'; write global_batch: ..."},
        {"epochs: 3", "'epochs'; write train: {epochs: ...}"},
        {"train: {optimizer: {epochs: 3}}",
         "'epochs' in 'train.optimizer'; write train: {epochs: ...}"},
        {"train: {optimizer: {betas: [0.9, 1]}}",
         "write beta1 and beta2: optimizer: {name: adam, beta1: 0.9, beta2: 0.999}"},
        {"train: {optimizer: {eps: 1}}", "write epsilon: ..."},
        {"train: {weight_decay: 1}", "write optimizer: {weight_decay: ...}"},
        {"train: {momentum: 1}", "write optimizer: {momentum: ...}"},
        {"optimizer: {name: adam}", "'optimizer'; write train: {optimizer: ...}"},
        {"num_classes: 10", "one output for each class"},
        {"loss: CrossEntropyLoss", "leave it out: softmax and cross-entropy are the loss"},
        {"train: {seed: 3}", "'seed' in 'train'; write seed: ..., a key of its own beside 'model'"},
        {"data: {threads: 3}", "write threads: ..., a key of its own beside 'model'"},
        {"data: {path: x}", "'path' in 'data'; write dir: ..."},
        {"data: {root: x}", "'root' in 'data'; write dir: ..."},
        {"callbacks: []", "train.early_stop"},
        {"train: {amp: true}", "'amp' in 'train'; write precision: ..."},
        {"precision: bf16", "'precision'; write train: {precision: ...}"},
        {"train: {gradient_clipping: 1}", "write clip_norm: ..."},
        {"layers: [relu]", "'layers'; write model: ..."},
        {"train: {dropout: 0.5}", "a layer is an entry of the list 'model'"},
        {"train: {optimizer: adamw}",
         "'train.optimizer' must be a map of keys: write optimizer: {name: adamw}"},
        {"train: {optimizer: Adam}", "must be a map of keys: write optimizer: {name: adam}"},
        {"train: {schedule: CosineAnnealingLR}", "write schedule: {name: cosine}"},
        {"train: {optimizer: frobnicate}", "write optimizer: {name: ...}"},
        {"train: 3", "'train' must be a map of keys"}};
    for (int i = 0; i < COUNT(answers); i++) {
        char text[200];
        snprintf(text, sizeof text, MODEL "%s", answers[i][0]);
        refused(text, NULL, answers[i][1]);
    }
    refused(MODEL, "batch_size=3", "did you mean 'train.global_batch'?");
    refused(MODEL, "train.optimizer=adamw",
            "must be a map of keys: write train.optimizer.name=adamw");
}

static void test_values(void) {
    refused(MODEL, "train.optimizer.name=AdamW", "not 'AdamW' (did you mean 'adamw'?)");
    refused(MODEL, "train.optimizer.name=SGD", "(did you mean 'sgd'?)");
    refused(MODEL, "train.optimizer.name=Adagrad", "(there is no such optimizer here)");
    refused(MODEL, "train.schedule.name=StepLR", "(did you mean 'step'?)");
    refused(MODEL, "train.schedule.name=ReduceLROnPlateau", "(did you mean 'plateau'?)");
    refused(MODEL, "train.precision=bfloat16", "not 'bfloat16' (did you mean 'bf16'?)");
    refused(MODEL, "train.precision=fp32", "not 'fp32' (did you mean 'float32'?)");
    refused(MODEL, "train.precision=float16", "(there is no such precision here: float32 or bf16)");
    refused(MODEL, "init=kaiming_normal", "(did you mean 'he_normal'?)");
    refused("model: [{conv2d: {filters: 1, kernel: 3, padding: SAME}}]", NULL,
            "not 'SAME' (did you mean 'same'?)");
}

/* What `lockstep help WORD` says. */
static void test_help(void) {
    char text[300];
    CU_ASSERT_TRUE(lks_config_advice("Learning-Rate", text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "write train: {optimizer: {lr: ...}}");
    CU_ASSERT_TRUE(lks_config_advice("torch.nn.LayerNorm", text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "there is no layer normalisation here");
    static const char *const unknown[] = {"",
                                          ".",
                                          "|",
                                          "relu|tanh",
                                          "frobnicate",
                                          "_",
                                          "0123456789012345678901234567890123456789012345678901"};
    for (int i = 0; i < COUNT(unknown); i++) {
        CU_ASSERT_FALSE(lks_config_advice(unknown[i], text, sizeof text));
        CU_ASSERT_STRING_EQUAL(text, "");
    }
}

static bool has_option(const char *name) {
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++)
        if (lks_layer_option_find(*kind, name))
            return true;
    if (lks_layer_kind_find(name))
        return true;
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++) {
        const char *dot = strrchr(option->key, '.');
        if (strcmp(option->key, name) == 0 || strcmp(dot ? dot + 1 : "", name) == 0)
            return true;
        for (const lks_word *w = option->words; w && w->word; w++)
            if (strcmp(w->word, name) == 0)
                return true;
    }
    return false;
}

/* No row advises what is not there, says nothing, or is hidden by a row before it. */
static void test_table(void) {
    for (const lks_advice *a = lks_advice_table; a->words; a++) {
        char list[300], *next = list;
        snprintf(list, sizeof list, "%s", a->instead ? a->instead : "");
        for (char *name; (name = strsep(&next, "|")) && *name;) {
            if (!has_option(name))
                printf("\n    %s is advised, and not there\n", name);
            CU_ASSERT_TRUE(has_option(name));
        }
        CU_ASSERT(a->text || (a->instead && !strchr(a->instead, '|')));
        next = list;
        snprintf(list, sizeof list, "%s", a->words);
        for (char *word; (word = strsep(&next, "|"));) {
            if (lks_advice_find(word) != a)
                printf("\n    %s stands in two rows, or is not as it is looked up\n", word);
            CU_ASSERT_PTR_EQUAL(lks_advice_find(word), a);
        }
    }
}

int main(void) {
    static const lks_test tests[] = {{"layers", test_layers},
                                     {"flat layers", test_flat_layers},
                                     {"options of layers", test_options_of_layers},
                                     {"keys", test_keys},
                                     {"values", test_values},
                                     {"help", test_help},
                                     {"the table", test_table},
                                     {NULL, NULL}};
    return lks_test_main("config, advice", tests);
}
