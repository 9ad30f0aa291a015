// Random bits by counting: a hash of key and index, so that any value of a pass is drawn by itself.
//
// The key and the index's high word are mixed by the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", 2014), once for 2³² indices. The result's two words enter lowbias32 (Chris Wellons,
// "Prospecting for Hash Functions", 2018), one before its first step and one between its two multiplications: a bijection of
// 32 bits, of which each flips in about half of the cases when one of the input does.
#ifndef CKERNELS_RANDOM_H
#define CKERNELS_RANDOM_H

#include <stdint.h>

typedef struct {
    uint32_t before, between;
} ck_random_words;

static inline ck_random_words ck_mix_key(uint64_t key, uint64_t high) {
    uint64_t z = key + 0x9e3779b97f4a7c15u * (high + 1);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (ck_random_words){(uint32_t)z, (uint32_t)(z >> 32)};
}

// Of the index's low word; of one or of a vector of them.
#define CK_RANDOM_STEPS(X, WORDS)                                                                                     \
    X ^= (WORDS).before;                                                                                              \
    X ^= X >> 16;                                                                                                     \
    X *= 0x7feb352du;                                                                                                 \
    X ^= X >> 15;                                                                                                     \
    X ^= (WORDS).between;                                                                                             \
    X *= 0x846ca68bu;                                                                                                 \
    X ^= X >> 16;

// What a value is kept from: rate · 2³², exact, below 2³².
static inline uint32_t ck_drop_below(float rate) { return (uint32_t)((double)rate * 4294967296.0); }

#endif
