/* Ranks that have different texts: who is named, what of it is told, and that all ranks come to the same end. */
#include "support/test.h"
#include "support/give_up.h"
#include "support/mpi_main.h"

#include "job/agree.h"
#include "lockstep/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lks_comm comm;

static lks_status compare_one(const char *text, lks_error *err) {
    const lks_agree_item item = {"the things", text, LKS_AGREE_REFUSE, "mend them"};
    memset(err, 0, sizeof *err);
    return lks_agree(&comm, &item, 1, LKS_ERR_CONFIG, err);
}

static bool is_last(void) {
    return comm.rank == comm.size - 1;
}

static void test_same(void) {
    lks_error err;
    CU_ASSERT_EQUAL(compare_one("a\nb\n", &err), LKS_OK);
    CU_ASSERT_EQUAL(compare_one("", &err), LKS_OK);
}

/* A line more or less, lines that differ, nothing at all, another order: texts of different lengths. */
static void test_one_differs(void) {
    static const struct {
        const char *ours, *theirs, *told;
    } cases[] = {{"a\nb\n", "a\nb\nc\n", "has `c`, rank 0 has not; mend them"},
                 {"a\nb\nc\n", "a\nc\n", "has not, rank 0 has `b`; mend them"},
                 {"a\nb=1\n", "a\nb=2\n", "has `b=2`, rank 0 has `b=1`; mend them"},
                 {"x", "", "has not, rank 0 has `x`; mend them"},
                 {"a\nb\n", "b\na\n", "has the same as rank 0 in another order; mend them"},
                 {"  deep: 1\n", "  deep: 2\n", "has `deep: 2`, rank 0 has `deep: 1`; mend them"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lks_error err;
        char who[300];
        const lks_status status = compare_one(is_last() ? cases[i].theirs : cases[i].ours, &err);
        if (comm.size == 1) {
            CU_ASSERT_EQUAL(status, LKS_OK);
            continue;
        }
        CU_ASSERT_EQUAL(status, LKS_ERR_CONFIG);
        snprintf(who, sizeof who, "the things differ: rank %d on %s has", comm.size - 1, comm.host);
        CU_ASSERT(strncmp(err.text, who, strlen(who)) == 0);
        CU_ASSERT(strstr(err.text, cases[i].told) != NULL);
    }
}

/* Rank 0 alone is the odd one: the lowest of the others is named, and how many there are. */
static void test_root_differs(void) {
    lks_error err;
    char count[64];
    const lks_status status = compare_one(comm.rank == 0 ? "a" : "b", &err);
    CU_ASSERT_EQUAL(status, comm.size == 1 ? LKS_OK : LKS_ERR_CONFIG);
    if (comm.size < 3)
        return;
    snprintf(count, sizeof count, ", the first of %d that differ, has `b`", comm.size - 1);
    CU_ASSERT(strstr(err.text, "rank 1 on") != NULL && strstr(err.text, count) != NULL);
}

/* Lines and texts longer than any buffer. */
static void test_long(void) {
    enum { N = 100000 };
    char *text = malloc(N + 1);
    lks_error err;
    if (!text)
        lks_give_up(&comm, 1, "out of memory");
    memset(text, 'x', N);
    text[N] = 0;
    text[N - 1] = is_last() && comm.size > 1 ? 'y' : 'x';
    CU_ASSERT_EQUAL(compare_one(text, &err), comm.size == 1 ? LKS_OK : LKS_ERR_CONFIG);
    CU_ASSERT(comm.size == 1 || strstr(err.text, "xxx...`") != NULL);
    free(text);
}

/* What is warned of does not stop, what is refused does, in whatever order they stand. */
static void test_rules(void) {
    const char *odd = is_last() ? "odd" : "even";
    const lks_agree_item items[] = {{"the programs", odd, LKS_AGREE_WARN, "as you like"},
                                    {"the notes", odd, LKS_AGREE_SAY, "as you like"},
                                    {"the things", "same", LKS_AGREE_REFUSE, "mend them"},
                                    {"the rules", odd, LKS_AGREE_REFUSE, "mend them"}};
    lks_error err = {.status = LKS_OK};
    CU_ASSERT_EQUAL(lks_agree(&comm, items, 3, LKS_ERR_DATA, &err), LKS_OK);
    const lks_status status = lks_agree(&comm, items, 4, LKS_ERR_DATA, &err);
    CU_ASSERT_EQUAL(status, comm.size == 1 ? LKS_OK : LKS_ERR_DATA);
    CU_ASSERT(comm.size == 1 || strncmp(err.text, "the rules differ", 16) == 0);
}

/* A program of another revision may compare more. */
static void test_number(void) {
    const lks_agree_item items[] = {{"a", "1", LKS_AGREE_REFUSE, ""},
                                    {"b", "2", LKS_AGREE_REFUSE, ""}};
    lks_error err = {.status = LKS_OK};
    const int n = is_last() && comm.size > 1 ? 2 : 1;
    const lks_status status = lks_agree(&comm, items, n, LKS_ERR_CONFIG, &err);
    CU_ASSERT_EQUAL(status, comm.size == 1 ? LKS_OK : LKS_ERR_CONFIG);
    CU_ASSERT(comm.size == 1 || strstr(err.text, "runs another program") != NULL);
}

int main(void) {
    static const lks_test tests[] = {{"the same on all ranks", test_same},
                                     {"one rank differs", test_one_differs},
                                     {"rank 0 differs", test_root_differs},
                                     {"long texts", test_long},
                                     {"what is refused", test_rules},
                                     {"another number of items", test_number},
                                     {NULL, NULL}};
    return lks_mpi_test_main(&comm, "agree", tests);
}
