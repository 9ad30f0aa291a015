// Kernels of training: what forward passes of changing weights and backward passes need beside those of CKernels.h, whose
// conventions hold here too and which includes this. They are the member `training` of `ck_kernels`.
//
// A sum over rows runs over them in ascending order within a block that the caller chooses by the rows alone, never by the
// threads; the caller adds the blocks' results up in a fixed order. So a step has the same bits with any number of threads.
#ifndef CKERNELS_TRAINING_H
#define CKERNELS_TRAINING_H

/// Which values stay: value i of a pass stays when `ck_random(key, i)` ≥ rate · 2³², and is then multiplied by 1 / (1 − rate);
/// else it is 0. Nothing is stored: the backward pass draws the same again. A rate of 0 keeps everything.
typedef struct {
    uint64_t key;  // of the seed, the step and the place in the network
    float rate;    // 0 ≤ rate < 1
} ck_dropout;

/// 32 random bits of the value `index` under `key`: integers alone, the same on every instruction set.
uint32_t ck_random(uint64_t key, uint64_t index);

/// A weight to pack, as `ck_pack_weight` does: the same bytes.
typedef struct {
    const float *source;
    size_t ld;
    bool transposed;   // value (j, i) of the weight [n, k] is source[i · ld + j], else source[j · ld + i]
    ck_format format;  // float32 or bfloat16
    size_t n, k;
    void *packed;  // ck_packed_bytes(format, n, k)
} ck_packing;

/// The backward pass of `attention` for one head over one sequence, with dropout on the probabilities. Scores and
/// probabilities are computed again from q and k.
typedef struct {
    const float *q, *k, *v;  // as in ck_attention
    size_t ldqkv;
    const float *dout;  // gradient of the output of the first `queries` rows, [queries, d]
    size_t lddout;
    float *dq, *dk, *dv;  // written, [length, d] each; dq is 0 in the other rows
    size_t lddqkv;
    size_t queries;
    size_t length, d;
    ck_dropout dropout;  // probability (i, j) is value offset + i · length + j
    uint64_t offset;
} ck_attention_gradient;

/// The numbers of a step; correction1 = 1 − β₁ᵗ, correction2 = 1 − β₂ᵗ.
typedef struct {
    float rate, decay, beta1, beta2, epsilon, correction1, correction2, gradient_scale;
} ck_adamw;

typedef struct {
    /// Packs panels [p0, p1) of a weight, whatever was there before.
    void (*pack)(const ck_packing *task, size_t p0, size_t p1);
    /// As ck_kernels.prepare, of an x that is stored [k, m], rows `ldx` apart: value (row i, k) is x[k · ldx + i]. float32,
    /// bfloat16.
    void (*prepare_transposed)(const ck_linear *task, size_t g0, size_t g1, void *prepared);
    /// ck_kernels.attention with dropout on the probabilities; value offset + i · length + j is probability (i, j). Needs
    /// as much scratch.
    void (*attention)(const ck_attention *task, ck_dropout dropout, uint64_t offset, void *scratch);
    /// Bytes of 64-byte aligned scratch that `attention_gradient` needs.
    size_t (*attention_gradient_scratch)(size_t length, size_t d);
    void (*attention_gradient)(const ck_attention_gradient *task, void *scratch);
    /// du = da · act′(u) and, unless y is null, y = act(u), the bits of ck_kernels.activate; du may be da or u.
    void (*activation_gradient)(ck_activation activation, const float *u, const float *da, size_t n, float *du, float *y);
    /// y = dropout(x) + residual over values [first, first + n) of a pass: pointers at the first; `residual` may be null; y may
    /// be x or residual.
    void (*dropout)(ck_dropout dropout, uint64_t first, const float *x, const float *residual, size_t n, float *y);
    /// The backward pass of layer_norm over rows of x, dense [rows, n]: dx is written (it may be dy), gradients of gamma and
    /// beta are added to dgamma and dbeta, row by row.
    void (*layer_norm_gradient)(const float *x, const float *gamma, float epsilon, const float *dy, size_t rows, size_t n,
                                float *dx, float *dgamma, float *dbeta);
    /// word[id] + position[p] + type[t], before the LayerNorm, for rows [row0, row1) into task->out. The word table is float32.
    void (*embedding_sum)(const ck_embedding *task, size_t row0, size_t row1);
    /// sums[j] += Σ x[i, j] over rows in ascending order.
    void (*column_sums)(const float *x, size_t ldx, size_t rows, size_t n, float *sums);
    /// y += a · x.
    void (*add_scaled)(float a, const float *x, size_t n, float *y);
    /// Σ x², added up in double precision in one fixed order.
    double (*sum_of_squares)(const float *x, size_t n);
    /// y = log softmax(scale · x), scale > 0, n > 0; returns log Σ exp(scale · x). y may be x.
    float (*log_softmax)(const float *x, float scale, size_t n, float *y);
    /// y += a · e^x.
    void (*add_powers)(float a, const float *x, size_t n, float *y);
    /// KL(e^p ‖ e^q) of log probabilities, Σ e^p · (p − q), and its slopes by what q is the log softmax of:
    /// slopes = scale · (e^q − e^p), which is added to what is there where `accumulate` says so. They may be q where it does not.
    double (*divergence)(const float *p, const float *q, float scale, size_t n, bool accumulate, float *slopes);
    /// One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101, as torch.optim.AdamW has it) over n parameters:
    ///   g = gradient_scale · gradient;  w −= rate · decay · w;  m = β₁ m + (1 − β₁) g;  v = β₂ v + (1 − β₂) g²
    ///   w −= rate / correction1 · m / (√v / √correction2 + ε)
    void (*adamw)(const ck_adamw *step, const float *gradient, size_t n, float *weight, float *m, float *v);
} ck_training_kernels;

#endif
