/* JSON: what is written reads back, by the number and by the letter. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"

static char *written(const char *text) {
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    lks_json_text(f, text);
    fclose(f);
    return out;
}

static void test_text(void) {
    char *out = written("a \"b\" \\ \n\x01 \xc3\xa9");
    CU_ASSERT_STRING_EQUAL(out, "\"a \\\"b\\\" \\\\ \\u000a\\u0001 \xc3\xa9\"");
    free(out);
}

/* RFC 8259: texts are UTF-8 without control characters, whoever made them. */
static void test_foreign_text(void) {
    char *out = written("\xff\xc3(\xed\xa0\x80\x7f\xc2\x9b\x1b[31m\xf0\x9f\x98\x80\xe2\x82");
    CU_ASSERT_STRING_EQUAL(out, "\"\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd\\u007f\\u009b\\u001b[31m"
                                "\xf0\x9f\x98\x80\\ufffd\\ufffd\"");
    free(out);
    out = written("\xe2\x80\xae\xe2\x81\xa6\xe2\x82\xac"); /* U+202E and U+2066 turn the writing */
    CU_ASSERT_STRING_EQUAL(out, "\"\\u202e\\u2066\xe2\x82\xac\"");
    free(out);
}

static void test_number(void) {
    char text[32];
    CU_ASSERT_STRING_EQUAL(lks_json_number(0.1, text), "0.1");
    CU_ASSERT_STRING_EQUAL(lks_json_number(3, text), "3");
    CU_ASSERT_EQUAL(strtod(lks_json_number(1.0 / 3, text), NULL), 1.0 / 3);
    CU_ASSERT_STRING_EQUAL(lks_json_number(NAN, text), "null");
    CU_ASSERT_STRING_EQUAL(lks_json_number(-INFINITY, text), "null");
    CU_ASSERT_STRING_EQUAL(lks_json_float(0.1f, text), "0.1");
    CU_ASSERT_EQUAL(strtof(lks_json_float(1.0f / 3, text), NULL), 1.0f / 3);
    CU_ASSERT_STRING_EQUAL(lks_json_float(NAN, text), "null");
}

/* A text that looks like a member is not taken for one. */
static void test_lookup(void) {
    char *text = written("\"x\": 7 and \\"), json[256], got[64];
    snprintf(json, sizeof json, "{\"note\": %s, \"xx\":1,\"x\" : -2.5e1, \"none\":null}", text);
    CU_ASSERT_EQUAL(lks_json_get_number(json, "x"), -25);
    CU_ASSERT_EQUAL(lks_json_get_number(json, "xx"), 1);
    CU_ASSERT(isnan(lks_json_get_number(json, "none")));
    CU_ASSERT(isnan(lks_json_get_number(json, "note")));
    CU_ASSERT(isnan(lks_json_get_number(json, "y")));
    CU_ASSERT_TRUE(lks_json_get_text(json, "note", got, sizeof got));
    CU_ASSERT_STRING_EQUAL(got, "\"x\": 7 and \\");
    CU_ASSERT_FALSE(lks_json_get_text(json, "xx", got, sizeof got));
    CU_ASSERT_STRING_EQUAL(got, "");
    CU_ASSERT_TRUE(lks_json_get_text(json, "note", got, 5));
    CU_ASSERT_STRING_EQUAL(got, "\"x\":");
    CU_ASSERT_TRUE(lks_json_get_text("{\"a\":\"\\u0041 cut", "a", got, sizeof got));
    CU_ASSERT_STRING_EQUAL(got, "A cut");
    free(text);
}

static void check_text(const char *json, size_t room, const char *wanted) {
    /* At the end of what this process may read, so that a sanitizer sees one byte too many. */
    char *copy = strdup(json), *got = malloc(room);
    CU_ASSERT_TRUE(lks_json_get_text(copy, "a", got, room));
    CU_ASSERT_STRING_EQUAL(got, wanted);
    free(copy);
    free(got);
}

static void test_escapes(void) {
    check_text("{\"a\":\"\\u00e9\\ud83d\\ude00\\n\\/\\\"\"}", 64, "\xc3\xa9\xf0\x9f\x98\x80\n/\"");
    check_text("{\"a\":\"x\\ud83dy\\u0000z\"}", 64, "x\xef\xbf\xbdy\xef\xbf\xbdz");
    check_text("{\"a\":\"\\u00e9\\u00e9\"}", 4, "\xc3\xa9"); /* whole characters only */
    /* cut off anywhere: what was whole before */
    check_text("{\"a\":\"b\\u1", 64, "b");
    check_text("{\"a\":\"b\\u", 64, "b");
    check_text("{\"a\":\"b\\", 64, "b");
    check_text("{\"a\":\"b\\u12g4\"}", 64, "b");
    check_text("{\"a\":\"b\\ud83d\\u", 64, "b\xef\xbf\xbd");
    check_text("{\"a\":\"x\xc3\xa4\"}", 3, "x"); /* not half a character */
    check_text("{\"a\":\"x\xc3\xa4\"}", 4, "x\xc3\xa4");
}

static void test_integer(void) {
    const char *json =
        "{\"a\":7,\"b\":4e14,\"c\":-1,\"d\":0.5,\"e\":1e300,\"f\":\"7\",\"g\":2147483647,"
        "\"h\":9223372036854775807}";
    static const char keys[] = "abcdefg";
    static const int64_t wanted[] = {7, -5, -5, -5, -5, -5, INT32_MAX};
    for (int i = 0; keys[i]; i++) {
        const char key[] = {keys[i], 0};
        CU_ASSERT_EQUAL(lks_json_get_integer(json, key, INT32_MAX, -5), wanted[i]);
    }
    CU_ASSERT_EQUAL(lks_json_get_integer(json, "h", INT64_MAX, -5), -5);
    CU_ASSERT_EQUAL(lks_json_get_integer(json, "none", 9, -5), -5);
}

/* Members of one name in several objects are found in the one that was asked for. */
static void test_object(void) {
    const char *json =
        "{\"min\":0,\"note\":\"{\",\"o\":{\"a\":{\"min\":1},\"b\" : {\"min\":-2}},\"x\":3}";
    const char *o = lks_json_get_object(json, "o");
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    CU_ASSERT_EQUAL(lks_json_get_number(lks_json_get_object(o, "a"), "min"), 1);
    CU_ASSERT_EQUAL(lks_json_get_number(lks_json_get_object(o, "b"), "min"), -2);
    CU_ASSERT_PTR_NULL(lks_json_get_object(json, "note"));
    CU_ASSERT_PTR_NULL(lks_json_get_object(json, "x"));
    CU_ASSERT_PTR_NULL(lks_json_get_object(json, "y"));
}

int main(void) {
    static const lks_test tests[] = {{"text", test_text},       {"foreign text", test_foreign_text},
                                     {"escapes", test_escapes}, {"integer", test_integer},
                                     {"number", test_number},   {"lookup", test_lookup},
                                     {"object", test_object},   {NULL, NULL}};
    return lks_test_main("json", tests);
}
