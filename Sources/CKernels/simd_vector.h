// Part of simd_body.h: vectors and the functions of one.

typedef float vf __attribute__((vector_size(W * 4)));
typedef float vfu __attribute__((vector_size(W * 4), aligned(4)));
typedef int32_t vi __attribute__((vector_size(W * 4)));

#define UNROLLED _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p) { return *(const vfu *)p; }
INLINE void store(float *p, vf x) { *(vfu *)p = x; }
INLINE vf splat(float x) { return x - (vf){0}; }
INLINE vf fma_(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
// Of a NaN and a number, the NaN if it is `a`.
#if W == 8
INLINE vf max_(vf a, vf b) { return _mm256_max_ps(b, a); }
INLINE vf min_(vf a, vf b) { return _mm256_min_ps(b, a); }
#elif !defined(EMULATED)
INLINE vf max_(vf a, vf b) { return _mm512_max_ps(b, a); }
INLINE vf min_(vf a, vf b) { return _mm512_min_ps(b, a); }
#else
INLINE vf max_(vf a, vf b) {
    vi take = b > a;
    return (vf)((take & (vi)b) | (~take & (vi)a));
}
INLINE vf min_(vf a, vf b) {
    vi take = b < a;
    return (vf)((take & (vi)b) | (~take & (vi)a));
}
#endif

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

INLINE float min_lanes(vf x) { return -max_lanes(-x); }

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

