// The vector kernels, written once and compiled for each instruction set. The including file defines
//   W   floats of a vector         MR  rows of a register tile (three vectors wide)
//   ISA the ck_isa value           NAME(x) the symbol of x for this set
// and switches the target on around the inclusion.
//
// Each output element of a product is one chain over k in ascending order: fused multiply-adds begun at the bias, pairs
// of them where bfloat16 is multiplied, or an exact sum of integers. Blocking over k, the rows in a tile and the split
// among threads change nothing in it. That is what makes a row's bits independent of its batch mates.

#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "erf_coefficients.h"
#include "packed.h"
#include "random.h"
#include "scratch.h"

#include "simd_vector.h"
#include "simd_tile.h"
#include "simd_pack.h"
#include "simd_linear.h"
#include "simd_dropout.h"
#include "simd_attention.h"
#include "simd_rows.h"
#include "simd_weight.h"
#include "simd_attention_gradient.h"
#include "simd_gradients.h"

static const ck_kernels NAME(kernels) = {
    .isa = ISA,
    .groups = NAME(groups),
    .block = ROW_BLOCK / MR,
    .prepared_bytes = NAME(prepared_bytes),
    .prepare = NAME(prepare),
    .linear_scratch = NAME(linear_scratch),
    .linear = NAME(linear),
    .attention_scratch = NAME(attention_scratch),
    .attention = NAME(attention),
    .layer_norm = NAME(layer_norm),
    .embedding = NAME(embedding),
    .activate = NAME(activate),
    .training = {
        .pack = NAME(pack),
        .prepare_transposed = NAME(prepare_transposed),
        .attention = NAME(attention_dropped),
        .attention_gradient_scratch = NAME(attention_gradient_scratch),
        .attention_gradient = NAME(attention_gradient),
        .activation_gradient = NAME(activation_gradient),
        .dropout = NAME(dropout),
        .layer_norm_gradient = NAME(layer_norm_gradient),
        .embedding_sum = NAME(embedding_sum),
        .column_sums = NAME(column_sums),
        .add_scaled = NAME(add_scaled),
        .sum_of_squares = NAME(sum_of_squares),
        .log_softmax = NAME(log_softmax),
        .add_powers = NAME(add_powers),
        .divergence = NAME(divergence),
        .adamw = NAME(adamw),
    },
};
