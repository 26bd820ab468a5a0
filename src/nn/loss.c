/* Softmax cross-entropy, in double and one class after the other: few values, so nothing is gained
 * by vectors, and the order is plain. Losses are added exactly, sample by sample. */
#include "nn/op.h"

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

void lks_loss_train(lks_model *m, lks_worker *w, int first, int count) {
    lks_activation *out = lks_model_last(m);
    for (int s = first; s < first + count; s++) {
        const float *z = logits_of(m, s);
        float *dz = out->gradient + s * out->size;
        int label = m->batch.labels[s], best = argmax(z, m->classes);
        double sum = sum_of_exponentials(z, m->classes, best);
        for (int c = 0; c < m->classes; c++)
            dz[c] = (float)(exponential(z, best, c) / sum - (c == label));
        double loss = lks_log(sum) - ((double)z[label] - (double)z[best]);
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
