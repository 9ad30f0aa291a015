// Part of simd_body.h: attention.

// Per (sequence, head): keys and values are laid into panels once; then, AR queries at a time, scores = Q·Kᵀ, the
// softmax and P·V, all by a register tile, the scores never leaving the cache.
//
// The tile is AR rows of two vectors: heads have 32 or 64 dimensions, of which the three vectors of the linear layers'
// tiles would leave a ninth or a third unused. It needs no third vector: its rows are few pages and its panels short.
enum { PAIR = 2 * W, AR = W == 8 ? 6 : 12 };

INLINE size_t up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

static size_t NAME(attention_scratch)(size_t length, size_t d) {
    size_t keys = up(length, PAIR), dims = up(d, PAIR);
    return (keys * d + length * dims + AR * keys + AR * dims) * sizeof(float) + 4 * CK_SCRATCH_ALIGNMENT;
}

// c[rows][vectors · W] = a · panel, a with leading dimension lda, panel [k][PAIR]. `rows` and `vectors` are constants.
INLINE void attention_tile(const int rows, const int vectors, size_t k, const float *a, size_t lda, const float *panel,
                           float *c, size_t ldc) {
    vf acc[AR][2];
    UNROLLED for (int i = 0; i < rows; i++) acc[i][0] = acc[i][1] = splat(0.0f);
#define STEP_K                                                                                                        \
    {                                                                                                                 \
        vf x0 = load(panel), x1 = vectors == 2 ? load(panel + W) : x0;                                                \
        UNROLLED for (int i = 0; i < rows; i++) {                                                                     \
            vf s = splat(a[(size_t)i * lda]);                                                                         \
            acc[i][0] = fma_(s, x0, acc[i][0]);                                                                       \
            if (vectors == 2) acc[i][1] = fma_(s, x1, acc[i][1]);                                                     \
        }                                                                                                             \
        a++, panel += PAIR;                                                                                           \
    }
    size_t kk = 0;
    for (; kk + 4 <= k; kk += 4) {
        UNROLLED for (int u = 0; u < 4; u++) STEP_K
    }
    for (; kk < k; kk++) STEP_K
#undef STEP_K
    UNROLLED for (int i = 0; i < rows; i++) {
        store(c + (size_t)i * ldc, acc[i][0]);
        if (vectors == 2) store(c + (size_t)i * ldc + W, acc[i][1]);
    }
}

typedef void (*attention_tiles)(size_t, const float *, size_t, const float *, float *, size_t);

#define ATTENTION_TILES(ROWS)                                                                                               \
    static __attribute__((noinline)) void NAME(attention_tile_##ROWS##_1)(                                            \
        size_t k, const float *a, size_t lda, const float *panel, float *c, size_t ldc) {                             \
        attention_tile(ROWS, 1, k, a, lda, panel, c, ldc);                                                            \
    }                                                                                                                 \
    static __attribute__((noinline)) void NAME(attention_tile_##ROWS##_2)(                                            \
        size_t k, const float *a, size_t lda, const float *panel, float *c, size_t ldc) {                             \
        attention_tile(ROWS, 2, k, a, lda, panel, c, ldc);                                                            \
    }
#define BOTH(ROWS) {NAME(attention_tile_##ROWS##_1), NAME(attention_tile_##ROWS##_2)}

ATTENTION_TILES(1)
ATTENTION_TILES(2)
ATTENTION_TILES(3)
ATTENTION_TILES(4)
ATTENTION_TILES(5)
ATTENTION_TILES(6)
#if W == 16
ATTENTION_TILES(7)
ATTENTION_TILES(8)
ATTENTION_TILES(9)
ATTENTION_TILES(10)
ATTENTION_TILES(11)
ATTENTION_TILES(12)
#endif

// By rows, 1 ≤ rows ≤ AR, and vectors − 1.
static const attention_tiles NAME(attention_tiles)[AR + 1][2] = {
    {0}, BOTH(1), BOTH(2), BOTH(3), BOTH(4), BOTH(5), BOTH(6),
#if W == 16
    BOTH(7), BOTH(8), BOTH(9), BOTH(10), BOTH(11), BOTH(12),
#endif
};
#undef ATTENTION_TILES
#undef BOTH

// c[rows][columns] = a · panels, a with leading dimension lda, panels [⌈columns / PAIR⌉][k][PAIR], columns a multiple of W
INLINE void NAME(product)(size_t rows, size_t k, const float *a, size_t lda, const float *panels, size_t columns,
                          float *c, size_t ldc) {
    for (size_t j = 0; j < columns; j += PAIR)
        NAME(attention_tiles)[rows][j + PAIR <= columns](k, a, lda, panels + j * k, c + j, ldc);
}

// 2^x for −125 ≤ x ≤ 0, within 3 ulp: x = n + f, |f| ≤ ½, the Taylor polynomial of degree 6 of 2^f, and n added to
// its exponent.
INLINE vf exp2_(vf x) {
    vf n = __builtin_elementwise_roundeven(x), f = x - n;
    vf p = splat(1.54035304e-4f);
    p = fma_(p, f, splat(1.33335581e-3f));
    p = fma_(p, f, splat(9.61812911e-3f));
    p = fma_(p, f, splat(5.55041087e-2f));
    p = fma_(p, f, splat(0.240226507f));
    p = fma_(p, f, splat(0.693147181f));
    p = fma_(p, f, splat(1.0f));
    return (vf)((vi)p + (__builtin_convertvector(n, vi) << 23));
}

// scores[keys] → exp(scale · (scores − their largest)), zero from `length` on; returns 1 / their sum
INLINE float softmax_row(float *row, float scale, size_t length, size_t keys) {
    for (size_t j = length; j < keys; j++) row[j] = -3.4028235e38f;
    vf m = load(row);
    for (size_t j = W; j < keys; j += W) m = max_(m, load(row + j));
    const vf top = splat(max_lanes(m)), factor = splat(scale * 1.44269504f), least = splat(-125.0f);
    vf sum = splat(0.0f);
    size_t j = 0;
    for (; j + W <= length; j += W) {
        vf e = exp2_(max_((load(row + j) - top) * factor, least));
        sum += e;
        store(row + j, e);
    }
    if (j < length) {
        float lanes[W] = {0};
        store_partial(lanes, exp2_(max_((load(row + j) - top) * factor, least)), length - j);
        sum += load(lanes);
        store(row + j, load(lanes));
    }
    return 1.0f / sum_lanes(sum);
}

// Rows of a head as the columns of panels [row / PAIR][d][PAIR], zeros from `length` on.
INLINE void lay_columns(const float *x, size_t ldx, size_t length, size_t d, size_t keys, float *panels) {
    size_t key = 0;
    for (; key < keys; key += 4) {
        float *columns = panels + key / PAIR * PAIR * d + key % PAIR;
        const float *rows = x + key * ldx;
        size_t i = 0;
        if (key + 4 <= length)
            for (; i + 4 <= d; i += 4) transpose4(rows + i, ldx, columns + i * PAIR, PAIR);
        for (; i < d; i++)
            for (size_t j = 0; j < 4; j++) columns[i * PAIR + j] = key + j < length ? rows[j * ldx + i] : 0.0f;
    }
}

// Rows of a head as panels [dimension / PAIR][length][PAIR], zeros from d on.
INLINE void lay_panels(const float *x, size_t ldx, size_t length, size_t d, float *panels) {
    for (size_t j = 0; j < d; j += W) {
        const float *column = x + j;
        float *out = panels + j / PAIR * length * PAIR + j % PAIR;
        const size_t n = d - j < W ? d - j : W;
        for (size_t key = 0; key < length; key++, column += ldx, out += PAIR)
            store(out, n == W ? load(column) : load_partial(column, n, 0.0f));
    }
}

// `drops`, a constant: with dropout on the probabilities, which are values `offset` on of the pass.
INLINE void attention_of(const bool drops, const ck_attention *t, ck_dropout dropout, uint64_t offset, void *scratch) {
    const size_t length = t->length, d = t->d, keys = up(length, W), dims = up(d, W);
    const float scale = 1.0f / sqrtf((float)d);

    ck_scratch s = {scratch};
    float *key_panels = ck_take(&s, up(keys, PAIR) * d);         // [key / PAIR][d][PAIR]
    float *value_panels = ck_take(&s, length * up(dims, PAIR));  // [dim / PAIR][length][PAIR]
    float *scores = ck_take(&s, AR * keys);
    float *out = ck_take(&s, AR * dims);

    lay_columns(t->k, t->ldqkv, length, d, keys, key_panels);
    lay_panels(t->v, t->ldqkv, length, d, value_panels);

    const size_t groups = (t->queries + AR - 1) / AR;
    for (size_t group = 0, q0 = 0, rows; group < groups; group++, q0 += rows) {
        rows = group_rows(t->queries, group, groups);
        float inverse[AR];
        NAME(product)(rows, d, t->q + q0 * t->ldqkv, t->ldqkv, key_panels, keys, scores, keys);
        for (size_t i = 0; i < rows; i++) {
            float *row = scores + i * keys;
            inverse[i] = softmax_row(row, scale, length, keys);
            if (!drops) continue;
            const uint64_t index = offset + (q0 + i) * length;
            const draws drawn = draws_from(dropout, index);
            for (size_t j = 0; j < keys; j += W) store(row + j, load(row + j) * kept_(&drawn, index + j));
        }
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

static void NAME(attention)(const ck_attention *t, void *scratch) {
    attention_of(false, t, (ck_dropout){0}, 0, scratch);
}

static void NAME(attention_dropped)(const ck_attention *t, ck_dropout dropout, uint64_t offset, void *scratch) {
    if (dropout.rate > 0.0f)
        attention_of(true, t, dropout, offset, scratch);
    else
        NAME(attention)(t, scratch);
}
