/* Which table runs: the best one this machine has, or the one the user forces. */
#include "kernels/kernels.h"

#include <string.h>
#ifdef LKS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern const lks_kernels lks_table_portable;
#ifdef LKS_X86
extern const lks_kernels lks_table_avx2, lks_table_avx512;
#ifdef LKS_AMX
extern const lks_kernels lks_table_amx;
#endif
#elif defined(LKS_ARM64)
extern const lks_kernels lks_table_neon;
#endif

#ifdef LKS_X86
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

#ifdef LKS_AMX
/* Tiles of bfloat16 and the instructions that round to it (Intel SDM, vol. 2, CPUID leaf 7); Linux wants to be asked for
 * the 8 KiB of registers, once for all threads of the process (Documentation/x86/xstate.rst, from Linux 5.16 on). */
static bool has_amx(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24, avx512_bf16 = 1u << 5;
    unsigned a, b, c, d, sub;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & amx_bf16) || !(d & amx_tile))
        return false;
    if (!__get_cpuid_count(7, 1, &sub, &b, &c, &d) || !(sub & avx512_bf16))
        return false;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#endif

int lks_kernels_usable(const lks_kernels *tables[LKS_MAX_TABLES]) {
    int n = 0;
    tables[n++] = &lks_table_portable;
#ifdef LKS_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        tables[n++] = &lks_table_avx2;
    if (has_avx512())
        tables[n++] = &lks_table_avx512;
#ifdef LKS_AMX
    if (has_avx512() && has_amx())
        tables[n++] = &lks_table_amx;
#endif
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
