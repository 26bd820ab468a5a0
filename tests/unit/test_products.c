/* The units for products in bfloat16 that this machine runs, forced and chosen ones: bit for bit what products.h says,
 * so that they agree with each other. Odd shapes, awkward floats. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "products_case.h"
#include "support/random_data.h"

static const int kernels[][2] = {{0, 0}, {1, 1}, {2, 3}, {3, 3}, {5, 5}};
#define N_KERNELS 5

static const lks_products *units[16];
static int n_units;

static void check_product(const product_choice *choice) {
    product_case c = product_case_new(choice);
    for (int u = 0; u < n_units; u++)
        CU_ASSERT_EQUAL(product_case_wrong(&c, units[u], lks_random_int(1, 3)), 0);
    product_case_free(&c);
}

static void test_products(void) {
    lks_random_seed(1);
    for (int k = 0; k < N_KERNELS; k++)
        for (int draw = 0; draw < 8; draw++)
            check_product(&(product_choice){.kernel = {kernels[k][0], kernels[k][1]},
                                            .padded = draw % 2,
                                            .images = lks_random_int(1, 5)});
}

static void test_windows(void) {
    lks_random_seed(2);
    for (int k = 1; k < N_KERNELS; k++)
        for (int draw = 0; draw < 6; draw++)
            check_product(&(product_choice){.kernel = {kernels[k][0], kernels[k][1]},
                                            .padded = draw % 2,
                                            .pooled = true,
                                            .images = lks_random_int(1, 3)});
}

/* Finite operands whose products overflow: infinities and NaN in the sums, and in the windows. */
static void test_overflow(void) {
    lks_random_seed(3);
    for (int draw = 0; draw < 8; draw++)
        check_product(&(product_choice){.kernel = {1 + draw % 3, 1 + draw % 2},
                                        .padded = draw & 1,
                                        .pooled = draw & 2,
                                        .huge = true,
                                        .images = 2});
}

static void test_reach(void) {
    lks_random_seed(4);
    for (int draw = 0; draw < 12; draw++)
        check_product(&(product_choice){.kernel = {3, 3 + draw % 3},
                                        .padded = true,
                                        .border = true,
                                        .images = lks_random_int(1, 3)});
}

/* A dense layer has as many rows as images: every number of them beyond two of the largest tiles. */
static void test_images(void) {
    lks_random_seed(5);
    for (int images = 1; images <= 34; images++)
        check_product(&(product_choice){.padded = images % 2, .images = images});
}

/* An image with an operand that is not finite is told, and touches no other. */
static void test_not_finite(void) {
    const float bad[] = {NAN, INFINITY, -INFINITY, 0x1.ffp127f, -0x1.fffffep127f};
    lks_random_seed(6);
    for (int draw = 0; draw < 10; draw++) {
        product_case c =
            product_case_new(&(product_choice){.kernel = {3, 3}, .padded = draw % 2, .images = 3});
        const size_t image = (size_t)c.x.rows * c.x.columns * c.x.channels;
        c.x.values[image + lks_random_bits() % image] = bad[draw % 5];
        for (int u = 0; u < n_units; u++) {
            bool finite[3];
            free(plane_case_narrow(&c.x, units[u], finite));
            CU_ASSERT(finite[0] && !finite[1] && finite[2]);
            CU_ASSERT_EQUAL(product_case_wrong(&c, units[u], 1), 0);
        }
        product_case_free(&c);
    }
}

static void check_gradient(const gradient_choice *choice) {
    gradient_case c = gradient_case_new(choice);
    for (int u = 0; u < n_units; u++)
        for (int how = 0; how < 4; how++)
            CU_ASSERT_EQUAL(gradient_case_wrong(&c, units[u], how & 1, how & 2), 0);
    gradient_case_free(&c);
}

static void test_gradients(void) {
    lks_random_seed(7);
    for (int chunk = 1; chunk <= 17; chunk++)
        for (int draw = 0; draw < 2; draw++)
            check_gradient(
                &(gradient_choice){.kernel = {lks_random_int(1, 3), lks_random_int(1, 3)},
                                   .stride = {lks_random_int(1, 2), lks_random_int(1, 2)},
                                   .padded = draw,
                                   .density = draw ? 0.07 : 0.8,
                                   .samples = chunk + lks_random_int(0, chunk),
                                   .chunk = chunk});
}

/* Gradients behind pooling, of few channels and of many. */
static void test_gradient_windows(void) {
    lks_random_seed(9);
    for (int chunk = 1; chunk <= 17; chunk++)
        check_gradient(&(gradient_choice){.kernel = {lks_random_int(1, 5), lks_random_int(1, 5)},
                                          .stride = {lks_random_int(1, 2), lks_random_int(1, 2)},
                                          .padded = chunk % 4 == 3,
                                          .density = 0.5,
                                          .windows = true,
                                          .samples = chunk + lks_random_int(0, chunk),
                                          .chunk = chunk,
                                          .size = {lks_random_int(1, 3), lks_random_int(1, 4)}});
}

/* A partial that exact sums cannot hold, by its size or because it is none, is told; plain sums take it. */
static void test_refused(void) {
    lks_random_seed(8);
    for (int draw = 0; draw < 3; draw++) {
        gradient_case c = gradient_case_new(&(gradient_choice){.kernel = {2, 2},
                                                               .stride = {1, 1},
                                                               .padded = true,
                                                               .density = 1,
                                                               .samples = 4,
                                                               .chunk = 3});
        const float size = draw == 0 ? 0x1p10f : 0x1p64f; /* squares: 2^20 and infinity */
        for (int i = 0; i < c.x.rows * c.x.columns * c.x.channels; i++)
            c.x.values[i] = size;
        for (int i = 0; i < c.dy.rows * c.dy.columns * c.dy.channels; i++)
            c.dy.values[i] = draw == 2 && i / c.dy.channels % 2 ? -size : size;
        plane_case_round(&c.x);
        plane_case_round(&c.dy);
        gradient_case_expect(&c);
        for (int u = 0; u < n_units; u++)
            for (int how = 0; how < 4; how++)
                CU_ASSERT_EQUAL(gradient_case_wrong(&c, units[u], how & 1, how & 2), 0);
        gradient_case_free(&c);
    }
}

int main(void) {
    n_units = products_units(units);
    return lks_test_main("products",
                         (const lks_test[]){{"products", test_products},
                                            {"windows of pooling", test_windows},
                                            {"sums that overflow", test_overflow},
                                            {"reach", test_reach},
                                            {"dense layers", test_images},
                                            {"not finite", test_not_finite},
                                            {"gradients", test_gradients},
                                            {"gradients of windows", test_gradient_windows},
                                            {"refused partials", test_refused},
                                            {NULL, NULL}});
}
