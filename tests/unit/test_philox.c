/* Philox 4x32-10 against the known answers that its authors publish with Random123 (kat_vectors),
 * and the numbering of streams and elements that every random draw relies on. */
#include "support/test.h"

#include "lockstep/philox.h"

#include <math.h>
#include <string.h>

typedef struct known_answer {
    uint32_t counter[4], key[2], expected[4];
} known_answer;

static const known_answer known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_known_answers(void) {
    for (size_t i = 0; i < sizeof known_answers / sizeof known_answers[0]; i++) {
        const known_answer *k = &known_answers[i];
        uint32_t out[4];
        lks_philox4x32_10(k->counter, k->key, out);
        CU_ASSERT(memcmp(out, k->expected, sizeof out) == 0);
    }
}

/* counter = {block, item, epoch, purpose << 24 | unit}, key = seed, low word first. */
static void test_numbering(void) {
    const uint64_t seed = UINT64_C(0x299f31d0a4093822);
    lks_stream s = lks_stream_make(seed, LKS_PURPOSE_DROPOUT, 0x30707, 77, 1234567);
    const uint64_t elements[] = {0, 1, 2, 3, 4, 4095, (UINT64_C(1) << 34) - 1};
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        uint64_t element = elements[i];
        const uint32_t counter[4] = {(uint32_t)(element / 4), 1234567, 77, 0x04030707};
        const uint32_t key[2] = {0xa4093822, 0x299f31d0};
        uint32_t words[4];
        lks_philox4x32_10(counter, key, words);
        CU_ASSERT_EQUAL(lks_stream_u32(&s, element), words[element % 4]);
        CU_ASSERT(lks_stream_uniform(&s, element) == words[element % 4] / 4294967296.0);
    }
}

/* Every coordinate of a stream matters: changing one changes the numbers. */
static void test_coordinates_are_independent(void) {
    const lks_stream streams[] = {
        lks_stream_make(1, LKS_PURPOSE_INIT, 2, 3, 4),
        lks_stream_make(2, LKS_PURPOSE_INIT, 2, 3, 4),
        lks_stream_make(1 + (UINT64_C(1) << 32), LKS_PURPOSE_INIT, 2, 3, 4),
        lks_stream_make(1, LKS_PURPOSE_SPLIT, 2, 3, 4),
        lks_stream_make(1, LKS_PURPOSE_INIT, 3, 3, 4),
        lks_stream_make(1, LKS_PURPOSE_INIT, 2, 4, 4),
        lks_stream_make(1, LKS_PURPOSE_INIT, 2, 3, 5),
    };
    const size_t n = sizeof streams / sizeof streams[0];
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            int equal = 0;
            for (uint64_t e = 0; e < 64; e++)
                equal += lks_stream_u32(&streams[i], e) == lks_stream_u32(&streams[j], e);
            CU_ASSERT_EQUAL(equal, 0);
        }
}

static void test_uniform(void) {
    lks_stream s = lks_stream_make(5, LKS_PURPOSE_AUGMENT, 0, 0, 0);
    const int n = 100000;
    double sum = 0.0, squares = 0.0;
    int outside = 0;
    for (int e = 0; e < n; e++) {
        double u = lks_stream_uniform(&s, (uint64_t)e);
        outside += !(u >= 0.0 && u < 1.0);
        sum += u;
        squares += u * u;
    }
    CU_ASSERT_EQUAL(outside, 0);
    CU_ASSERT(fabs(sum / n - 0.5) < 0.004);
    CU_ASSERT(fabs(squares / n - 1.0 / 3.0) < 0.004);
}

/* Mean 0, variance 1, fourth moment 3, tail of 4.55 % beyond 2, and no correlation of neighbours:
 * each within four standard deviations of its estimate. */
static void test_normal(void) {
    lks_stream s = lks_stream_make(6, LKS_PURPOSE_INIT, 0, 0, 0);
    const int n = 100000;
    double sum = 0.0, squares = 0.0, fourth = 0.0, neighbours = 0.0, before = 0.0;
    int beyond = 0, outside = 0;
    for (int e = 0; e < n; e++) {
        double x = lks_stream_normal(&s, (uint64_t)e);
        outside += !(fabs(x) < 6.67);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
        neighbours += x * before;
        beyond += fabs(x) > 2.0;
        before = x;
    }
    CU_ASSERT_EQUAL(outside, 0);
    double root = sqrt(n);
    CU_ASSERT(fabs(sum / n) < 4.0 / root);
    CU_ASSERT(fabs(squares / n - 1.0) < 4.0 * sqrt(2.0) / root);
    CU_ASSERT(fabs(fourth / n - 3.0) < 4.0 * sqrt(96.0) / root);
    CU_ASSERT(fabs(neighbours / n) < 4.0 / root);
    CU_ASSERT(fabs(beyond / (double)n - 0.0455003) < 4.0 * 0.2084 / root);
}

/* Box-Muller as documented: the radius from element 2e, the angle from 2e + 1. */
static void test_normal_by_formula(void) {
    const double two_pi = 6.283185307179586;
    lks_stream s = lks_stream_make(7, LKS_PURPOSE_INIT, 1, 2, 3);
    for (uint64_t e = 0; e < 1000; e++) {
        double u = (lks_stream_u32(&s, 2 * e) + 1.0) / 4294967296.0;
        double v = lks_stream_u32(&s, 2 * e + 1) / 4294967296.0;
        double expected = sqrt(-2.0 * log(u)) * cos(two_pi * v);
        CU_ASSERT(fabs(lks_stream_normal(&s, e) - expected) < 1e-13);
    }
}

int main(void) {
    static const lks_test tests[] = {
        {"published known answers", test_known_answers},
        {"numbering of streams and elements", test_numbering},
        {"every coordinate of a stream matters", test_coordinates_are_independent},
        {"uniform numbers", test_uniform},
        {"normal numbers", test_normal},
        {"normal numbers by formula", test_normal_by_formula},
        {NULL, NULL},
    };
    return lks_test_main("philox", tests);
}
