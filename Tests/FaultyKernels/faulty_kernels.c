// One fault in the kernels of every set but plain C, or in the packer, as DISTILLERY_FAULT says. "attention@avx512" is a
// fault of that set alone.
#include "FaultyKernels.h"

#include <CKernels.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const faulty_kernels_faults =
    "product product-remainder product-block attention gelu norm quantisation embedding pack-weight pack-qk "
    "training-pack training-columns training-accumulate training-dropout training-attention training-attention-keys "
    "training-slope training-norm training-norm-sums training-softmax training-adamw";

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
        if (planted("training-accumulate")) changed.accumulate = false;                                               \
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

// The same of the kernels of training.
#define TRAINING_SET(ISA)                                                                                             \
    static const ck_training_kernels *training_##ISA(void) { return &ck_own_kernels_for(ISA)->training; }             \
    static void training_pack_##ISA(const ck_packing *task, size_t p0, size_t p1) {                                   \
        training_##ISA()->pack(task, p0, p1);                                                                         \
        if (planted("training-pack") && task->transposed && p0 == 0) ((float *)task->packed)[CK_PANEL] *= 1.5f;       \
    }                                                                                                                 \
    static void training_prepare_##ISA(const ck_linear *task, size_t g0, size_t g1, void *prepared) {                 \
        ck_linear changed = *task;                                                                                    \
        if (planted("training-columns")) changed.k -= 1;                                                              \
        training_##ISA()->prepare_transposed(&changed, g0, g1, prepared);                                             \
    }                                                                                                                 \
    static void training_dropout_##ISA(ck_dropout dropout, uint64_t first, const float *x, const float *residual,     \
                                       size_t n, float *y) {                                                          \
        training_##ISA()->dropout(dropout, planted("training-dropout") ? first + 1 : first, x, residual, n, y);       \
    }                                                                                                                 \
    static void training_attention_##ISA(const ck_attention *task, ck_dropout dropout, uint64_t offset,               \
                                         void *scratch) {                                                             \
        if (planted("training-attention")) offset += 1;                                                               \
        training_##ISA()->attention(task, dropout, offset, scratch);                                                  \
    }                                                                                                                 \
    static void training_attention_gradient_##ISA(const ck_attention_gradient *task, void *scratch) {                 \
        training_##ISA()->attention_gradient(task, scratch);                                                          \
        if (planted("training-attention-keys") && task->length == 100) task->dk[99 * task->lddqkv] *= 1.05f;          \
    }                                                                                                                 \
    static void training_slope_##ISA(ck_activation activation, const float *u, const float *da, size_t n, float *du,  \
                                     float *y) {                                                                      \
        if (planted("training-slope") && activation == CK_ACTIVATION_GELU) activation = CK_ACTIVATION_GELU_TANH;      \
        training_##ISA()->activation_gradient(activation, u, da, n, du, y);                                           \
    }                                                                                                                 \
    static void training_norm_##ISA(const float *x, const float *gamma, float epsilon, const float *dy, size_t rows,  \
                                    size_t n, float *dx, float *dgamma, float *dbeta) {                               \
        const float kept = dgamma[0];                                                                                 \
        training_##ISA()->layer_norm_gradient(x, gamma, epsilon, dy, rows, n, dx, dgamma, dbeta);                     \
        if (planted("training-norm")) dx[(rows - 1) * n] *= 1.01f;                                                    \
        if (planted("training-norm-sums")) dgamma[0] = kept;                                                          \
    }                                                                                                                 \
    static float training_softmax_##ISA(const float *x, float scale, size_t n, float *y) {                            \
        return training_##ISA()->log_softmax(x, planted("training-softmax") ? 1.0f : scale, n, y);                    \
    }                                                                                                                 \
    static void training_adamw_##ISA(const ck_adamw *step, const float *gradient, size_t n, float *weight, float *m,  \
                                     float *v) {                                                                      \
        ck_adamw changed = *step;                                                                                     \
        if (planted("training-adamw")) changed.correction2 = 1.0f;                                                    \
        training_##ISA()->adamw(&changed, gradient, n, weight, m, v);                                                 \
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
TRAINING_SET(CK_ISA_AVX2)
SET(CK_ISA_AVX512)
TRAINING_SET(CK_ISA_AVX512)
SET(CK_ISA_AVX512_VNNI)
TRAINING_SET(CK_ISA_AVX512_VNNI)
SET(CK_ISA_AVX512_BF16)
TRAINING_SET(CK_ISA_AVX512_BF16)
SET(CK_ISA_AVX512_EMULATED)
TRAINING_SET(CK_ISA_AVX512_EMULATED)
SET(CK_ISA_AVX512_BF16_EMULATED)
TRAINING_SET(CK_ISA_AVX512_BF16_EMULATED)

#define REPLACE(ISA)                                                                                                  \
    case ISA:                                                                                                         \
        faulty[isa].linear = linear_##ISA, faulty[isa].prepare = prepare_##ISA;                                       \
        faulty[isa].attention = attention_##ISA, faulty[isa].layer_norm = layer_norm_##ISA;                           \
        faulty[isa].embedding = embedding_##ISA;                                                                      \
        faulty[isa].training.pack = training_pack_##ISA;                                                              \
        faulty[isa].training.prepare_transposed = training_prepare_##ISA;                                             \
        faulty[isa].training.dropout = training_dropout_##ISA;                                                        \
        faulty[isa].training.attention = training_attention_##ISA;                                                    \
        faulty[isa].training.attention_gradient = training_attention_gradient_##ISA;                                  \
        faulty[isa].training.activation_gradient = training_slope_##ISA;                                              \
        faulty[isa].training.layer_norm_gradient = training_norm_##ISA;                                               \
        faulty[isa].training.log_softmax = training_softmax_##ISA;                                                    \
        faulty[isa].training.adamw = training_adamw_##ISA;                                                            \
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
