// The AVX-512 kernels again, with one instruction (`vpdpbusd`) for what takes three without VNNI. The integers are the
// same, and so are all bits.
#include "CKernels.h"
#include "kernel_tables.h"

#if defined(__x86_64__)

// The system headers come first: their functions must not be compiled for another target.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#define W 16
#define MR 8
#define VNNI
#define ISA CK_ISA_AVX512_VNNI
#define NAME(x) x##_avx512vnni
#include "simd_body.h"
#pragma clang attribute pop

const ck_kernels *ck_kernels_avx512vnni(void) { return &NAME(kernels); }

#else

const ck_kernels *ck_kernels_avx512vnni(void) { return 0; }

#endif
