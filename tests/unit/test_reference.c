/* The reference is checked first: its gradients against central differences of its own loss, in
 * double, for networks with every kind of layer. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "net_case.h"
#include "support/random_data.h"
#include "support/reference.h"

#define STEP    1e-6
#define WEIGHTS 60 /* of each network are tried, spread evenly, and all of small ones */

/* Central difference of the loss by weight @p at; false where a decision changes within the step:
 * the loss has a kink there. */
static bool difference(lks_reference *r, const lks_batch *batch, size_t at, double *slope) {
    lks_reference_view *v = lks_reference_look(r);
    double weight = v->weights[at], loss[2];
    uint64_t signature[2];
    for (int side = 0; side < 2; side++) {
        v->weights[at] = weight + (side ? STEP : -STEP);
        lks_reference_loss(r, batch);
        loss[side] = v->loss;
        signature[side] = v->signature;
    }
    v->weights[at] = weight;
    *slope = (loss[1] - loss[0]) / (2 * STEP);
    return signature[0] == signature[1];
}

static void check_gradients(const net_case *c) {
    net n = net_open(c, NULL);
    lks_reference *r = lks_reference_new(&n.config, n.input, (const float(*)[256])n.pixels);
    lks_reference_view *v = lks_reference_look(r);
    for (size_t i = 0; i < v->n_weights; i++)
        v->weights[i] = lks_random_uniform(-0.3, 0.3);
    const lks_batch batch = net_part(&n, 0, 3);
    lks_reference_train(r, &batch);
    double *gradient = malloc(v->n_weights * sizeof *gradient), largest = 0;
    for (size_t i = 0; i < v->n_weights; i++) {
        gradient[i] = v->gradient[i];
        largest = fmax(largest, fabs(gradient[i]));
    }
    size_t stride = 1 + v->n_weights / WEIGHTS;
    int tried = 0, kinks = 0, wrong = 0;
    for (size_t i = 0; i < v->n_weights; i += stride, tried++) {
        double slope;
        if (!difference(r, &batch, i, &slope))
            kinks++;
        else
            wrong += !(fabs(slope - gradient[i]) <= 1e-7 * (1 + fabs(gradient[i])));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(kinks * 20 <= tried);
    CU_ASSERT(largest > 1e-2);
    if (wrong)
        printf("\n  %s: %d of %d gradients are wrong, %d kinks\n", c->name, wrong, tried, kinks);
    free(gradient);
    lks_reference_free(r);
    net_close(&n);
}

static void test_gradients(void) {
    for (int i = 0; i < n_net_cases; i++)
        check_gradients(&net_cases[i]);
}

int main(void) {
    static const lks_test tests[] = {{"gradients against central differences", test_gradients},
                                     {NULL, NULL}};
    return lks_test_main("reference", tests);
}
