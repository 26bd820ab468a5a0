/* Softmax cross-entropy, with smoothed labels (Szegedy et al., CVPR 2016, section 7) and a factor
 * per class where training asks for them, in double and one class after the other: few values, so nothing is gained
 * by vectors, and the order is plain. Losses are added exactly, sample by sample. */
#include "nn/loss.h"

#include "lockstep/digest.h"
#include "lockstep/math.h"

static const float *logits_of(const lks_model *m, int sample) {
    const lks_activation *out = lks_model_last(m);
    return out->value + sample * out->size;
}

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
static double expected_logit(const lks_model *m, const float *z, int label, int best) {
    double own = (double)z[label] - (double)z[best], all = 0;
    if (m->smoothing == 0)
        return own;
    for (int c = 0; c < m->classes; c++)
        all += (double)z[c] - (double)z[best];
    return (1 - m->smoothing) * own + m->smoothing / m->classes * all;
}

void lks_loss_train(lks_model *m, lks_worker *w, int first, int count) {
    lks_activation *out = lks_model_last(m);
    for (int s = first; s < first + count; s++) {
        const float *z = logits_of(m, s);
        float *dz = out->gradient + s * out->size;
        int label = m->batch.labels[s], best = argmax(z, m->classes);
        double sum = sum_of_exponentials(z, m->classes, best), weight = m->class_weight[label];
        double spread = m->smoothing / m->classes;
        for (int c = 0; c < m->classes; c++) {
            double target = (c == label) * (1 - m->smoothing) + spread;
            dz[c] = (float)(weight * (exponential(z, best, c) / sum - target));
        }
        double loss = weight * (lks_log(sum) - expected_logit(m, z, label, best));
        if (!lks_limbs_add(&w->loss, loss))
            w->bad_loss = 1;
        w->correct += best == label;
        w->samples++;
        w->hash += lks_hash64(m->batch.ids[s]);
    }
}

void lks_loss_score(lks_model *m, int sample, lks_score *score, float *probabilities) {
    const float *z = logits_of(m, sample);
    int best = argmax(z, m->classes);
    double sum = sum_of_exponentials(z, m->classes, best);
    for (int c = 0; probabilities && c < m->classes; c++)
        probabilities[c] = (float)(exponential(z, best, c) / sum);
    if (!score)
        return;
    int label = m->batch.labels[sample];
    *score =
        (lks_score){.loss = lks_log(sum) - ((double)z[label] - (double)z[best]), .predicted = best};
    /* Only what is certainly behind the label is behind it: NaN puts nobody at the front but the
     * prediction. */
    for (int c = 0; best != label && c < m->classes; c++)
        score->rank_label += c != label && !(z[c] < z[label] || (z[c] == z[label] && c > label));
}
