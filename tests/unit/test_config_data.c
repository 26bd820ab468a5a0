/* The keys of `data` that change what the files hold: values, printing, errors, what may change on
 * resume. */
#include "config_text.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rich[] =
    MODEL "data:\n"
          "  class_names: [zero, \"1\", 'not a number', \"f\\u00fcnf\", \"true\", \"a, b\"]\n"
          "  label_offset: 255\n"
          "  transpose: true\n"
          "  limit: 9223372036854775807\n"
          "  balanced: True\n"
          "  pictures: {preprocess: none, invert: true, background: 7}\n";

/* What is written for --set is read by it. */
static void test_assignments(void) {
    lks_config c = parse_good(rich, "data.dir=\"my pictures: all \\\" # \"");
    char *names = lks_config_assignment(&c, "data.class_names", NULL);
    char *dir = lks_config_assignment(&c, "data.dir", NULL);
    CU_ASSERT_FATAL(names && dir);
    lks_config again = parse_good(MODEL, names);
    CU_ASSERT_EQUAL_FATAL(again.data.n_class_names, c.data.n_class_names);
    CU_ASSERT_EQUAL(memcmp(again.data.class_names, c.data.class_names, sizeof c.data.class_names),
                    0);
    lks_config_free(&again);
    again = parse_good(MODEL, dir);
    CU_ASSERT_STRING_EQUAL(again.data.dir, "my pictures: all \" # ");
    lks_config_free(&again);
    free(dir);
    /* A folder's name that the program found may hold anything: nothing of it breaks a line. */
    snprintf(c.data.dir, sizeof c.data.dir, "a\nb\x1b\x7f\t\xe9");
    dir = lks_config_assignment(&c, "data.dir", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    CU_ASSERT_STRING_EQUAL(dir, "data.dir=\"a\\u000Ab\\u001B\\u007F\\u0009\xe9\"");
    lks_config_free(&c);
    free(names);
    free(dir);
}

static void test_defaults(void) {
    lks_config c = parse_good(MODEL, NULL);
    CU_ASSERT(c.data.n_class_names == 0 && c.data.label_offset == 0 && !c.data.transpose);
    CU_ASSERT(c.data.limit == 0 && !c.data.balanced);
    CU_ASSERT(c.data.pictures.preprocess == LKS_PREPROCESS_AUTO && !c.data.pictures.invert);
    CU_ASSERT_EQUAL(c.data.pictures.background, 0);
    lks_config_free(&c);
}

static void check_rich(const lks_data_config *d) {
    static const char *const names[] = {"zero", "1", "not a number", "f\xC3\xBCnf", "true", "a, b"};
    CU_ASSERT_EQUAL_FATAL(d->n_class_names, COUNT(names));
    for (int i = 0; i < COUNT(names); i++)
        CU_ASSERT_STRING_EQUAL(d->class_names[i], names[i]);
    CU_ASSERT(d->label_offset == 255 && d->transpose && d->balanced && d->limit == INT64_MAX);
    CU_ASSERT(d->pictures.preprocess == LKS_PREPROCESS_NONE && d->pictures.invert);
    CU_ASSERT_EQUAL(d->pictures.background, 7);
}

static void test_values_and_printing(void) {
    lks_config c = parse_good(rich, NULL);
    check_rich(&c.data);
    char *yaml = lks_config_to_yaml(&c, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(yaml);
    CU_ASSERT_PTR_NOT_NULL(strstr(yaml, "class_names: [zero, \"1\", "));
    lks_config again = parse_good(yaml, NULL);
    check_rich(&again.data);
    CU_ASSERT_EQUAL(lks_config_same_run(&c, &again, NULL), LKS_OK);
    free(yaml);
    lks_config_free(&c);
    lks_config_free(&again);
    /* Another way of preparing pictures takes the keys of the old one with it. */
    c = parse_good(rich, "data.pictures.preprocess=mnist");
    CU_ASSERT(c.data.pictures.preprocess == LKS_PREPROCESS_MNIST && !c.data.pictures.invert);
    CU_ASSERT_EQUAL(c.data.pictures.background, 0);
    lks_config_free(&c);
    c = parse_good(MODEL, "data.pictures={preprocess: none, invert: true}");
    CU_ASSERT_EQUAL(c.data.pictures.background, 255);
    lks_config_free(&c);
    /* A shorter list leaves nothing of the longer one. */
    c = parse_good(rich, "data.class_names=[a]");
    CU_ASSERT(c.data.n_class_names == 1 && !c.data.class_names[1][0]);
    lks_config_free(&c);
}

/* The most and the longest names that there is room for, and one more of each. */
static void test_room(void) {
    char *text = malloc(LKS_CLASSES_MAX * (LKS_NAME_MAX + 4) + 100), *at = text;
    at += sprintf(at, MODEL "data: {class_names: [");
    for (int i = 0; i < LKS_CLASSES_MAX; i++)
        at += sprintf(at, "%s\"%03d%060d\"", i ? "," : "", i, 0);
    strcpy(at, "]}");
    lks_config c = parse_good(text, NULL);
    CU_ASSERT_EQUAL(c.data.n_class_names, LKS_CLASSES_MAX);
    CU_ASSERT(strncmp(c.data.class_names[LKS_CLASSES_MAX - 1], "2550", 4) == 0);
    CU_ASSERT_EQUAL(strlen(c.data.class_names[LKS_CLASSES_MAX - 1]), LKS_NAME_MAX - 1);
    lks_config_free(&c);
    strcpy(at, ",x]}");
    lks_error err;
    CU_ASSERT_EQUAL(parse_text(&c, text, NULL, &err), LKS_ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "data.class_names must be a list of up to 256 texts"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(too long)"));
    free(text);
}

static void test_errors(void) {
    static const struct {
        const char *set, *message;
    } wrong[] = {
        {"data.class_names=[]", "data.class_names must be a list of up to 256 texts of 1 to 63"},
        {"data.class_names=zero", "data.class_names must be a list"},
        {"data.class_names=[a, [b]]", "data.class_names must be a list"},
        {"data.class_names=[a, \"\"]", "data.class_names must be a list"},
        {"data.class_names=[\"0123456789012345678901234567890123456789012345678901234567890123\"]",
         "data.class_names must be a list"},
        {"data={classes: 3, class_names: [a, b]}", "has 2 names for 3 classes (data.classes)"},
        {"data.label_offset=256", "data.label_offset must be a whole number from 0 to 255"},
        {"data.label_offset=-1", "data.label_offset must be"},
        {"data.transpose=1", "data.transpose must be true or false"},
        {"data.balanced=maybe", "data.balanced must be true or false"},
        {"data.limit=-5", "data.limit must be a whole number >= 0"},
        {"data.limit=1e3", "data.limit must be a whole number >= 0"},
        {"data.train_labels=\"\"", "data.train_labels: the name of a file is missing"},
        {"data={train_images: a.h5, train_labels: b.h5}", "images and labels in one file"},
        {"data={train_images: a.h5, train_labels: labels}", "as data.train_labels"},
        {"data={train_images: images, train_labels: b.hdf5}", "as data.train_labels"},
        {"data={test_images: a.h5, test_labels: b}", "as data.test_labels"}};
    catch_stderr();
    for (int i = 0; i < COUNT(wrong); i++) {
        lks_config c;
        lks_error err;
        CU_ASSERT_EQUAL(parse_text(&c, MODEL, wrong[i].set, &err), LKS_ERR_CONFIG);
        const bool found = strstr(err.text, wrong[i].message);
        if (!found)
            printf("\n    %s\n    got: %s\n", wrong[i].set, err.text);
        CU_ASSERT_TRUE(found);
    }
    check_stderr();
}

/* Labels of an HDF5 file are in that file, whether it is said or not; others stay as they are. */
static void test_hdf5_labels(void) {
    static const char *const spellings[] = {"", ", train_labels: \"\"", ", train_labels: my.h5"};
    for (int i = 0; i < COUNT(spellings); i++) {
        char set[200];
        snprintf(set, sizeof set, "data={train_images: my.h5, test_images: t.hdf5%s}",
                 spellings[i]);
        lks_config c = parse_good(MODEL, set);
        CU_ASSERT_STRING_EQUAL(c.data.train_labels, "my.h5");
        CU_ASSERT_STRING_EQUAL(c.data.test_labels, "t.hdf5");
        char *yaml = lks_config_to_yaml(&c, NULL);
        lks_config again = parse_good(yaml, NULL);
        CU_ASSERT_EQUAL(lks_config_same_run(&c, &again, NULL), LKS_OK);
        free(yaml);
        lks_config_free(&c);
        lks_config_free(&again);
    }
    lks_config c = parse_good(MODEL, "data.train_images=my.h5");
    CU_ASSERT_STRING_EQUAL(c.data.test_labels, "t10k-labels-idx1-ubyte");
    lks_config_free(&c);
    CU_ASSERT_TRUE(lks_data_format_of("/a.b/c.hdf5")->holds_labels);
    CU_ASSERT_FALSE(lks_data_format_of("a.h5/images-idx3-ubyte")->holds_labels);
    CU_ASSERT_FALSE(lks_data_format_of("h5")->holds_labels);
}

static void test_same_run(void) {
    static const struct {
        const char *set, *message; /* NULL: may differ */
    } changes[] = {{"data.class_names=[a, b]", NULL},
                   {"data.label_offset=1", "data.label_offset: 0 in the checkpoint, 1 now"},
                   {"data.transpose=true", "data.transpose: false in the checkpoint, true now"},
                   {"data.limit=100", "data.limit: 0 in the checkpoint, 100 now"},
                   {"data.balanced=true", "data.balanced: false in the checkpoint, true now"}};
    lks_config saved = parse_good(MODEL, NULL);
    for (int i = 0; i < COUNT(changes); i++) {
        lks_error err = {LKS_OK, ""};
        lks_config now = parse_good(MODEL, changes[i].set);
        CU_ASSERT_EQUAL(lks_config_same_run(&saved, &now, &err),
                        changes[i].message ? LKS_ERR_MISMATCH : LKS_OK);
        CU_ASSERT(!changes[i].message || strstr(err.text, changes[i].message));
        lks_config_free(&now);
    }
    lks_config_free(&saved);
}

int main(void) {
    static const lks_test tests[] = {{"defaults", test_defaults},
                                     {"values and printing", test_values_and_printing},
                                     {"assignments", test_assignments},
                                     {"room", test_room},
                                     {"errors", test_errors},
                                     {"labels of HDF5 files", test_hdf5_labels},
                                     {"what may change on resume", test_same_run},
                                     {NULL, NULL}};
    return lks_test_main("config, data", tests);
}
