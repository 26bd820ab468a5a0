/* The part of CUnit's interface that the kernel tests use, where there is no CUnit: on an emulated
 * processor with nothing but a C library. */
#ifndef LKS_CROSS_CUNIT_H
#define LKS_CROSS_CUNIT_H

#include <string.h>

void lks_cross_assert(int holds, const char *what, const char *file, int line);

#define CU_ASSERT(holds)                lks_cross_assert((holds) ? 1 : 0, #holds, __FILE__, __LINE__)
#define CU_ASSERT_TRUE(holds)           CU_ASSERT(holds)
#define CU_ASSERT_FALSE(holds)          CU_ASSERT(!(holds))
#define CU_ASSERT_FATAL(holds)          CU_ASSERT(holds)
#define CU_ASSERT_EQUAL(a, b)           CU_ASSERT((a) == (b))
#define CU_ASSERT_EQUAL_FATAL(a, b)     CU_ASSERT((a) == (b))
#define CU_ASSERT_NOT_EQUAL(a, b)       CU_ASSERT((a) != (b))
#define CU_ASSERT_PTR_NOT_NULL_FATAL(p) CU_ASSERT((p) != NULL)
#define CU_ASSERT_PTR_NOT_NULL(p)       CU_ASSERT((p) != NULL)
#define CU_ASSERT_STRING_EQUAL(a, b)    CU_ASSERT(strcmp(a, b) == 0)
#define CU_FAIL(what)                   lks_cross_assert(0, what, __FILE__, __LINE__)

#endif
