// What the files of this target share. The calls of oneDNN that 2.x and 3.x spell alike are in `context.c`; the rest,
// declared at the end of this file, is in one file for each major version.
#ifndef CONEDNN_CONTEXT_H
#define CONEDNN_CONTEXT_H

#include <oneapi/dnnl/dnnl.h>
#include <stdint.h>

#include "COneDNN.h"

// How a memory is laid out, borrowed from its owner: 2.x has transparent structures, 3.x opaque objects.
#if DNNL_VERSION_MAJOR == 2
typedef const dnnl_memory_desc_t *layout;
#else
typedef const_dnnl_memory_desc_t layout;
#endif

// A primitive for one shape, with memory objects whose addresses are set before each use.
typedef struct {
    size_t m, n, k, ldx, ldy;
    bool bias;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, weight, bias_memory, y;
    uint64_t used;
} product;

enum { CACHE_SLOTS = 512 };

struct onednn_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    uint64_t clock;
    product cache[CACHE_SLOTS];
};

// Rows that stand for all when only the weight's layout is asked for.
enum { TYPICAL_ROWS = 128 };

/// The product x · Wᵀ + bias of x [m, k] with rows `ldx` apart and y [m, n] with rows `ldy` apart, or null. The weight's
/// layout is the library's choice and is the same for every m.
dnnl_primitive_desc_t onednn_describe(onednn_context *context, size_t m, size_t n, size_t k, size_t ldx, size_t ldy,
                                      bool bias);

/// Wraps a row-major weight [n, k], seen as the [k, n] that the product takes.
dnnl_status_t onednn_wrap_weight(dnnl_memory_t *memory, dnnl_engine_t engine, size_t n, size_t k, const float *weight);

#endif
