// The AVX-512 kernels' source (16 floats a vector, tiles of 8 × 48) compiled for AVX2, for tests where no CPU has
// AVX-512. The compiler splits each vector in two, and the few operations that are written with intrinsics (the largest
// and least of two vectors, dot4 in simd_tile.h, the conversion to codes in simd_pack.h) have a form of their own here.
// What agrees here is proven for AVX-512 but for those operations, the compiler's translation and the speed: the panels'
// pairing, the tiles' borders, row groups, blocks of k, packing, attention and every epilogue.
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
#define ISA CK_ISA_AVX512_EMULATED
#define NAME(x) x##_emulated
#include "simd_body.h"
#pragma clang attribute pop

const ck_kernels *ck_kernels_avx512_emulated(void) { return &NAME(kernels); }

#else

const ck_kernels *ck_kernels_avx512_emulated(void) { return 0; }

#endif
