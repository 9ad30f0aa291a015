#include "CKernels.h"
#include "kernel_tables.h"

#if defined(__x86_64__)

// The system headers come first: their functions must not be compiled for another target.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define W 8
#define MR 4
#define ISA CK_ISA_AVX2
#define NAME(x) x##_avx2
#include "simd_body.h"
#pragma clang attribute pop

const ck_kernels *ck_kernels_avx2(void) { return &NAME(kernels); }

#else

const ck_kernels *ck_kernels_avx2(void) { return 0; }

#endif
