/* Configurations that are refused: every kind of mistake, and texts that nobody would write. */
#include "config_text.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect(const char *text, const char *set, lks_status status, const char *message) {
    lks_config config;
    lks_error err;
    lks_status got = parse_text(&config, text, set, &err);
    if (got == LKS_OK)
        lks_config_free(&config);
    if (got != status || !strstr(err.text, message))
        printf("\n    expected: %s\n    got: %s\n", message, err.text);
    CU_ASSERT_EQUAL(got, status);
    CU_ASSERT_EQUAL(err.status, status);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, message));
    CU_ASSERT(config.layers == NULL);
}

static void bad(const char *text, const char *message) {
    expect(text, NULL, LKS_ERR_CONFIG, message);
}

/* Refused by --set and, with its place, in a file. */
static void bad_set(const char *set, const char *message) {
    char full[200];
    snprintf(full, sizeof full, "--set %s: %s", set, message);
    expect(MODEL, set, LKS_ERR_CONFIG, full);
}

static void test_caret(void) {
    lks_config config;
    lks_error err;
    parse_text(&config, MODEL "train:\n\tepochs: 3\n", NULL, &err);
    CU_ASSERT(strncmp(err.text, "some/net.yaml:3:", 16) == 0);
    parse_text(&config, MODEL "train:\n  epochs: 3\n  # \xC3\xA9\r\n  epoks: 3 # \xC3\xA9\n", NULL,
               &err);
    CU_ASSERT_STRING_EQUAL(err.text, "some/net.yaml:5:3: unknown key 'epoks' in 'train'; "
                                     "did you mean 'epochs'?\n"
                                     "    epoks: 3 # \xC3\xA9\n"
                                     "    ^");
    parse_text(&config, "model: [\"\xC3\xA9\xC3\xA9\", relo]", NULL, &err);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "yaml:1:9: unknown layer"));
    parse_text(&config, "\xEF\xBB\xBFmodel: [relu, relo]", NULL, &err);
    CU_ASSERT_STRING_EQUAL(err.text, "some/net.yaml:1:15: unknown layer 'relo'; "
                                     "did you mean 'relu'?\n"
                                     "  model: [relu, relo]\n"
                                     "                ^");
}

/* A long line is cut on both sides, tabs become spaces: the caret still stands below the '@'. */
static void test_long_line(void) {
    lks_config config;
    lks_error err;
    char text[1000] = "model: [";
    for (int i = 0; i < 20; i++)
        strcat(text, "\"\xC3\xA9\",\t");
    strcat(text, "@, ");
    for (int i = 0; i < 20; i++)
        strcat(text, "relu, ");
    CU_ASSERT_EQUAL(parse_text(&config, text, NULL, &err), LKS_ERR_CONFIG);
    CU_ASSERT_EQUAL(strncmp(err.text, "some/net.yaml:1:109: broken YAML", 32), 0);
    const char *line = strchr(err.text, '\n'), *caret = line ? strrchr(err.text, '\n') : NULL;
    CU_ASSERT_FATAL(line && caret > line);
    CU_ASSERT(strncmp(line, "\n  ...", 6) == 0 && strncmp(caret - 3, "...", 3) == 0);
    CU_ASSERT(memchr(line, '?', (size_t)(caret - line)) == NULL);
    size_t column = 0;
    for (const char *s = line + 1; *s != '@' && s < caret; s++)
        column += ((unsigned char)*s & 0xC0) != 0x80;
    CU_ASSERT_EQUAL(strspn(caret + 1, " "), column);
}

static void test_bad_keys(void) {
    catch_stderr();
    bad("modle: []", "yaml:1:1: unknown key 'modle'; did you mean 'model'?");
    bad(MODEL "train: {lr: 1}", "2:9: unknown key 'lr' in 'train'; write optimizer: {lr: ...}");
    bad(MODEL "quite_another: 1", "known keys: name seed threads data augment init model train");
    bad(MODEL "train.epochs: 1",
        "keys with dots are for --set; in a file write train: {epochs: ...}");
    bad(MODEL "train: {epochs: 1, chunk: 8, epochs: 2}",
        "2:30: duplicate key 'epochs', first given on line 2");
    bad("model:\n- dense: {units: 1, units: 2}", "2:21: duplicate key 'units'");
    bad(MODEL "model: [relu]", "2:1: duplicate key 'model'");
    bad("model:\n- conv2d: {filters: 1, kernal: 2}",
        "2:24: conv2d has no option 'kernal'; did you mean 'kernel'?");
    bad("model:\n  - dense: {units: 3, activation: relu}\n",
        "write the activation as a layer of its own after this one");
    bad("model:\n  - dense: 10\n  - softmax\n", "softmax is part of the loss");
    bad("model:\n- {relu: , dense: 3}", "a layer has one key");
    bad(MODEL "[1, 2]: 3", "2:1: a key must be a word");
    bad(MODEL "~: 3", "a key must be a word");
    bad(MODEL "<<: {seed: 1}", "2:1: merge keys (<<) are not supported");
    bad(MODEL "name: &a b", "2:7: anchors (&) are not supported");
    bad("model: &a [relu]", "1:8: anchors (&) are not supported");
    bad(MODEL "name: *a", "2:7: aliases (*) are not supported");
    bad(MODEL "seed: !!int 3", "2:7: tags (!) are not supported");
    bad(MODEL "data:", "'data' must be a map of keys, and has none");
    bad(MODEL "data: [dir]", "2:7: 'data' must be a map of keys");
    check_stderr();
}

static void test_bad_values(void) {
    catch_stderr();
    bad(MODEL "train: {epochs: many}",
        "2:17: train.epochs must be a whole number >= 1, not 'many'");
    bad(MODEL "train: {epochs: 0}", "must be a whole number >= 1, not '0'");
    bad_set("train.epochs=abc", "train.epochs must be a whole number >= 1, not 'abc'");
    bad_set("train.epochs=1.5", "train.epochs must be a whole number");
    bad_set("train.epochs=1e3", "train.epochs must be a whole number");
    bad_set("train.epochs=0x10", "train.epochs must be a whole number");
    bad_set("train.epochs=\"3\"",
            "train.epochs must be a whole number >= 1, not the quoted text \"3\"");
    bad_set("train.epochs=[3]", "train.epochs must be a whole number >= 1, not a list");
    bad_set("train.epochs=", "train.epochs has no value");
    bad_set("train.epochs=2147483648", "train.epochs must be a whole number >= 1, not '2147483648' "
                                       "(too large, at most 2147483647)");
    bad_set("train.epochs=18446744073709551617", "train.epochs must be a whole number");
    bad_set("train.max_steps=9223372036854775808", "train.max_steps must be");
    bad_set("seed=18446744073709551616", "seed must be a whole number >= 0");
    bad_set("seed=-1", "seed must be a whole number >= 0, not '-1'");
    bad_set("threads=1025", "threads must be a whole number from 0 to 1024, not '1025'");
    static const char *const no_rates[] = {"0.01abc", ".nan",   ".inf", "-.Inf", "nan", "inf",
                                           "1e400",   "1e-400", "0",    "-1",    "1,5", "0x1p3",
                                           "1e",      ".",      "'1'",  "1 2",   "+"};
    for (int i = 0; i < COUNT(no_rates); i++) {
        char set[64];
        snprintf(set, sizeof set, "train.optimizer.lr=%s", no_rates[i]);
        bad_set(set, "train.optimizer.lr must be a number > 0, not ");
    }
    bad_set("train.optimizer.lr=.nan",
            "train.optimizer.lr must be a number > 0, not '.nan' (not a finite number)");
    bad_set("train.optimizer.weight_decay=1e-400",
            "train.optimizer.weight_decay must be a number >= 0, not '1e-400' (too small)");
    bad_set("data.validation=1", "data.validation must be a number >= 0 and < 1, not '1'");
    bad_set("train.chunk=12", "train.chunk must be one of 4, 8, 16, 32, not '12'");
    bad_set("init=he_norml",
            "init must be one of glorot_uniform, glorot_normal, he_uniform, he_normal, "
            "fan_in_uniform, not 'he_norml' (did you mean 'he_normal'?)");
    bad_set("train.schedule.cosine=yes", "train.schedule.cosine must be true or false, not 'yes'");
    bad_set("data.dir=\"\"", "data.dir must be a text");
    bad_set("data.dir=\"a\\0b\"", "line breaks and control characters");
    bad_set("data.dir=\"a\\nb\"", "line breaks and control characters");
    bad_set("data.dir=\"\\ud800\"", "");
    bad_set(
        "data.mean=[]",
        "data.mean must be a number from -1000 to 1000 or a list of up to 64, not a list (empty)");
    bad_set("data.std=[1, 0]", "data.std must be");
    bad_set("model=relu", "model must be a list of 1 to 512 layers");
    bad_set("model=[]", "model must be a list");
    bad_set("model=[dropout]", "layer 1 (dropout): needs 'rate', a number >= 0 and < 1");
    bad_set("model=[{conv2d: 3}]", "layer 1 (conv2d): needs 'kernel'");
    bad_set("model=[{relu: 3}]", "relu takes no value");
    bad_set("model=[{dropout: 1}]", "layer 1 (dropout): rate must be");
    bad_set("model=[{maxpool: [2, 2, 2]}]", "layer 1 (maxpool): window must be");
    bad_set("model=[{dense: {units: 3, name: a.b}}]", "layer 1 (dense): name must be a name");
    check_stderr();
}

static void test_too_long(void) {
    char set[1200] = "name=", shown[1300];
    memset(set + 5, 'n', LKS_NAME_MAX);
    bad_set(set, "name must be a text, not 'nnn");
    memset(set + 5, 0, sizeof set - 5);
    strcpy(set, "data.mean=[");
    for (int i = 0; i <= LKS_CHANNELS_MAX; i++)
        strcat(set, i ? ",2" : "2");
    strcat(set, "]");
    snprintf(shown, sizeof shown, "--set %s: data.mean must be", set);
    expect(MODEL, set, LKS_ERR_CONFIG, shown);
}

static void test_bad_sets(void) {
    catch_stderr();
    expect(MODEL, "train.epochs", LKS_ERR_USAGE, "--set train.epochs: write KEY=VALUE");
    expect(MODEL, "=3", LKS_ERR_USAGE, "--set =3: write KEY=VALUE");
    expect(MODEL, "", LKS_ERR_USAGE, "KEY=VALUE");
    bad_set("train.epoks=3", "unknown key 'train.epoks'; did you mean 'train.epochs'?");
    bad_set("lr=3", "unknown key 'lr'; did you mean 'train.optimizer.lr'?");
    bad_set("train.batch_size=3",
            "unknown key 'train.batch_size'; did you mean 'train.global_batch'?");
    bad_set("learning_rate=3", "unknown key 'learning_rate'; did you mean 'train.optimizer.lr'?");
    bad_set("train=3", "'train' must be a map of keys");
    bad_set("train.epochs=[1", "broken YAML");
    bad_set("model.dens1.units=3", "no layer is called 'dens1'; did you mean 'dense1'?");
    bad_set("model.dense1.unit=3", "dense has no option 'unit'; did you mean 'units'?");
    bad_set("model.dense1.units=0",
            "model.dense1.units must be a whole number from 1 to 1048576, not '0'");
    bad_set("model.dense1=3", "'dense1' is a layer");
    bad_set("model.dense1.name=flatten1", "two layers are called 'flatten1'");
    expect(MODEL, "name=\x80", LKS_ERR_CONFIG, "--set name=?: byte 0x80 is not UTF-8");
    check_stderr();
}

static void test_combinations(void) {
    catch_stderr();
    bad("seed: 1", "'model' is missing");
    bad(MODEL "train: {optimizer: {momentum: 0, nesterov: true}}",
        "2:44: train.optimizer.nesterov needs train.optimizer.momentum > 0");
    bad(MODEL "train: {optimizer: {beta1: 0.5}}",
        "2:28: train.optimizer.beta1 has no effect: it belongs to train.optimizer.name: adam");
    bad(MODEL "train: {optimizer: {name: adam, momentum: 0.5}}", "momentum has no effect");
    bad(MODEL "train: {schedule: {gamma: 0.5}}", "gamma has no effect");
    bad(MODEL "train: {optimizer: {lr_batch: 64}}",
        "lr_batch has no effect: it belongs to train.optimizer.lr_scale: linear or sqrt");
    bad(MODEL "train: {schedule: {warmup_steps: 5, warmup_samples: 640}}",
        "warmup_samples and train.schedule.warmup_steps are the same warm-up: give one of them");
    bad(MODEL "train: {global_batch: 32, optimizer: {lr: 0.1, lr_scale: linear, lr_batch: 64}, "
              "schedule: {name: cosine, min_lr: 0.06}}",
        "train.schedule.min_lr is larger than train.optimizer.lr");
    bad(MODEL "train: {schedule: {name: step, div_factor: 5}}", "div_factor has no effect");
    bad(MODEL "data: {mean: 0.1, std: 1}",
        "data.mean has no effect: it belongs to data.normalize: given");
    bad(MODEL "data: {pictures: {invert: true}}",
        "data.pictures.invert has no effect: it belongs to data.pictures.preprocess: none");
    bad(MODEL "data: {pictures: {preprocess: none, background: 256}}", "from 0 to 255");
    bad(MODEL "data: {normalize: given, mean: 0.1}", "needs both data.mean and data.std");
    bad(MODEL "data: {normalize: given, mean: [1, 2], std: [1, 2, 3]}",
        "data.mean has 2 values and data.std 3");
    bad(MODEL "data: {test_images: \"\"}",
        "2:21: data.test_images and data.test_labels: give both");
    bad(MODEL "name: a/b", "name becomes a folder's name");
    bad(MODEL "name: ..", "name becomes a folder's name");
    bad("model: [relu, {add: [relu1]}]",
        "must be a name of letters, digits, '_' and '-', not a list");
    bad("model: [relu, {concat: [relu1, b a]}]", "or a list of up to 7, not 'b a'");
    bad("model: [relu, {concat: [a, a, a, a, a, a, a, a]}]", "too long");
    bad("model: [relu, {concat: []}]", "empty");
    bad("model: [relu, concat]", "needs 'from'");
    bad("model: [relu, {concat: [relu1, relu2]}]", "no earlier layer is called 'relu2'");
    bad("model:\n  - relu\n  - add: relu2\n",
        "3:5: layer 2 (add 'add1'): from: no earlier layer is called 'relu2'");
    bad("model:\n  - relu\n  - relu: {name: input}\n",
        "3:5: layer 2 (relu 'input'): 'input' names the image");
    bad("model: [relu, {flatten: {name: relu1}}]",
        "two layers are called 'relu1' (layers 1 and 2)");
    /* 4096 chunks are allowed, one sample more is not. */
    lks_config c = parse_good(MODEL "train: {global_batch: 32768, chunk: 16, accumulate: 2}", NULL);
    CU_ASSERT_EQUAL(c.train.global_batch, 32768);
    lks_config_free(&c);
    bad(MODEL "train: {global_batch: 32769, accumulate: 2}",
        "2:42: an optimizer step adds up at most 4096 chunks");
    bad(MODEL "train: {global_batch: 65537}",
        "2:23: an optimizer step adds up at most 4096 chunks");
    bad(MODEL "train: {global_batch: 2147483647, accumulate: 2147483647, chunk: 4}",
        "at most 4096 chunks");
    check_stderr();
}

/* --- several at once -------------------------------------------------------------------------- */

/* The lines of the message that begin a problem, one after another: "2:3 8:1 --set ". */
static void places(const char *message, char *out, size_t size) {
    size_t used = 0;
    *out = '\0';
    for (const char *line = message; line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, "some/net.yaml:", 14) == 0)
            used += (size_t)snprintf(out + used, size - used, "%.*s ",
                                     (int)strcspn(line + 14, " ") - 1, line + 14);
        else if (strncmp(line, "--set ", 6) == 0)
            used +=
                (size_t)snprintf(out + used, size - used, "%.*s ", (int)strcspn(line, ":"), line);
}

static void all_of(const char *text, const char *const *sets, int n_sets, const char *wanted) {
    lks_config config;
    lks_error err = {LKS_OK, ""};
    char got[400];
    CU_ASSERT_EQUAL(
        lks_config_parse(&config, text, strlen(text), "some/net.yaml", sets, n_sets, &err),
        LKS_ERR_CONFIG);
    places(err.text, got, sizeof got);
    if (strcmp(got, wanted) != 0)
        printf("\n    wanted %s\n    got    %s\n%s\n", wanted, got, err.text);
    CU_ASSERT_STRING_EQUAL(got, wanted);
}

/* In the order of the file, whichever pass found them; each once, with its line and caret. */
static void test_several(void) {
    static const char text[] = "seed: x\n"
                               "model:\n"
                               "  - conv2d: {filters: 8, kernal: 3}\n"
                               "  - relo\n"
                               "  - dense: {units: 0, bias: maybe}\n"
                               "train:\n"
                               "  epochs: many\n"
                               "  optimizer: adamw\n"
                               "  schedule: {name: step, gamma: 0, div_factor: 5}\n"
                               "data: {validation: 2, mean: 0.1}\n";
    all_of(text, NULL, 0, "1:7 3:26 4:5 5:20 5:29 7:11 8:14 9:33 9:48 10:20 ");
    bad("a: 1\nb: 2\n" MODEL,
        "some/net.yaml:1:1: unknown key 'a'; known keys: name seed threads data "
        "augment init model train checkpoint eval metrics\n  a: 1\n  ^\n"
        "some/net.yaml:2:1: unknown key 'b'; ");
    static const char *const sets[] = {"train.epochs=0", "data.dir=fine", "model.dense1.unit=3"};
    all_of(MODEL "seed: x\n", sets, COUNT(sets),
           "2:7 --set train.epochs=0 --set model.dense1.unit=3 ");
}

/* What only follows from another mistake is not told. */
static void test_consequences(void) {
    static const char *const sets[] = {"model.relu1.name=a"};
    all_of(MODEL "train: {optimizer: {name: adm, beta1: 0.5, nesterov: true}}", NULL, 0, "2:27 ");
    all_of(MODEL "train: {optimizer: {nmae: adam, beta1: 0.5}}", NULL, 0, "2:21 ");
    all_of(MODEL "trian: {optimizer: {name: adam}}\neval: {test_weights: best}", NULL, 0, "2:1 ");
    all_of(MODEL "data: {validatoin: 0.1}\neval: {test_weights: best}", NULL, 0, "2:8 ");
    all_of(MODEL "data: {normalize: givn, mean: 1}", NULL, 0, "2:19 ");
    all_of("modle: [relu]", NULL, 0, "1:1 ");
    all_of("model: [{dense: {unitz: 3}}]", NULL, 0, "1:18 ");
    all_of("model: [relo, {add: relu1}, {relu: {name: relu2}}, relu]", sets, 1, "1:9 ");
    all_of("- relu", sets, 1, "1:1 ");
    static const char *const from[] = {"model.concat1.from=[\"b c\"]"};
    all_of("model: [relu, {concat: relu1}]", from, 1, "--set model.concat1.from=[\"b c\"] ");
    all_of("model: [{Dense: {units: 3}}, {BatchNorm2d: 32}, {Conv2D: }]", NULL, 0,
           "1:10 1:31 1:50 ");
    /* and what does not follow is */
    all_of("model: [{Conv2D: {filters: 0, kernel_size: 3, padding: same}}]", NULL, 0,
           "1:10 1:28 1:31 ");
    all_of(MODEL "train: {epochs: x, optimizer: {beta1: 0.5}}", NULL, 0, "2:17 2:39 ");
    all_of("model: [{add: a}, {add: b}]", NULL, 0, "1:10 1:20 ");
    all_of(MODEL "data: {validation: 0}\neval: {test_weights: best}\n"
                 "train: {schedule: {name: plateau}, early_stop: {patience: 1}}",
           NULL, 0, "3:22 4:26 4:59 ");
}

static void test_more_than_ten(void) {
    char text[3000] = MODEL "train: {optimizer: {beta1: 0.5}}\n";
    lks_config config;
    lks_error err;
    for (int i = 0; i < 12; i++)
        sprintf(text + strlen(text), "checkpoint%d: 1\n", i);
    all_of(text, NULL, 0, "3:1 4:1 5:1 6:1 7:1 8:1 9:1 10:1 11:1 12:1 ");
    parse_text(&config, text, NULL, &err);
    CU_ASSERT_STRING_EQUAL(strrchr(err.text, '\n'), "\nand 2 more");
    /* Found last, told first: the option without effect stands before the bad values. */
    strcpy(text, MODEL "train: {optimizer: {beta1: 0.5}}\ndata: {");
    for (int i = 0; i < 10; i++)
        sprintf(text + strlen(text), "\n  x%d: 1,", i);
    strcat(text, "}");
    all_of(text, NULL, 0, "2:28 4:3 5:3 6:3 7:3 8:3 9:3 10:3 11:3 12:3 ");
    /* No more than there is room for, and only whole ones. */
    static const char unit[] = "{dense: \"%0400d\"}, ";
    strcpy(text, "model: [");
    for (int i = 0; i < 6; i++)
        sprintf(text + strlen(text), unit, i);
    strcat(text, "]");
    parse_text(&config, text, NULL, &err);
    CU_ASSERT_PTR_NULL(strstr(err.text, "more"));
    memset(text, 0, sizeof text);
    strcpy(text, MODEL "data: {x0: 1");
    for (int i = 1; i < 10; i++) /* each with a line of UTF-8 that takes three times its columns */
        sprintf(
            text + strlen(text), ", x%d: \"%s\"", i,
            "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
            "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
            "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC");
    strcat(text, "}");
    parse_text(&config, text, NULL, &err);
    const char *last = strrchr(err.text, '\n');
    CU_ASSERT(strlen(err.text) < sizeof err.text - 1);
    int more = 0, told = 0;
    for (const char *at = err.text; (at = strstr(at, "unknown key")); at++)
        told++;
    CU_ASSERT(last && sscanf(last, "\nand %d more", &more) == 1);
    CU_ASSERT_EQUAL(told + more, 10);
}

static void bad_bytes(const char *text, size_t size, const char *message) {
    lks_config config;
    lks_error err = {LKS_OK, ""};
    CU_ASSERT_EQUAL(lks_config_parse(&config, text, size, "f", NULL, 0, &err), LKS_ERR_CONFIG);
    if (!strstr(err.text, message))
        printf("\n    expected: %s\n    got: %s\n", message, err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, message));
    CU_ASSERT(strlen(err.text) < sizeof err.text - 1);
}

/* @p unit, over and over, up to @p size bytes. */
static void bad_repeated(const char *unit, size_t size, const char *message) {
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = unit[i % strlen(unit)];
    bad_bytes(text, size, message);
    free(text);
}

static void test_no_configuration(void) {
    catch_stderr();
    bad("", "yaml:1:1: the file is empty");
    bad("# nothing\n\n", "the file is empty");
    bad("---\n", "must be a map of keys, and has none");
    bad("- relu\n", "a configuration must be a map of keys");
    bad("relu", "a configuration must be a map of keys");
    bad(MODEL "---\n" MODEL, "2:1: a configuration is one YAML document");
    bad(MODEL "train: [1, 2\n",
        "broken YAML: flow sequence without a closing bracket (inside the '[' of line 2)");
    bad("a: \"b\n", "broken YAML");
    bad(MODEL "train:\n  epochs: 1\n seed: 1\n", "yaml:4:2: broken YAML");
    bad("@\n", "yaml:1:1: broken YAML");
    bad("%YAML 1.1\n---\n" MODEL, "directives (%) are not supported");
    bad_bytes("a: \xFFz", 5, "f:1:4: byte 0xff is not UTF-8\n  a: ?z\n     ^");
    bad_bytes("a: \xC0\x80", 5, "f:1:4: byte 0xc0 is not UTF-8");
    bad_bytes("a: \xE0\x80\x80", 6, "byte 0xe0 is not UTF-8");
    bad_bytes("a: \xED\xA0\x80", 6, "byte 0xed is not UTF-8");
    bad_bytes("a: \xF0\x80\x80\x80", 7, "byte 0xf0 is not UTF-8");
    bad_bytes("a: \xF4\x90\x80\x80", 7, "byte 0xf4 is not UTF-8");
    bad_bytes("a: \xC3", 4, "byte 0xc3 is not UTF-8");
    bad_bytes("a: b\0c", 6, "f:1:5: byte 0x00 is a control character");
    bad_bytes("\xFF\xFE"
              "a\0",
              4, "f:1:1: byte 0xff is not UTF-8");
    bad_repeated("[", 20000, "nested deeper");
    bad_repeated("{a: ", 20000, "nested deeper");
    bad_repeated("- ", 20000, "nested deeper");
    bad_repeated("x,", 100000, "must be a map");
    bad_repeated("seed: 1\n", 200000, "more values than a configuration can have");
    bad_repeated("\n", 20000, "blanks or line ends in a row");
    bad_repeated("model ", 3000, "...");
    bad_repeated("#", (1 << 20) + 1, "larger than 1 MiB");
    check_stderr();
}

static void bad_file(const char *path, const char *message) {
    char *text = (char *)path;
    size_t size = 1;
    lks_error err = {LKS_OK, ""};
    CU_ASSERT_EQUAL(lks_config_read_file(path, &text, &size, &err), LKS_ERR_CONFIG);
    CU_ASSERT(text == NULL && size == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, message));
}

static void test_read_file(void) {
    char path[300], *text = NULL;
    size_t size = 0;
    lks_error err = {LKS_OK, ""};
    snprintf(path, sizeof path, "%s/no.yaml", lks_test_folder());
    bad_file(path, "No such file");
    bad_file(lks_test_folder(), "Is a directory");
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (int i = 0; i < 1 << 20; i++)
        fputc("a\0b\n"[i % 4], file);
    fclose(file);
    CU_ASSERT_EQUAL_FATAL(lks_config_read_file(path, &text, &size, &err), LKS_OK);
    CU_ASSERT(size == 1 << 20 && text[1] == '\0' && text[size - 1] == '\n' && text[size] == '\0');
    free(text);
    file = fopen(path, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputc('x', file);
    fclose(file);
    bad_file(path, "larger than 1 MiB");

    /* A pipe that nobody writes to does not block for ever. */
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    bad_file(path, "nobody writes to this pipe");
}

/* --- texts that nobody would write ------------------------------------------------------------ */

/* Either a configuration that can be written and read again, or one message. */
static bool survives(const char *text, size_t size) {
    lks_config config;
    lks_error err = {LKS_OK, ""};
    lks_status status = lks_config_parse(&config, text, size, "mutant.yaml", NULL, 0, &err);
    if (status != LKS_OK)
        return status == LKS_ERR_CONFIG && strncmp(err.text, "mutant.yaml:", 12) == 0 &&
               !config.layers;
    char *yaml = lks_config_to_yaml(&config, &err);
    lks_config_free(&config);
    status = yaml ? lks_config_parse(&config, yaml, strlen(yaml), "again", NULL, 0, &err)
                  : LKS_ERR_MEMORY;
    free(yaml);
    if (status == LKS_OK)
        lks_config_free(&config);
    return status == LKS_OK;
}

static uint32_t random_state;

/* Marsaglia's xorshift: the same mutants in every run. */
static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* An exact copy on the heap, so that a sanitizer sees a read beyond the end. */
static int check_copy(const char *text, size_t size) {
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    int failed = !survives(copy, size);
    free(copy);
    return failed;
}

static void test_prefixes(void) {
    size_t size;
    char *text = read_shipped("mnist-convnet.yaml", &size);
    int failed = 0;
    catch_stderr();
    for (size_t n = 0; n <= size; n++)
        failed += check_copy(text, n);
    check_stderr();
    CU_ASSERT_EQUAL(failed, 0);
    free(text);
}

static void test_mutations(void) {
    static const char syntax[] = "\n\r\t :-#?,[]{}&*!|>'\"%@`\\\0\x80\xC3\xFF<0.e~";
    size_t size;
    char *text = read_shipped("mnist-convnet.yaml", &size);
    int failed = 0;
    random_state = 2463534242u;
    catch_stderr();
    for (int i = 0; i < 2000; i++) {
        size_t at = next_random() % size;
        char saved = text[at];
        text[at] = i % 2 ? syntax[next_random() % (sizeof syntax - 1)] : (char)next_random();
        failed += check_copy(text, size);
        text[at] = saved;
    }
    check_stderr();
    CU_ASSERT_EQUAL(failed, 0);
    free(text);
}

int main(void) {
    static const lks_test tests[] = {{"place, source line and caret", test_caret},
                                     {"a long line", test_long_line},
                                     {"bad keys", test_bad_keys},
                                     {"bad values", test_bad_values},
                                     {"too long", test_too_long},
                                     {"bad --set", test_bad_sets},
                                     {"values that do not go together", test_combinations},
                                     {"several at once", test_several},
                                     {"what only follows", test_consequences},
                                     {"more than ten", test_more_than_ten},
                                     {"no configuration at all", test_no_configuration},
                                     {"files", test_read_file},
                                     {"every prefix", test_prefixes},
                                     {"single-byte mutations", test_mutations},
                                     {NULL, NULL}};
    return lks_test_main("config_errors", tests);
}
