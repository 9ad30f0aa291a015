#include "random.h"

#include "CKernels.h"

uint32_t ck_random(uint64_t key, uint64_t index) {
    const ck_random_words words = ck_mix_key(key, index >> 32);
    uint32_t x = (uint32_t)index;
    CK_RANDOM_STEPS(x, words)
    return x;
}
