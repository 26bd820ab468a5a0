/* A text in memory is whole or not there, whichever allocation fails. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lockstep/config.h"

/* The linker sends the library's calls of realloc() here. */
void *__wrap_realloc(void *p, size_t n);
void *__real_realloc(void *p, size_t n);

static int allowed = -1; /* calls that may succeed; below 0: all */

void *__wrap_realloc(void *p, size_t n) {
    if (allowed == 0)
        return NULL;
    allowed -= allowed > 0;
    return __real_realloc(p, n);
}

enum { LINES = 50000 };

static void write_lines(lks_text *t) {
    for (int i = 0; i < LINES; i++)
        fprintf(t->f, "%06d\n", i);
}

static void check_lines(const lks_text *t) {
    int wrong = 0;
    CU_ASSERT_EQUAL_FATAL(t->size, 7 * LINES);
    for (int i = 0; i < LINES; i++)
        wrong += strtol(t->bytes + 7 * (size_t)i, NULL, 10) != i;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(t->bytes[t->size], 0);
}

static void all_that_was_written_is_there(void) {
    lks_text t;
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&t, "lines", &err), LKS_OK);
    write_lines(&t);
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&t, "lines", &err), LKS_OK);
    check_lines(&t);
    free(t.bytes);
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&t, "nothing", &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&t, "nothing", &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(t.bytes, "");
    free(t.bytes);
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&t, "dropped", &err), LKS_OK);
    write_lines(&t);
    lks_text_drop(&t);
    CU_ASSERT_PTR_NULL(t.bytes);
}

/* One allocation after the other fails, and all after it, until none does. */
static void no_text_is_cut(void) {
    int failures = 0;
    lks_status status = LKS_ERR_MEMORY;
    while (status != LKS_OK) {
        lks_text t;
        lks_error err = {0};
        CU_ASSERT_EQUAL_FATAL(lks_text_open(&t, "lines", &err), LKS_OK);
        allowed = failures;
        write_lines(&t);
        status = lks_text_close(&t, "lines", &err);
        allowed = -1;
        if (status == LKS_OK) {
            check_lines(&t);
            free(t.bytes);
        } else {
            failures++;
            CU_ASSERT_EQUAL(status, LKS_ERR_MEMORY);
            CU_ASSERT_PTR_NULL(t.bytes);
            CU_ASSERT_STRING_EQUAL(err.text, "out of memory for lines");
        }
    }
    CU_ASSERT(failures >= 5);
}

static void no_configuration_is_cut(void) {
    static const char yaml[] = "model: [flatten, {dense: 10}]\n";
    lks_config c;
    lks_error err;
    char *text = NULL;
    int failures = -1;
    CU_ASSERT_EQUAL_FATAL(lks_config_parse(&c, yaml, strlen(yaml), "c.yaml", NULL, 0, &err),
                          LKS_OK);
    char *whole = lks_config_to_yaml(&c, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    while (!text) {
        allowed = ++failures;
        text = lks_config_to_yaml(&c, &err);
        allowed = -1;
        CU_ASSERT(text || err.status == LKS_ERR_MEMORY);
    }
    CU_ASSERT_STRING_EQUAL(text, whole);
    CU_ASSERT(failures > 0);
    free(text);
    free(whole);
    lks_config_free(&c);
}

int main(void) {
    static const lks_test tests[] = {
        {"all that was written is there", all_that_was_written_is_there},
        {"no text is cut", no_text_is_cut},
        {"no configuration is cut", no_configuration_is_cut},
        {NULL, NULL}};
    return lks_test_main("text", tests);
}
