// The AVX-512 kernels compiled for AVX2 (emulated_avx512.c): programs that link this target have them, and no others.
#ifndef EMULATED_KERNELS_H
#define EMULATED_KERNELS_H

#include <CKernels.h>

#endif
