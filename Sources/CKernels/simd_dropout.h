// Part of simd_body.h: random bits and dropout (random.h).

typedef uint32_t vu __attribute__((vector_size(W * 4)));

// What the values of a pass from some index on are drawn with.
typedef struct {
    ck_dropout dropout;
    uint64_t high;  // word of the indices that `words` are for
    ck_random_words words;
    uint32_t below;
    float factor;
} draws;

INLINE draws draws_from(ck_dropout dropout, uint64_t index) {
    return (draws){dropout, index >> 32, ck_mix_key(dropout.key, index >> 32), ck_drop_below(dropout.rate),
                   1.0f / (1.0f - dropout.rate)};
}

// Factors of values that do not have the high word of `d`, or not all of them: W values from `index` on.
static __attribute__((noinline)) void NAME(kept_elsewhere)(const draws *d, uint64_t index, float *factors) {
    for (size_t i = 0; i < W; i++) factors[i] = ck_random(d->dropout.key, index + i) >= d->below ? d->factor : 0.0f;
}

// What the values [index, index + W) of a pass are multiplied by.
INLINE vf kept_(const draws *d, uint64_t index) {
    if (__builtin_expect(index >> 32 != d->high || (index + W - 1) >> 32 != d->high, 0)) {
        float factors[W];
        NAME(kept_elsewhere)(d, index, factors);
        return load(factors);
    }
    vu x = (vu){0, 1, 2, 3, 4, 5, 6, 7
#if W == 16
                , 8, 9, 10, 11, 12, 13, 14, 15
#endif
    };
    x += (uint32_t)index;
    CK_RANDOM_STEPS(x, d->words)
    const vi stays = (vi)(x >= (vu){0} + d->below);
    return (vf)((vi)splat(d->factor) & stays);
}

static void NAME(dropout)(ck_dropout dropout, uint64_t first, const float *x, const float *residual, size_t n, float *y) {
    const draws d = draws_from(dropout, first);
    const bool drops = dropout.rate > 0.0f;
    for (size_t i = 0; i < n; i += W) {
        const size_t rest = n - i < W ? n - i : W;
        vf v = rest == W ? load(x + i) : load_partial(x + i, rest, 0.0f);
        if (drops) v *= kept_(&d, first + i);
        if (residual) v += rest == W ? load(residual + i) : load_partial(residual + i, rest, 0.0f);
        if (rest == W)
            store(y + i, v);
        else
            store_partial(y + i, v, rest);
    }
}
