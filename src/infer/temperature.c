#include "infer/temperature.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"

/* Newton's steps: six or seven are enough, and a bracket that is only halved has a millionth left. */
enum { STEPS_MOST = 40 };

bool lks_temperature_known(const lks_temperature *t) {
    return t->images > 0;
}

double lks_temperature_value(const lks_temperature *fitted, double smoothing, int classes) {
    const double plain = 10; /* how far a plain target draws the label's logit above the others */
    if (lks_temperature_known(fitted))
        return fitted->value;
    if (!(smoothing > 0))
        return 1;
    const double t = lks_log(1 + classes * (1 - smoothing) / smoothing) / plain;
    return t > 1 ? 1 : t < LKS_TEMPERATURE_LEAST ? LKS_TEMPERATURE_LEAST : t;
}

double lks_temperature_confidence(const double *p, int classes, int chosen, double temperature) {
    double sum = 0;
    if (!(p[chosen] > 0))
        return 0;
    for (int k = 0; k < classes; k++)
        if (p[k] > 0)
            sum += lks_exp((lks_log(p[k]) - lks_log(p[chosen])) / temperature);
    return 1 / sum;
}

/* --- what is held out ------------------------------------------------------------------------- */

lks_status lks_held_out_open(lks_held_out *h, lks_model *model, int classes, int64_t capacity,
                             int batch, lks_error *err) {
    *h = (lks_held_out){.model = model, .classes = classes, .capacity = capacity};
    const size_t row = (size_t)classes * sizeof(float);
    h->logs = lks_alloc((size_t)capacity, row, "held-out images", err);
    h->probabilities = lks_alloc((size_t)batch, row, "held-out images", err);
    return h->logs && h->probabilities ? LKS_OK : err->status;
}

void lks_held_out_free(lks_held_out *h) {
    lks_free(h->logs);
    lks_free(h->probabilities);
    memset(h, 0, sizeof *h);
}

/* The label's logarithm is that of its loss, which has it where the probability is too small for a float. A
 * class that has none left adds nothing at any temperature that is allowed. */
static void keep(lks_held_out *h, const float *p, int label, const lks_score *score) {
    float *logs = h->logs + h->n * h->classes;
    *logs++ = (float)-score->loss;
    for (int k = 0; k < h->classes; k++)
        if (k != label)
            *logs++ = p[k] > 0 ? (float)lks_log((double)p[k]) : -INFINITY;
    h->wrong += score->predicted != label;
    h->n++;
}

static void score(void *of, const lks_batch *batch, lks_score *scores, float *probabilities) {
    lks_held_out *h = of;
    (void)probabilities; /* nobody asks for them */
    lks_model_evaluate(h->model, batch, scores, h->probabilities);
    for (int i = 0; i < batch->n && h->n < h->capacity; i++)
        keep(h, h->probabilities + (size_t)i * (size_t)h->classes, batch->labels[i], &scores[i]);
}

lks_scorer lks_held_out_scorer(lks_held_out *h) {
    return (lks_scorer){score, h};
}

/* --- the fit ---------------------------------------------------------------------------------- */

/* Sums over images: of the negative log-likelihoods, and of their first and second derivatives by the inverse
 * temperature, each for the labels and, but for the last, for the second likeliest classes. */
enum { NLL, SLOPE, NLL_SECOND, SLOPE_SECOND, CURVE, SUMS };

/* The second largest of n >= 1 values; of a single one itself. */
static double second_of(const float *logs, int n) {
    float first = logs[0], second = -INFINITY;
    for (int k = 1; k < n; k++) {
        second = logs[k] > first ? first : logs[k] > second ? logs[k] : second;
        first = logs[k] > first ? logs[k] : first;
    }
    return n > 1 && second > -INFINITY ? (double)second : (double)first;
}

/* With q[k] = exp(b logs[k]) / sum: d/db log sum = mean of the logs under q, and its derivative their variance. */
static bool add_image(lks_limbs sums[SUMS], const float *logs, int classes, double b) {
    double sum = 0, first = 0, second = 0;
    for (int k = 0; k < classes; k++) {
        const double a = (double)logs[k];
        if (logs[k] == -INFINITY)
            continue;
        const double e = lks_exp(b * a);
        sum += e;
        first += e * a;
        second += e * a * a;
    }
    const double own = (double)logs[0], other = second_of(logs, classes);
    const double mean = first / sum, normaliser = lks_log(sum);
    return lks_limbs_add(&sums[NLL], normaliser - b * own) &&
           lks_limbs_add(&sums[SLOPE], mean - own) &&
           lks_limbs_add(&sums[NLL_SECOND], normaliser - b * other) &&
           lks_limbs_add(&sums[SLOPE_SECOND], mean - other) &&
           lks_limbs_add(&sums[CURVE], second / sum - mean * mean);
}

/* At inverse temperature b, over all ranks. False where a value is not finite. Collective. */
static bool sum_up(double values[SUMS], const lks_held_out *h, double b, lks_comm *comm) {
    lks_limbs sums[SUMS] = {{0, 0}};
    int64_t message[2 * SUMS + 1] = {0}, *bad = &message[2 * SUMS];
    for (int64_t i = 0; i < h->n; i++)
        *bad += !add_image(sums, h->logs + i * h->classes, h->classes, b);
    memcpy(message, sums, sizeof sums);
    lks_comm_sum_i64(comm, message, sizeof message / sizeof *message);
    memcpy(sums, message, sizeof sums);
    for (int k = 0; k < SUMS; k++)
        values[k] = lks_limbs_value(sums[k]);
    return *bad == 0;
}

/* The inverse temperature of the least sum. False where a value is not finite. */
static bool search(double *b, const lks_held_out *h, int64_t n, lks_comm *comm) {
    double least = 1 / LKS_TEMPERATURE_MOST, most = 1 / LKS_TEMPERATURE_LEAST, values[SUMS];
    *b = 1;
    for (int i = 0; i < STEPS_MOST; i++) {
        if (!sum_up(values, h, *b, comm))
            return false;
        const double slope = values[SLOPE] + values[SLOPE_SECOND] / (double)n;
        const double curve = values[CURVE] * (1 + 1 / (double)n);
        if (slope > 0)
            most = *b;
        else
            least = *b;
        double next = curve > 0 ? *b - slope / curve : least;
        if (!(next > least && next < most))
            next = (least + most) / 2;
        const bool done = fabs(next - *b) < 1e-9 * *b;
        *b = next;
        if (done)
            return true;
    }
    return true;
}

static lks_status not_finite(lks_error *err) {
    return lks_fail(err, LKS_ERR_NUMERIC,
                    "calibration: a probability of a held-out image is not finite");
}

lks_status lks_temperature_fit(lks_temperature *t, const lks_held_out *h, lks_comm *comm,
                               lks_error *err) {
    int64_t counts[2] = {h->n, h->wrong};
    double before[SUMS], after[SUMS], b;
    memset(t, 0, sizeof *t);
    lks_comm_sum_i64(comm, counts, 2);
    if (counts[0] == 0)
        return lks_comm_check(comm, err);
    /* The sums are the same on all ranks, and so is each decision. */
    bool finite = sum_up(before, h, 1, comm);
    finite = finite && search(&b, h, counts[0], comm);
    finite = finite && sum_up(after, h, b, comm);
    LKS_TRY(lks_comm_check(comm, err));
    if (!finite)
        return not_finite(err);
    const double n = (double)counts[0];
    *t = (lks_temperature){1 / b, counts[0], counts[1], before[NLL] / n, after[NLL] / n, 0};
    return LKS_OK;
}
