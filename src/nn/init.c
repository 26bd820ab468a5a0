/* Initial weights: element e of tensor t is a pure function of (seed, t, e). */
#include <math.h>

#include "lockstep/model.h"
#include "nn/op.h"

/* Half-width of a uniform, or standard deviation of a normal distribution. */
static double spread(lks_init init, double fan_in, double fan_out) {
    switch (init) {
    case LKS_INIT_GLOROT_UNIFORM:
        return sqrt(6.0 / (fan_in + fan_out)); /* Glorot & Bengio, AISTATS 2010, eq. 16 */
    case LKS_INIT_GLOROT_NORMAL:
        return sqrt(2.0 / (fan_in + fan_out));
    case LKS_INIT_HE_UNIFORM:
        return sqrt(6.0 / fan_in); /* He et al., ICCV 2015, eq. 10, as a uniform distribution */
    case LKS_INIT_HE_NORMAL:
        return sqrt(2.0 / fan_in);
    case LKS_INIT_FAN_IN_UNIFORM:
        return 1.0 / sqrt(fan_in);
    }
    return 0;
}

static void fill(lks_model *m, const lks_tensor *t, int unit, uint64_t seed, bool normal,
                 double width) {
    lks_stream stream = lks_stream_make(seed, LKS_PURPOSE_INIT, (uint32_t)unit, 0, 0);
    float *w = m->weights + t->offset;
    for (size_t e = 0; e < t->count; e++)
        w[e] = (float)(normal ? lks_stream_normal(&stream, e) * width
                              : (2.0 * lks_stream_uniform(&stream, e) - 1.0) * width);
}

void lks_model_init(lks_model *m, uint64_t seed) {
    bool normal = m->init == LKS_INIT_GLOROT_NORMAL || m->init == LKS_INIT_HE_NORMAL;
    for (int i = 0; i < m->n_tensors; i++) {
        const lks_tensor *t = &m->tensors[i];
        const lks_tensor_plan *plan = &m->plans[i];
        if (t->role == LKS_ROLE_NORM || t->role == LKS_ROLE_MOMENT) {
            for (size_t e = 0; e < t->count; e++)
                m->weights[t->offset + e] = plan->start;
            continue;
        }
        double width = spread(m->init, plan->fan_in, plan->fan_out);
        if (t->role == LKS_ROLE_WEIGHT)
            fill(m, t, i, seed, normal, width);
        else
            fill(m, t, i, seed, false, m->init == LKS_INIT_FAN_IN_UNIFORM ? width : 0.0);
    }
    lks_model_weights_changed(m);
}
