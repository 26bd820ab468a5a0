/* Activation functions. Plain C that the compiler vectorises: no branches, no fused operations
 * (-ffp-contract=off), so every element is the same chain of rounded operations everywhere. NaN goes
 * through all of them.
 *
 * The polynomials were fitted here by weighted least squares with Lawson's weights, which tends to
 * the minimax fit; tests/unit/test_activation.c measures the errors of the finished functions. */
#include "kernels/kernels_isa.h"

LKS_INLINE uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

LKS_INLINE float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define MAGIC 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer, in the low bits */

/* exp(x + rest) for x <= 0 and a small rest; 0 for x < -87, where what was computed is thrown away.
 * x = n ln 2 + r with |r| <= ln(2) / 2, ln 2 in two parts of which the first has 9 bits, so that n
 * times it is exact (Cody & Waite 1980). exp(r) = 1 + r + r^2 P(r), P of degree 4 with an error of
 * 4e-9 in exp(r). */
LKS_INLINE float exponential(float x, float rest) {
    float shifted = (x + rest) * 1.44269504f + MAGIC;
    float n = shifted - MAGIC;
    float r = ((x - n * 0.693359375f) - n * -2.12194440e-4f) + rest;
    float p = 0.0013942763f;
    p = p * r + 0.008369435f;
    p = p * r + 0.041666377f;
    p = p * r + 0.16666515f;
    p = p * r + 0.5f;
    float value = 1.0f + (r + r * r * p);
    float power = float_of((bits_of(shifted) + 127) << 23); /* 2^n: MAGIC's low bits are 0 */
    return x < -87.0f ? 0.0f : value * power;
}

LKS_INLINE float magnitude(float x) {
    return __builtin_fabsf(x);
}

/* x + x^3 P(x^2) near 0 (P of degree 4, relative error 4e-9), else 1 - 2 e / (1 + e) with
 * e = exp(-2|x|). */
LKS_INLINE float tanh_of(float x) {
    float s = x * x, e = exponential(-2.0f * magnitude(x), 0.0f);
    float p = -0.0057170447f;
    p = p * s + 0.020650586f;
    p = p * s + -0.053743497f;
    p = p * s + 0.13331491f;
    p = p * s + -0.33333284f;
    float near = x + x * (s * p);
    float far = 1.0f - 2.0f * e / (1.0f + e);
    far = x < 0.0f ? -far : far;
    return magnitude(x) < 0.625f ? near : far;
}

LKS_INLINE float sigmoid_of(float x) {
    float e = exponential(-magnitude(x), 0.0f);
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* GELU is x Phi(x) = max(x, 0) - a Phi(-a) with a = |x|: nothing cancels, and the difference halves
 * x at most. Its slope is Phi(-a) - a Phi'(-a) =: s below 0 and 1 - s above. From 14 on Phi(-a) is
 * 0, also for an infinite x. */
LKS_INLINE float gelu_distance(float x) {
    return magnitude(x) > 14.0f ? 14.0f : magnitude(x);
}

/* exp(-a^2 / 2): the square of the upper 12 bits is exact, the rest of a^2 is small. */
LKS_INLINE float bell(float a) {
    float upper = float_of(bits_of(a) & 0xfffff000u);
    return exponential(-0.5f * (upper * upper), -0.5f * ((a - upper) * (a + upper)));
}

/* Phi(-a) exp(a^2 / 2) for 0 <= a <= 14 (Mills' ratio over sqrt(2 pi)), as a quotient of
 * polynomials with positive coefficients; relative error 6e-9, with rounded coefficients 2e-8. */
LKS_INLINE float mills(float a) {
    float p = 0.004008829f;
    p = p * a + 0.03992166f;
    p = p * a + 0.18114214f;
    p = p * a + 0.4354968f;
    p = p * a + 0.5f;
    float q = 0.010048502f;
    q = q * a + 0.10007611f;
    q = q * a + 0.46393949f;
    q = q * a + 1.1938531f;
    q = q * a + 1.6688784f;
    q = q * a + 1.0f;
    return p / q;
}

#define DENSITY 0.39894228f /* 1 / sqrt(2 pi) */

LKS_INLINE float gelu_of(float x) {
    float a = gelu_distance(x);
    return (x > 0.0f ? x : 0.0f) - a * mills(a) * bell(a);
}

LKS_INLINE float gelu_slope(float x) {
    float a = gelu_distance(x);
    float below = (mills(a) - a * DENSITY) * bell(a);
    return x < 0.0f ? below : 1.0f - below;
}

/* The tanh form, in which Phi(-a) is sigmoid(-a (LINEAR + CUBIC a^2)), since (1 + tanh(u)) / 2 is
 * sigmoid(2 u). */
#define LINEAR 1.5957691f   /* 2 sqrt(2 / pi) */
#define CUBIC  0.071354816f /* that times 0.044715 */

LKS_INLINE float gelu_tanh_tail(float a) {
    float e = exponential(-a * (LINEAR + CUBIC * (a * a)), 0.0f);
    return e / (1.0f + e);
}

LKS_INLINE float gelu_tanh_of(float x) {
    float a = gelu_distance(x);
    return (x > 0.0f ? x : 0.0f) - a * gelu_tanh_tail(a);
}

LKS_INLINE float gelu_tanh_slope(float x) {
    float a = gelu_distance(x), tail = gelu_tanh_tail(a);
    float below = tail * (1.0f - a * (LINEAR + 3.0f * CUBIC * (a * a)) * (1.0f - tail));
    return x < 0.0f ? below : 1.0f - below;
}

/* x sigmoid(x), and its slope, by the tail sigmoid(-|x|), which is 0 beyond 87. */
LKS_INLINE float silu_distance(float x) {
    return magnitude(x) > 88.0f ? 88.0f : magnitude(x);
}

LKS_INLINE float silu_tail(float a) {
    float e = exponential(-a, 0.0f);
    return e / (1.0f + e);
}

LKS_INLINE float silu_of(float x) {
    float a = silu_distance(x);
    return (x > 0.0f ? x : 0.0f) - a * silu_tail(a);
}

LKS_INLINE float silu_slope(float x) {
    float a = silu_distance(x), tail = silu_tail(a);
    float below = tail * (1.0f - a * (1.0f - tail));
    return x < 0.0f ? below : 1.0f - below;
}

#define EACH(expression)                                                                           \
    for (size_t i = 0; i < n; i++)                                                                 \
    y[i] = (expression)

void LKS_KERNEL(lks_activate)(lks_activation_kind kind, float *restrict y, const float *restrict x,
                              size_t n, float slope) {
    switch (kind) {
    case LKS_ACT_RELU:
        EACH(x[i] <= 0.0f ? 0.0f : x[i]);
        break;
    case LKS_ACT_LEAKY:
        EACH(x[i] > 0.0f ? x[i] : slope * x[i]);
        break;
    case LKS_ACT_TANH:
        EACH(tanh_of(x[i]));
        break;
    case LKS_ACT_SIGMOID:
        EACH(sigmoid_of(x[i]));
        break;
    case LKS_ACT_GELU:
        EACH(gelu_of(x[i]));
        break;
    case LKS_ACT_GELU_TANH:
        EACH(gelu_tanh_of(x[i]));
        break;
    case LKS_ACT_SILU:
        EACH(silu_of(x[i]));
        break;
    }
}

#undef EACH
#define EACH(expression)                                                                           \
    for (size_t i = 0; i < n; i++)                                                                 \
    dx[i] = (expression)

void LKS_KERNEL(lks_activate_backward)(lks_activation_kind kind, float *restrict dx,
                                       const float *restrict dy, const float *restrict x,
                                       const float *restrict y, size_t n, float slope) {
    switch (kind) {
    case LKS_ACT_RELU:
        LKS_KERNEL(lks_relu_backward)(dx, dy, y, n);
        break;
    case LKS_ACT_LEAKY:
        EACH(x[i] > 0.0f ? dy[i] : slope * dy[i]);
        break;
    case LKS_ACT_TANH:
        EACH(dy[i] * (1.0f - y[i] * y[i]));
        break;
    case LKS_ACT_SIGMOID:
        EACH(dy[i] * (y[i] * (1.0f - y[i])));
        break;
    case LKS_ACT_GELU:
        EACH(dy[i] * gelu_slope(x[i]));
        break;
    case LKS_ACT_GELU_TANH:
        EACH(dy[i] * gelu_tanh_slope(x[i]));
        break;
    case LKS_ACT_SILU:
        EACH(dy[i] * silu_slope(x[i]));
        break;
    }
}
