// How packed weights lie in memory, for those that write and those that read them.
//
// A panel is 24 columns, word by word: [k / values of a word][24], where a 32-bit word holds one float32, two bfloat16 or
// four signed bytes of consecutive k, the first in the low bits. After the panels of an int8 weight come, aligned to 64
// bytes, the columns' scales and then the sums of their codes, both float32, [⌈n / 24⌉·24] each.
#ifndef CKERNELS_PACKED_H
#define CKERNELS_PACKED_H

#include <string.h>

#include "CKernels.h"

// Codes of int8 weights are in [−64, 64]: two products with unsigned bytes then fit the 16 bits that `vpmaddubsw` sums
// them in, so that every instruction set computes the same integers.
enum { CK_WEIGHT_LEVELS = 64, CK_INPUT_LEVELS = 255 };

static inline size_t ck_word_values(ck_format format) {
    return format == CK_FORMAT_INT8 ? 4 : (format == CK_FORMAT_BFLOAT16 ? 2 : 1);
}

static inline size_t ck_words(ck_format format, size_t k) {
    return (k + ck_word_values(format) - 1) / ck_word_values(format);
}

static inline size_t ck_panels(size_t n) { return (n + CK_PANEL - 1) / CK_PANEL; }

// Bytes of the panels alone.
static inline size_t ck_panel_bytes(ck_format format, size_t n, size_t k) {
    return (ck_panels(n) * ck_words(format, k) * CK_PANEL * sizeof(uint32_t) + 63) / 64 * 64;
}

static inline const float *ck_scales(const void *packed, size_t n, size_t k) {
    return (const float *)((const char *)packed + ck_panel_bytes(CK_FORMAT_INT8, n, k));
}

static inline const float *ck_code_sums(const void *packed, size_t n, size_t k) {
    return ck_scales(packed, n, k) + ck_panels(n) * CK_PANEL;
}

// Nearest bfloat16, ties to even; NaN stays NaN.
static inline uint16_t ck_to_bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

static inline float ck_from_bfloat16(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
