#include <string.h>

#include "CKernels.h"

static float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void ck_bf16_to_f32(const uint16_t *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] = float_of_bits((uint32_t)x[i] << 16);
}

void ck_f16_to_f32(const uint16_t *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) {
        uint32_t sign = (uint32_t)(x[i] & 0x8000) << 16, exponent = (x[i] >> 10) & 0x1f, fraction = x[i] & 0x3ff;
        float magnitude;
        if (exponent == 0)  // zero and subnormals: fraction · 2⁻²⁴
            magnitude = (float)fraction * 5.9604644775390625e-8f;
        else if (exponent == 31)
            magnitude = float_of_bits(0x7f800000u | fraction << 13);
        else
            magnitude = float_of_bits((exponent + 112) << 23 | fraction << 13);
        uint32_t bits;
        memcpy(&bits, &magnitude, sizeof bits);
        y[i] = float_of_bits(bits | sign);
    }
}
