// Where dispatch finds each instruction set's kernels. A set that this build lacks answers null.
#ifndef CKERNELS_KERNEL_TABLES_H
#define CKERNELS_KERNEL_TABLES_H

#include "CKernels.h"

const ck_kernels *ck_kernels_plain(void);
const ck_kernels *ck_kernels_avx2(void);
const ck_kernels *ck_kernels_avx512(void);
const ck_kernels *ck_kernels_avx512vnni(void);
const ck_kernels *ck_kernels_avx512bf16(void);
const ck_kernels *ck_kernels_avx512_emulated(void);
const ck_kernels *ck_kernels_avx512bf16_emulated(void);

#endif
