/* Which table runs: the best one this machine has, or the one the user forces. */
#include "lockstep/kernels.h"

#include <string.h>

extern const lks_kernels lks_table_portable;
#ifdef LKS_X86
extern const lks_kernels lks_table_avx2, lks_table_avx512;
#elif defined(LKS_ARM64)
extern const lks_kernels lks_table_neon;
#endif

int lks_kernels_usable(const lks_kernels *tables[LKS_MAX_TABLES]) {
    int n = 0;
    tables[n++] = &lks_table_portable;
#ifdef LKS_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        tables[n++] = &lks_table_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        tables[n++] = &lks_table_avx512;
#elif defined(LKS_ARM64)
    tables[n++] = &lks_table_neon; /* every AArch64 processor has it */
#endif
    return n;
}

lks_status lks_kernels_select(const char *force, const lks_kernels **kernels, lks_error *err) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n = lks_kernels_usable(tables);
    if (!force || !*force) {
        *kernels = tables[n - 1];
        return LKS_OK;
    }
    char usable[64] = "";
    for (int i = 0; i < n; i++) {
        if (strcmp(force, tables[i]->isa) == 0) {
            *kernels = tables[i];
            return LKS_OK;
        }
        strcat(strcat(usable, i ? ", " : ""), tables[i]->isa);
    }
    return lks_fail(err, LKS_ERR_CONFIG,
                    "LOCKSTEP_ISA=%.32s cannot be used on this machine; it can run: %s", force,
                    usable);
}
