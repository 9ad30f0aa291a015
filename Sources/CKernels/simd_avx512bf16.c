// The AVX-512 kernels with VNNI and with `vdpbf16ps`, which adds two products of bfloat16 to a float32: bfloat16 weights
// are multiplied as they are stored, and activations are rounded to it while rows are prepared.
#include "CKernels.h"
#include "kernel_tables.h"

#if defined(__x86_64__)

// The system headers come first: their functions must not be compiled for another target.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx2,fma,f16c"))), apply_to = function)
#define W 16
#define MR 8
#define VNNI
#define PAIRS
#define ISA CK_ISA_AVX512_BF16
#define NAME(x) x##_avx512bf16
#include "simd_body.h"
#pragma clang attribute pop

const ck_kernels *ck_kernels_avx512bf16(void) { return &NAME(kernels); }

#else

const ck_kernels *ck_kernels_avx512bf16(void) { return 0; }

#endif
