// Part of simd_body.h: rows as the tiles read them.

// Rows are cut into ⌈rows / MR⌉ groups of nearly the same size: a tile of few rows would wait for its own sums.
INLINE size_t group_rows(size_t rows, size_t group, size_t groups) {
    return rows / groups + (group < rows % groups ? 1 : 0);
}
INLINE size_t group_start(size_t rows, size_t group, size_t groups) {
    const size_t rest = rows % groups;
    return rows / groups * group + (group < rest ? group : rest);
}

// Words of k that a tile adds up at a time: as many of a panel, 24 KiB of floats, lie in L1.
enum { K_BLOCK = 256 };

// Whether words of a weight are expanded to two float32 before they are multiplied.
INLINE bool is_expanded(ck_format format) {
#if defined(PAIRS)
    (void)format;
    return false;
#else
    return format == CK_FORMAT_BFLOAT16;
#endif
}
INLINE size_t block_words(ck_format format) { return is_expanded(format) ? K_BLOCK / 2 : K_BLOCK; }

typedef float v4 __attribute__((vector_size(16)));
typedef float v4u __attribute__((vector_size(16), aligned(4)));
typedef uint32_t u4 __attribute__((vector_size(16)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v8u __attribute__((vector_size(32), aligned(4)));
typedef uint32_t u8 __attribute__((vector_size(32)));

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

// n rows and k values of x as [padded][n], zeros from k on.
INLINE void pack_group(const float *x, size_t ldx, size_t n, size_t k, size_t padded, float *out) {
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
    for (; i < k; i++) {
        const float code = nearbyintf((x[i] - s.low) * s.inverse);
        codes[i] = code > 0.0f ? (uint8_t)code : 0;  // not a number in a row that is not finite
    }
    for (; i % 4 != 0; i++) codes[i] = 0;
}

#if defined(PAIRS)
// out[i] = the nearest bfloat16 of x[i], and a zero up to a whole word.
INLINE void round_inputs(const float *x, size_t k, uint32_t *words) {
    char *out = (char *)words;  // of halves: bytes may alias the words that are read later
    size_t i = 0;
#if !defined(EMULATED)
    for (; i + 2 * W <= k; i += 2 * W) {
        __m512bh halves = _mm512_cvtne2ps_pbh((__m512)load(x + i + W), (__m512)load(x + i));
        memcpy(out + 2 * i, &halves, sizeof halves);
    }
#endif
    for (; i < k; i++) {
        const uint16_t half = ck_to_bfloat16(x[i]);
        memcpy(out + 2 * i, &half, sizeof half);
    }
    if (i % 2 != 0) memset(out + 2 * i, 0, 2);
}
#endif

// Prepared rows: the words of each block of k in turn, in it the groups one after the other, each [words][rows of the
// group]. A word is a float32, for int8 four codes and, where such words are multiplied, two bfloat16. For int8 the
// rows' scales come first.
typedef struct {
    row_scale *scales;
    float *rows;
} prepared_rows;

static size_t NAME(groups)(size_t rows) { return (rows + MR - 1) / MR; }

INLINE size_t floats_of(ck_format format, size_t words) { return is_expanded(format) ? 2 * words : words; }

static size_t NAME(prepared_bytes)(ck_format format, size_t m, size_t k) {
    size_t scales = format == CK_FORMAT_INT8 ? (m * sizeof(row_scale) + 63) / 64 * 64 : 0;
    return scales + m * floats_of(format, ck_words(format, k)) * sizeof(float);
}

INLINE prepared_rows in_prepared(void *memory, ck_format format, size_t m) {
    size_t scales = format == CK_FORMAT_INT8 ? (m * sizeof(row_scale) + 63) / 64 * 64 : 0;
    return (prepared_rows){memory, (float *)(void *)((char *)memory + scales)};
}

static void NAME(prepare)(const ck_linear *t, size_t g0, size_t g1, void *memory) {
    const prepared_rows p = in_prepared(memory, t->format, t->m);
    const size_t groups = NAME(groups)(t->m), words = ck_words(t->format, t->k);
    const size_t block = block_words(t->format), values = ck_word_values(t->format);
    for (size_t g = g0; g < g1; g++) {
        const size_t n = group_rows(t->m, g, groups), row = group_start(t->m, g, groups);
        const float *x = t->x + row * t->ldx;
        if (t->format == CK_FORMAT_INT8)
            for (size_t i = 0; i < n; i++) p.scales[row + i] = measure_row(x + i * t->ldx, t->k);
        for (size_t word = 0; word < words; word += block) {
            const size_t count = words - word < block ? words - word : block;
            const size_t k0 = word * values, k = t->k - k0 < count * values ? t->k - k0 : count * values;
            const size_t floats = floats_of(t->format, count);
            float *out = p.rows + t->m * floats_of(t->format, word) + row * floats;
            if (t->format == CK_FORMAT_INT8) {
                uint32_t codes[MR * K_BLOCK];
                for (size_t i = 0; i < n; i++)
                    quantize_inputs(x + i * t->ldx + k0, k, p.scales[row + i], (uint8_t *)(codes + i * count));
                pack_group((const float *)(const void *)codes, count, n, count, count, out);
#if defined(PAIRS)
            } else if (t->format == CK_FORMAT_BFLOAT16) {
                uint32_t pairs[MR * K_BLOCK];
                for (size_t i = 0; i < n; i++) round_inputs(x + i * t->ldx + k0, k, pairs + i * count);
                pack_group((const float *)(const void *)pairs, count, n, count, count, out);
#endif
            } else {
                pack_group(x + k0, t->ldx, n, k, floats, out);
            }
        }
    }
}

// MARK: - Rows that are stored as columns

// The nearest bfloat16, ties to even, in the high halves of words, of which the low ones are left as they come; NaN stays NaN.
#define HIGH_HALVES(X, WORDS)                                                                                         \
    const WORDS bits = (WORDS)(X), rounded = bits + 0x7fffu + (bits >> 16 & 1u);                                      \
    const WORDS nan = (WORDS)((bits & 0x7fffffffu) > 0x7f800000u);                                                    \
    return (nan & (bits | 0x00400000u)) | (~nan & rounded);
INLINE u4 high_halves(v4 x) { HIGH_HALVES(x, u4) }
INLINE u8 high_halves8(v8 x) { HIGH_HALVES(x, u8) }
#undef HIGH_HALVES

// Words of two k of four or eight columns: the first in the low bits.
INLINE v4 pair_halves(v4 first, v4 second) {
    return (v4)(high_halves(first) >> 16 | (high_halves(second) & 0xffff0000u));
}
INLINE v8 pair_halves8(v8 first, v8 second) {
    return (v8)(high_halves8(first) >> 16 | (high_halves8(second) & 0xffff0000u));
}

// One k of a group's rows, 1 ≤ n ≤ MR, side by side.
INLINE void copy_rows(const float *x, size_t n, float *out) {
    if (n < 4) {
        for (size_t i = 0; i < n; i++) out[i] = x[i];
        return;
    }
    v4 first = *(const v4u *)x, last = *(const v4u *)(x + n - 4);
    *(v4u *)out = first, *(v4u *)(out + n - 4) = last;
}

#if defined(PAIRS)
// Two k of them as words of two bfloat16; `second` may be null.
INLINE void pair_rows(const float *first, const float *second, size_t n, float *out) {
    for (size_t i = 0; i < n;) {
        if (n >= 4) {
            const size_t at = i + 4 <= n ? i : n - 4;
            const v4 zero = {0};
            *(v4u *)(out + at) = pair_halves(*(const v4u *)(first + at), second ? (v4)*(const v4u *)(second + at) : zero);
            i += 4;
        } else {
            const uint32_t word = ck_to_bfloat16(first[i]) | (uint32_t)(second ? ck_to_bfloat16(second[i]) : 0) << 16;
            memcpy(out + i++, &word, sizeof word);
        }
    }
}
#endif

// Some k at a time, for all groups: a cache line of x has the values of more than one.
enum { TRANSPOSED_STEP = 16 };

static void NAME(prepare_transposed)(const ck_linear *t, size_t g0, size_t g1, void *memory) {
    const prepared_rows p = in_prepared(memory, t->format, t->m);
    const size_t groups = NAME(groups)(t->m), words = ck_words(t->format, t->k);
    const size_t block = block_words(t->format), values = ck_word_values(t->format);
    for (size_t word = 0; word < words; word += block) {
        const size_t count = words - word < block ? words - word : block;
        const size_t floats = floats_of(t->format, count);
        float *const start = p.rows + t->m * floats_of(t->format, word);
        const bool pairs = t->format == CK_FORMAT_BFLOAT16 && !is_expanded(t->format);
        for (size_t at = 0; at < floats; at += TRANSPOSED_STEP) {
            const size_t end = floats - at < TRANSPOSED_STEP ? floats : at + TRANSPOSED_STEP;
            for (size_t g = g0; g < g1; g++) {
                const size_t n = group_rows(t->m, g, groups), row = group_start(t->m, g, groups);
                for (size_t i = at; i < end; i++) {
                    const size_t k = word * values + (pairs ? 2 * i : i);
                    const float *x = t->x + k * t->ldx + row;
                    float *out = start + row * floats + i * n;
#if defined(PAIRS)
                    if (pairs) {
                        pair_rows(x, k + 1 < t->k ? x + t->ldx : 0, n, out);
                        continue;
                    }
#endif
                    if (k < t->k)
                        copy_rows(x, n, out);
                    else
                        memset(out, 0, n * sizeof(float));
                }
            }
        }
    }
}
