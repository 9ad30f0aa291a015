// Kernels: the arithmetic of an encoder.
//
// Conventions. Matrices are row-major float32; `ld…` is the distance between rows in elements. A batch is sequences laid
// end to end: T rows, no padding. No kernel chooses the order of a sum by the number of rows or by the thread that
// computes it, so a row's bits do not depend on its neighbours. Every function is thread-safe on disjoint outputs.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

// MARK: - Instruction sets

typedef enum {
    CK_ISA_PLAIN = 0,
    CK_ISA_AVX2 = 1,
    CK_ISA_AVX512 = 2,
    CK_ISA_AVX512_VNNI = 3,  // with products of bytes: the same integers
    CK_ISA_AVX512_BF16 = 4,  // with products of bfloat16 as well: activations are rounded to it
    CK_ISA_AVX512_EMULATED = 5,  // the source of the AVX-512 kernels on AVX2, for tests (Tests/EmulatedKernels)
    CK_ISA_AVX512_BF16_EMULATED = 6,
} ck_isa;

/// The best instruction set of this CPU that kernels exist for.
ck_isa ck_isa_best(void);
/// Whether this CPU runs the kernels of a set.
bool ck_isa_supported(ck_isa isa);
/// The set by its name ("plain", "avx2", "avx512", "avx512vnni", "avx512bf16", "avx512-emulated", "avx512bf16-emulated"),
/// or -1.
int ck_isa_named(const char *name);
const char *ck_isa_name(ck_isa isa);

// MARK: - Packed weights

/// Columns of a packed panel, the same for every instruction set, so that one pack serves all of them.
enum { CK_PANEL = 24 };

/// What a weight is stored as. bfloat16 is the nearest (ties to even). int8 has a scale for each output, max|w| / 64, and
/// codes in [−64, 64]; its products take activations as unsigned bytes, quantised row by row while they are packed.
typedef enum { CK_FORMAT_FLOAT32 = 0, CK_FORMAT_BFLOAT16 = 1, CK_FORMAT_INT8 = 2 } ck_format;

/// Bytes that the packed form of a weight [n, k] takes: whole panels, the last one filled up with zeros, and the
/// outputs' scales.
size_t ck_packed_bytes(ck_format format, size_t n, size_t k);
/// Packs rows [0, n) of a weight [n, k] (a linear layer's [out, in]). False when there is no memory.
bool ck_pack_weight(ck_format format, const float *weight, size_t n, size_t k, void *packed);

/// codes[i] = round(values[i] / scale) in [−levels, levels], levels ≤ 127; returns the scale, NaN where the values are
/// not finite.
float ck_quantize_row(const float *values, size_t n, int levels, int8_t *codes);
/// The nearest bfloat16 of each value, ties to even.
void ck_to_bfloat16_row(const float *values, size_t n, uint16_t *out);

// MARK: - Kernels of one instruction set

typedef enum {
    CK_ACTIVATION_NONE = 0,
    CK_ACTIVATION_GELU = 1,       // x·½(1 + erf(x/√2))
    CK_ACTIVATION_GELU_TANH = 2,  // the tanh approximation, `gelu_new`
    CK_ACTIVATION_RELU = 3,
    CK_ACTIVATION_SILU = 4,
    CK_ACTIVATION_TANH = 5,
} ck_activation;

/// y = activation(x · Wᵀ + bias + residual), x [m, k], W [n, k] packed, y [m, n]. `bias` and `residual` may be null.
/// float32 and bfloat16: a chain of float32 multiply-adds; sets with products of bfloat16 round x to it and take two k at
/// a time. int8: x's row is quantised to u = round((x − lo) / s) in
/// [0, 255], s = (hi − lo) / 255, the integers Σ u·w are exact, and x · w = (s·Σ u·w + lo·Σ w) · scale. For k ≤ 131,000.
/// With `accumulate` the sums begin at y instead of at the bias: y += x · Wᵀ, without bias, residual and activation, not for
/// int8.
typedef struct {
    const float *x;
    size_t ldx;
    ck_format format;
    const void *packed;
    const float *bias;
    const float *residual;
    size_t ldresidual;
    float *y;
    size_t ldy;
    size_t m, n, k;
    ck_activation activation;
    bool accumulate;
} ck_linear;

/// Bidirectional self-attention of one head over one sequence: its first `queries` rows look at all `length`. `q`, `k`,
/// `v` point at the head's first column in the sequence's first row; scores are scaled by 1/√d before the softmax.
typedef struct {
    const float *q, *k, *v;
    size_t ldqkv;
    float *out;
    size_t ldout;
    size_t queries;
    size_t length;  // L
    size_t d;       // head size
} ck_attention;

/// out = LN(word[id] + position[i] + type[t]) for each row; `types` and `type_table` may be null. The word table is
/// [V, hidden] in `word_format`; an int8 row is to be multiplied by its entry of `word_scales`.
typedef struct {
    const int32_t *ids;
    const int32_t *positions;
    const int32_t *types;
    ck_format word_format;
    const void *word_table;
    const float *word_scales;
    const float *position_table, *type_table;
    const float *gamma, *beta;
    float epsilon;
    size_t hidden;
    float *out;
} ck_embedding;

#include "training.h"

typedef struct {
    ck_isa isa;
    /// Rows are computed in groups of a few: the number of groups that m rows make, and how many one call of `linear`
    /// takes at best.
    size_t (*groups)(size_t m);
    size_t block;
    /// Bytes of 64-byte aligned memory for the rows of a product, laid out as `linear` reads them.
    size_t (*prepared_bytes)(ck_format format, size_t m, size_t k);
    /// Lays out groups [g0, g1) of x, quantised for int8.
    void (*prepare)(const ck_linear *task, size_t g0, size_t g1, void *prepared);
    /// Bytes of 64-byte aligned scratch that `linear` needs.
    size_t (*linear_scratch)(void);
    /// Groups [g0, g1) and panels [p0, p1) of the product, p0 even.
    void (*linear)(const ck_linear *task, void *prepared, size_t g0, size_t g1, size_t p0, size_t p1, void *scratch);
    /// Bytes of 64-byte aligned scratch that `attention` needs.
    size_t (*attention_scratch)(size_t length, size_t d);
    void (*attention)(const ck_attention *task, void *scratch);
    /// y = LN(x) row by row, biased variance; x and y may be the same. x and y are [rows, n], dense.
    void (*layer_norm)(const float *x, const float *gamma, const float *beta, float epsilon, size_t rows, size_t n, float *y);
    void (*embedding)(const ck_embedding *task, size_t row0, size_t row1);
    /// In place over n values.
    void (*activate)(ck_activation activation, float *x, size_t n);
    ck_training_kernels training;
} ck_kernels;

/// The kernels of an instruction set, or null where this build has none. The caller checks that the CPU has it.
const ck_kernels *ck_kernels_for(ck_isa isa);

/// What `ck_pack_weight` and `ck_kernels_for` are unless a program of the tests replaces them.
bool ck_own_pack_weight(ck_format format, const float *weight, size_t n, size_t k, void *packed);
const ck_kernels *ck_own_kernels_for(ck_isa isa);

/// y = x · Wᵀ + bias by its definition, in double precision: x [m, k], W [n, k] row-major as in a checkpoint, y [m, n], all
/// dense; `bias` [n] may be null. What packed weights and every set's kernels are proved against. False when there is no
/// memory.
bool ck_reference_product(const double *x, const float *weight, const float *bias, double *y, size_t m, size_t n, size_t k);

// MARK: - Functions

/// In double precision, within 2e-12; the same bits with every C library. `ck_exp` is constant beyond ±700.
double ck_exp(double x);
double ck_erf(double x);
double ck_tanh(double x);
/// ln(1 + e^x)
double ck_softplus(double x);
/// ln x of a normal number x > 0
double ck_log(double x);

// MARK: - The chip

/// The multiply-add rate that one core sustains for `seconds`, 10⁹ operations per second (two per multiply-add), on registers
/// alone, with the instructions that products of this format use. Whatever else takes the core's time meanwhile lowers it,
/// as it would lower a product's. 0 for plain C.
double ck_peak(ck_isa isa, ck_format format, double seconds);

// MARK: - Thread pool

/// A fixed team: the calling thread and `threads - 1` others, which spin briefly for work and then sleep; the more briefly
/// where other programs want their CPUs.
typedef struct ck_pool ck_pool;
typedef void (*ck_task)(void *context, size_t index, size_t thread);

/// `cpus[i]` is where thread i runs (−1: anywhere); the caller's own entry is not applied. Null if threads can't be made.
ck_pool *ck_pool_create(size_t threads, const int *cpus);
size_t ck_pool_threads(const ck_pool *pool);
/// Calls task(context, i, thread) for each i in [0, count) and returns when all have returned. It waits for no thread, only
/// for tasks that were begun. Not reentrant.
void ck_pool_run(ck_pool *pool, ck_task task, void *context, size_t count);
void ck_pool_destroy(ck_pool *pool);

#if defined(__cplusplus)
}
#endif
#endif
