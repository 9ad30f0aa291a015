// Part of simd_body.h: LayerNorm and embeddings, row by row.

typedef struct {
    float mean, inverse;  // 1 / √(variance + epsilon)
} moments;

// Two passes over a row that is in L1: mean, then Σ(x − mean)²; biased variance.
INLINE moments row_moments(const float *x, float epsilon, size_t n) {
    vf s0 = splat(0.0f), s1 = splat(0.0f);
    size_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) s0 += load(x + i), s1 += load(x + i + W);
    size_t whole = i;
    for (; i + W <= n; i += W) s0 += load(x + i);
    if (i < n) s1 += load_partial(x + i, n - i, 0.0f);
    float mean = sum_lanes(s0 + s1) / (float)n;
    vf m = splat(mean);
    s0 = s1 = splat(0.0f);
    for (i = 0; i < whole; i += 2 * W) {
        vf a = load(x + i) - m, b = load(x + i + W) - m;
        s0 = fma_(a, a, s0), s1 = fma_(b, b, s1);
    }
    for (; i + W <= n; i += W) {
        vf a = load(x + i) - m;
        s0 = fma_(a, a, s0);
    }
    if (i < n) {
        vf a = load_partial(x + i, n - i, mean) - m;
        s1 = fma_(a, a, s1);
    }
    return (moments){mean, 1.0f / sqrtf(sum_lanes(s0 + s1) / (float)n + epsilon)};
}

INLINE void normalize_row(const float *x, const float *gamma, const float *beta, float epsilon, size_t n, float *y) {
    const moments mo = row_moments(x, epsilon, n);
    const vf m = splat(mo.mean), inverse = splat(mo.inverse);
    size_t i = 0;
    for (; i + W <= n; i += W)
        store(y + i, fma_((load(x + i) - m) * inverse, load(gamma + i), load(beta + i)));
    if (i < n) {
        size_t rest = n - i;
        vf v = (load_partial(x + i, rest, 0.0f) - m) * inverse;
        store_partial(y + i, fma_(v, load_partial(gamma + i, rest, 0.0f), load_partial(beta + i, rest, 0.0f)), rest);
    }
}

static void NAME(layer_norm)(const float *x, const float *gamma, const float *beta, float epsilon, size_t rows, size_t n,
                             float *y) {
    for (size_t r = 0; r < rows; r++) normalize_row(x + r * n, gamma, beta, epsilon, n, y + r * n);
}

typedef uint16_t halves __attribute__((vector_size(W * 2), aligned(2)));
typedef int8_t codes8 __attribute__((vector_size(W), aligned(1)));

// y = word row, of `format`, a constant; `scale` is the row's where it has codes.
INLINE void load_word(const ck_format format, const void *row, float scale, size_t n, float *y) {
    const float *floats = row;
    const uint16_t *bfloats = row;
    const int8_t *codes = row;
    size_t i = 0;
    for (; i + W <= n; i += W) {
        if (format == CK_FORMAT_FLOAT32) store(y + i, load(floats + i));
        if (format == CK_FORMAT_BFLOAT16)
            store(y + i, (vf)(__builtin_convertvector(*(const halves *)(bfloats + i), vi) << 16));
        if (format == CK_FORMAT_INT8)
            store(y + i, __builtin_convertvector(*(const codes8 *)(codes + i), vf) * splat(scale));
    }
    for (; i < n; i++) {
        if (format == CK_FORMAT_FLOAT32) y[i] = floats[i];
        if (format == CK_FORMAT_BFLOAT16) y[i] = ck_from_bfloat16(bfloats[i]);
        if (format == CK_FORMAT_INT8) y[i] = (float)codes[i] * scale;
    }
}

// y = word + type + position of row r; the next row's word, below row1, is asked for.
INLINE void sum_embeddings(const ck_embedding *t, size_t r, size_t row1, float *y) {
    const size_t n = t->hidden;
    const size_t bytes = n * (t->word_format == CK_FORMAT_FLOAT32 ? 4 : (t->word_format == CK_FORMAT_BFLOAT16 ? 2 : 1));
    const size_t id = (size_t)t->ids[r];
    const char *word = (const char *)t->word_table + id * bytes;
    const float scale = t->word_scales ? t->word_scales[id] : 1.0f;
    const float *position = t->position_table + (size_t)t->positions[r] * n;
    const float *type = t->type_table ? t->type_table + (size_t)(t->types ? t->types[r] : 0) * n : 0;
    if (r + 1 < row1) {
        const char *next = (const char *)t->word_table + (size_t)t->ids[r + 1] * bytes;
        for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(next + i);
    }
    switch (t->word_format) {
        case CK_FORMAT_FLOAT32: load_word(CK_FORMAT_FLOAT32, word, scale, n, y); break;
        case CK_FORMAT_BFLOAT16: load_word(CK_FORMAT_BFLOAT16, word, scale, n, y); break;
        case CK_FORMAT_INT8: load_word(CK_FORMAT_INT8, word, scale, n, y); break;
    }
    size_t i = 0;
    for (; i + W <= n; i += W) {
        vf v = load(y + i);
        if (type) v += load(type + i);
        store(y + i, v + load(position + i));
    }
    for (; i < n; i++) y[i] = (type ? y[i] + type[i] : y[i]) + position[i];
}

static void NAME(embedding)(const ck_embedding *t, size_t row0, size_t row1) {
    for (size_t r = row0; r < row1; r++) {
        float *y = t->out + r * t->hidden;
        sum_embeddings(t, r, row1, y);
        normalize_row(y, t->gamma, t->beta, t->epsilon, t->hidden, y);
    }
}
