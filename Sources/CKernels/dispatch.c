#include <string.h>

#include "CKernels.h"
#include "kernel_tables.h"

ck_isa ck_isa_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        if (!__builtin_cpu_supports("avx512vnni")) return CK_ISA_AVX512;
        return __builtin_cpu_supports("avx512bf16") ? CK_ISA_AVX512_BF16 : CK_ISA_AVX512_VNNI;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_ISA_AVX2;
#endif
    return CK_ISA_PLAIN;
}

bool ck_isa_supported(ck_isa isa) {
    return isa >= CK_ISA_AVX512_EMULATED ? ck_isa_best() >= CK_ISA_AVX2 : isa <= ck_isa_best();
}

static const char *const names[] = {"plain",      "avx2",            "avx512",             "avx512vnni",
                                    "avx512bf16", "avx512-emulated", "avx512bf16-emulated"};
enum { SETS = sizeof names / sizeof *names };

const char *ck_isa_name(ck_isa isa) { return names[isa]; }

int ck_isa_named(const char *name) {
    for (int i = 0; i < SETS; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

const ck_kernels *ck_own_kernels_for(ck_isa isa) {
    switch (isa) {
        case CK_ISA_PLAIN: return ck_kernels_plain();
        case CK_ISA_AVX2: return ck_kernels_avx2();
        case CK_ISA_AVX512: return ck_kernels_avx512();
        case CK_ISA_AVX512_VNNI: return ck_kernels_avx512vnni();
        case CK_ISA_AVX512_BF16: return ck_kernels_avx512bf16();
        case CK_ISA_AVX512_EMULATED: return ck_kernels_avx512_emulated();
        case CK_ISA_AVX512_BF16_EMULATED: return ck_kernels_avx512bf16_emulated();
    }
    return 0;
}

// Weak: the kernels that are emulated are part of the tests' program alone (Tests/EmulatedKernels).
__attribute__((weak)) const ck_kernels *ck_kernels_avx512_emulated(void) { return 0; }
__attribute__((weak)) const ck_kernels *ck_kernels_avx512bf16_emulated(void) { return 0; }

// Weak, so that a program of the tests can have kernels with a fault in their place (Tests/FaultyKernels).
__attribute__((weak)) const ck_kernels *ck_kernels_for(ck_isa isa) { return ck_own_kernels_for(isa); }
