// Part of simd_body.h: gradients and losses value by value and row by row, and the optimiser.

// MARK: - Value by value

// act′(u)
INLINE vf slope_(ck_activation kind, vf u) {
    const vf one = splat(1.0f), half = splat(0.5f);
    switch (kind) {
        case CK_ACTIVATION_NONE: return one;
        case CK_ACTIVATION_GELU: {  // Φ(u) + u·φ(u)
            vf density = splat(0.398942280f) * exp_(-half * u * u);
            return fma_(u, density, fma_(half, erf_(u * splat(0.707106781f)), half));
        }
        case CK_ACTIVATION_GELU_TANH: {  // s = ½(1 + tanh z) = 1 / (1 + e^(−2z))
            vf square = u * u;
            vf z = splat(0.797884561f) * fma_(splat(0.044715f) * square, u, u);
            vf twice = splat(2.0f * 0.797884561f) * fma_(splat(3.0f * 0.044715f), square, one);
            vf e = exp_(splat(-2.0f) * z), s = one / (one + e);
            return fma_(u * twice, e * s * s, s);
        }
        case CK_ACTIVATION_RELU: return (vf)((vi)one & (vi)(u > splat(0.0f)));
        case CK_ACTIVATION_SILU: {
            vf s = one / (one + exp_(-u));
            return s * fma_(u, one - s, one);
        }
        case CK_ACTIVATION_TANH: {  // 1 − tanh²(u) = 4e / (1 + e)², e = e^(−2|u|)
            vf e = exp_(min_(u, -u) * splat(2.0f)), root = one / (one + e);
            return splat(4.0f) * e * root * root;
        }
    }
    return one;
}

// y is null or not: a constant, as the kind is.
INLINE void slopes(ck_activation kind, const float *u, const float *da, size_t n, float *du, float *y) {
    size_t i = 0;
    for (; i + W <= n; i += W) {
        const vf v = load(u + i);
        if (y) store(y + i, activation_(kind, v));
        store(du + i, load(da + i) * slope_(kind, v));
    }
    if (i < n) {
        const vf v = load_partial(u + i, n - i, 0.0f);
        if (y) store_partial(y + i, activation_(kind, v), n - i);
        store_partial(du + i, load_partial(da + i, n - i, 0.0f) * slope_(kind, v), n - i);
    }
}

static void NAME(activation_gradient)(ck_activation kind, const float *u, const float *da, size_t n, float *du, float *y) {
#define SLOPES_OF(KIND)                                                                                               \
    case KIND:                                                                                                        \
        if (y)                                                                                                        \
            slopes(KIND, u, da, n, du, y);                                                                            \
        else                                                                                                          \
            slopes(KIND, u, da, n, du, 0);                                                                            \
        break;
    switch (kind) {
        SLOPES_OF(CK_ACTIVATION_NONE)
        SLOPES_OF(CK_ACTIVATION_GELU)
        SLOPES_OF(CK_ACTIVATION_GELU_TANH)
        SLOPES_OF(CK_ACTIVATION_RELU)
        SLOPES_OF(CK_ACTIVATION_SILU)
        SLOPES_OF(CK_ACTIVATION_TANH)
    }
#undef SLOPES_OF
}

static void NAME(add_scaled)(float a, const float *x, size_t n, float *y) {
    size_t i = 0;
    for (; i + W <= n; i += W) store(y + i, fma_(splat(a), load(x + i), load(y + i)));
    if (i < n) store_partial(y + i, fma_(splat(a), load_partial(x + i, n - i, 0.0f), load_partial(y + i, n - i, 0.0f)), n - i);
}

static double NAME(sum_of_squares)(const float *x, size_t n) {
    typedef double wide __attribute__((vector_size(W * 8)));
    wide sums[2] = {{0}, {0}};
    for (size_t i = 0, side = 0; i < n; i += W, side ^= 1) {
        const vf v = n - i < W ? load_partial(x + i, n - i, 0.0f) : load(x + i);
        const wide exact = __builtin_convertvector(v, wide);
        sums[side] += exact * exact;
    }
    sums[0] += sums[1];
    double total = 0.0;
    for (size_t i = 0; i < W; i++) total += sums[0][i];
    return total;
}

// One vector of parameters.
INLINE void adamw_vector(const ck_adamw *step, vf g, vf *weight, vf *m, vf *v) {
    g *= splat(step->gradient_scale);
    *m = fma_(splat(step->beta1), *m, splat(1.0f - step->beta1) * g);
    *v = fma_(splat(step->beta2), *v, splat(1.0f - step->beta2) * g * g);
    const vf root = __builtin_elementwise_sqrt(*v) * splat(1.0f / sqrtf(step->correction2)) + splat(step->epsilon);
    const vf size = splat(step->rate / step->correction1), kept = splat(1.0f - step->rate * step->decay);
    *weight = fma_(*weight, kept, -size * *m / root);
}

static void NAME(adamw)(const ck_adamw *step, const float *gradient, size_t n, float *weight, float *m, float *v) {
    for (size_t i = 0; i < n; i += W) {
        const size_t rest = n - i < W ? n - i : W;
        if (rest == W) {
            vf w = load(weight + i), first = load(m + i), second = load(v + i);
            adamw_vector(step, load(gradient + i), &w, &first, &second);
            store(weight + i, w), store(m + i, first), store(v + i, second);
        } else {
            vf w = load_partial(weight + i, rest, 0.0f), first = load_partial(m + i, rest, 0.0f);
            vf second = load_partial(v + i, rest, 1.0f);
            adamw_vector(step, load_partial(gradient + i, rest, 0.0f), &w, &first, &second);
            store_partial(weight + i, w, rest), store_partial(m + i, first, rest), store_partial(v + i, second, rest);
        }
    }
}

// MARK: - Row by row

// Some values of the arrays that the backward pass of a LayerNorm goes over.
typedef struct {
    vf hat, dy, h;
} norm_values;

INLINE norm_values norm_values_at(const float *x, const float *gamma, const float *dy, size_t n, moments mo) {
    const bool whole = n >= W;
    const vf v = whole ? load(x) : load_partial(x, n, mo.mean), g = whole ? load(gamma) : load_partial(gamma, n, 0.0f);
    const vf d = whole ? load(dy) : load_partial(dy, n, 0.0f);
    return (norm_values){(v - splat(mo.mean)) * splat(mo.inverse), d, g * d};
}

INLINE void store_some(float *p, vf x, size_t n) {
    if (n >= W)
        store(p, x);
    else
        store_partial(p, x, n);
}

// plain_training.h has the formula.
static void NAME(layer_norm_gradient)(const float *x, const float *gamma, float epsilon, const float *dy, size_t rows,
                                      size_t n, float *dx, float *dgamma, float *dbeta) {
    for (size_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
        const moments mo = row_moments(x, epsilon, n);
        vf h = splat(0.0f), hx = splat(0.0f);
        for (size_t i = 0; i < n; i += W) {
            const norm_values at = norm_values_at(x + i, gamma + i, dy + i, n - i, mo);
            h += at.h, hx = fma_(at.h, at.hat, hx);
            const bool whole = n - i >= W;
            const vf dg = whole ? load(dgamma + i) : load_partial(dgamma + i, n - i, 0.0f);
            const vf db = whole ? load(dbeta + i) : load_partial(dbeta + i, n - i, 0.0f);
            store_some(dgamma + i, fma_(at.dy, at.hat, dg), n - i);
            store_some(dbeta + i, db + at.dy, n - i);
        }
        const vf mean = splat(sum_lanes(h) / (float)n), slope = splat(sum_lanes(hx) / (float)n);
        for (size_t i = 0; i < n; i += W) {
            const norm_values at = norm_values_at(x + i, gamma + i, dy + i, n - i, mo);
            store_some(dx + i, (at.h - mean - at.hat * slope) * splat(mo.inverse), n - i);
        }
    }
}

static void NAME(embedding_sum)(const ck_embedding *t, size_t row0, size_t row1) {
    for (size_t r = row0; r < row1; r++) sum_embeddings(t, r, row1, t->out + r * t->hidden);
}

static void NAME(column_sums)(const float *x, size_t ldx, size_t rows, size_t n, float *sums) {
    enum { SIDE = 4 };
    size_t j = 0;
    for (; j + SIDE * W <= n; j += SIDE * W) {
        vf acc[SIDE];
        UNROLLED for (int s = 0; s < SIDE; s++) acc[s] = load(sums + j + s * W);
        for (size_t i = 0; i < rows; i++)
            UNROLLED for (int s = 0; s < SIDE; s++) acc[s] += load(x + i * ldx + j + s * W);
        UNROLLED for (int s = 0; s < SIDE; s++) store(sums + j + s * W, acc[s]);
    }
    for (; j < n; j += W) {
        const size_t rest = n - j < W ? n - j : W;
        vf acc = load_partial(sums + j, rest, 0.0f);
        for (size_t i = 0; i < rows; i++)
            acc += rest == W ? load(x + i * ldx + j) : load_partial(x + i * ldx + j, rest, 0.0f);
        store_some(sums + j, acc, rest);
    }
}

// Values whose powers are added up in float32 before they enter the sum in double precision.
enum { POWERS = 64 * W };

static float NAME(log_softmax)(const float *x, float scale, size_t n, float *y) {
    vf m = load_partial(x, n < W ? n : W, x[0]);
    for (size_t i = W; i + W <= n; i += W) m = max_(m, load(x + i));
    float top = max_lanes(m);
    for (size_t i = n / W * W; i < n; i++) top = x[i] > top ? x[i] : top;
    double sum = 0.0;
    const vf factor = splat(scale), largest = splat(top);
    for (size_t start = 0; start < n; start += POWERS) {
        const size_t end = n - start < POWERS ? n : start + POWERS;
        vf powers = splat(0.0f);
        size_t i = start;
        for (; i + W <= end; i += W) powers += exp_(factor * (load(x + i) - largest));
        if (i < end) {
            float lanes[W] = {0};
            store_partial(lanes, exp_(factor * (load_partial(x + i, end - i, top) - largest)), end - i);
            powers += load(lanes);
        }
        sum += (double)sum_lanes(powers);
    }
    const double rest = ck_log(sum);
    for (size_t i = 0; i < n; i += W) {
        const vf v = n - i < W ? load_partial(x + i, n - i, top) : load(x + i);
        store_some(y + i, factor * (v - largest) - splat((float)rest), n - i);
    }
    return (float)((double)scale * top + rest);
}

static void NAME(add_powers)(float a, const float *x, size_t n, float *y) {
    size_t i = 0;
    for (; i + W <= n; i += W) store(y + i, fma_(splat(a), exp_(load(x + i)), load(y + i)));
    if (i < n)
        store_partial(y + i, fma_(splat(a), exp_(load_partial(x + i, n - i, 0.0f)), load_partial(y + i, n - i, 0.0f)), n - i);
}

static double NAME(divergence)(const float *p, const float *q, float scale, size_t n, bool accumulate, float *slopes) {
    double sum = 0.0;
    for (size_t start = 0; start < n; start += POWERS) {
        const size_t end = n - start < POWERS ? n : start + POWERS;
        vf terms = splat(0.0f);
        for (size_t i = start; i < end; i += W) {
            // lanes beyond the end are equal, so they add nothing
            const size_t rest = end - i < W ? end - i : W;
            const vf wanted = rest == W ? load(p + i) : load_partial(p + i, rest, 0.0f);
            const vf given = rest == W ? load(q + i) : load_partial(q + i, rest, 0.0f);
            const vf power = exp_(wanted);
            terms = fma_(power, wanted - given, terms);
            vf slope = splat(scale) * (exp_(given) - power);
            if (accumulate) slope += rest == W ? load(slopes + i) : load_partial(slopes + i, rest, 0.0f);
            store_some(slopes + i, slope, rest);
        }
        sum += (double)sum_lanes(terms);
    }
    return sum;
}
