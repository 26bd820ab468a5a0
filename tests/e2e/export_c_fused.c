/* The fused multiply-add that a file in C has where the processor has none, against the C library's, which is exact:
 * compiled with -DSOURCE="net.c" for such a processor. Operands are of all sizes, and such that sums cancel, lie between
 * two floats, or are subnormal. */
#include SOURCE

#include <math.h>
#include <stdio.h>

static uint32_t noise = 1;

static uint32_t draw(void) {
    noise ^= noise << 13;
    noise ^= noise >> 17;
    return noise ^= noise << 5;
}

static float any(void) {
    const uint32_t bits = draw();
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Few significant bits, so that products and sums meet the middle between two floats. */
static float coarse(void) {
    const uint32_t kept = 0xffffffffu << draw() % 23, bits = draw() & kept;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* About -a * b, or about half of its last place, or about what makes the sum subnormal. */
static float near(float a, float b) {
    const int shift = (int)(draw() % 60) - 30;
    const float p = -a * b;
    switch (draw() % 3) {
    case 0:
        return nextafterf(p, draw() & 1 ? INFINITY : -INFINITY);
    case 1:
        return ldexpf(p, shift);
    default:
        return ldexpf(coarse(), -126 - (int)(draw() % 24));
    }
}

int main(void) {
    long different = 0, n = 1000000;
    for (long i = 0; i < n; i++) {
        const float a = i % 2 ? any() : coarse(), b = i % 3 ? any() : coarse();
        const float c = i % 5 < 2 ? near(a, b) : i % 5 < 4 ? coarse() : any();
        const float wanted = fmaf(a, b, c), got = fused(a, b, c);
        different += memcmp(&wanted, &got, sizeof got) != 0 && !(wanted != wanted && got != got);
    }
    printf("%ld sums, %ld differ\n", n, different);
    return different > 0;
}
