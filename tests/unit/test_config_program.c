/* What the program does with a configuration of its own accord: values that it sets, and remarks. */
#include "config_text.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the program sets passes through no parser, but through the table and the checks. */
static void test_override(void) {
    static const lks_key_value good[] = {
        {"data.dir", "'x #2: [gold]"}, {"train.epochs", "7"}, {"data.validation", "0"},
        {"eval.test_weights", "last"}, {"threads", "1024"},   {"data.transpose", "true"}};
    static const struct {
        lks_key_value value;
        const char *message;
    } bad[] = {{{"data.dir", ""}, "data.dir has no value"},
               {{"data.dir", "a\nb"}, "tabs and line breaks are not allowed in data.dir"},
               {{"data.dir", "\x1b[1m"}, "byte 0x1b is a control character"},
               {{"threads", "1025"}, "threads must be a whole number from 0 to 1024, not '1025'"},
               {{"train.epochs", "7 # 8"}, "train.epochs must be a whole number >= 1"},
               {{"eval.test_weights", "first"}, "eval.test_weights must be one of last, best"},
               {{"train.schedule.name", "plateau"}, "train.schedule.name: plateau watches"}};
    lks_config c = parse_good(MODEL "data: {validation: 0.1}", "eval.test_weights=best");
    lks_error err = {LKS_OK, ""};
    CU_ASSERT_EQUAL(lks_config_override(&c, good, COUNT(good), &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(c.data.dir, "'x #2: [gold]");
    CU_ASSERT(c.train.epochs == 7 && c.data.validation == 0 && c.threads == 1024);
    CU_ASSERT(c.eval.test_weights == LKS_TEST_LAST && c.data.transpose);
    for (int i = 0; i < COUNT(bad); i++) {
        CU_ASSERT_EQUAL(lks_config_override(&c, &bad[i].value, 1, &err), LKS_ERR_CONFIG);
        if (strncmp(err.text, bad[i].message, strlen(bad[i].message)) != 0)
            printf("\n    %s\n    got: %s\n", bad[i].message, err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, bad[i].message));
        CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
    }
    lks_config_free(&c);
    /* What was given stays, also where optimizers have defaults of their own for it. */
    c = parse_good(MODEL "train: {optimizer: {name: adadelta, epsilon: 1e-3}}", NULL);
    CU_ASSERT_EQUAL(lks_config_override(&c, good, 1, &err), LKS_OK);
    CU_ASSERT_EQUAL(c.train.optimizer.epsilon, 1e-3);
    CU_ASSERT_EQUAL(lks_config_override(&c, NULL, 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(c.train.optimizer.epsilon, 1e-3);
    lks_config_free(&c);
}

static void test_remarks(void) {
    char text[LKS_REMARK_MAX], texts[2][LKS_REMARK_MAX];
    lks_config c = parse_good(MODEL "train: {epochs: 2}", NULL);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(lks_config_optimizer_remark(&c, text), "sgd with lr 0.001, the default"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "train: {optimizer: {name: adam, lr: 0.001}}"));
    CU_ASSERT_EQUAL(lks_config_override(&c, NULL, 0, NULL), LKS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(lks_config_optimizer_remark(&c, text), "");
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 100, true, texts), 0);
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 99, false, texts), 0);
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 99, true, texts), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(texts[0], "the run has 99 optimizer steps"));
    CU_ASSERT_PTR_NOT_NULL(strstr(texts[0], "raise train.epochs, or lower train.global_batch"));
    lks_config_free(&c);
    static const char *const sets[] = {"train.optimizer.lr=0.01", "train.optimizer.name=sgd",
                                       "train={optimizer: {momentum: 0}}"};
    for (int i = 0; i < COUNT(sets); i++) {
        c = parse_good(MODEL, sets[i]);
        CU_ASSERT_STRING_EQUAL(lks_config_optimizer_remark(&c, text), "");
        char *yaml = lks_config_to_yaml(&c, NULL);
        lks_config again = parse_good(yaml, NULL); /* the resolved one says everything */
        CU_ASSERT_STRING_EQUAL(lks_config_optimizer_remark(&again, text), "");
        free(yaml);
        lks_config_free(&again);
        lks_config_free(&c);
    }
    c = parse_good(MODEL, "train.schedule={name: cosine, warmup_steps: 500}");
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 501, true, texts), 0);
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 500, true, texts), 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(texts[0], "train.schedule.warmup_steps is 500, and the run has 500 steps"));
    CU_ASSERT_STRING_EQUAL(lks_config_rate_remark(&c, text), "");
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 1, true, texts), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(texts[1], "the run has 1 optimizer step,"));
    lks_config_free(&c);
    c = parse_good(MODEL, "train={global_batch: 1000, optimizer: {lr: 0.1, lr_scale: sqrt, "
                          "lr_batch: 250}, schedule: {warmup_samples: 8001}}");
    CU_ASSERT_STRING_EQUAL(lks_config_rate_remark(&c, text),
                           "0.2: lr 0.1 for batches of 250, times 2 (lr_scale: sqrt) for 1000 "
                           "samples a step; warm-up of 9 steps");
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 9, false, texts), 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(texts[0], "train.schedule.warmup_samples makes 9 steps, and the run has 9 steps"));
    lks_config_free(&c);
    c = parse_good(MODEL, "train={accumulate: 2, schedule: {warmup_samples: 512}}");
    CU_ASSERT_STRING_EQUAL(lks_config_rate_remark(&c, text), "0.001; warm-up of 2 steps");
    lks_config_free(&c);
    c = parse_good(MODEL, "train.accumulate=2");
    CU_ASSERT_EQUAL(lks_config_step_remarks(&c, 60, true, texts), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(texts[0], "raise train.epochs, or lower "
                                            "train.global_batch or train.accumulate"));
    lks_config_free(&c);
}

/* Ranks without work: from the first that has no chunk on, the last chunk of a batch perhaps shorter. What would give
 * each one work may leave too few steps. */
static void test_idle_ranks(void) {
    char text[LKS_REMARK_MAX];
    lks_config c = parse_good(MODEL, "train={global_batch: 100, chunk: 16, epochs: 12}");
    CU_ASSERT_STRING_EQUAL(lks_config_idle_remark(&c, 7, 60000, text), "");
    CU_ASSERT_STRING_EQUAL(
        lks_config_idle_remark(&c, 9, 60000, text),
        "9 ranks share 7 chunks of 16 samples: 2 ranks have no work in each step; use fewer ranks, "
        "a larger train.global_batch or a smaller train.chunk");
    CU_ASSERT_PTR_NULL(strstr(lks_config_idle_remark(&c, 417, 60000, text), "steps")); /* 108 */
    CU_ASSERT_PTR_NOT_NULL(
        strstr(lks_config_idle_remark(&c, 1024, 60000, text),
               "smaller train.chunk. With 16384 samples, a chunk for each rank, 12 epochs would be "
               "48 steps, too few for most networks"));
    lks_config_free(&c);
    c = parse_good(MODEL, "train={global_batch: 100, accumulate: 2, chunk: 16, epochs: 12}");
    CU_ASSERT_PTR_NOT_NULL(strstr(lks_config_idle_remark(&c, 417, 60000, text), "60 steps"));
    lks_config_free(&c);
}

int main(void) {
    static const lks_test tests[] = {{"values", test_override},
                                     {"remarks", test_remarks},
                                     {"idle ranks", test_idle_ranks},
                                     {NULL, NULL}};
    return lks_test_main("config, program", tests);
}
