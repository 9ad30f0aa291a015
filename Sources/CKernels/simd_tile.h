// Part of simd_body.h: the register tile.

// A tile is MR rows of three vectors: of the shapes that fit the registers, the one with the fewest loads a
// multiply-add. TILE columns are STEP panels.
enum { TILE = 3 * W, STEP = TILE / CK_PANEL, LINE = 64 / sizeof(float) };

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

#if W == 16
// acc[i] += the four products of unsigned bytes of u[i] and signed bytes of w[i].
INLINE vi dot4(vi acc, vi u, vi w) {
#if defined(EMULATED)
    union {
        vi whole;
        __m256i halves[2];
    } a = {acc}, b = {u}, c = {w};
    for (int i = 0; i < 2; i++) {
        __m256i pairs = _mm256_maddubs_epi16(b.halves[i], c.halves[i]);
        a.halves[i] = _mm256_add_epi32(a.halves[i], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return a.whole;
#elif defined(VNNI)
    return (vi)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)u, (__m512i)w);
#else
    __m512i pairs = _mm512_maddubs_epi16((__m512i)u, (__m512i)w);
    return acc + (vi)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#endif
}
#endif

#if defined(PAIRS)
// acc[i] += the two products of bfloat16 of a[i] and b[i].
INLINE vf dot2(vf acc, vi a, vi b) {
#if defined(EMULATED)
    const vi high = (vi){0} + (int32_t)0xffff0000;
    return fma_((vf)(a << 16), (vf)(b << 16), fma_((vf)(a & high), (vf)(b & high), acc));
#else
    return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b);
#endif
}
#endif

// What a tile's words are: a float32 each, four bytes with integer sums, or two bfloat16.
typedef enum { FLOATS = 0, BYTES = 1, HALVES = 2 } tile_kind;

// acc += *a · x: float32 multiply-adds.
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

#if W == 8
// The same of four products of bytes each, unsigned in *a and signed in the panel's vectors, the first of which is
// `first` and the others at b. `ones` holds 16-bit ones.
INLINE void multiply_add_bytes(triple *acc, const float *a, vf first, const float *b, vf ones) {
    vf s, t;
    __asm__("vpbroadcastd %5, %3\n\t"
            "vpmaddubsw %6, %3, %4\n\t"
            "vpmaddwd %9, %4, %4\n\t"
            "vpaddd %4, %0, %0\n\t"
            "vpmaddubsw %7, %3, %4\n\t"
            "vpmaddwd %9, %4, %4\n\t"
            "vpaddd %4, %1, %1\n\t"
            "vpmaddubsw %8, %3, %3\n\t"
            "vpmaddwd %9, %3, %3\n\t"
            "vpaddd %3, %2, %2"
            : "+x"(acc->v[0]), "+x"(acc->v[1]), "+x"(acc->v[2]), "=&x"(s), "=&x"(t)
            : "m"(*a), "x"(first), "m"(*(const vfu *)(b + W)), "m"(*(const vfu *)(b + 2 * W)), "x"(ones));
}
#else
INLINE void multiply_add_words(const tile_kind kind, triple *acc, const float *a, triple x) {
    int32_t word;
    memcpy(&word, a, sizeof word);
    vi s = (vi){0} + word;
#if defined(PAIRS)
    if (kind == HALVES) {
        UNROLLED for (int j = 0; j < 3; j++) acc->v[j] = dot2(acc->v[j], s, (vi)x.v[j]);
        return;
    }
#endif
    (void)kind;
    UNROLLED for (int j = 0; j < 3; j++) acc->v[j] = (vf)dot4((vi)acc->v[j], s, (vi)x.v[j]);
}
#endif

// How often a tile asks for a cache line of each panel that is needed later: for one at every few k, or for two at each k.
enum { SELDOM = 16, SOMETIMES = 4, OFTEN = 2, ALWAYS = 1, TWICE = -2 };
INLINE size_t steps_between(int often) { return often > 0 ? (size_t)often : 1; }
INLINE size_t lines_at_once(int often) { return often > 0 ? 1 : (size_t)-often; }

// c[rows][TILE] += a · b over k words of a kind: a is [k][rows]; b's panels are at b0 and b1 (the same where a tile is one
// panel), [k][CK_PANEL]. With `bias` (TILE values) the sums begin there instead of at c. As `often` says the cache lines at
// `ahead` and, where a tile has two panels, `gap` bytes after it are asked for, `pace` bytes further each time, and at the
// start the rows below in c: what the next tiles need comes while this one computes. `kind`, `rows` and `often` are
// constants.
INLINE void tile(const tile_kind kind, const int rows, const int often, size_t k, const float *a, const float *b0,
                 const float *b1, const float *bias, float *c, size_t ldc, const char *ahead, size_t gap, size_t pace) {
    const size_t every = steps_between(often);
    triple acc[MR];
    if (bias) {
        triple x = load_triple(bias);
        UNROLLED for (int i = 0; i < rows; i++) acc[i] = x;
    } else {
        UNROLLED for (int i = 0; i < rows; i++) acc[i] = load_triple(c + (size_t)i * ldc);
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        const float *below = c + (size_t)(rows + i) * ldc;
        for (int j = 0; j < TILE; j += LINE) __builtin_prefetch(below + j, 1, 3);
        __builtin_prefetch(below + TILE - 1, 1, 3);
    }
#if W == 8
    const vf ones = (vf)((vi){0} + 0x00010001);
#define WORD_ROWS                                                                                                     \
    vf first = load(b0);                                                                                              \
    UNROLLED for (int i = 0; i < rows; i++) multiply_add_bytes(&acc[i], a + i, first, b0, ones);
#else
#define WORD_ROWS                                                                                                     \
    triple x = load_panels(b0, b1);                                                                                   \
    UNROLLED for (int i = 0; i < rows; i++) multiply_add_words(kind, &acc[i], a + i, x);
#endif
#define STEP_K                                                                                                        \
    {                                                                                                                 \
        if (kind != FLOATS) {                                                                                         \
            WORD_ROWS                                                                                                 \
        } else {                                                                                                      \
            triple x = load_panels(b0, b1);                                                                           \
            UNROLLED for (int i = 0; i < rows; i++) multiply_add_row(&acc[i], a + i, x);                \
        }                                                                                                             \
        a += rows, b0 += CK_PANEL, b1 += CK_PANEL;                                                                    \
    }
    size_t rest = k % every;
    for (size_t kk = 0; kk + every <= k; kk += every) {
        UNROLLED for (size_t line = 0; line < lines_at_once(often); line++, ahead += pace) {
            __builtin_prefetch(ahead, 0, 2);
            if (STEP == 2) __builtin_prefetch(ahead + gap, 0, 2);
        }
        if (every < 4) {
            UNROLLED for (size_t u = 0; u < every; u++) STEP_K
        } else {
            for (size_t u = 0; u < every; u += 4) {
                UNROLLED for (int v = 0; v < 4; v++) STEP_K
            }
        }
    }
    for (size_t kk = 0; kk < rest; kk++) STEP_K
#undef STEP_K
#undef WORD_ROWS
    UNROLLED for (int i = 0; i < rows; i++) store_triple(c + (size_t)i * ldc, acc[i]);
}

typedef void (*packed_tile)(size_t, const float *, const float *, const float *, const float *, float *, size_t,
                            const char *, size_t, size_t);

#define PACKED_TILE(KIND, WORDS, ROWS, HOW)                                                                            \
    static __attribute__((noinline)) void NAME(KIND##_tile_##ROWS##_##HOW)(                                         \
        size_t k, const float *a, const float *b0, const float *b1, const float *bias, float *c, size_t ldc,          \
        const char *ahead, size_t gap, size_t pace) {                                                                 \
        tile(WORDS, ROWS, HOW, k, a, b0, b1, bias, c, ldc, ahead, gap, pace);                                        \
    }
#define EACH_PACE(KIND, WORDS, ROWS)                                                                                  \
    PACKED_TILE(KIND, WORDS, ROWS, TWICE)                                                                             \
    PACKED_TILE(KIND, WORDS, ROWS, ALWAYS)                                                                            \
    PACKED_TILE(KIND, WORDS, ROWS, OFTEN)                                                                             \
    PACKED_TILE(KIND, WORDS, ROWS, SOMETIMES)                                                                         \
    PACKED_TILE(KIND, WORDS, ROWS, SELDOM)
#if defined(PAIRS)
#define ROWS_TILE(ROWS) EACH_PACE(float, FLOATS, ROWS) EACH_PACE(byte, BYTES, ROWS) EACH_PACE(half, HALVES, ROWS)
#else
#define ROWS_TILE(ROWS) EACH_PACE(float, FLOATS, ROWS) EACH_PACE(byte, BYTES, ROWS)
#endif

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
#define EVERY_PACE(KIND)                                                                                              \
    {TILES(KIND##_tile_, _TWICE), TILES(KIND##_tile_, _ALWAYS), TILES(KIND##_tile_, _OFTEN),                          \
     TILES(KIND##_tile_, _SOMETIMES), TILES(KIND##_tile_, _SELDOM)}
static const int NAME(paces)[] = {TWICE, ALWAYS, OFTEN, SOMETIMES, SELDOM};
enum { PACES = sizeof NAME(paces) / sizeof *NAME(paces) };
static const packed_tile NAME(packed_tiles)[][PACES][MR + 1] = {
    EVERY_PACE(float),
    EVERY_PACE(byte),
#if defined(PAIRS)
    EVERY_PACE(half),
#endif
};
