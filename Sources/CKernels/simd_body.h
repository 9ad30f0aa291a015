// The vector kernels, written once and compiled for each instruction set. The including file defines
//   W   floats of a vector         MR  rows of a register tile (three vectors wide)
//   ISA the ck_isa value           NAME(x) the symbol of x for this set
// and switches the target on around the inclusion.
//
// Each output element is one chain of fused multiply-adds over k in ascending order, begun at the bias: blocking over
// k, the rows in a tile and the split among threads change nothing in it. That is what makes a row's bits independent
// of its batch mates.

#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "erf_coefficients.h"
#include "scratch.h"

typedef float vf __attribute__((vector_size(W * 4)));
typedef float vfu __attribute__((vector_size(W * 4), aligned(4)));
typedef int32_t vi __attribute__((vector_size(W * 4)));

#define UNROLLED _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p) { return *(const vfu *)p; }
INLINE void store(float *p, vf x) { *(vfu *)p = x; }
INLINE vf splat(float x) { return x - (vf){0}; }
INLINE vf fma_(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
INLINE vf max_(vf a, vf b) { return __builtin_elementwise_max(a, b); }
INLINE vf min_(vf a, vf b) { return __builtin_elementwise_min(a, b); }

// Sums the lanes pairwise, halves first: the same order for every call.
INLINE float sum_lanes(vf x) {
    float lanes[W];
    memcpy(lanes, &x, sizeof lanes);
    for (int width = W / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

INLINE float max_lanes(vf x) {
    float lanes[W];
    memcpy(lanes, &x, sizeof lanes);
    float m = lanes[0];
    for (int i = 1; i < W; i++) m = lanes[i] > m ? lanes[i] : m;
    return m;
}

// Loads n < W values, the rest `fill`.
INLINE vf load_partial(const float *p, size_t n, float fill) {
    float lanes[W];
    for (size_t i = 0; i < W; i++) lanes[i] = i < n ? p[i] : fill;
    return load(lanes);
}

INLINE void store_partial(float *p, vf x, size_t n) {
    float lanes[W];
    store(lanes, x);
    memcpy(p, lanes, n * sizeof(float));
}

// MARK: - Functions

// e^x: x = n·ln 2 + r, |r| ≤ ½ ln 2, a polynomial of degree 6 in r, then n added to the exponent. Within 2 ulp on
// [−87, 88]; below that it returns e^−87 ≈ 0, above it e^88.
INLINE vf exp_(vf x) {
    x = min_(max_(x, splat(-87.0f)), splat(88.0f));
    vf n = __builtin_elementwise_roundeven(x * splat(1.44269504f));
    vf r = fma_(n, splat(-0.693145752f), x);
    r = fma_(n, splat(-1.42860677e-6f), r);
    vf p = splat(1.0f / 720.0f);
    p = fma_(p, r, splat(1.0f / 120.0f));
    p = fma_(p, r, splat(1.0f / 24.0f));
    p = fma_(p, r, splat(1.0f / 6.0f));
    p = fma_(p, r, splat(0.5f));
    p = fma_(p, r, splat(1.0f));
    p = fma_(p, r, splat(1.0f));
    vi e = __builtin_convertvector(n, vi) + 127;
    return p * (vf)(e << 23);
}

// erf(x) = x·P(x²)/Q(x²) on |x| ≤ 3.925 (beyond it erf is ±1 in float32). P and Q of degree 5, fitted by ops/fit-erf
// for the least relative error: 1.9e-8 in exact arithmetic, 3.4e-7 absolute as computed here.
INLINE vf erf_(vf x) {
    x = min_(max_(x, splat(-3.925f)), splat(3.925f));
    vf t = x * x;
    vf p = splat(ERF_P5);
    p = fma_(p, t, splat(ERF_P4));
    p = fma_(p, t, splat(ERF_P3));
    p = fma_(p, t, splat(ERF_P2));
    p = fma_(p, t, splat(ERF_P1));
    p = fma_(p, t, splat(ERF_P0));
    vf q = splat(ERF_Q5);
    q = fma_(q, t, splat(ERF_Q4));
    q = fma_(q, t, splat(ERF_Q3));
    q = fma_(q, t, splat(ERF_Q2));
    q = fma_(q, t, splat(ERF_Q1));
    q = fma_(q, t, splat(1.0f));
    return x * p / q;
}

INLINE vf tanh_(vf x) {
    x = min_(max_(x, splat(-10.0f)), splat(10.0f));
    return splat(1.0f) - splat(2.0f) / (exp_(x + x) + splat(1.0f));
}

INLINE vf activation_(ck_activation kind, vf x) {
    switch (kind) {
        case CK_ACTIVATION_NONE: return x;
        case CK_ACTIVATION_GELU: {
            vf half = splat(0.5f) * x;
            return fma_(half, erf_(x * splat(0.707106781f)), half);
        }
        case CK_ACTIVATION_GELU_TANH: {
            vf inner = splat(0.797884561f) * fma_(splat(0.044715f) * x * x, x, x);
            vf half = splat(0.5f) * x;
            return fma_(half, tanh_(inner), half);
        }
        case CK_ACTIVATION_RELU: return max_(x, splat(0.0f));
        case CK_ACTIVATION_SILU: return x / (splat(1.0f) + exp_(-x));
        case CK_ACTIVATION_TANH: return tanh_(x);
    }
    return x;
}

static void NAME(activate)(ck_activation kind, float *x, size_t n) {
    size_t i = 0;
    for (; i + W <= n; i += W) store(x + i, activation_(kind, load(x + i)));
    if (i < n) store_partial(x + i, activation_(kind, load_partial(x + i, n - i, 0.0f)), n - i);
}

// MARK: - The register tile

// A tile is MR rows of three vectors: of the shapes that fit the registers, the one with the fewest loads a
// multiply-add. TILE columns are STEP panels.
enum { TILE = 3 * W, STEP = TILE / CK_PANEL };

typedef struct {
    vf v[3];
} triple;

#if W == 8
INLINE triple load_panels(const float *b0, const float *b1) {
    (void)b1;
    return (triple){{load(b0), load(b0 + 8), load(b0 + 16)}};
}
#else
// 24 columns of each of two panels; the middle vector has the end of one and the start of the other
INLINE triple load_panels(const float *b0, const float *b1) {
    typedef float half __attribute__((vector_size(W * 2), aligned(4)));
    half end = *(const half *)(b0 + 16), start = *(const half *)b1;
    vf middle = __builtin_shufflevector(end, start, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return (triple){{load(b0), middle, load(b1 + 8)}};
}
#endif

INLINE triple load_triple(const float *p) { return (triple){{load(p), load(p + W), load(p + 2 * W)}}; }
INLINE void store_triple(float *p, triple t) { store(p, t.v[0]), store(p + W, t.v[1]), store(p + 2 * W, t.v[2]); }

// acc += *a · x
INLINE void multiply_add_row(triple *acc, const float *a, triple x) {
#if W == 8
    // Sixteen registers are just enough, and only in this order, which compilers do not keep.
    vf s;
    __asm__("vbroadcastss %4, %3\n\t"
            "vfmadd231ps %5, %3, %0\n\t"
            "vfmadd231ps %6, %3, %1\n\t"
            "vfmadd231ps %7, %3, %2"
            : "+x"(acc->v[0]), "+x"(acc->v[1]), "+x"(acc->v[2]), "=&x"(s)
            : "m"(*a), "x"(x.v[0]), "x"(x.v[1]), "x"(x.v[2]));
#else
    vf s = splat(*a);
    UNROLLED for (int j = 0; j < 3; j++) acc->v[j] = fma_(s, x.v[j], acc->v[j]);
#endif
}


// How often a tile asks for a cache line that is needed later: every so many k.
enum { OFTEN = 1, SOMETIMES = 4, SELDOM = 16 };

// c[rows][TILE] += a · b: row i of a at a[i·lda], its next k at + step; b's panels at b0 and b1 (the same where a tile
// is one panel), the next k at + CK_PANEL. With `bias` (TILE values) the sums begin there instead of at c. Every `every`
// k the cache line at `ahead` is asked for, `pace` bytes further each time, and at the start the rows below in c: what
// the next tiles need comes while this one computes. `rows` and `every` are constants.
INLINE void tile(const int rows, const size_t every, size_t k, const float *a, size_t lda, size_t step, const float *b0,
                 const float *b1, const float *bias, float *c, size_t ldc, const char *ahead, size_t pace) {
    triple acc[MR];
    if (bias) {
        triple x = load_triple(bias);
        UNROLLED for (int i = 0; i < rows; i++) acc[i] = x;
    } else {
        UNROLLED for (int i = 0; i < rows; i++) acc[i] = load_triple(c + (size_t)i * ldc);
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        const float *below = c + (size_t)(rows + i) * ldc;
        __builtin_prefetch(below, 1, 3), __builtin_prefetch(below + TILE - 1, 1, 3);
    }
#define STEP_K                                                                                                        \
    {                                                                                                                 \
        triple x = load_panels(b0, b1);                                                                               \
        UNROLLED for (int i = 0; i < rows; i++) multiply_add_row(&acc[i], a + (size_t)i * lda, x);                    \
        a += step, b0 += CK_PANEL, b1 += CK_PANEL;                                                                    \
    }
    size_t rest = k % every;
    for (size_t kk = 0; kk + every <= k; kk += every) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += pace;
        if (every == 1) STEP_K else {
            for (size_t u = 0; u < every; u += 4) {
                UNROLLED for (int v = 0; v < 4; v++) STEP_K
            }
        }
    }
    for (size_t kk = 0; kk < rest; kk++) STEP_K
#undef STEP_K
    UNROLLED for (int i = 0; i < rows; i++) store_triple(c + (size_t)i * ldc, acc[i]);
}

typedef void (*packed_tile)(size_t, const float *, const float *, const float *, const float *, float *, size_t,
                            const char *, size_t);
typedef void (*strided_tile)(size_t, const float *, size_t, const float *, const float *, const float *, float *, size_t);

#define PACKED_TILE(ROWS, EVERY)                                                                                      \
    static __attribute__((noinline)) void NAME(packed_tile_##ROWS##_##EVERY)(                                         \
        size_t k, const float *a, const float *b0, const float *b1, const float *bias, float *c, size_t ldc,          \
        const char *ahead, size_t pace) {                                                                             \
        tile(ROWS, EVERY, k, a, 1, ROWS, b0, b1, bias, c, ldc, ahead, pace);                                          \
    }
#define ROWS_TILE(ROWS)                                                                                               \
    PACKED_TILE(ROWS, OFTEN)                                                                                          \
    PACKED_TILE(ROWS, SOMETIMES)                                                                                      \
    PACKED_TILE(ROWS, SELDOM)                                                                                         \
    static __attribute__((noinline)) void NAME(strided_tile_##ROWS)(size_t k, const float *a, size_t lda,             \
                                                                    const float *b0, const float *b1,                 \
                                                                    const float *bias, float *c, size_t ldc) {        \
        tile(ROWS, SELDOM, k, a, lda, 1, b0, b1, bias, c, ldc, (const char *)b0, 0);                                  \
    }

ROWS_TILE(1)
ROWS_TILE(2)
ROWS_TILE(3)
ROWS_TILE(4)
#if MR > 4
ROWS_TILE(5)
ROWS_TILE(6)
ROWS_TILE(7)
ROWS_TILE(8)
#define TILES(KIND, SUFFIX)                                                                                           \
    {0, NAME(KIND##1##SUFFIX), NAME(KIND##2##SUFFIX), NAME(KIND##3##SUFFIX), NAME(KIND##4##SUFFIX),                   \
     NAME(KIND##5##SUFFIX), NAME(KIND##6##SUFFIX), NAME(KIND##7##SUFFIX), NAME(KIND##8##SUFFIX)}
#else
#define TILES(KIND, SUFFIX)                                                                                           \
    {0, NAME(KIND##1##SUFFIX), NAME(KIND##2##SUFFIX), NAME(KIND##3##SUFFIX), NAME(KIND##4##SUFFIX)}
#endif

// A tile of `rows` rows, 1 ≤ rows ≤ MR: the same arithmetic for each row, whatever their number.
static const packed_tile NAME(packed_tiles)[3][MR + 1] = {TILES(packed_tile_, _OFTEN), TILES(packed_tile_, _SOMETIMES),
                                                          TILES(packed_tile_, _SELDOM)};
static const strided_tile NAME(strided_tiles)[MR + 1] = TILES(strided_tile_, );

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

// Rows [0, rows) and k values of x into groups: [group][k][rows of the group].
static void NAME(pack_rows)(const float *x, size_t ldx, size_t rows, size_t k, float *out) {
    const size_t groups = (rows + MR - 1) / MR;
    for (size_t group = 0; group < groups; group++) {
        const size_t n = group_rows(rows, group, groups);
        // the rows are short pieces of as many pages, which the hardware does not foresee
        for (size_t j = n; j < 2 * n && (group + 1 < groups); j++)
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
        out += n * k, x += n * ldx;
    }
}

// MARK: - Linear

// One K_BLOCK × 24 panel (24 KiB) lives in L1 while the packed rows (ROW_BLOCK × K_BLOCK, 144 KiB) stream from L2.
enum { K_BLOCK = 256, ROW_BLOCK = 144 };

static size_t NAME(linear_scratch)(void) { return (size_t)K_BLOCK * ROW_BLOCK * sizeof(float); }

// One row of a finished tile: `kind` is a constant, so that the choice is made once a tile.
INLINE void finish_row(ck_activation kind, const float *residual, float *y, size_t columns) {
    size_t j = 0;
    if (columns % TILE == 0) {
        // three vectors at a time: one's divisions run while another's polynomials do
        for (; j < columns; j += TILE) {
            triple v = load_triple(y + j);
            if (residual) {
                triple r = load_triple(residual + j);
                UNROLLED for (int i = 0; i < 3; i++) v.v[i] += r.v[i];
            }
            UNROLLED for (int i = 0; i < 3; i++) v.v[i] = activation_(kind, v.v[i]);
            store_triple(y + j, v);
        }
        return;
    }
    for (; j + W <= columns; j += W) {
        vf v = load(y + j);
        if (residual) v += load(residual + j);
        store(y + j, activation_(kind, v));
    }
    if (j < columns) {
        vf v = load_partial(y + j, columns - j, 0.0f);
        if (residual) v += load_partial(residual + j, columns - j, 0.0f);
        store_partial(y + j, activation_(kind, v), columns - j);
    }
}

// Residual and activation over one finished tile, which is in L1.
static void NAME(finish)(const ck_linear *t, size_t row, size_t rows, size_t column, size_t columns) {
    const float *residual = t->residual ? t->residual + row * t->ldresidual + column : 0;
    float *y = t->y + row * t->ldy + column;
#define ROWS_OF(KIND)                                                                                                 \
    case KIND:                                                                                                        \
        for (size_t i = 0; i < rows; i++)                                                                             \
            finish_row(KIND, residual ? residual + i * t->ldresidual : 0, y + i * t->ldy, columns);                   \
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

static void NAME(linear)(const ck_linear *t, size_t m0, size_t m1, size_t p0, size_t p1, void *scratch) {
    float *rows_packed = scratch;
    const size_t k = t->k;
    const bool epilogue = t->residual || t->activation != CK_ACTIVATION_NONE;
    for (size_t row = m0; row < m1; row += ROW_BLOCK) {
        size_t rows = m1 - row < ROW_BLOCK ? m1 - row : ROW_BLOCK;
        const size_t groups = (rows + MR - 1) / MR;
        // the next panels' lines, spread over this panel's tiles
        const size_t every = groups >= SELDOM ? SELDOM : (groups >= SOMETIMES ? SOMETIMES : OFTEN);
        const size_t pace = (every * STEP * CK_PANEL * sizeof(float) + groups - 1) / groups;
        const packed_tile *tiles = NAME(packed_tiles)[every == SELDOM ? 2 : (every == SOMETIMES ? 1 : 0)];
        for (size_t k0 = 0; k0 < k; k0 += K_BLOCK) {
            size_t kn = k - k0 < K_BLOCK ? k - k0 : K_BLOCK;
            bool last = k0 + kn == k;
            NAME(pack_rows)(t->x + row * t->ldx + k0, t->ldx, rows, kn, rows_packed);
            for (size_t p = p0; p < p1; p += STEP) {
                size_t column = p * CK_PANEL;
                size_t panels = p1 - p < STEP ? p1 - p : STEP;
                size_t columns = t->n - column < panels * CK_PANEL ? t->n - column : panels * CK_PANEL;
                bool whole = columns == TILE;
                const float *b0 = t->packed + p * k * CK_PANEL + k0 * CK_PANEL;
                const float *b1 = panels == 2 ? b0 + k * CK_PANEL : b0;
                float bias[TILE];
                if (k0 == 0) {
                    for (size_t j = 0; j < TILE; j++) bias[j] = t->bias && j < columns ? t->bias[column + j] : 0.0f;
                }
                // the same k of the next panels, spread over this panel's tiles
                const char *ahead = (const char *)(b0 + STEP * k * CK_PANEL);
                const float *a = rows_packed;
                for (size_t group = 0, r = 0, n; group < groups; group++, r += n) {
                    n = group_rows(rows, group, groups);
                    float *y = t->y + (row + r) * t->ldy + column;
                    if (whole) {
                        tiles[n](kn, a, b0, b1, k0 == 0 ? bias : 0, y, t->ldy, ahead, pace);
                    } else {
                        // the last columns: the tile is computed aside, and only what exists is copied
                        float edge[MR * TILE];
                        if (k0 > 0)
                            for (size_t i = 0; i < n; i++) memcpy(edge + i * TILE, y + i * t->ldy, columns * sizeof(float));
                        tiles[n](kn, a, b0, b1, k0 == 0 ? bias : 0, edge, TILE, ahead, pace);
                        for (size_t i = 0; i < n; i++) memcpy(y + i * t->ldy, edge + i * TILE, columns * sizeof(float));
                    }
                    if (last && epilogue) NAME(finish)(t, row + r, n, column, columns);
                    a += n * kn, ahead += kn / every * pace;
                }
            }
        }
    }
}

// MARK: - Attention

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

// MARK: - LayerNorm and embeddings

// Two passes over a row that is in L1: mean, then Σ(x − mean)²; biased variance.
INLINE void normalize_row(const float *x, const float *gamma, const float *beta, float epsilon, size_t n, float *y) {
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
    vf inverse = splat(1.0f / sqrtf(sum_lanes(s0 + s1) / (float)n + epsilon));
    for (i = 0; i + W <= n; i += W)
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

static void NAME(embedding)(const ck_embedding *t, size_t row0, size_t row1) {
    const size_t n = t->hidden;
    for (size_t r = row0; r < row1; r++) {
        const float *word = t->word_table + (size_t)t->ids[r] * n;
        const float *position = t->position_table + (size_t)t->positions[r] * n;
        const float *type = t->type_table ? t->type_table + (size_t)(t->types ? t->types[r] : 0) * n : 0;
        float *y = t->out + r * n;
        if (r + 1 < row1) {
            const float *next = t->word_table + (size_t)t->ids[r + 1] * n;
            for (size_t i = 0; i < n; i += 16) __builtin_prefetch(next + i);
        }
        size_t i = 0;
        for (; i + W <= n; i += W) {
            vf v = load(word + i);
            if (type) v += load(type + i);
            store(y + i, v + load(position + i));
        }
        for (; i < n; i++) y[i] = (type ? word[i] + type[i] : word[i]) + position[i];
        normalize_row(y, t->gamma, t->beta, t->epsilon, n, y);
    }
}

static const ck_kernels NAME(kernels) = {
    .isa = ISA,
    .linear_scratch = NAME(linear_scratch),
    .linear = NAME(linear),
    .finish = NAME(finish),
    .attention_scratch = NAME(attention_scratch),
    .attention = NAME(attention),
    .layer_norm = NAME(layer_norm),
    .embedding = NAME(embedding),
    .activate = NAME(activate),
};
