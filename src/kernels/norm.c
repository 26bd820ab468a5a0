/* Batch normalisation. Plain C that the compiler vectorises over channels: every channel is a chain
 * of its own, so the width cannot matter; nothing here is fused (-ffp-contract=off). */
#include "kernels/kernels_isa.h"

void LKS_KERNEL(lks_add)(float *y, const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

/* Whole blocks of channels stay in registers over all pixels; what is left over goes one by one. */
#define FOR_BLOCKS(body)                                                                           \
    do {                                                                                           \
        int c = 0;                                                                                 \
        for (; c + LKS_BLOCK <= channels; c += LKS_BLOCK)                                          \
            body(LKS_BLOCK);                                                                       \
        for (; c < channels; c++)                                                                  \
            body(1);                                                                               \
    } while (0)

LKS_INLINE void moments(double *sum, double *square, const float *x, size_t pixels, int stride,
                        int width) {
    double s[LKS_BLOCK], q[LKS_BLOCK];
    for (int l = 0; l < width; l++) {
        s[l] = sum[l];
        q[l] = square[l];
    }
    for (size_t p = 0; p < pixels; p++, x += stride)
        for (int l = 0; l < width; l++) {
            double value = x[l];
            s[l] += value;
            q[l] += value * value; /* exact product: 48 bits */
        }
    for (int l = 0; l < width; l++) {
        sum[l] = s[l];
        square[l] = q[l];
    }
}

void LKS_KERNEL(lks_moments)(double *sum, double *square, const float *x, size_t pixels, int stride,
                             int channels) {
#define MOMENTS(width) moments(sum + c, square + c, x + c, pixels, stride, width)
    FOR_BLOCKS(MOMENTS);
#undef MOMENTS
}

LKS_INLINE void gradient_moments(double *sum, double *product, const float *dy, const float *x,
                                 const double *mean, const double *factor, size_t pixels,
                                 int stride, int width) {
    double s[LKS_BLOCK], q[LKS_BLOCK];
    for (int l = 0; l < width; l++) {
        s[l] = sum[l];
        q[l] = product[l];
    }
    for (size_t p = 0; p < pixels; p++, x += stride, dy += stride)
        for (int l = 0; l < width; l++) {
            s[l] += (double)dy[l];
            q[l] += (double)dy[l] * (((double)x[l] - mean[l]) * factor[l]);
        }
    for (int l = 0; l < width; l++) {
        sum[l] = s[l];
        product[l] = q[l];
    }
}

void LKS_KERNEL(lks_gradient_moments)(double *sum, double *product, const float *dy, const float *x,
                                      const double *mean, const double *factor, size_t pixels,
                                      int stride, int channels) {
#define MOMENTS(width)                                                                             \
    gradient_moments(sum + c, product + c, dy + c, x + c, mean + c, factor + c, pixels, stride,    \
                     width)
    FOR_BLOCKS(MOMENTS);
#undef MOMENTS
}

LKS_INLINE void normalise(float *y, const float *x, const float *mean, const float *scale,
                          const float *shift, size_t pixels, int stride, int width) {
    for (size_t p = 0; p < pixels; p++, x += stride, y += stride)
        for (int l = 0; l < width; l++)
            y[l] = (x[l] - mean[l]) * scale[l] + shift[l];
}

void LKS_KERNEL(lks_normalise)(float *y, const float *x, const float *mean, const float *scale,
                               const float *shift, size_t pixels, int stride, int channels) {
#define NORMALISE(width)                                                                           \
    normalise(y + c, x + c, mean + c, scale + c, shift + c, pixels, stride, width)
    FOR_BLOCKS(NORMALISE);
#undef NORMALISE
}

LKS_INLINE void normalise_backward(float *dx, const float *dy, const float *x, const float *mean,
                                   const float *scale, const float *slope, const float *shift,
                                   size_t pixels, int stride, int width) {
    for (size_t p = 0; p < pixels; p++, x += stride, dy += stride, dx += stride)
        for (int l = 0; l < width; l++)
            dx[l] = dy[l] * scale[l] + ((x[l] - mean[l]) * slope[l] + shift[l]);
}

void LKS_KERNEL(lks_normalise_backward)(float *dx, const float *dy, const float *x,
                                        const float *mean, const float *scale, const float *slope,
                                        const float *shift, size_t pixels, int stride,
                                        int channels) {
#define NORMALISE(width)                                                                           \
    normalise_backward(dx + c, dy + c, x + c, mean + c, scale + c, slope + c, shift + c, pixels,   \
                       stride, width)
    FOR_BLOCKS(NORMALISE);
#undef NORMALISE
}
