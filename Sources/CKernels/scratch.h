// Carves aligned arrays out of one block of scratch.
#ifndef CKERNELS_SCRATCH_H
#define CKERNELS_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

enum { CK_SCRATCH_ALIGNMENT = 64 };

typedef struct {
    char *next;
} ck_scratch;

static inline float *ck_take(ck_scratch *scratch, size_t floats) {
    uintptr_t start = ((uintptr_t)scratch->next + CK_SCRATCH_ALIGNMENT - 1) & ~(uintptr_t)(CK_SCRATCH_ALIGNMENT - 1);
    scratch->next = (char *)start + floats * sizeof(float);
    return (float *)start;
}

#endif
