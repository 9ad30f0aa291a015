// Part of simd_body.h: rows as the tiles read them.

// Rows are cut into ⌈rows / MR⌉ groups of nearly the same size: a tile of few rows would wait for its own sums.
INLINE size_t group_rows(size_t rows, size_t group, size_t groups) {
    return rows / groups + (group < rows % groups ? 1 : 0);
}

typedef float v4 __attribute__((vector_size(16)));
typedef float v4u __attribute__((vector_size(16), aligned(4)));

// Four k of four rows, transposed: out[k·stride + row].
INLINE void transpose4(const float *x, size_t ldx, float *out, size_t stride) {
    v4 a = *(const v4u *)x, b = *(const v4u *)(x + ldx), c = *(const v4u *)(x + 2 * ldx), d = *(const v4u *)(x + 3 * ldx);
    v4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    v4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(v4u *)out = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    *(v4u *)(out + stride) = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    *(v4u *)(out + 2 * stride) = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
    *(v4u *)(out + 3 * stride) = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
}

// Rows [0, rows) and k values of x into groups: [group][padded][rows of the group], zeros from k on.
static void NAME(pack_rows)(const float *x, size_t ldx, size_t rows, size_t k, size_t padded, float *out) {
    const size_t groups = (rows + MR - 1) / MR;
    for (size_t group = 0; group < groups; group++) {
        const size_t n = group_rows(rows, group, groups);
        // the rows are short pieces of as many pages, which the hardware does not foresee
        for (size_t j = n; j < 2 * n && group + 1 < groups; j++)
            for (size_t kk = 0; kk < k; kk += 16) __builtin_prefetch(x + j * ldx + kk);
        size_t i = 0;
        for (; i + 4 <= n; i += 4) {
            size_t kk = 0;
            for (; kk + 4 <= k; kk += 4) transpose4(x + i * ldx + kk, ldx, out + kk * n + i, n);
            for (; kk < k; kk++)
                for (size_t j = i; j < i + 4; j++) out[kk * n + j] = x[j * ldx + kk];
        }
        for (; i < n; i++)
            for (size_t kk = 0; kk < k; kk++) out[kk * n + i] = x[i * ldx + kk];
        for (size_t kk = k; kk < padded; kk++)
            for (i = 0; i < n; i++) out[kk * n + i] = 0.0f;
        out += n * padded, x += n * ldx;
    }
}

// What a row of int8 products is quantised by.
typedef struct {
    float low, step, inverse;
} row_scale;

// step = (largest − least) / 255; NaN where the row is not finite, so that its products are NaN too.
INLINE row_scale measure_row(const float *x, size_t k) {
    float lo = x[0], hi = x[0], sum = 0.0f;
    size_t i = 0;
    if (k >= W) {
        vf least = load(x), most = least, total = splat(0.0f);
        for (; i + W <= k; i += W) {
            vf v = load(x + i);
            least = min_(least, v), most = max_(most, v), total += v;
        }
        lo = min_lanes(least), hi = max_lanes(most), sum = sum_lanes(total);
    }
    for (; i < k; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi, sum += x[i];
    row_scale s = {lo, (hi - lo) * (1.0f / (float)CK_INPUT_LEVELS), 0.0f};
    if (!isfinite(sum)) {
        s.step = NAN;
    } else if (hi > lo) {
        s.inverse = (float)CK_INPUT_LEVELS / (hi - lo);
    }
    return s;
}

// codes[i] = round((x[i] − low) · inverse), and zeros up to a whole word.
INLINE void quantize_inputs(const float *x, size_t k, row_scale s, uint8_t *codes) {
    size_t i = 0;
#define CODES(AT) ((load(x + i + AT) - splat(s.low)) * splat(s.inverse))
#if W == 8
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (; i + 32 <= k; i += 32) {
        __m256i a = _mm256_packs_epi32(_mm256_cvtps_epi32(CODES(0)), _mm256_cvtps_epi32(CODES(8)));
        __m256i b = _mm256_packs_epi32(_mm256_cvtps_epi32(CODES(16)), _mm256_cvtps_epi32(CODES(24)));
        __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order);
        _mm256_storeu_si256((__m256i *)(codes + i), bytes);
    }
#elif !defined(EMULATED)
    for (; i + W <= k; i += W)
        _mm_storeu_si128((__m128i *)(codes + i), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(CODES(0))));
#endif
#undef CODES
    for (; i < k; i++) codes[i] = (uint8_t)nearbyintf((x[i] - s.low) * s.inverse);
    for (; i % 4 != 0; i++) codes[i] = 0;
}

// Values [k0, k0 + k) of rows [0, rows) of x as words of four codes, in the groups of pack_rows. With k0 = 0 the rows are
// measured, over all their `length` values. `codes` has room for MR rows of whole words.
static void NAME(pack_codes)(const float *x, size_t ldx, size_t rows, size_t k0, size_t k, size_t length,
                             row_scale *scales, uint8_t *codes, float *out) {
    const size_t groups = (rows + MR - 1) / MR, words = (k + 3) / 4;
    for (size_t group = 0; group < groups; group++) {
        const size_t n = group_rows(rows, group, groups);
        for (size_t i = 0; i < n; i++) {
            const float *row = x + i * ldx;
            if (k0 == 0) scales[i] = measure_row(row, length);
            if (group + 1 < groups)
                for (size_t kk = 0; kk < k; kk += 16) __builtin_prefetch(row + n * ldx + k0 + kk);
            quantize_inputs(row + k0, k, scales[i], codes + i * words * 4);
        }
        NAME(pack_rows)((const float *)(const void *)codes, words, n, words, words, out);
        out += n * words, x += n * ldx, scales += n;
    }
}
