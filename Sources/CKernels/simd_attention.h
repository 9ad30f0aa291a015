// Part of simd_body.h: attention.

// Per (sequence, head): keys and values are laid into panels once; then, MR queries at a time, scores = Q·Kᵀ, the
// softmax and P·V, all by the register tile, the scores never leaving the cache.

INLINE size_t up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

static size_t NAME(attention_scratch)(size_t length, size_t d) {
    size_t keys = up(length, TILE), dims = up(d, TILE);
    return (keys * d + length * dims + MR * keys + MR * dims) * sizeof(float) + 4 * CK_SCRATCH_ALIGNMENT;
}

// c[rows][columns] = a · panels, a with leading dimension lda, panels [⌈columns/24⌉][k][24], columns a multiple of TILE
INLINE void NAME(product)(size_t rows, size_t k, const float *a, size_t lda, const float *panels, size_t columns,
                          float *c, size_t ldc) {
    static const float zero[TILE];
    for (size_t j = 0; j < columns; j += TILE) {
        const float *b0 = panels + j * k;
        NAME(strided_tiles)[rows](k, a, lda, b0, b0 + (STEP - 1) * k * CK_PANEL, zero, c + j, ldc);
    }
}

// scores[keys] → exp(scores − their largest), zero from `length` on; returns 1 / their sum
INLINE float softmax_row(float *row, size_t length, size_t keys) {
    for (size_t j = length; j < keys; j++) row[j] = -3.4028235e38f;
    vf m = load(row);
    for (size_t j = W; j < keys; j += W) m = max_(m, load(row + j));
    vf top = splat(max_lanes(m)), sum = splat(0.0f);
    for (size_t j = 0; j < keys; j += W) {
        vf e = exp_(load(row + j) - top);
        if (j + W > length) {
            float lanes[W];
            store(lanes, e);
            for (size_t l = 0; l < W; l++) lanes[l] = j + l < length ? lanes[l] : 0.0f;
            e = load(lanes);
        }
        sum += e;
        store(row + j, e);
    }
    return 1.0f / sum_lanes(sum);
}

static void NAME(attention)(const ck_attention *t, void *scratch) {
    const size_t length = t->length, d = t->d, keys = up(length, TILE), dims = up(d, TILE);
    const float scale = 1.0f / sqrtf((float)d);

    ck_scratch s = {scratch};
    float *key_panels = ck_take(&s, keys * d);         // [key / 24][d][24], scaled
    float *value_panels = ck_take(&s, length * dims);  // [dim / 24][length][24]
    float *scores = ck_take(&s, MR * keys);
    float *out = ck_take(&s, MR * dims);

    for (size_t key = 0; key < keys; key++) {
        float *column = key_panels + key / CK_PANEL * CK_PANEL * d + key % CK_PANEL;
        const float *row = t->k + key * t->ldqkv;
        for (size_t i = 0; i < d; i++) column[i * CK_PANEL] = key < length ? row[i] * scale : 0.0f;
    }
    for (size_t j = 0; j < dims; j += CK_PANEL) {
        float *panel = value_panels + j * length;
        size_t n = j >= d ? 0 : (d - j < CK_PANEL ? d - j : CK_PANEL);
        for (size_t key = 0; key < length; key++) {
            memset(panel + key * CK_PANEL, 0, CK_PANEL * sizeof(float));
            if (n > 0) memcpy(panel + key * CK_PANEL, t->v + key * t->ldqkv + j, n * sizeof(float));
        }
    }

    for (size_t q0 = 0; q0 < t->queries; q0 += MR) {
        size_t rows = t->queries - q0 < MR ? t->queries - q0 : MR;
        float inverse[MR];
        NAME(product)(rows, d, t->q + q0 * t->ldqkv, t->ldqkv, key_panels, keys, scores, keys);
        for (size_t i = 0; i < rows; i++) inverse[i] = softmax_row(scores + i * keys, length, keys);
        NAME(product)(rows, length, scores, keys, value_panels, dims, out, dims);
        for (size_t i = 0; i < rows; i++) {
            float *destination = t->out + (q0 + i) * t->ldout;
            const float *source = out + i * dims;
            size_t j = 0;
            for (; j + W <= d; j += W) store(destination + j, load(source + j) * splat(inverse[i]));
            for (; j < d; j++) destination[j] = source[j] * inverse[i];
        }
    }
}

