// Part of simd_body.h: linear layers.
//
// A call computes some groups of prepared rows (simd_pack.h) and some panels. Of each it takes K_BLOCK words of k at a
// time: a panel's, expanded to float32 if they are bfloat16, lie in L1, while the rows' stream from L2, where the sums
// stay too. 36 groups of four rows have 144 KiB of such words and, with 16 panels, 216 KiB of sums.
enum { ROW_BLOCK = 144, PAGE = 4096 };

static size_t NAME(linear_scratch)(void) { return K_BLOCK * TILE * sizeof(float) + CK_SCRATCH_ALIGNMENT; }

// What turns the integer sums of a row into float32: (step · sum + low · code sum) · scale + bias.
typedef struct {
    const row_scale *rows;
    const float *scales, *code_sums, *bias;
} dequantization;

INLINE vf dequantize(row_scale row, vf sums, vf scales, vf code_sums, vf bias) {
    vf value = __builtin_convertvector((vi)sums, vf);
    return fma_(fma_(splat(row.step), value, splat(row.low) * code_sums), scales, bias);
}

// One row of a finished tile, from `sums` to y, which may be the same: `kind` is a constant, so that the choice is made
// once a tile. `d` may be null; it is that of the tile's first column.
INLINE void finish_row(ck_activation kind, const dequantization *d, size_t row, const float *residual,
                       const float *sums, float *y, size_t columns) {
    size_t j = 0;
    if (columns % TILE == 0) {
        // three vectors at a time: one's divisions run while another's polynomials do
        for (; j < columns; j += TILE) {
            triple v = load_triple(sums + j);
            if (d) {
                triple scales = load_triple(d->scales + j), code_sums = load_triple(d->code_sums + j);
                triple bias = load_triple(d->bias + j);
                UNROLLED for (int i = 0; i < 3; i++)
                    v.v[i] = dequantize(d->rows[row], v.v[i], scales.v[i], code_sums.v[i], bias.v[i]);
            }
            if (residual) {
                triple r = load_triple(residual + j);
                UNROLLED for (int i = 0; i < 3; i++) v.v[i] += r.v[i];
            }
            UNROLLED for (int i = 0; i < 3; i++) v.v[i] = activation_(kind, v.v[i]);
            store_triple(y + j, v);
        }
        return;
    }
    for (; j < columns; j += W) {
        size_t n = columns - j < W ? columns - j : W;
        vf v = load_partial(sums + j, n, 0.0f);
        // scales, sums and bias have whole panels
        if (d) v = dequantize(d->rows[row], v, load(d->scales + j), load(d->code_sums + j), load(d->bias + j));
        if (residual) v += load_partial(residual + j, n, 0.0f);
        store_partial(y + j, activation_(kind, v), n);
    }
}

INLINE void finish_tile(const ck_linear *t, const dequantization *d, size_t row, size_t rows, size_t column,
                        size_t columns, const float *sums, size_t ldsums) {
    const float *residual = t->residual ? t->residual + row * t->ldresidual + column : 0;
    float *y = t->y + row * t->ldy + column;
#define ROWS_OF(KIND)                                                                                                 \
    case KIND:                                                                                                        \
        for (size_t i = 0; i < rows; i++)                                                                             \
            finish_row(KIND, d, i, residual ? residual + i * t->ldresidual : 0, sums + i * ldsums, y + i * t->ldy,    \
                       columns);                                                                                      \
        break;
    switch (t->activation) {
        ROWS_OF(CK_ACTIVATION_NONE)
        ROWS_OF(CK_ACTIVATION_GELU)
        ROWS_OF(CK_ACTIVATION_GELU_TANH)
        ROWS_OF(CK_ACTIVATION_RELU)
        ROWS_OF(CK_ACTIVATION_SILU)
        ROWS_OF(CK_ACTIVATION_TANH)
    }
#undef ROWS_OF
}

// Residual and activation over a finished tile of floats, which is in L1.
static void NAME(finish)(const ck_linear *t, size_t row, size_t rows, size_t column, size_t columns) {
    finish_tile(t, 0, row, rows, column, columns, t->y + row * t->ldy + column, t->ldy);
}

// The same of a tile of integer sums.
static __attribute__((noinline)) void NAME(finish_integers)(const ck_linear *t, const dequantization *d, size_t row,
                                                            size_t rows, size_t column, size_t columns,
                                                            const float *sums, size_t ldsums) {
    finish_tile(t, d, row, rows, column, columns, sums, ldsums);
}

// `words` words of a bfloat16 panel, two k each, to float32 [2 · words][24].
INLINE void expand_panel(const uint32_t *panel, size_t words, float *out) {
    typedef uint32_t v8i __attribute__((vector_size(32)));
    typedef uint32_t v8iu __attribute__((vector_size(32), aligned(4)));
    for (size_t i = 0; i < words; i++, panel += CK_PANEL, out += 2 * CK_PANEL) {
        UNROLLED for (int j = 0; j < CK_PANEL; j += 8) {
            v8i word = *(const v8iu *)(panel + j);
            *(v8iu *)(out + j) = word << 16;
            *(v8iu *)(out + CK_PANEL + j) = word & 0xffff0000u;
        }
    }
}

// What all tiles of a block of words have in common.
typedef struct {
    const ck_linear *task;
    prepared_rows prepared;
    float *expanded;
    size_t first, last, groups;     // the call's groups, of all
    size_t p0, p1;                  // its panels
    size_t word, words, all_words;  // this block's first word, their number, and that of a whole row
    size_t every, lines, pace;      // how the next panels are asked for
    const packed_tile *tiles;
} linear_block;

// Panels p and, where a tile has two, p + 1, for the call's groups.
INLINE void compute_panels(const ck_format format, const linear_block *b, size_t p, size_t panels) {
    const ck_linear *t = b->task;
    const size_t column = p * CK_PANEL, k = floats_of(format, b->words);
    const size_t columns = t->n - column < panels * CK_PANEL ? t->n - column : panels * CK_PANEL;
    const bool last = b->word + b->words == b->all_words, whole = columns == TILE;
    const float *stored = (const float *)t->packed + (p * b->all_words + b->word) * CK_PANEL;
    const float *b0 = stored, *b1 = panels == 2 ? stored + b->all_words * CK_PANEL : stored;
    if (is_expanded(format)) {
        float *expanded = b->expanded;
        expand_panel((const uint32_t *)b0, b->words, expanded);
        if (panels == 2) expand_panel((const uint32_t *)b1, b->words, expanded + k * CK_PANEL);
        b0 = expanded, b1 = panels == 2 ? expanded + k * CK_PANEL : expanded;
    }
    float bias[TILE], zero[TILE];
    for (size_t j = 0; j < TILE; j++) {
        bias[j] = t->bias && j < columns ? t->bias[column + j] : 0.0f;
        zero[j] = 0.0f;
    }
    const bool onward = b->word > 0 || (format != CK_FORMAT_INT8 && t->accumulate);  // the sums begin at what is in y
    const float *start = onward ? 0 : (format == CK_FORMAT_INT8 ? zero : bias);
    dequantization d = {0, 0, 0, bias};
    float scales[TILE] = {0}, sums[TILE] = {0};
    if (format == CK_FORMAT_INT8) {
        d.scales = ck_scales(t->packed, t->n, t->k) + column;
        d.code_sums = ck_code_sums(t->packed, t->n, t->k) + column;
        if (!whole && TILE > CK_PANEL) {  // a vector may reach beyond the last panel
            memcpy(scales, d.scales, panels * CK_PANEL * sizeof(float));
            memcpy(sums, d.code_sums, panels * CK_PANEL * sizeof(float));
            d.scales = scales, d.code_sums = sums;
        }
    }
    // What comes after these words of these panels: the next panels', the next words of the first ones, and at last what
    // the next call begins with.
    size_t next = p + STEP < b->p1 ? p + STEP : (last ? b->p1 : b->p0);
    size_t word = p + STEP < b->p1 ? b->word : (last ? 0 : b->word + b->words);
    const char *ahead = (const char *)((const float *)t->packed + (next * b->all_words + word) * CK_PANEL);
    const size_t gap = b->all_words * CK_PANEL * sizeof(float);
    // Their pages first, all at once: looking up a page's address takes longer than a step of a tile can hide.
    for (size_t at = 0; at < b->words * CK_PANEL * sizeof(float); at += PAGE)
        for (size_t i = 0; i < STEP; i++) __builtin_prefetch(ahead + i * gap + at, 0, 2);
    size_t row = group_start(t->m, b->first, b->groups);
    const float *a = b->prepared.rows + t->m * floats_of(format, b->word) + row * k;
    for (size_t group = b->first, n; group < b->last; group++, row += n) {
        n = group_rows(t->m, group, b->groups);
        float *y = t->y + row * t->ldy + column;
        // The last columns, and integers that are done after one block of words, are computed aside.
        const bool aside = !whole || (format == CK_FORMAT_INT8 && b->words == b->all_words);
        float edge[MR * TILE];
        if (aside) {
            for (size_t i = 0; i < n; i++) {
                if (onward) memcpy(edge + i * TILE, y + i * t->ldy, columns * sizeof(float));
                // where the results will go is asked for now
                for (size_t j = 0; j < columns; j += LINE) __builtin_prefetch(y + i * t->ldy + j, 1, 3);
            }
            b->tiles[n](k, a, b0, b1, start, edge, TILE, ahead, gap, b->pace);
        } else {
            b->tiles[n](k, a, b0, b1, start, y, t->ldy, ahead, gap, b->pace);
        }
        if (last && format == CK_FORMAT_INT8) {
            d.rows = b->prepared.scales + row;
            NAME(finish_integers)(t, &d, row, n, column, columns, aside ? edge : y, aside ? TILE : t->ldy);
        } else {
            if (aside)
                for (size_t i = 0; i < n; i++) memcpy(y + i * t->ldy, edge + i * TILE, columns * sizeof(float));
            if (last && (t->residual || t->activation != CK_ACTIVATION_NONE))
                NAME(finish)(t, row, n, column, columns);
        }
        a += n * k, ahead += k / b->every * b->lines * b->pace;
    }
}

INLINE void linear_of(const ck_format format, const ck_linear *t, prepared_rows prepared, size_t g0, size_t g1,
                      size_t p0, size_t p1, float *expanded) {
    linear_block b = {.task = t, .prepared = prepared, .expanded = expanded, .first = g0, .last = g1, .p0 = p0, .p1 = p1};
    b.groups = NAME(groups)(t->m);
    b.all_words = ck_words(format, t->k);
    // The next panels' lines, spread over this panel's tiles: as seldom as leaves none out.
    const size_t bytes = CK_PANEL * sizeof(float) / (is_expanded(format) ? 2 : 1);
    size_t choice = PACES - 1;
    while (choice > 0 && steps_between(NAME(paces)[choice]) * bytes > 64 * lines_at_once(NAME(paces)[choice]) * (g1 - g0))
        choice--;
    b.every = steps_between(NAME(paces)[choice]);
    b.lines = lines_at_once(NAME(paces)[choice]);
    b.pace = (b.every * bytes + b.lines * (g1 - g0) - 1) / (b.lines * (g1 - g0));
    const tile_kind kind =
        format == CK_FORMAT_INT8 ? BYTES : (format == CK_FORMAT_BFLOAT16 && !is_expanded(format) ? HALVES : FLOATS);
    b.tiles = NAME(packed_tiles)[kind][choice];
    for (b.word = 0; b.word < b.all_words; b.word += b.words) {
        b.words = b.all_words - b.word < block_words(format) ? b.all_words - b.word : block_words(format);
        for (size_t p = p0; p < p1; p += STEP) compute_panels(format, &b, p, p1 - p < STEP ? p1 - p : STEP);
    }
}

static void NAME(linear)(const ck_linear *t, void *memory, size_t g0, size_t g1, size_t p0, size_t p1, void *scratch) {
    ck_scratch s = {scratch};
    float *expanded = ck_take(&s, K_BLOCK * TILE);
    const prepared_rows p = in_prepared(memory, t->format, t->m);
    switch (t->format) {
        case CK_FORMAT_FLOAT32: linear_of(CK_FORMAT_FLOAT32, t, p, g0, g1, p0, p1, expanded); break;
        case CK_FORMAT_BFLOAT16: linear_of(CK_FORMAT_BFLOAT16, t, p, g0, g1, p0, p1, expanded); break;
        case CK_FORMAT_INT8: linear_of(CK_FORMAT_INT8, t, p, g0, g1, p0, p1, expanded); break;
    }
}
