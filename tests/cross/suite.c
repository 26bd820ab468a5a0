/* lks_test_main() without CUnit, see CUnit/CUnit.h. */
#include <stdio.h>

#include "support/test.h"

static long asserts, failures;

void lks_cross_assert(int holds, const char *what, const char *file, int line) {
    asserts++;
    if (holds)
        return;
    failures++;
    printf("FAILED: %s:%d: %s\n", file, line, what);
}

int lks_test_main(const char *suite, const lks_test *tests) {
    for (const lks_test *t = tests; t->name; t++)
        t->run();
    printf("%s: %ld asserts, %ld failed\n", suite, asserts, failures);
    return asserts > 0 && failures == 0 ? 0 : 1;
}
