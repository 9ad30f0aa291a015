// One fault in the kernels of every set but plain C, or in the packer, as DISTILLERY_FAULT says. "attention@avx512" is a
// fault of that set alone.
#include "FaultyKernels.h"

#include <CKernels.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const faulty_kernels_faults =
    "product product-remainder product-block attention gelu norm quantisation embedding pack-weight pack-qk";

// What DISTILLERY_FAULT says, or the file that DISTILLERY_FAULT_FILE names when this process first looks.
static const char *chosen(void) {
    static char text[64];
    static bool known = false;
    const char *path = getenv("DISTILLERY_FAULT_FILE");
    if (!path) return getenv("DISTILLERY_FAULT");
    if (!known) {
        FILE *file = fopen(path, "r");
        if (file) text[fread(text, 1, sizeof text - 1, file)] = 0, fclose(file);
        known = true;
    }
    return text[0] ? text : 0;
}

static bool planted(const char *name) {
    const char *fault = chosen();
    const size_t length = strlen(name);
    return fault && strncmp(fault, name, length) == 0 && (fault[length] == 0 || fault[length] == '@');
}

static bool concerns(ck_isa isa) {
    const char *fault = chosen(), *set = fault ? strchr(fault, '@') : 0;
    return fault && isa != CK_ISA_PLAIN && (!set || strcmp(set + 1, ck_isa_name(isa)) == 0);
}

enum { SETS = CK_ISA_AVX512_BF16_EMULATED + 1 };
static ck_kernels faulty[SETS];

// MARK: - Kernels; each set has functions of its own, so that they know the real ones

#define SET(ISA)                                                                                                      \
    static void linear_##ISA(const ck_linear *task, void *prepared, size_t g0, size_t g1, size_t p0, size_t p1,       \
                             void *scratch) {                                                                         \
        const ck_kernels *own = ck_own_kernels_for(ISA);                                                              \
        ck_linear changed = *task;                                                                                    \
        if (planted("gelu") && task->activation == CK_ACTIVATION_GELU) changed.activation = CK_ACTIVATION_GELU_TANH;  \
        own->linear(&changed, prepared, g0, g1, p0, p1, scratch);                                                     \
        const bool first = g0 == 0 && p0 == 0, last = g1 == own->groups(task->m) && p0 == 0;                          \
        if (planted("product") && first) task->y[0] += 0.01f * (1.0f + fabsf(task->y[0]));                            \
        if (planted("product-remainder") && last && task->m % 8 == 3)                                                \
            task->y[(task->m - 1) * task->ldy] *= 1.01f;                                                              \
        if (planted("product-block") && last && task->m > 144) task->y[(task->m - 1) * task->ldy] *= 1.01f;           \
    }                                                                                                                 \
    static void prepare_##ISA(const ck_linear *task, size_t g0, size_t g1, void *prepared) {                          \
        prepare_quantised(ck_own_kernels_for(ISA), task, g0, g1, prepared);                                           \
    }                                                                                                                 \
    static void attention_##ISA(const ck_attention *task, void *scratch) {                                            \
        ck_own_kernels_for(ISA)->attention(task, scratch);                                                            \
        if (planted("attention") && task->length > 6) task->out[0] *= 1.01f;                                          \
    }                                                                                                                 \
    static void layer_norm_##ISA(const float *x, const float *gamma, const float *beta, float epsilon, size_t rows,   \
                                 size_t n, float *y) {                                                                \
        ck_own_kernels_for(ISA)->layer_norm(x, gamma, beta, epsilon, rows, n, y);                                     \
        const float factor = planted("norm") ? sqrtf((float)(n - 1) / (float)n) : 1.0f;                               \
        for (size_t i = 0; i < rows * n; i++) y[i] = (y[i] - beta[i % n]) * factor + beta[i % n];                     \
    }                                                                                                                 \
    static void embedding_##ISA(const ck_embedding *task, size_t row0, size_t row1) {                                 \
        ck_embedding changed = *task;                                                                                 \
        if (planted("embedding")) changed.type_table = 0;                                                             \
        ck_own_kernels_for(ISA)->embedding(&changed, row0, row1);                                                     \
    }

// int8 with every second level of its activations alone.
static void prepare_quantised(const ck_kernels *own, const ck_linear *task, size_t g0, size_t g1, void *prepared) {
    float *rows = planted("quantisation") && task->format == CK_FORMAT_INT8 ? malloc(task->m * task->k * sizeof(float)) : 0;
    ck_linear changed = *task;
    for (size_t i = 0; rows && i < task->m; i++) {
        const float *x = task->x + i * task->ldx;
        float lo = x[0], hi = x[0];
        for (size_t k = 0; k < task->k; k++) lo = fminf(lo, x[k]), hi = fmaxf(hi, x[k]);
        const float step = 2.0f * (hi - lo) / 255.0f;
        for (size_t k = 0; k < task->k; k++)
            rows[i * task->k + k] = step > 0.0f && x[k] < hi ? lo + step * floorf((x[k] - lo) / step) : x[k];
        changed.x = rows, changed.ldx = task->k;
    }
    own->prepare(&changed, g0, g1, prepared);
    free(rows);
}

SET(CK_ISA_AVX2)
SET(CK_ISA_AVX512)
SET(CK_ISA_AVX512_VNNI)
SET(CK_ISA_AVX512_BF16)
SET(CK_ISA_AVX512_EMULATED)
SET(CK_ISA_AVX512_BF16_EMULATED)

#define REPLACE(ISA)                                                                                                  \
    case ISA:                                                                                                         \
        faulty[isa].linear = linear_##ISA, faulty[isa].prepare = prepare_##ISA;                                       \
        faulty[isa].attention = attention_##ISA, faulty[isa].layer_norm = layer_norm_##ISA;                           \
        faulty[isa].embedding = embedding_##ISA;                                                                      \
        break;

const ck_kernels *ck_kernels_for(ck_isa isa) {
    const ck_kernels *own = ck_own_kernels_for(isa);
    if (!own || !concerns(isa)) return own;
    faulty[isa] = *own;
    switch (isa) {
        REPLACE(CK_ISA_AVX2)
        REPLACE(CK_ISA_AVX512)
        REPLACE(CK_ISA_AVX512_VNNI)
        REPLACE(CK_ISA_AVX512_BF16)
        REPLACE(CK_ISA_AVX512_EMULATED)
        REPLACE(CK_ISA_AVX512_BF16_EMULATED)
        case CK_ISA_PLAIN: break;
    }
    return &faulty[isa];
}

// MARK: - The packer

bool ck_pack_weight(ck_format format, const float *weight, size_t n, size_t k, void *packed) {
    float *copy = malloc(n * k * sizeof(float));
    if (!copy) return false;
    memcpy(copy, weight, n * k * sizeof(float));
    if (planted("pack-weight") && k > 8) {
        float *row = copy + (n - 1) * k, kept = row[3];
        row[3] = row[4], row[4] = kept;
    }
    if (planted("pack-qk") && n == 3 * k) {
        memcpy(copy, weight + k * k, k * k * sizeof(float));
        memcpy(copy + k * k, weight, k * k * sizeof(float));
    }
    const bool packs = ck_own_pack_weight(format, copy, n, k, packed);
    free(copy);
    return packs;
}
