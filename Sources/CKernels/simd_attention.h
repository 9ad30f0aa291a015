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

// scores[keys] → exp(scale · (scores − their largest)), zero from `length` on; returns 1 / their sum
INLINE float softmax_row(float *row, float scale, size_t length, size_t keys) {
    for (size_t j = length; j < keys; j++) row[j] = -3.4028235e38f;
    vf m = load(row);
    for (size_t j = W; j < keys; j += W) m = max_(m, load(row + j));
    vf top = splat(max_lanes(m)), sum = splat(0.0f);
    for (size_t j = 0; j < keys; j += W) {
        vf e = exp_((load(row + j) - top) * splat(scale));
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

// Keys as the columns of panels [key / 24][d][24], zeros from the sequence's length on.
INLINE void lay_keys(const ck_attention *t, size_t keys, float *panels) {
    size_t key = 0;
    for (; key < keys; key += 4) {
        float *columns = panels + key / CK_PANEL * CK_PANEL * t->d + key % CK_PANEL;
        const float *rows = t->k + key * t->ldqkv;
        size_t i = 0;
        if (key + 4 <= t->length)
            for (; i + 4 <= t->d; i += 4) transpose4(rows + i, t->ldqkv, columns + i * CK_PANEL, CK_PANEL);
        for (; i < t->d; i++)
            for (size_t j = 0; j < 4; j++)
                columns[i * CK_PANEL + j] = key + j < t->length ? rows[j * t->ldqkv + i] : 0.0f;
    }
}

// Values as panels [dimension / 24][length][24], zeros from d on.
INLINE void lay_values(const ck_attention *t, size_t dims, float *panels) {
    for (size_t key = 0; key < t->length; key++) {
        const float *row = t->v + key * t->ldqkv;
        float *out = panels + key * CK_PANEL;
        const size_t panel = t->length * CK_PANEL;
        for (size_t j = 0; j < dims; j += 4) {
            float *place = out + j / CK_PANEL * panel + j % CK_PANEL;
            if (j + 4 <= t->d)
                *(v4u *)place = *(const v4u *)(row + j);
            else
                for (size_t i = 0; i < 4; i++) place[i] = j + i < t->d ? row[j + i] : 0.0f;
        }
    }
}

static void NAME(attention)(const ck_attention *t, void *scratch) {
    const size_t length = t->length, d = t->d, keys = up(length, TILE), dims = up(d, TILE);
    const float scale = 1.0f / sqrtf((float)d);

    ck_scratch s = {scratch};
    float *key_panels = ck_take(&s, keys * d);         // [key / 24][d][24]
    float *value_panels = ck_take(&s, length * dims);  // [dim / 24][length][24]
    float *scores = ck_take(&s, MR * keys);
    float *out = ck_take(&s, MR * dims);

    lay_keys(t, keys, key_panels);
    lay_values(t, dims, value_panels);

    for (size_t q0 = 0; q0 < t->queries; q0 += MR) {
        size_t rows = t->queries - q0 < MR ? t->queries - q0 : MR;
        float inverse[MR];
        NAME(product)(rows, d, t->q + q0 * t->ldqkv, t->ldqkv, key_panels, keys, scores, keys);
        for (size_t i = 0; i < rows; i++) inverse[i] = softmax_row(scores + i * keys, scale, length, keys);
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

