#include <string.h>

#include "CKernels.h"
#include "kernel_tables.h"

ck_isa ck_isa_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return CK_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_ISA_AVX2;
#endif
    return CK_ISA_PLAIN;
}

static const char *const names[] = {"plain", "avx2", "avx512"};

const char *ck_isa_name(ck_isa isa) { return names[isa]; }

int ck_isa_named(const char *name) {
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

const ck_kernels *ck_kernels_for(ck_isa isa) {
    switch (isa) {
        case CK_ISA_PLAIN: return ck_kernels_plain();
        case CK_ISA_AVX2: return ck_kernels_avx2();
        case CK_ISA_AVX512: return ck_kernels_avx512();
    }
    return 0;
}
