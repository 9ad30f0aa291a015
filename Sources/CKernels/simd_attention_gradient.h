// Part of simd_body.h: the backward pass of attention (plain_training.h has the formulas).
//
// Per (sequence, head), in blocks of queries: scores and probabilities again, the gradients of both, dq, and then what the
// block adds to dk and dv, while the block's probabilities and gradients are in the cache. How many queries are a block
// depends on the length alone.
enum { GRADIENT_BLOCK = 32768 };  // probabilities of a block: 128 KiB, and as many gradients

// Groups of AR queries that are a block.
INLINE size_t gradient_groups(size_t length) {
    const size_t groups = (length + AR - 1) / AR, fit = GRADIENT_BLOCK / (up(length, W) * AR);
    return fit < 1 ? 1 : (fit < groups ? fit : groups);
}

static size_t NAME(attention_gradient_scratch)(size_t length, size_t d) {
    const size_t keys = up(length, PAIR), dims = up(d, PAIR), rows = gradient_groups(length) * AR;
    return (2 * keys * d + 3 * length * dims + 2 * rows * dims + 2 * rows * keys + keys + AR * dims) * sizeof(float) +
           16 * CK_SCRATCH_ALIGNMENT;
}

// c[rows][vectors · W] += aᵀ · panel: a [k][..] with leading dimension lda, its first `rows` columns; panel [k][PAIR].
INLINE void transposed_tile(const int rows, const int vectors, size_t k, const float *a, size_t lda, const float *panel,
                            float *c, size_t ldc) {
    vf acc[AR][2];
    UNROLLED for (int i = 0; i < rows; i++) {
        acc[i][0] = load(c + (size_t)i * ldc);
        acc[i][1] = vectors == 2 ? load(c + (size_t)i * ldc + W) : acc[i][0];
    }
#define STEP_K                                                                                                        \
    {                                                                                                                 \
        vf x0 = load(panel), x1 = vectors == 2 ? load(panel + W) : x0;                                                \
        UNROLLED for (int i = 0; i < rows; i++) {                                                                     \
            vf s = splat(a[i]);                                                                                       \
            acc[i][0] = fma_(s, x0, acc[i][0]);                                                                       \
            if (vectors == 2) acc[i][1] = fma_(s, x1, acc[i][1]);                                                     \
        }                                                                                                             \
        a += lda, panel += PAIR;                                                                                      \
    }
    size_t kk = 0;
    for (; kk + 2 <= k; kk += 2) {
        UNROLLED for (int u = 0; u < 2; u++) STEP_K
    }
    if (kk < k) STEP_K
#undef STEP_K
    UNROLLED for (int i = 0; i < rows; i++) {
        store(c + (size_t)i * ldc, acc[i][0]);
        if (vectors == 2) store(c + (size_t)i * ldc + W, acc[i][1]);
    }
}

#define TRANSPOSED_TILES(ROWS)                                                                                        \
    static __attribute__((noinline)) void NAME(transposed_tile_##ROWS##_1)(                                           \
        size_t k, const float *a, size_t lda, const float *panel, float *c, size_t ldc) {                             \
        transposed_tile(ROWS, 1, k, a, lda, panel, c, ldc);                                                           \
    }                                                                                                                 \
    static __attribute__((noinline)) void NAME(transposed_tile_##ROWS##_2)(                                           \
        size_t k, const float *a, size_t lda, const float *panel, float *c, size_t ldc) {                             \
        transposed_tile(ROWS, 2, k, a, lda, panel, c, ldc);                                                           \
    }
#define BOTH(ROWS) {NAME(transposed_tile_##ROWS##_1), NAME(transposed_tile_##ROWS##_2)}

TRANSPOSED_TILES(1)
TRANSPOSED_TILES(2)
TRANSPOSED_TILES(3)
TRANSPOSED_TILES(4)
TRANSPOSED_TILES(5)
TRANSPOSED_TILES(6)
#if W == 16
TRANSPOSED_TILES(7)
TRANSPOSED_TILES(8)
TRANSPOSED_TILES(9)
TRANSPOSED_TILES(10)
TRANSPOSED_TILES(11)
TRANSPOSED_TILES(12)
#endif

static const attention_tiles NAME(transposed_tiles)[AR + 1][2] = {
    {0}, BOTH(1), BOTH(2), BOTH(3), BOTH(4), BOTH(5), BOTH(6),
#if W == 16
    BOTH(7), BOTH(8), BOTH(9), BOTH(10), BOTH(11), BOTH(12),
#endif
};
#undef TRANSPOSED_TILES
#undef BOTH

// sums[length][dims] += aᵀ · panels: a [k][length] with leading dimension lda, panels [dims / PAIR][k][PAIR].
INLINE void add_transposed_product(size_t length, size_t k, const float *a, size_t lda, const float *panels, size_t dims,
                                   float *sums) {
    const size_t groups = (length + AR - 1) / AR;
    for (size_t j = 0; j < dims; j += PAIR)
        for (size_t group = 0, key = 0, rows; group < groups; group++, key += rows) {
            rows = group_rows(length, group, groups);
            NAME(transposed_tiles)[rows][j + PAIR <= dims](k, a + key, lda, panels + j * k, sums + key * dims + j, dims);
        }
}

// From a row's powers of scores and `inverse`, one over their sum, and the gradients of its dropped probabilities: the
// probabilities as they were dropped and the gradients of q·kᵀ, in their places. The row is value `index` on of the pass.
INLINE void gradient_row(const bool drops, const draws *d, uint64_t index, float scale, float inverse, size_t keys,
                         float *probabilities, float *gradients, float *kept) {
    vf sum = splat(0.0f);
    for (size_t j = 0; j < keys; j += W) {
        const vf p = load(probabilities + j) * splat(inverse);
        vf g = load(gradients + j), stays = p;
        if (drops) {
            const vf factor = kept_(d, index + j);
            g *= factor, stays = p * factor;
            store(gradients + j, g);
            store(kept + j, p);
        }
        store(probabilities + j, stays);
        sum = fma_(p, g, sum);
    }
    const vf mean = splat(sum_lanes(sum));
    const float *p = drops ? kept : probabilities;
    for (size_t j = 0; j < keys; j += W)
        store(gradients + j, load(p + j) * (load(gradients + j) - mean) * splat(scale));
}

INLINE void store_rows(const float *source, size_t dims, size_t rows, size_t d, float *out, size_t ldout) {
    for (size_t i = 0; i < rows; i++) {
        size_t j = 0;
        for (; j + W <= d; j += W) store(out + i * ldout + j, load(source + i * dims + j));
        for (; j < d; j++) out[i * ldout + j] = source[i * dims + j];
    }
}

INLINE void attention_gradient_of(const bool drops, const ck_attention_gradient *t, void *scratch) {
    const size_t length = t->length, d = t->d, keys = up(length, W), dims = up(d, W);
    const size_t queries = t->queries, groups = (queries + AR - 1) / AR;
    const size_t step = gradient_groups(length), most = step * AR;
    const float scale = 1.0f / sqrtf((float)d);

    ck_scratch s = {scratch};
    float *key_columns = ck_take(&s, up(keys, PAIR) * d);    // [key / PAIR][d][PAIR]
    float *value_columns = ck_take(&s, up(keys, PAIR) * d);  // the same
    float *key_panels = ck_take(&s, length * up(dims, PAIR));  // [dim / PAIR][length][PAIR]
    float *dk = ck_take(&s, length * dims), *dv = ck_take(&s, length * dims);
    float *query_panels = ck_take(&s, most * up(dims, PAIR));  // [dim / PAIR][queries of the block][PAIR]
    float *dout_panels = ck_take(&s, most * up(dims, PAIR));
    float *probabilities = ck_take(&s, most * keys), *gradients = ck_take(&s, most * keys);
    float *kept = ck_take(&s, keys), *out = ck_take(&s, AR * dims);

    lay_columns(t->k, t->ldqkv, length, d, keys, key_columns);
    lay_columns(t->v, t->ldqkv, length, d, keys, value_columns);
    lay_panels(t->k, t->ldqkv, length, d, key_panels);
    memset(dk, 0, length * dims * sizeof(float));
    memset(dv, 0, length * dims * sizeof(float));

    for (size_t first = 0; first < groups; first += step) {
        const size_t last = groups - first < step ? groups : first + step;
        const size_t start = group_start(queries, first, groups), block = group_start(queries, last, groups) - start;
        for (size_t group = first, q0 = start, rows; group < last; group++, q0 += rows) {
            rows = group_rows(queries, group, groups);
            float *p = probabilities + (q0 - start) * keys, *g = gradients + (q0 - start) * keys;
            NAME(product)(rows, d, t->q + q0 * t->ldqkv, t->ldqkv, key_columns, keys, p, keys);
            NAME(product)(rows, d, t->dout + q0 * t->lddout, t->lddout, value_columns, keys, g, keys);
            for (size_t i = 0; i < rows; i++) {
                const float inverse = softmax_row(p + i * keys, scale, length, keys);
                const uint64_t index = t->offset + (q0 + i) * length;
                const draws drawn = draws_from(t->dropout, index);
                gradient_row(drops, &drawn, index, scale, inverse, keys, p + i * keys, g + i * keys, kept);
            }
            NAME(product)(rows, length, g, keys, key_panels, dims, out, dims);
            store_rows(out, dims, rows, d, t->dq + q0 * t->lddqkv, t->lddqkv);
        }
        lay_panels(t->q + start * t->ldqkv, t->ldqkv, block, d, query_panels);
        lay_panels(t->dout + start * t->lddout, t->lddout, block, d, dout_panels);
        add_transposed_product(length, block, gradients, keys, query_panels, dims, dk);
        add_transposed_product(length, block, probabilities, keys, dout_panels, dims, dv);
    }
    for (size_t i = queries; i < length; i++) memset(t->dq + i * t->lddqkv, 0, d * sizeof(float));
    store_rows(dk, dims, length, d, t->dk, t->lddqkv);
    store_rows(dv, dims, length, d, t->dv, t->lddqkv);
}

static void NAME(attention_gradient)(const ck_attention_gradient *t, void *scratch) {
    if (t->dropout.rate > 0.0f)
        attention_gradient_of(true, t, scratch);
    else
        attention_gradient_of(false, t, scratch);
}
