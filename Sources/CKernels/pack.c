#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"
#include "packed.h"

size_t ck_packed_bytes(ck_format format, size_t n, size_t k) {
    size_t columns = format == CK_FORMAT_INT8 ? 2 * ck_panels(n) * CK_PANEL * sizeof(float) : 0;
    return ck_panel_bytes(format, n, k) + columns;
}

float ck_quantize_row(const float *values, size_t n, int levels, int8_t *codes) {
    float largest = 0.0f, sum = 0.0f;
    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(values[i]));
        sum += values[i];
    }
    // what is so small that its inverse is infinite is 0
    if (!isfinite(sum) || !isfinite((float)levels / largest)) {
        memset(codes, 0, n);
        return isfinite(sum) ? 0.0f : NAN;
    }
    float scale = largest / (float)levels, inverse = (float)levels / largest;
    for (size_t i = 0; i < n; i++) {
        float code = nearbyintf(values[i] * inverse);
        codes[i] = (int8_t)fminf(fmaxf(code, (float)-levels), (float)levels);
    }
    return scale;
}

void ck_to_bfloat16_row(const float *values, size_t n, uint16_t *out) {
    for (size_t i = 0; i < n; i++) out[i] = ck_to_bfloat16(values[i]);
}

// One output's weights [k] into its column of a panel.
static void pack_column(ck_format format, const float *weight, size_t k, char *column) {
    const size_t step = CK_PANEL * sizeof(uint32_t);
    if (format == CK_FORMAT_FLOAT32) {
        for (size_t i = 0; i < k; i++) memcpy(column + i * step, weight + i, sizeof(float));
    } else {
        for (size_t i = 0; i < k; i++) {
            uint16_t value = ck_to_bfloat16(weight[i]);
            memcpy(column + i / 2 * step + i % 2 * sizeof value, &value, sizeof value);
        }
    }
}

bool ck_own_pack_weight(ck_format format, const float *weight, size_t n, size_t k, void *packed) {
    const size_t words = ck_words(format, k), panel_bytes = words * CK_PANEL * sizeof(uint32_t);
    memset(packed, 0, ck_packed_bytes(format, n, k));
    if (format != CK_FORMAT_INT8) {
        for (size_t j = 0; j < n; j++) {
            char *panel = (char *)packed + j / CK_PANEL * panel_bytes;
            pack_column(format, weight + j * k, k, panel + j % CK_PANEL * sizeof(uint32_t));
        }
        return true;
    }
    int8_t *codes = malloc(k ? k : 1);
    if (!codes) return false;
    float *scales = (float *)ck_scales(packed, n, k), *sums = (float *)ck_code_sums(packed, n, k);
    for (size_t j = 0; j < n; j++) {
        char *column = (char *)packed + j / CK_PANEL * panel_bytes + j % CK_PANEL * sizeof(uint32_t);
        scales[j] = ck_quantize_row(weight + j * k, k, CK_WEIGHT_LEVELS, codes);
        int32_t sum = 0;
        for (size_t i = 0; i < k; i++) {
            sum += codes[i];
            column[i / 4 * CK_PANEL * sizeof(uint32_t) + i % 4] = (char)codes[i];
        }
        sums[j] = (float)sum;
    }
    free(codes);
    return true;
}

// Weak, as `ck_kernels_for` is.
__attribute__((weak)) bool ck_pack_weight(ck_format format, const float *weight, size_t n, size_t k, void *packed) {
    return ck_own_pack_weight(format, weight, n, k, packed);
}
