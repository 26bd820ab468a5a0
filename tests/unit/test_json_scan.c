/* JSON of strangers: what the grammar of RFC 8259 allows is read, and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/json/json_scan.h"
#include "support/test.h"

static bool is_value(const char *text) {
    lks_json_scan s = {text};
    return lks_json_skip(&s) && lks_json_next(&s) == '\0';
}

static void test_values(void) {
    static const char *const good[] = {"0",
                                       "-0",
                                       "-1.5e-3",
                                       "1E+2",
                                       "\"\"",
                                       "true",
                                       "false",
                                       "null",
                                       "[]",
                                       "{}",
                                       " [ 1 , [ ] , { } ] ",
                                       "{\"a\":{\"b\":[1,2]},\"\":0}",
                                       "[[[]],{\"a\":[]}]",
                                       "\"\\u00e9\\n\\\"\\/\"",
                                       "\"\xc3\xa9\""};
    static const char *const bad[] = {
        "",         "01",       "1.",  ".5",  "+1",      "1e",          "-",           "nul",
        "[1,]",     "[1 2]",    "[",   "]",   "{",       "{\"a\"}",     "{\"a\":}",    "{\"a\":1,}",
        "{1:2}",    "[}",       "{]",  "\"",  "\"\\x\"", "\"\\u12g4\"", "\"\\u0000\"", "\"\n\"",
        "\"\xff\"", "\"\xc3\"", "NaN", "'a'", "[1]]",    "\"a\" \"b\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_TRUE(is_value(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(is_value(bad[i]));
}

/* As deep as is said, and no deeper; closing brackets have to fit. */
static void test_depth(void) {
    char text[2 * LKS_JSON_DEPTH_MAX + 8];
    for (int depth = LKS_JSON_DEPTH_MAX; depth <= LKS_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        CU_ASSERT_EQUAL(is_value(text), depth == LKS_JSON_DEPTH_MAX);
    }
}

static void test_texts(void) {
    lks_json_scan s = {" \"a\\u00e9\\ud83d\\ude00\\ud800 \\t\" , 7"};
    char *text;
    CU_ASSERT_TRUE_FATAL(lks_json_take_text(&s, &text));
    CU_ASSERT_STRING_EQUAL(text, "a\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd \t");
    free(text);
    CU_ASSERT_TRUE(lks_json_eat(&s, ','));
    CU_ASSERT_FALSE(lks_json_take_text(&s, &text));
    CU_ASSERT_PTR_NULL(text);
}

static void test_numbers(void) {
    uint64_t count = 0;
    double number = 0;
    lks_json_scan s = {"18446744073709551615 18446744073709551616"};
    CU_ASSERT_TRUE(lks_json_take_count(&s, &count));
    CU_ASSERT_EQUAL(count, UINT64_MAX);
    CU_ASSERT_FALSE(lks_json_take_count(&s, &count));
    static const char *const none[] = {"-1", "1.0", "1e2", "", "a", "00"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        lks_json_scan other = {none[i]};
        CU_ASSERT_FALSE(lks_json_take_count(&other, &count));
    }
    lks_json_scan x = {"0.1307"};
    CU_ASSERT_TRUE(lks_json_take_number(&x, &number));
    CU_ASSERT_EQUAL(number, 0.1307);
}

int main(void) {
    static const lks_test tests[] = {{"values", test_values},
                                     {"depth", test_depth},
                                     {"texts", test_texts},
                                     {"numbers", test_numbers},
                                     {NULL, NULL}};
    return lks_test_main("json_scan", tests);
}
