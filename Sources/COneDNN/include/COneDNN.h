// oneDNN's matrix product, reduced to what a linear layer needs and independent of the library's version: one file
// of this target implements it for each major version of the C API.
//
// A context belongs to one thread (its primitives own their scratch memory); contexts are independent of each other.
#ifndef CONEDNN_H
#define CONEDNN_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct onednn_context onednn_context;

/// "2.6.3": with `onednn_isa` the identity of the packed layout, which is the library's own.
const char *onednn_version(void);
/// The instruction set that the library generates code for on this CPU, such as "avx512_core_bf16".
const char *onednn_isa(void);

/// Null when the library refuses or there is no memory.
onednn_context *onednn_create(void);
void onednn_destroy(onednn_context *context);

/// Rows that a product of `m` rows is computed with: at most 6 % more, so that primitives (150–350 µs to make) are few
/// and cached. x must be readable and y writable for that many rows; the extra ones mean nothing.
size_t onednn_rows(size_t m);

/// Bytes of the packed form of a float32 weight [n, k], 0 on failure.
size_t onednn_packed_bytes(onednn_context *context, size_t n, size_t k);
bool onednn_pack(onednn_context *context, const float *weight, size_t n, size_t k, void *packed);

/// y = x · Wᵀ + bias: x [m, k] with rows `ldx` apart, W packed, bias [n] or null, y [m, n] with rows `ldy` apart.
bool onednn_linear(onednn_context *context, const float *x, size_t ldx, const void *packed, const float *bias, float *y,
                   size_t ldy, size_t m, size_t n, size_t k);

#if defined(__cplusplus)
}
#endif
#endif
