// The kernels in plain C: what every other set is tested against, and what runs where there is no other.
#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "kernel_tables.h"
#include "packed.h"
#include "random.h"
#include "scratch.h"

static float activation_of(ck_activation kind, float x) {
    switch (kind) {
        case CK_ACTIVATION_NONE: return x;
        case CK_ACTIVATION_GELU: return (float)(0.5 * x * (1.0 + ck_erf(x * 0.70710678118654752)));
        case CK_ACTIVATION_GELU_TANH:
            return (float)(0.5 * x * (1.0 + ck_tanh(0.79788456080286536 * (x + 0.044715 * x * x * x))));
        case CK_ACTIVATION_RELU: return x > 0.0f ? x : 0.0f;
        case CK_ACTIVATION_SILU: return (float)(x / (1.0 + ck_exp(-x)));
        case CK_ACTIVATION_TANH: return (float)ck_tanh(x);
    }
    return x;
}

static void activate(ck_activation kind, float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = activation_of(kind, x[i]);
}

// A row's codes; returns their step, NaN where the row is not finite.
static float quantize_input(const float *x, size_t k, uint8_t *codes, float *low) {
    float lo = x[0], hi = x[0], sum = 0.0f;
    for (size_t i = 0; i < k; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
        sum += x[i];
    }
    *low = lo;
    bool usable = isfinite(sum) && hi > lo;
    float inverse = usable ? (float)CK_INPUT_LEVELS / (hi - lo) : 0.0f;
    for (size_t i = 0; i < k; i++) codes[i] = usable ? (uint8_t)nearbyintf((x[i] - lo) * inverse) : 0;
    return isfinite(sum) ? (hi - lo) * (1.0f / (float)CK_INPUT_LEVELS) : NAN;
}

// A row is a group. A prepared row is its values; for int8 a step, a lowest value and the codes.
static size_t groups(size_t rows) { return rows; }

static size_t prepared_row(ck_format format, size_t k) {
    return format == CK_FORMAT_INT8 ? 2 * sizeof(float) + (k + 3) / 4 * 4 : k * sizeof(float);
}

static size_t prepared_bytes(ck_format format, size_t m, size_t k) { return m * prepared_row(format, k); }

static float *in_prepared(const ck_linear *t, void *prepared, size_t row) {
    return (float *)(void *)((char *)prepared + row * prepared_row(t->format, t->k));
}

static void prepare(const ck_linear *t, size_t g0, size_t g1, void *prepared) {
    for (size_t i = g0; i < g1; i++) {
        float *row = in_prepared(t, prepared, i);
        if (t->format == CK_FORMAT_INT8)
            row[0] = quantize_input(t->x + i * t->ldx, t->k, (uint8_t *)(row + 2), row + 1);
        else
            memcpy(row, t->x + i * t->ldx, t->k * sizeof(float));
    }
}

static void prepare_transposed(const ck_linear *t, size_t g0, size_t g1, void *prepared) {
    for (size_t i = g0; i < g1; i++)
        for (size_t kk = 0; kk < t->k; kk++) in_prepared(t, prepared, i)[kk] = t->x[kk * t->ldx + i];
}

static size_t linear_scratch(void) { return 0; }

// Sums of one panel's columns for row x, begun at what is there, as float32 multiply-adds. The columns' sums are the inner
// loop, in variables of their own, so that a compiler can compute several at once.
static void float_sums(const ck_linear *t, const float *x, size_t p, float *result) {
    const char *panel = (const char *)t->packed + p * ck_words(t->format, t->k) * CK_PANEL * sizeof(uint32_t);
    float sums[CK_PANEL];
    memcpy(sums, result, sizeof sums);
    if (t->format == CK_FORMAT_FLOAT32) {
        for (size_t kk = 0; kk < t->k; kk++, panel += CK_PANEL * sizeof(float)) {
            float w[CK_PANEL];
            memcpy(w, panel, sizeof w);
            for (size_t j = 0; j < CK_PANEL; j++) sums[j] += x[kk] * w[j];
        }
    } else {
        for (size_t kk = 0; kk < t->k; kk++) {
            uint32_t words[CK_PANEL];
            float w[CK_PANEL];
            memcpy(words, panel + kk / 2 * sizeof words, sizeof words);
            for (size_t j = 0; j < CK_PANEL; j++) words[j] = kk % 2 ? words[j] & 0xffff0000u : words[j] << 16;
            memcpy(w, words, sizeof w);
            for (size_t j = 0; j < CK_PANEL; j++) sums[j] += x[kk] * w[j];
        }
    }
    memcpy(result, sums, sizeof sums);
}

// The same from an int8 weight: u are the row's codes, four of them for each word.
static void integer_sums(const ck_linear *t, const uint8_t *u, float step, float low, size_t p, float *sum) {
    const int8_t *panel = (const int8_t *)t->packed + p * ck_words(t->format, t->k) * CK_PANEL * 4;
    const float *scales = ck_scales(t->packed, t->n, t->k) + p * CK_PANEL;
    const float *code_sums = ck_code_sums(t->packed, t->n, t->k) + p * CK_PANEL;
    int32_t totals[CK_PANEL] = {0};
    for (size_t kk = 0; kk < t->k; kk += 4, panel += CK_PANEL * 4) {
        int16_t codes[4] = {0};
        for (size_t i = 0; i < 4 && kk + i < t->k; i++) codes[i] = u[kk + i];
        uint32_t words[CK_PANEL];
        memcpy(words, panel, sizeof words);
        for (size_t j = 0; j < CK_PANEL; j++) {
            const uint32_t w = words[j];
            totals[j] += codes[0] * (int16_t)(int8_t)w + codes[1] * (int16_t)(int8_t)(w >> 8)
                + codes[2] * (int16_t)(int8_t)(w >> 16) + codes[3] * (int16_t)(int8_t)(w >> 24);
        }
    }
    for (size_t j = 0; j < CK_PANEL; j++)
        sum[j] = fmaf(fmaf(step, (float)totals[j], low * code_sums[j]), scales[j], sum[j]);
}

static void linear(const ck_linear *t, void *prepared, size_t g0, size_t g1, size_t p0, size_t p1, void *scratch) {
    (void)scratch;
    for (size_t i = g0; i < g1; i++) {
        const float *row = in_prepared(t, prepared, i);
        for (size_t p = p0; p < p1; p++) {
            size_t column = p * CK_PANEL, columns = t->n - column < CK_PANEL ? t->n - column : CK_PANEL;
            float sum[CK_PANEL] = {0};
            const float *start = t->accumulate ? t->y + i * t->ldy : t->bias;
            if (start) memcpy(sum, start + column, columns * sizeof(float));
            if (t->format == CK_FORMAT_INT8)
                integer_sums(t, (const uint8_t *)(row + 2), row[0], row[1], p, sum);
            else
                float_sums(t, row, p, sum);
            for (size_t j = 0; j < columns; j++) {
                float residual = t->residual ? t->residual[i * t->ldresidual + column + j] : 0.0f;
                t->y[i * t->ldy + column + j] = activation_of(t->activation, sum[j] + residual);
            }
        }
    }
}

static size_t attention_scratch(size_t length, size_t d) {
    (void)d;
    return length * sizeof(float) + CK_SCRATCH_ALIGNMENT;
}

static void attention(const ck_attention *t, void *scratch) {
    ck_scratch s = {scratch};
    float *scores = ck_take(&s, t->length);
    const float scale = 1.0f / sqrtf((float)t->d);
    for (size_t i = 0; i < t->queries; i++) {
        const float *q = t->q + i * t->ldqkv;
        float top = -3.4028235e38f;
        for (size_t j = 0; j < t->length; j++) {
            const float *k = t->k + j * t->ldqkv;
            float sum = 0.0f;
            for (size_t c = 0; c < t->d; c++) sum += q[c] * k[c];
            scores[j] = sum * scale;
            if (scores[j] > top) top = scores[j];
        }
        float total = 0.0f;
        for (size_t j = 0; j < t->length; j++) total += scores[j] = (float)ck_exp(scores[j] - top);
        float *out = t->out + i * t->ldout;
        memset(out, 0, t->d * sizeof(float));
        for (size_t j = 0; j < t->length; j++) {
            const float *v = t->v + j * t->ldqkv;
            for (size_t c = 0; c < t->d; c++) out[c] += scores[j] * v[c];
        }
        for (size_t c = 0; c < t->d; c++) out[c] /= total;
    }
}

static void normalize_row(const float *x, const float *gamma, const float *beta, float epsilon, size_t n, float *y) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    double inverse = 1.0 / sqrt(squares / (double)n + epsilon);
    for (size_t i = 0; i < n; i++) y[i] = (float)((x[i] - mean) * inverse) * gamma[i] + beta[i];
}

static void layer_norm(const float *x, const float *gamma, const float *beta, float epsilon, size_t rows, size_t n,
                       float *y) {
    for (size_t r = 0; r < rows; r++) normalize_row(x + r * n, gamma, beta, epsilon, n, y + r * n);
}

static float word_value(const ck_embedding *t, size_t index, float scale) {
    switch (t->word_format) {
        case CK_FORMAT_FLOAT32: return ((const float *)t->word_table)[index];
        case CK_FORMAT_BFLOAT16: return ck_from_bfloat16(((const uint16_t *)t->word_table)[index]);
        case CK_FORMAT_INT8: return (float)((const int8_t *)t->word_table)[index] * scale;
    }
    return 0.0f;
}

static void embedding(const ck_embedding *t, size_t row0, size_t row1) {
    const size_t n = t->hidden;
    for (size_t r = row0; r < row1; r++) {
        const size_t id = (size_t)t->ids[r];
        const float scale = t->word_scales ? t->word_scales[id] : 1.0f;
        const float *position = t->position_table + (size_t)t->positions[r] * n;
        const float *type = t->type_table ? t->type_table + (size_t)(t->types ? t->types[r] : 0) * n : 0;
        float *y = t->out + r * n;
        for (size_t i = 0; i < n; i++) {
            float word = word_value(t, id * n + i, scale);
            y[i] = (type ? word + type[i] : word) + position[i];
        }
        normalize_row(y, t->gamma, t->beta, t->epsilon, n, y);
    }
}

#include "plain_training.h"

static const ck_kernels kernels = {
    .isa = CK_ISA_PLAIN,
    .groups = groups,
    .block = 32,
    .prepared_bytes = prepared_bytes,
    .prepare = prepare,
    .linear_scratch = linear_scratch,
    .linear = linear,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .layer_norm = layer_norm,
    .embedding = embedding,
    .activate = activate,
    .training = {
        .pack = pack,
        .prepare_transposed = prepare_transposed,
        .attention = dropped_attention,
        .attention_gradient_scratch = attention_gradient_scratch,
        .attention_gradient = attention_gradient,
        .activation_gradient = activation_gradient,
        .dropout = dropout_values,
        .layer_norm_gradient = layer_norm_gradient,
        .embedding_sum = embedding_sum,
        .column_sums = column_sums,
        .add_scaled = add_scaled,
        .sum_of_squares = sum_of_squares,
        .log_softmax = log_softmax,
        .add_powers = add_powers,
        .divergence = divergence,
        .adamw = adamw,
    },
};

const ck_kernels *ck_kernels_plain(void) { return &kernels; }
