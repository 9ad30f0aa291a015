#include "CKernels.h"
#include "kernel_tables.h"

#if defined(__x86_64__)

// The system headers come first: their functions must not be compiled for another target.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#define W 16
#define MR 8
#define ISA CK_ISA_AVX512
#define NAME(x) x##_avx512
#include "simd_body.h"
#pragma clang attribute pop

const ck_kernels *ck_kernels_avx512(void) { return &NAME(kernels); }

#else

const ck_kernels *ck_kernels_avx512(void) { return 0; }

#endif
