/* Softmax cross-entropy, with smoothed labels (Szegedy et al., CVPR 2016, section 7) and a factor
 * per class where training asks for them, in double and one class after the other: few values, so
 * nothing is gained by vectors, and the order is plain. */
#include "nn/objective.h"

#include <string.h>

#include "base/math.h"
#include "base/memory.h"

static int argmax(const float *z, int n) {
    int best = 0;
    for (int c = 1; c < n; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

/* exp(z[c] - max) for class c, 0 where it would make denormal floats; probabilities are these over
 * their sum. */
static double exponential(const float *z, int best, int c) {
    double x = (double)z[c] - (double)z[best];
    return x < -87 ? 0 : lks_exp(x);
}

static double sum_of_exponentials(const float *z, int n, int best) {
    double sum = 0;
    for (int c = 0; c < n; c++)
        sum += exponential(z, best, c);
    return sum;
}

/* The mean logit under the target distribution, above the largest one. */
static double expected_logit(const lks_objective *o, const float *z, int label, int best) {
    double own = (double)z[label] - (double)z[best], all = 0;
    if (o->smoothing == 0)
        return own;
    for (int c = 0; c < o->classes; c++)
        all += (double)z[c] - (double)z[best];
    return (1 - o->smoothing) * own + o->smoothing / o->classes * all;
}

static double train(const lks_objective *o, const float *z, int label, float *dz, bool *correct) {
    const int best = argmax(z, o->classes);
    const double sum = sum_of_exponentials(z, o->classes, best), weight = o->class_weight[label];
    const double spread = o->smoothing / o->classes;
    for (int c = 0; c < o->classes; c++) {
        double target = (c == label) * (1 - o->smoothing) + spread;
        dz[c] = (float)(weight * (exponential(z, best, c) / sum - target));
    }
    *correct = best == label;
    return weight * (lks_log(sum) - expected_logit(o, z, label, best));
}

/* Only what is certainly behind the label is behind it: NaN puts nobody at the front but the
 * prediction. */
static void score(const lks_objective *o, const float *z, const uint8_t *label, lks_score *result,
                  float *probabilities) {
    const int best = argmax(z, o->classes);
    const double sum = sum_of_exponentials(z, o->classes, best);
    for (int c = 0; probabilities && c < o->classes; c++)
        probabilities[c] = (float)(exponential(z, best, c) / sum);
    if (!result)
        return;
    const int own = *label;
    *result =
        (lks_score){.loss = lks_log(sum) - ((double)z[own] - (double)z[best]), .predicted = best};
    for (int c = 0; best != own && c < o->classes; c++)
        result->rank_label += c != own && !(z[c] < z[own] || (z[c] == z[own] && c > own));
}

static lks_score judge(const lks_objective *o, const double *p, int label) {
    const double least = 0x1p-126;
    lks_score s = {.loss = -lks_log(p[label] < least ? least : p[label])};
    for (int c = 1; c < o->classes; c++)
        if (p[c] > p[s.predicted])
            s.predicted = c;
    for (int c = 0; s.predicted != label && c < o->classes; c++)
        s.rank_label += c != label && !(p[c] < p[label] || (p[c] == p[label] && c > label));
    return s;
}

lks_status lks_objective_create(lks_objective *o, const lks_train_config *config, int classes,
                                lks_error *err) {
    *o = (lks_objective){.classes = classes,
                         .smoothing = config->label_smoothing,
                         .train = train,
                         .score = score,
                         .judge = judge};
    o->class_weight = lks_alloc((size_t)classes, sizeof *o->class_weight, "the objective", err);
    if (!o->class_weight)
        return err->status;
    for (int c = 0; c < classes; c++)
        o->class_weight[c] = 1;
    return LKS_OK;
}

void lks_objective_free(lks_objective *o) {
    lks_free(o->class_weight);
    memset(o, 0, sizeof *o);
}
