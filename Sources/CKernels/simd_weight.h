// Part of simd_body.h: weights that change, packed as pack.c packs them: the same bytes.

// k of a panel that are packed at a time: its words and the rows they come from lie in L1.
enum { PACK_STEP = 64, PACK_ROWS = 16 };

// k values of a row as words of two bfloat16.
INLINE void pair_values(const float *x, size_t k, float *words) {
    size_t i = 0;
    for (; i + 8 <= k; i += 8) {
        const v4 a = *(const v4u *)(x + i), b = *(const v4u *)(x + i + 4);
        *(v4u *)(words + i / 2) =
            pair_halves(__builtin_shufflevector(a, b, 0, 2, 4, 6), __builtin_shufflevector(a, b, 1, 3, 5, 7));
    }
    for (; i < k; i += 2) {
        const uint32_t word = ck_to_bfloat16(x[i]) | (uint32_t)(i + 1 < k ? ck_to_bfloat16(x[i + 1]) : 0) << 16;
        memcpy(words + i / 2, &word, sizeof word);
    }
}

// `columns` rows of `words` words as the columns of a panel, zeros beside them.
INLINE void pack_columns(const float *rows, size_t ld, size_t columns, size_t words, float *panel) {
    size_t j = 0;
    for (; j + 4 <= columns; j += 4) {
        size_t i = 0;
        for (; i + 4 <= words; i += 4) transpose4(rows + j * ld + i, ld, panel + i * CK_PANEL + j, CK_PANEL);
        for (; i < words; i++)
            for (size_t c = j; c < j + 4; c++) panel[i * CK_PANEL + c] = rows[c * ld + i];
    }
    for (; j < CK_PANEL; j++)
        for (size_t i = 0; i < words; i++) panel[i * CK_PANEL + j] = j < columns ? rows[j * ld + i] : 0.0f;
}

INLINE void pack_panel(const ck_packing *t, size_t columns, const float *source, float *panel) {
    const size_t values = ck_word_values(t->format);
    for (size_t k = 0; k < t->k; k += PACK_STEP) {
        const size_t count = t->k - k < PACK_STEP ? t->k - k : PACK_STEP;
        float *out = panel + k / values * CK_PANEL;
        if (t->format == CK_FORMAT_FLOAT32) {
            pack_columns(source + k, t->ld, columns, count, out);
        } else {
            float pairs[CK_PANEL * PACK_STEP / 2];
            for (size_t j = 0; j < columns; j++) pair_values(source + j * t->ld + k, count, pairs + j * (PACK_STEP / 2));
            pack_columns(pairs, PACK_STEP / 2, columns, (count + 1) / 2, out);
        }
    }
}

// Rows k and, for bfloat16, k + 1 of a weight stored [k, n] as one row of words of a panel; `second` may be null.
INLINE void pack_words(ck_format format, const float *first, const float *second, size_t columns, float *out) {
    float edge[2][CK_PANEL] = {{0}};
    if (columns < CK_PANEL) {
        memcpy(edge[0], first, columns * sizeof(float));
        if (second) memcpy(edge[1], second, columns * sizeof(float));
        first = edge[0], second = second ? edge[1] : 0;
    }
    if (format == CK_FORMAT_FLOAT32) {
        memcpy(out, first, CK_PANEL * sizeof(float));
        return;
    }
    if (!second) second = edge[1];
    UNROLLED for (size_t j = 0; j < CK_PANEL; j += 8)
        *(v8u *)(out + j) = pair_halves8(*(const v8u *)(first + j), *(const v8u *)(second + j));
}

static void NAME(pack)(const ck_packing *t, size_t p0, size_t p1) {
    const size_t values = ck_word_values(t->format), words = ck_words(t->format, t->k);
    float *packed = t->packed;
#define COLUMNS_OF(P) (t->n - (P) * CK_PANEL < CK_PANEL ? t->n - (P) * CK_PANEL : CK_PANEL)
    if (!t->transposed) {
        for (size_t p = p0; p < p1; p++)
            pack_panel(t, COLUMNS_OF(p), t->source + p * CK_PANEL * t->ld, packed + p * words * CK_PANEL);
        return;
    }
    for (size_t start = 0; start < words; start += PACK_ROWS) {
        const size_t end = words - start < PACK_ROWS ? words : start + PACK_ROWS;
        for (size_t p = p0; p < p1; p++) {
            const size_t columns = COLUMNS_OF(p);
            for (size_t i = start; i < end; i++) {
                const float *row = t->source + i * values * t->ld + p * CK_PANEL;
                const float *second = values == 2 && 2 * i + 1 < t->k ? row + t->ld : 0;
                float *out = packed + (p * words + i) * CK_PANEL;
                if (columns == CK_PANEL)
                    pack_words(t->format, row, second, CK_PANEL, out);
                else
                    pack_words(t->format, row, second, columns, out);
            }
        }
    }
#undef COLUMNS_OF
}
