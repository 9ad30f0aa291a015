// XXH64, from its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
#include <string.h>

#include "CKernels.h"

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u,
                      P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static uint64_t read64(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static uint64_t read32(const uint8_t *p) {
    uint32_t x;
    memcpy(&x, p, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap32(x);
#endif
    return x;
}

static uint64_t round_of(uint64_t lane, uint64_t input) { return rotate(lane + input * P2, 31) * P1; }

uint64_t ck_xxh64(const void *bytes, size_t n, uint64_t seed) {
    const uint8_t *p = bytes, *end = p + n;
    uint64_t hash;
    if (n >= 32) {
        uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
        for (; p + 32 <= end; p += 32) {
            a = round_of(a, read64(p));
            b = round_of(b, read64(p + 8));
            c = round_of(c, read64(p + 16));
            d = round_of(d, read64(p + 24));
        }
        hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
        hash = (hash ^ round_of(0, a)) * P1 + P4;
        hash = (hash ^ round_of(0, b)) * P1 + P4;
        hash = (hash ^ round_of(0, c)) * P1 + P4;
        hash = (hash ^ round_of(0, d)) * P1 + P4;
    } else {
        hash = seed + P5;
    }
    hash += n;
    for (; p + 8 <= end; p += 8) hash = rotate(hash ^ round_of(0, read64(p)), 27) * P1 + P4;
    if (p + 4 <= end) {
        hash = rotate(hash ^ read32(p) * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p < end; p++) hash = rotate(hash ^ *p * P5, 11) * P1;
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}
