/* Nothing but fused multiply-adds: what all other speeds are compared with. */
#include "kernels/kernels_isa.h"

#if defined(LKS_ISA_AVX512) || defined(LKS_ISA_NEON)
#define ROWS 12 /* 24 chains in 32 registers: more than latency times throughput asks for */
#else
#define ROWS 6 /* 12 chains in 16 registers */
#endif

double LKS_KERNEL(lks_peak)(float *out, size_t rounds) {
    vf acc[ROWS][2];
    const vf a = v_set1(out[0]), b = v_set1(out[1]);
    LKS_FOR (int i = 0; i < ROWS; i++)
        LKS_FOR (int v = 0; v < 2; v++)
            acc[i][v] = v_set1((float)(2 * i + v)); /* equal chains would be computed once */
    for (size_t r = 0; r < rounds; r++)
        LKS_FOR (int i = 0; i < ROWS; i++)
            LKS_FOR (int v = 0; v < 2; v++)
                acc[i][v] = v_fma(acc[i][v], a, b);
    vf sum = v_zero();
    LKS_FOR (int i = 0; i < ROWS; i++)
        LKS_FOR (int v = 0; v < 2; v++)
            sum = v_fma(sum, a, acc[i][v]);
    v_store(out + 2, sum);
    return 2.0 * ROWS * 2 * LKS_VL * (double)rounds;
}
