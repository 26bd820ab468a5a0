/* What is said about two checkpoints that differ, or do not. */
#include "checkpoint_sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "support/test.h"

static lks_error err;
static char path_a[PATH_MAX_TEST], path_b[PATH_MAX_TEST];

/** Compares the two files and returns what went to stdout, in malloc'd memory. */
static char *printed_diff(lks_status *status, bool *same) {
    char path[PATH_MAX_TEST];
    size_t size;
    test_path(path, "stdout.txt");
    fflush(stdout);
    int saved = dup(1), file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0666);
    dup2(file, 1);
    *status = lks_checkpoint_diff((const char *const[2]){path_a, path_b}, NUMERICS, false,
                                  LKS_FORMAT_TEXT, same, &err);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    close(file);
    return (char *)load(path, &size);
}

/** Writes a plain sample as A and @p b as B, and expects verdict and @p lines of the output. */
static void expect_diff(const sample *b, lks_status status, bool same, const char *const *lines) {
    sample *a = new_sample();
    write_sample(path_a, a);
    write_sample(path_b, b);
    lks_status found;
    bool found_same = !same;
    char *text = printed_diff(&found, &found_same);
    CU_ASSERT_EQUAL(found, status);
    CU_ASSERT_EQUAL(found_same, same);
    for (; *lines; lines++) {
        if (!strstr(text, *lines))
            fprintf(stderr, "\nexpected: %s\nin:\n%s", *lines, text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, *lines));
    }
    free(text);
    free(a);
}

#define EXPECT(b, status, same, ...)                                                               \
    expect_diff(b, status, same, (const char *const[]){__VA_ARGS__, NULL})

static void equal_checkpoints_are_identical(void) {
    sample *b = new_sample();
    EXPECT(b, LKS_OK, true, "identical: 330 values in 12 tensors, weights_sha256 ");
    strcpy(b->config, "seed: 42\nthreads: 4\n# \xc3\xa9\n");
    b->c.provenance.ranks = 8;
    EXPECT(b, LKS_OK, true, "identical: 330 values", "provenance/ranks: 3 against 8",
           "config: line 2: \"threads: 1\" against \"threads: 4\"");
    free(b);
}

static void values_are_placed_and_measured(void) {
    sample *b = new_sample();
    b->values[0][10] = float_of(0x406aaaacu); /* 11/3 is 406aaaab */
    b->values[0][20] = 7.0f + 4 * 4.76837158e-07f;
    b->values[0][40 + 17] = -b->values[0][40 + 17];
    EXPECT(b, LKS_OK, false,
           "first difference: conv1/weight[0][2][0][2]: 3.66666675 against 3.66666698, 1 ulp\n",
           "conv1/weight                    2 of 36 differ, at most 4 ulp (at [1][2][0][0]), in "
           "value 1.9e-06\n",
           "conv1/bias                      identical\n", "1 of 60 differ, at most ",
           "(at [1][7]), in value ", "optimizer/v/dense1/bias         identical\n");
    free(b);
}

/* Two weights of either sign around zero are far apart in ulp, not in value. */
static void ulp_and_value_are_measured_apart(void) {
    sample *b = new_sample();
    b->values[0][0] = 1e-30f; /* was -0 */
    b->values[0][20] = 7.5f;  /* was 7 */
    EXPECT(b, LKS_OK, false, "2 of 36 differ, at most ", " ulp (at [0][0][0][0]), in value 0.5\n");
    free(b);
}

static void special_values_are_told_apart(void) {
    sample *b = new_sample();
    b->values[0][0] = 0.0f;
    EXPECT(b, LKS_OK, false, "conv1/weight[0][0][0][0]: -0 against 0, the sign of a zero\n",
           "1 of 36 differ, at most 0 ulp (at [0][0][0][0]), in value 0\n");
    fill_sample(b);
    b->values[0][2] = float_of(1); /* largest negative denormal against smallest positive */
    EXPECT(b, LKS_OK, false, ", 8388608 ulp\n");
    fill_sample(b);
    b->values[0][5] = float_of(0x7fc12346u);
    EXPECT(b, LKS_OK, false, "bits 7fc12345 against 7fc12346\n", "1 of 36 differ, 1 with NaN\n");
    free(b);
}

static void state_beside_the_weights_counts(void) {
    sample *b = new_sample();
    b->values[2][N_VALUES - 1] = 1.0f;
    EXPECT(b, LKS_OK, false, "first difference: optimizer/v/dense1/bias[9]: ",
           "weights identical: 110 values in 4 tensors");
    fill_sample(b);
    b->c.cursor.step = 6;
    b->c.best.correct = 91;
    EXPECT(b, LKS_OK, false, "cursor/step: 5 against 6\n", "best_correct: 90 against 91\n",
           "weights identical: ");
    fill_sample(b);
    b->c.n_flats = 2;
    EXPECT(b, LKS_OK, false, "optimizer/v: only in ");
    free(b);
}

static void other_networks_are_a_mismatch(void) {
    sample *b = new_sample();
    strcpy(b->tensors[0].name, "conv2/weight");
    b->tensors[2].shape[0] = 10;
    b->tensors[2].shape[1] = 6;
    EXPECT(b, LKS_ERR_MISMATCH, false, "conv1/weight[3][3][1][4]: only in ",
           "conv2/weight[3][3][1][4]: only in ",
           "\ndense1/weight: shape [6][10] against [10][6]\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path_b));
    unlink(path_b);
    bool same;
    CU_ASSERT_EQUAL(lks_checkpoint_diff((const char *const[2]){path_a, path_b}, NUMERICS, false,
                                        LKS_FORMAT_TEXT, &same, &err),
                    LKS_ERR_IO);
    free(b);
}

int main(void) {
    const lks_test tests[] = {
        {"equal checkpoints are identical", equal_checkpoints_are_identical},
        {"values are placed and measured", values_are_placed_and_measured},
        {"ulp and value are measured apart", ulp_and_value_are_measured_apart},
        {"special values are told apart", special_values_are_told_apart},
        {"state beside the weights counts", state_beside_the_weights_counts},
        {"other networks are a mismatch", other_networks_are_a_mismatch},
        {NULL, NULL},
    };
    test_path(path_a, "a.h5");
    test_path(path_b, "b.h5");
    return lks_test_main("checkpoint diff", tests);
}
