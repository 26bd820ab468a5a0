/* The temperature that held-out images ask for: the least of a sum that is computed here in plain loops, and the
 * same bits however the images are dealt to the ranks. */
#include "infer/temperature.h"

#include <math.h>
#include <string.h>

#include "lockstep/comm.h"
#include "lockstep/philox.h"
#include "support/test.h"
#include "support/mpi_main.h"

enum { CLASSES = 5, IMAGES = 700 };

static lks_comm comm;
static float logs[IMAGES][CLASSES]; /* the label's first */

static double uniform(uint32_t image, uint64_t element) {
    const lks_stream s = lks_stream_make(5, LKS_PURPOSE_AUGMENT, 0, 0, image);
    return lks_stream_u32(&s, element) / 4294967296.0;
}

/* Logits are drawn from 0 to `sharpness`, the label's with a lead of `gap` of that. */
static void make_images(double sharpness, double gap) {
    for (uint32_t i = 0; i < IMAGES; i++) {
        double z[CLASSES], sum = 0;
        for (int k = 0; k < CLASSES; k++) {
            z[k] = sharpness * (uniform(i, (uint64_t)k) + (k == 0 ? gap : 0));
            sum += exp(z[k]);
        }
        for (int k = 0; k < CLASSES; k++)
            logs[i][k] = (float)(z[k] - log(sum));
    }
}

/* The share of rank `rank` of `ranks`, as one that scored them would hold it. */
static lks_held_out deal(int rank, int ranks) {
    const int first = IMAGES * rank / ranks, last = IMAGES * (rank + 1) / ranks;
    lks_held_out h = {.classes = CLASSES, .n = last - first, .logs = logs[first]};
    for (int i = first; i < last; i++)
        for (int k = 1; k < CLASSES; k++)
            if (logs[i][k] > logs[i][0]) {
                h.wrong++;
                break;
            }
    return h;
}

static lks_temperature fit(const lks_held_out *h) {
    lks_temperature t;
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_temperature_fit(&t, h, &comm, &err), LKS_OK);
    return t;
}

static double nll(int image, int label, double temperature) {
    double sum = 0;
    for (int k = 0; k < CLASSES; k++)
        sum += exp(logs[image][k] / temperature);
    return log(sum) - logs[image][label] / temperature;
}

static int second(int image) {
    int order[CLASSES] = {0, 1, 2, 3, 4};
    for (int a = 0; a < CLASSES; a++)
        for (int b = a + 1; b < CLASSES; b++)
            if (logs[image][order[b]] > logs[image][order[a]]) {
                const int swapped = order[a];
                order[a] = order[b];
                order[b] = swapped;
            }
    return order[1];
}

static double objective(double temperature) {
    double own = 0, other = 0;
    for (int i = 0; i < IMAGES; i++) {
        own += nll(i, 0, temperature);
        other += nll(i, second(i), temperature);
    }
    return own + other / IMAGES;
}

/* By golden sections of the logarithm. */
static double least(void) {
    const double ratio = (sqrt(5) - 1) / 2;
    double low = log(LKS_TEMPERATURE_LEAST), high = log(LKS_TEMPERATURE_MOST);
    while (high - low > 1e-8) {
        const double a = high - ratio * (high - low), b = low + ratio * (high - low);
        if (objective(exp(a)) < objective(exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2);
}

static lks_temperature check_fit(double sharpness, double gap) {
    make_images(sharpness, gap);
    const lks_held_out own = deal(comm.rank, comm.size);
    const lks_temperature t = fit(&own);
    double before = 0, after = 0;
    int64_t wrong = deal(0, 1).wrong;
    CU_ASSERT_DOUBLE_EQUAL(t.value, least(), 1e-5 * t.value);
    for (int i = 0; i < IMAGES; i++) {
        before += nll(i, 0, 1) / IMAGES;
        after += nll(i, 0, t.value) / IMAGES;
    }
    CU_ASSERT_DOUBLE_EQUAL(t.nll_before, before, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(t.nll_after, after, 1e-9);
    CU_ASSERT_EQUAL(t.images, IMAGES);
    CU_ASSERT_EQUAL(t.wrong, wrong);
    /* and with all images on the first rank */
    lks_held_out all = comm.rank == 0 ? deal(0, 1) : (lks_held_out){.classes = CLASSES};
    const lks_temperature other = fit(&all);
    CU_ASSERT_EQUAL(memcmp(&other, &t, sizeof t), 0);
    return t;
}

static void too_sure(void) {
    CU_ASSERT_TRUE(check_fit(12, 0.4).value > 1);
}

static void not_sure_enough(void) {
    CU_ASSERT_TRUE(check_fit(0.5, 0.6).value < 1);
}

/* Nothing is wrong: the plain least sum would be at no temperature at all. */
static void never_wrong(void) {
    const lks_temperature t = check_fit(12, 1);
    CU_ASSERT_EQUAL(t.wrong, 0);
    CU_ASSERT_TRUE(t.value > 1.5 * LKS_TEMPERATURE_LEAST); /* not at the limit */
}

static void no_images(void) {
    lks_held_out none = {.classes = CLASSES};
    lks_temperature t;
    lks_error err;
    CU_ASSERT_EQUAL(lks_temperature_fit(&t, &none, &comm, &err), LKS_OK);
    CU_ASSERT_EQUAL(t.images, 0);
    CU_ASSERT_FALSE(lks_temperature_known(&t));
}

static void confidence_follows_the_temperature(void) {
    const double p[] = {0.64, 0.32, 0.04, 0};
    CU_ASSERT_DOUBLE_EQUAL(lks_temperature_confidence(p, 4, 0, 1), 0.64, 1e-12);
    /* square roots: 0.8, 0.5657, 0.2 */
    CU_ASSERT_DOUBLE_EQUAL(lks_temperature_confidence(p, 4, 0, 2), 0.8 / (1 + sqrt(0.32)), 1e-12);
}

/* The smoothed target itself, of p against q for each other class, whose logits are ln(p / q) apart. */
static double sureness_of_target(double smoothing, int classes) {
    const lks_temperature none = {0};
    double p[20];
    for (int k = 0; k < classes; k++)
        p[k] = smoothing / classes + (k == 0 ? 1 - smoothing : 0);
    return lks_temperature_confidence(p, classes, 0,
                                      lks_temperature_value(&none, smoothing, classes));
}

/* Whatever the smoothing, a network that has learnt its target is as sure as one of plain targets: logits that are 10
 * apart. */
static void smoothing_is_allowed_for(void) {
    const lks_temperature none = {0}, fitted = {.value = 1.25, .images = 5};
    CU_ASSERT_DOUBLE_EQUAL(sureness_of_target(0.05, 10), 1 / (1 + 9 * exp(-10)), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(sureness_of_target(0.2, 20), 1 / (1 + 19 * exp(-10)), 1e-12);
    CU_ASSERT_EQUAL(lks_temperature_value(&none, 0, 10), 1);
    CU_ASSERT_EQUAL(lks_temperature_value(&none, 1e-6, 10), 1); /* never less sure for it */
    CU_ASSERT_EQUAL(lks_temperature_value(&none, 0.9999, 10), LKS_TEMPERATURE_LEAST);
    CU_ASSERT_EQUAL(lks_temperature_value(&fitted, 0.1, 10), 1.25);
}

int main(void) {
    static const lks_test tests[] = {
        {"a network that is too sure", too_sure},
        {"one that is not sure enough", not_sure_enough},
        {"one that is never wrong", never_wrong},
        {"no images", no_images},
        {"confidence follows the temperature", confidence_follows_the_temperature},
        {"label smoothing is allowed for", smoothing_is_allowed_for},
        {NULL, NULL},
    };
    return lks_mpi_test_main(&comm, "temperature", tests);
}
