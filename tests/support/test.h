/** @file test.h  What every test program shares: a CUnit suite from a table, and a scratch folder. */
#ifndef LKS_TEST_H
#define LKS_TEST_H

#include <CUnit/CUnit.h>

typedef struct lks_test {
    const char *name;
    void (*run)(void);
} lks_test;

/** Runs the tests (the table ends with a NULL name) and returns the program's exit status: 0 only if at
 *  least one test ran and no assertion failed. */
int lks_test_main(const char *suite, const lks_test *tests);

/** A fresh folder under $TMPDIR or /tmp, removed when the program ends. */
const char *lks_test_folder(void);

#endif
