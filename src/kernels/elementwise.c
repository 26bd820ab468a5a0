/* Loops over flat arrays. Plain C that the compiler vectorises: every element is computed by itself
 * from correctly rounded operations, so the width cannot matter; nothing here is fused
 * (-ffp-contract=off). */
#include "kernels/kernels_isa.h"
#include "lockstep/exact.h"

bool LKS_KERNEL(lks_accumulate)(int64_t *sum, const float *p, size_t n) {
    bool ok = true;
    size_t i = 0;
    for (; i + LKS_VL <= n; i += LKS_VL)
        ok &= v_add_exact(sum + i, v_load(p + i), true);
    if (i == n)
        return ok;
    float last[LKS_VL] = {0};
    int64_t sums[LKS_VL] = {0};
    memcpy(last, p + i, (n - i) * sizeof *p);
    memcpy(sums, sum + i, (n - i) * sizeof *sum);
    ok &= v_add_exact(sums, v_load(last), true);
    memcpy(sum + i, sums, (n - i) * sizeof *sum);
    return ok;
}

/* By a power of two a quotient and a product are the same number, and the product takes a fifth of the time. */
void LKS_KERNEL(lks_dequantise_all)(float *out, const int64_t *sum, size_t n, int64_t count) {
    const double unit = 1.0 / (1 << LKS_SCALE_BITS), share = unit / (double)count;
    if ((count & (count - 1)) == 0)
        for (size_t i = 0; i < n; i++)
            out[i] = (float)((double)sum[i] * share);
    else
        for (size_t i = 0; i < n; i++)
            out[i] = (float)((double)sum[i] * unit / (double)count);
}

/* Below, values are read and computed before they are selected: a load or a product that might not
 * happen would keep the portable loops from vectors. */

void LKS_KERNEL(lks_dropout)(float *y, uint8_t *keep, const float *x, const uint32_t *words,
                             size_t n, uint32_t threshold, float scale) {
    for (size_t i = 0; i < n; i++) {
        float kept = x[i] * scale;
        keep[i] = words[i] >= threshold;
        y[i] = words[i] >= threshold ? kept : 0.0f;
    }
}

void LKS_KERNEL(lks_dropout_backward)(float *dx, const float *dy, const uint8_t *keep, size_t n,
                                      float scale) {
    for (size_t i = 0; i < n; i++) {
        float kept = dy[i] * scale;
        dx[i] = keep[i] ? kept : 0.0f;
    }
}

void LKS_KERNEL(lks_relu_backward)(float *dx, const float *dy, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float passed = dy[i];
        dx[i] = y[i] > 0.0f ? passed : 0.0f;
    }
}

/* Denormals cost 60 times as much, and moments of dead weights would stick there. */
LKS_INLINE float flush_tiny(float a) {
    return __builtin_fabsf(a) < 0x1p-100f ? 0.0f : a;
}

LKS_INLINE int32_t not_finite(float a) {
    return !(__builtin_fabsf(a) <= 3.402823466e38f);
}

/* Momentum as in Sutskever et al., ICML 2013, in the form v = mu v + g; w -= lr (v, or g + mu v
 * with Nesterov). */
LKS_INLINE bool sgd(float *restrict w, float *restrict velocity, const float *restrict g, size_t n,
                    lks_update k) {
    int32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + k.weight_decay * w[i];
        float speed = flush_tiny(k.momentum * velocity[i] + gradient);
        velocity[i] = speed;
        float step = k.nesterov ? gradient + k.momentum * speed : speed;
        w[i] -= k.lr * step;
        bad |= not_finite(w[i]);
    }
    return !bad;
}

bool LKS_KERNEL(lks_sgd)(float *w, float *const state[LKS_UPDATE_STATES], const float *g, size_t n,
                         const lks_update *s) {
    return sgd(w, state[0], g, n, *s);
}

/* Kingma & Ba, "Adam", ICLR 2015, algorithm 1, with the bias corrections folded into two scalars;
 * decoupled: Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019. */
LKS_INLINE bool adam(float *restrict w, float *restrict m, float *restrict v,
                     const float *restrict g, size_t n, lks_update k, bool decoupled) {
    int32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        float decay = k.weight_decay * w[i];
        float gradient = decoupled ? g[i] : g[i] + decay;
        float weight = decoupled ? w[i] - decay : w[i];
        float mean = k.beta1 * m[i] + k.one_minus_beta1 * gradient;
        float square = k.beta2 * v[i] + k.one_minus_beta2 * (gradient * gradient);
        m[i] = mean = flush_tiny(mean);
        v[i] = square = flush_tiny(square);
        float denominator = __builtin_sqrtf(square) * k.scale + k.epsilon;
        w[i] = weight - k.lr * (mean / denominator);
        bad |= not_finite(w[i]);
    }
    return !bad;
}

bool LKS_KERNEL(lks_adam)(float *w, float *const state[LKS_UPDATE_STATES], const float *g, size_t n,
                          const lks_update *s) {
    return adam(w, state[0], state[1], g, n, *s, false);
}

bool LKS_KERNEL(lks_adamw)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                           size_t n, const lks_update *s) {
    return adam(w, state[0], state[1], g, n, *s, true);
}

/* Hinton's lecture 6e of "Neural networks for machine learning", 2012; centered: Graves,
 * arXiv:1308.0850. What rounding makes of a variance of 0 may lie below it. */
LKS_INLINE bool rmsprop(float *restrict w, float *restrict square, float *restrict velocity,
                        float *restrict mean, const float *restrict g, size_t n, lks_update k,
                        bool heavy, bool centered) {
    int32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + k.weight_decay * w[i];
        float spread = flush_tiny(k.beta2 * square[i] + k.one_minus_beta2 * (gradient * gradient));
        square[i] = spread;
        if (centered) {
            float middle = flush_tiny(k.beta2 * mean[i] + k.one_minus_beta2 * gradient);
            mean[i] = middle;
            spread -= middle * middle;
            spread = spread < 0.0f ? 0.0f : spread;
        }
        float step = gradient / (__builtin_sqrtf(spread) + k.epsilon);
        if (heavy)
            velocity[i] = step = flush_tiny(k.momentum * velocity[i] + step);
        w[i] -= k.lr * step;
        bad |= not_finite(w[i]);
    }
    return !bad;
}

bool LKS_KERNEL(lks_rmsprop)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                             size_t n, const lks_update *s) {
    float *square = state[0], *velocity = state[1], *mean = state[2];
    if (velocity && mean)
        return rmsprop(w, square, velocity, mean, g, n, *s, true, true);
    if (velocity)
        return rmsprop(w, square, velocity, NULL, g, n, *s, true, false);
    if (mean)
        return rmsprop(w, square, NULL, mean, g, n, *s, false, true);
    return rmsprop(w, square, NULL, NULL, g, n, *s, false, false);
}

/* Zeiler, arXiv:1212.5701, algorithm 1, with a learning rate in front of the update. */
LKS_INLINE bool adadelta(float *restrict w, float *restrict square, float *restrict update,
                         const float *restrict g, size_t n, lks_update k) {
    int32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + k.weight_decay * w[i];
        float spread = flush_tiny(k.beta2 * square[i] + k.one_minus_beta2 * (gradient * gradient));
        square[i] = spread;
        float step = __builtin_sqrtf(update[i] + k.epsilon) / __builtin_sqrtf(spread + k.epsilon);
        step *= gradient;
        update[i] = flush_tiny(k.beta2 * update[i] + k.one_minus_beta2 * (step * step));
        w[i] -= k.lr * step;
        bad |= not_finite(w[i]);
    }
    return !bad;
}

bool LKS_KERNEL(lks_adadelta)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                              size_t n, const lks_update *s) {
    return adadelta(w, state[0], state[1], g, n, *s);
}
