/* pictures.yaml: what is written reads back, what is wrong is said with its place, and who comes first. */
#include "config_text.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char good[] =
    "images: {rows: 20, columns: 30, channels: 3}\n"
    "data: {class_names: [cat, dog], pictures: {preprocess: none, invert: true}}\n";

static lks_packed_note parse_note(const char *text) {
    lks_packed_note note;
    lks_error err = {LKS_OK, ""};
    const lks_status status =
        lks_packed_note_parse(&note, text, strlen(text), "d/pictures.yaml", &err);
    if (status != LKS_OK)
        printf("\n    %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, LKS_OK);
    return note;
}

static void check_good(const lks_packed_note *n) {
    CU_ASSERT(n->rows == 20 && n->columns == 30 && n->channels == 3);
    CU_ASSERT(n->data.classes == 0 && n->data.n_class_names == 2);
    CU_ASSERT_STRING_EQUAL(n->data.class_names[0], "cat");
    CU_ASSERT_STRING_EQUAL(n->data.class_names[1], "dog");
    CU_ASSERT_EQUAL(n->data.pictures.preprocess, LKS_PREPROCESS_NONE);
    CU_ASSERT(n->data.pictures.invert && n->data.pictures.background == 255);
}

static void test_round(void) {
    lks_packed_note n = parse_note(good);
    check_good(&n);
    char *text = lks_packed_note_text(&n, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    n = parse_note(text);
    check_good(&n);
    free(text);
    strcpy(n.data.class_names[0], "a\"b: {#");
    n.data.pictures = (lks_pictures_config){.preprocess = LKS_PREPROCESS_MNIST};
    n.data.classes = 2;
    text = lks_packed_note_text(&n, NULL);
    n = parse_note(text);
    CU_ASSERT_STRING_EQUAL(n.data.class_names[0], "a\"b: {#");
    CU_ASSERT(n.data.pictures.preprocess == LKS_PREPROCESS_MNIST && n.data.classes == 2);
    free(text);
}

static void test_errors(void) {
    static const char *const wrong[][2] = {
        {"", "d/pictures.yaml:1:1: the file is empty"},
        {"[1]", "expected a map with images and data"},
        {"images: {rows: 1, columns: 1, channels: 1}", "'data' is missing"},
        {"data: {}", "'images' is missing"},
        {"images: {rows: 1, columns: 1}\ndata: {}", "images: channels is missing"},
        {"images: {rows: 0, columns: 1, channels: 1}\ndata: {}",
         "rows must be a whole number from 1"},
        {"images: {rows: 1, columns: 1, channels: 65}\ndata: {}", "channels must be"},
        {"images: {rows: 1, rows: 2, columns: 1, channels: 1}\ndata: {}",
         "1:19: duplicate key 'rows'"},
        {"images: {rows: 1, columns: 1, channels: 1}\ndata: {dir: /etc}", "2:8: unknown key 'dir'"},
        {"images: {rows: 1, columns: 1, channels: 1}\ndata: {}\nseed: 3",
         "3:1: unknown key 'seed'"},
        {"images: {rows: 1, columns: 1, channels: 1}\ndata: {pictures: {preprocess: photo}}",
         "data.pictures.preprocess must be one of auto, mnist, none"},
        {"images: {rows: 1, columns: 1, channels: 1}\ndata: {pictures: {invert: true}}",
         "has no effect"},
        {"images: {rows: 1, columns: 1, channels: 1}\ndata: {classes: 3, class_names: [a, b]}",
         "2 names for 3 classes"},
        {"images: {rows: 1, columns: 1, channels: 1}\ndata: {class_names: [a, \"\\e[2J\"]}",
         "control characters are not allowed"}};
    for (int i = 0; i < COUNT(wrong); i++) {
        lks_packed_note n;
        lks_error err = {LKS_OK, ""};
        CU_ASSERT_EQUAL(
            lks_packed_note_parse(&n, wrong[i][0], strlen(wrong[i][0]), "d/pictures.yaml", &err),
            LKS_ERR_CONFIG);
        const bool found = strstr(err.text, wrong[i][1]);
        if (!found)
            printf("\n    %s\n    got: %s\n", wrong[i][0], err.text);
        CU_ASSERT_TRUE(found);
    }
}

static void test_who_comes_first(void) {
    char remarks[3][LKS_REMARK_MAX];
    const lks_packed_note n = parse_note(good);
    lks_config c = parse_good(MODEL, NULL);
    CU_ASSERT_EQUAL(lks_config_take_note(&c, &n, remarks), 0);
    CU_ASSERT(c.data.n_class_names == 2 && c.data.pictures.invert);
    CU_ASSERT_EQUAL(c.data.pictures.background, 255);
    /* What a run kept is what a resumed one reads: nothing to remark. */
    CU_ASSERT_EQUAL(lks_config_take_note(&c, &n, remarks), 0);
    lks_config_free(&c);
    c = parse_good(MODEL "data: {class_names: [cat, fox], pictures: {preprocess: mnist}}", NULL);
    CU_ASSERT_EQUAL_FATAL(lks_config_take_note(&c, &n, remarks), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(remarks[0], "data.class_names is another one"));
    CU_ASSERT_PTR_NOT_NULL(strstr(remarks[1], "data.pictures is another one"));
    CU_ASSERT_STRING_EQUAL(c.data.class_names[1], "fox");
    CU_ASSERT_EQUAL(c.data.pictures.preprocess, LKS_PREPROCESS_MNIST);
    lks_config_free(&c);
}

int main(void) {
    static const lks_test tests[] = {{"what is written reads back", test_round},
                                     {"errors", test_errors},
                                     {"who comes first", test_who_comes_first},
                                     {NULL, NULL}};
    return lks_test_main("packed note", tests);
}
