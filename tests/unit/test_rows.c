/* Tables for other programs: CSV by the rules of RFC 4180, section 2, JSON by those of RFC 8259, numbers that read back. */
#include "base/json/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static lks_error err;
static lks_text text;

static FILE *begin(void) {
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a test", &err), LKS_OK);
    return text.f;
}

static void holds(const char *wanted) {
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a test", &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(text.bytes, wanted);
    free(text.bytes);
}

static void put(lks_rows *r, const char *name, int64_t n, double x, float y, bool truth) {
    lks_row_begin(r);
    lks_row_text(r, "na,me", name);
    lks_row_integer(r, "n", n);
    lks_row_number(r, "x", x);
    lks_row_float(r, "y", y);
    lks_row_truth(r, "t", truth);
    lks_row_end(r);
}

static void put_table(lks_format format) {
    lks_rows r = lks_rows_begin(begin(), format);
    lks_rows_head(&r);
    put(&r, "", 0, 0, 0, false);
    put(&r, "plain", INT64_MIN, 0.1, 0.1f, true);
    put(&r, "a \"b\",\nc", 9007199254740993, 1e-300, NAN, false);
    put(&r, NULL, 0, INFINITY, 16777216, true);
    lks_rows_end(&r);
}

static void a_table_of_values(void) {
    put_table(LKS_FORMAT_CSV);
    holds("\"na,me\",n,x,y,t\n"
          "plain,-9223372036854775808,0.1,0.1,true\n"
          "\"a \"\"b\"\",\nc\",9007199254740993,1e-300,,false\n"
          ",0,,16777216,true\n");
}

static void the_same_as_json(void) {
    put_table(LKS_FORMAT_JSON);
    holds(
        "[\n"
        "    {\"na,me\": \"plain\", \"n\": -9223372036854775808, \"x\": 0.1, \"y\": 0.1, \"t\": "
        "true},\n"
        "    {\"na,me\": \"a \\\"b\\\",\\u000ac\", \"n\": 9007199254740993, \"x\": 1e-300, \"y\": "
        "null, "
        "\"t\": false},\n"
        "    {\"na,me\": null, \"n\": 0, \"x\": null, \"y\": 16777216, \"t\": true}\n  ]");
}

/* Columns have names where there is no row; a list without rows is a list. */
static void a_table_without_rows(void) {
    lks_rows r = lks_rows_begin(begin(), LKS_FORMAT_CSV);
    lks_rows_head(&r);
    put(&r, "", 0, 0, 0, false);
    lks_rows_end(&r);
    holds("\"na,me\",n,x,y,t\n");
    r = lks_rows_begin(begin(), LKS_FORMAT_JSON);
    lks_rows_head(&r);
    put(&r, "", 0, 0, 0, false);
    lks_rows_end(&r);
    holds("[]");
}

/* Names of columns may come from a file: of tensors, of classes. */
static void names_are_escaped(void) {
    lks_rows r = lks_rows_begin(begin(), LKS_FORMAT_JSON);
    lks_row_begin(&r);
    lks_row_integer(&r, "a\"\n\x1b", 1);
    lks_row_end(&r);
    lks_rows_end(&r);
    holds("[\n    {\"a\\\"\\u000a\\u001b\": 1}\n  ]");
}

static void numbers_read_back(void) {
    static const double values[] = {0.1,  1.0 / 3, 1e22,     123456789012345678.0,   5e-324,
                                    -0.0, M_PI,    0x1p1023, 2.2250738585072014e-308};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        lks_rows r = lks_rows_begin(begin(), LKS_FORMAT_CSV);
        lks_row_begin(&r);
        lks_row_number(&r, "x", values[i]);
        CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a test", &err), LKS_OK);
        const double back = strtod(text.bytes, NULL);
        CU_ASSERT_EQUAL(memcmp(&back, &values[i], sizeof back), 0);
        free(text.bytes);
    }
}

int main(void) {
    const lks_test tests[] = {
        {"a table of values", a_table_of_values},       {"the same as JSON", the_same_as_json},
        {"a table without rows", a_table_without_rows}, {"names are escaped", names_are_escaped},
        {"numbers read back", numbers_read_back},       {NULL, NULL},
    };
    return lks_test_main("rows", tests);
}
