// Part of plain.c: the kernels of training, which every other set is tested against.

// What value `index` of a pass is multiplied by.
static float kept(ck_dropout dropout, uint64_t index) {
    return ck_random(dropout.key, index) >= ck_drop_below(dropout.rate) ? 1.0f / (1.0f - dropout.rate) : 0.0f;
}

static void pack(const ck_packing *t, size_t p0, size_t p1) {
    const size_t words = ck_words(t->format, t->k), values = ck_word_values(t->format);
    for (size_t p = p0; p < p1; p++) {
        char *panel = (char *)t->packed + p * words * CK_PANEL * sizeof(uint32_t);
        for (size_t j = 0; j < CK_PANEL; j++)
            for (size_t i = 0; i < words * values; i++) {
                const size_t column = p * CK_PANEL + j;
                float value = 0.0f;
                if (column < t->n && i < t->k)
                    value = t->transposed ? t->source[i * t->ld + column] : t->source[column * t->ld + i];
                const uint16_t half = ck_to_bfloat16(value);
                char *word = panel + (i / values * CK_PANEL + j) * sizeof(uint32_t);
                if (t->format == CK_FORMAT_FLOAT32) memcpy(word, &value, sizeof value);
                if (t->format == CK_FORMAT_BFLOAT16) memcpy(word + i % 2 * sizeof half, &half, sizeof half);
            }
    }
}

// MARK: - Attention

// probabilities[length] of query row i.
static void probabilities_of(const float *q, const float *k, size_t ldk, size_t length, size_t d, float *probabilities) {
    const float scale = 1.0f / sqrtf((float)d);
    float top = -3.4028235e38f;
    for (size_t j = 0; j < length; j++) {
        float sum = 0.0f;
        for (size_t c = 0; c < d; c++) sum += q[c] * k[j * ldk + c];
        probabilities[j] = sum * scale;
        if (probabilities[j] > top) top = probabilities[j];
    }
    float total = 0.0f;
    for (size_t j = 0; j < length; j++) total += probabilities[j] = (float)ck_exp(probabilities[j] - top);
    for (size_t j = 0; j < length; j++) probabilities[j] /= total;
}

static void dropped_attention(const ck_attention *t, ck_dropout dropout, uint64_t offset, void *scratch) {
    ck_scratch s = {scratch};
    float *probabilities = ck_take(&s, t->length);
    for (size_t i = 0; i < t->queries; i++) {
        probabilities_of(t->q + i * t->ldqkv, t->k, t->ldqkv, t->length, t->d, probabilities);
        float *out = t->out + i * t->ldout;
        memset(out, 0, t->d * sizeof(float));
        for (size_t j = 0; j < t->length; j++) {
            const float p = probabilities[j] * kept(dropout, offset + i * t->length + j);
            for (size_t c = 0; c < t->d; c++) out[c] += p * t->v[j * t->ldqkv + c];
        }
    }
}

static size_t attention_gradient_scratch(size_t length, size_t d) {
    (void)d;
    return 2 * (length * sizeof(float) + CK_SCRATCH_ALIGNMENT);
}

// With M the factors of dropout, P = softmax(q·kᵀ/√d), out = (M ∘ P)·v:
//   dv = (M ∘ P)ᵀ·dout,  dP = M ∘ (dout·vᵀ),  dS = P ∘ (dP − Σ P ∘ dP) / √d,  dq = dS·k,  dk = dSᵀ·q
static void attention_gradient(const ck_attention_gradient *t, void *scratch) {
    ck_scratch s = {scratch};
    float *probabilities = ck_take(&s, t->length), *gradients = ck_take(&s, t->length);
    const float scale = 1.0f / sqrtf((float)t->d);
    for (size_t i = 0; i < t->length; i++) {
        memset(t->dq + i * t->lddqkv, 0, t->d * sizeof(float));
        memset(t->dk + i * t->lddqkv, 0, t->d * sizeof(float));
        memset(t->dv + i * t->lddqkv, 0, t->d * sizeof(float));
    }
    for (size_t i = 0; i < t->queries; i++) {
        const float *q = t->q + i * t->ldqkv, *dout = t->dout + i * t->lddout;
        probabilities_of(q, t->k, t->ldqkv, t->length, t->d, probabilities);
        float sum = 0.0f;
        for (size_t j = 0; j < t->length; j++) {
            const float m = kept(t->dropout, t->offset + i * t->length + j);
            float dot = 0.0f;
            for (size_t c = 0; c < t->d; c++) {
                dot += dout[c] * t->v[j * t->ldqkv + c];
                t->dv[j * t->lddqkv + c] += m * probabilities[j] * dout[c];
            }
            gradients[j] = m * dot;
            sum += probabilities[j] * gradients[j];
        }
        for (size_t j = 0; j < t->length; j++) {
            const float ds = probabilities[j] * (gradients[j] - sum) * scale;
            for (size_t c = 0; c < t->d; c++) {
                t->dq[i * t->lddqkv + c] += ds * t->k[j * t->ldqkv + c];
                t->dk[j * t->lddqkv + c] += ds * q[c];
            }
        }
    }
}

// MARK: - Value by value

static double slope(ck_activation kind, double u) {
    switch (kind) {
        case CK_ACTIVATION_NONE: return 1.0;
        case CK_ACTIVATION_GELU:  // Φ(u) + u·φ(u)
            return 0.5 * (1.0 + ck_erf(u * 0.70710678118654752)) + u * 0.39894228040143268 * ck_exp(-0.5 * u * u);
        case CK_ACTIVATION_GELU_TANH: {
            const double t = ck_tanh(0.79788456080286536 * (u + 0.044715 * u * u * u));
            return 0.5 * (1.0 + t) + 0.5 * u * (1.0 - t * t) * 0.79788456080286536 * (1.0 + 3.0 * 0.044715 * u * u);
        }
        case CK_ACTIVATION_RELU: return u > 0.0 ? 1.0 : 0.0;
        case CK_ACTIVATION_SILU: {
            const double s = 1.0 / (1.0 + ck_exp(-u));
            return s * (1.0 + u * (1.0 - s));
        }
        case CK_ACTIVATION_TANH: {
            const double t = ck_tanh(u);
            return 1.0 - t * t;
        }
    }
    return 1.0;
}

static void activation_gradient(ck_activation activation, const float *u, const float *da, size_t n, float *du, float *y) {
    for (size_t i = 0; i < n; i++) {
        if (y) y[i] = activation_of(activation, u[i]);
        du[i] = (float)(da[i] * slope(activation, u[i]));
    }
}

static void dropout_values(ck_dropout dropout, uint64_t first, const float *x, const float *residual, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) {
        const float value = x[i] * kept(dropout, first + i);
        y[i] = residual ? value + residual[i] : value;
    }
}

static void add_scaled(float a, const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

static double sum_of_squares(const float *x, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sum;
}

static void adamw(const ck_adamw *step, const float *gradient, size_t n, float *weight, float *m, float *v) {
    const float size = step->rate / step->correction1, root = sqrtf(step->correction2);
    for (size_t i = 0; i < n; i++) {
        const float g = step->gradient_scale * gradient[i];
        m[i] = step->beta1 * m[i] + (1.0f - step->beta1) * g;
        v[i] = step->beta2 * v[i] + (1.0f - step->beta2) * g * g;
        weight[i] = weight[i] * (1.0f - step->rate * step->decay) - size * m[i] / (sqrtf(v[i]) / root + step->epsilon);
    }
}

// MARK: - Row by row

// With x̂ = (x − mean) / σ and h = γ ∘ dy: dx = (h − mean(h) − x̂ · mean(h ∘ x̂)) / σ
static void layer_norm_gradient(const float *x, const float *gamma, float epsilon, const float *dy, size_t rows, size_t n,
                                float *dx, float *dgamma, float *dbeta) {
    for (size_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
        double sum = 0.0, squares = 0.0, h = 0.0, hx = 0.0;
        for (size_t i = 0; i < n; i++) sum += x[i];
        const double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
        const double inverse = 1.0 / sqrt(squares / (double)n + epsilon);
        for (size_t i = 0; i < n; i++) {
            const double hat = (x[i] - mean) * inverse;
            h += (double)gamma[i] * dy[i];
            hx += (double)gamma[i] * dy[i] * hat;
            dgamma[i] += (float)(dy[i] * hat);
            dbeta[i] += dy[i];
        }
        for (size_t i = 0; i < n; i++) {
            const double hat = (x[i] - mean) * inverse;
            dx[i] = (float)(((double)gamma[i] * dy[i] - h / (double)n - hat * hx / (double)n) * inverse);
        }
    }
}

static void embedding_sum(const ck_embedding *t, size_t row0, size_t row1) {
    const size_t n = t->hidden;
    for (size_t r = row0; r < row1; r++) {
        const float *word = (const float *)t->word_table + (size_t)t->ids[r] * n;
        const float *position = t->position_table + (size_t)t->positions[r] * n;
        const float *type = t->type_table ? t->type_table + (size_t)(t->types ? t->types[r] : 0) * n : 0;
        for (size_t i = 0; i < n; i++) t->out[r * n + i] = (type ? word[i] + type[i] : word[i]) + position[i];
    }
}

static void column_sums(const float *x, size_t ldx, size_t rows, size_t n, float *sums) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++) sums[j] += x[i * ldx + j];
}

static void add_powers(float a, const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++) y[i] += a * (float)ck_exp(x[i]);
}

static double divergence(const float *p, const float *q, float scale, size_t n, bool accumulate, float *slopes) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double wanted = ck_exp(p[i]);
        sum += wanted * ((double)p[i] - q[i]);
        const float slope = scale * (float)(ck_exp(q[i]) - wanted);
        slopes[i] = accumulate ? slopes[i] + slope : slope;
    }
    return sum;
}

static float log_softmax(const float *x, float scale, size_t n, float *y) {
    double top = x[0], sum = 0.0;
    for (size_t i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) sum += ck_exp(scale * (x[i] - top));
    const double rest = ck_log(sum);
    for (size_t i = 0; i < n; i++) y[i] = (float)(scale * (x[i] - top) - rest);
    return (float)(scale * top + rest);
}
