// The AVX-512 kernels with products of bfloat16, compiled for AVX2 as emulated_avx512.c says; such a product is two
// multiply-adds here.
#include "CKernels.h"
#include "kernel_tables.h"

#if defined(__x86_64__)

// The system headers come first: their functions must not be compiled for another target.
#include <immintrin.h>
#include <math.h>
#include <string.h>

// Every function that takes a vector is inlined, so how it would be passed does not matter.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define W 16
#define MR 8
#define EMULATED
#define PAIRS
#define ISA CK_ISA_AVX512_BF16_EMULATED
#define NAME(x) x##_emulated_bf16
#include "simd_body.h"
#pragma clang attribute pop

const ck_kernels *ck_kernels_avx512bf16_emulated(void) { return &NAME(kernels); }

#else

const ck_kernels *ck_kernels_avx512bf16_emulated(void) { return 0; }

#endif
