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

/* exp(x), 0 below -87. x = n ln 2 + r with |r| <= ln(2) / 2, ln 2 in two parts of which the first
 * has 9 bits, so that n times it is exact (Cody & Waite 1980). exp(r) = 1 + r + r^2 P(r), P of
 * degree 4 with a relative error of 3e-9. 2^n in two factors, since n reaches 128. */
LKS_INLINE float exponential(float x) {
    float at_most = x > 89.0f ? 89.0f : x;
    float bounded = at_most < -87.0f ? -87.0f : at_most;
    float shifted = bounded * 1.44269504f + MAGIC;
    float n = shifted - MAGIC;
    float r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 0.0013950524f;
    p = p * r + 0.008368908f;
    p = p * r + 0.041666206f;
    p = p * r + 0.16666518f;
    p = p * r + 0.5f;
    float value = 1.0f + (r + r * r * p);
    int32_t power = (int32_t)(bits_of(shifted) - bits_of(MAGIC)), half = power >> 1;
    value = value * float_of((uint32_t)(half + 127) << 23);
    value = value * float_of((uint32_t)(power - half + 127) << 23);
    return x < -87.0f ? 0.0f : value;
}

LKS_INLINE float magnitude(float x) {
    return __builtin_fabsf(x);
}

/* x + x^3 P(x^2) near 0 (P of degree 4, relative error 4e-9), else 1 - 2 / (exp(2|x|) + 1). */
LKS_INLINE float tanh_of(float x) {
    float s = x * x, a = magnitude(x);
    float p = -0.0057170447f;
    p = p * s + 0.020650586f;
    p = p * s + -0.053743497f;
    p = p * s + 0.13331491f;
    p = p * s + -0.33333284f;
    float near = x + x * (s * p);
    float far = 1.0f - 2.0f / (exponential(2.0f * a) + 1.0f);
    far = x < 0.0f ? -far : far;
    return a < 0.625f ? near : far;
}

LKS_INLINE float sigmoid_of(float x) {
    float e = exponential(-magnitude(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* The normal distribution: *density = exp(-x^2/2) / sqrt(2 pi), returned Phi(x). The tail
 * Phi(-t) exp(t^2/2) is u times a polynomial of degree 9 in u = 1 / (1 + 0.3 t), the form of
 * Abramowitz & Stegun 7.1.26, relative error 4e-9 up to t = 13.3, beyond which exp is 0. */
LKS_INLINE float normal_of(float x, float *density) {
    float e = exponential(-0.5f * (x * x)), a = magnitude(x);
    float u = 1.0f / (1.0f + 0.3f * a);
    float p = -0.020584656f;
    p = p * u + 0.11221713f;
    p = p * u + -0.2276796f;
    p = p * u + 0.19104211f;
    p = p * u + -0.0787778f;
    p = p * u + 0.09579329f;
    p = p * u + 0.078521855f;
    p = p * u + 0.110205546f;
    p = p * u + 0.11957561f;
    p = p * u + 0.119686484f;
    float tail = e * (u * p);
    *density = 0.39894228f * e;
    return x < 0.0f ? tail : 1.0f - tail;
}

/* 0 * inf is no number: x Phi(x) at -inf is 0. */
LKS_INLINE float gelu_of(float x) {
    float density, below = x < -20.0f ? -20.0f : x; /* Phi(-20) is 0 */
    return below * normal_of(below, &density);
}

LKS_INLINE float gelu_slope(float x) {
    float density, bounded = x < -20.0f ? -20.0f : x > 20.0f ? 20.0f : x;
    float phi = normal_of(bounded, &density);
    return phi + bounded * density;
}

#define ROOT_2_PI 0.7978845608f /* sqrt(2 / pi) */
#define CUBE      0.044715f     /* Hendrycks & Gimpel 2016 */

LKS_INLINE float gelu_tanh_of(float x) {
    float below = x < -20.0f ? -20.0f : x;
    float t = tanh_of(ROOT_2_PI * (below + CUBE * (below * below * below)));
    return 0.5f * below * (1.0f + t);
}

LKS_INLINE float gelu_tanh_slope(float x) {
    float b = x < -20.0f ? -20.0f : x > 20.0f ? 20.0f : x, s = b * b;
    float t = tanh_of(ROOT_2_PI * (b + CUBE * (s * b)));
    return 0.5f * (1.0f + t) + 0.5f * b * (1.0f - t * t) * (ROOT_2_PI * (1.0f + 3.0f * CUBE * s));
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
        EACH(x[i] < 0.0f ? slope * x[i] : x[i]);
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
        EACH(x[i] < 0.0f ? slope * dy[i] : dy[i]);
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
    }
}
