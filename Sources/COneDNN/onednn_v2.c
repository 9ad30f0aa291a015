// The 2.x C API: operation descriptors, transparent memory descriptors.
#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR == 2

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "COneDNN.h"

enum { CACHE_SLOTS = 512 };

typedef struct {
    size_t m, n, k, ldx, ldy;
    bool bias;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, weight, bias_memory, y;
    uint64_t used;
} product;

struct onednn_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    uint64_t clock;
    product cache[CACHE_SLOTS];
};

const char *onednn_version(void) {
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

const char *onednn_isa(void) {
    switch (dnnl_get_effective_cpu_isa()) {
        case dnnl_cpu_isa_sse41: return "sse41";
        case dnnl_cpu_isa_avx: return "avx";
        case dnnl_cpu_isa_avx2: return "avx2";
        case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
        case dnnl_cpu_isa_avx512_core: return "avx512_core";
        case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
        case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
        case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
        default: return "other";
    }
}

onednn_context *onednn_create(void) {
    onednn_context *c = calloc(1, sizeof *c);
    if (!c) return 0;
    if (dnnl_engine_create(&c->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags) != dnnl_success) {
        onednn_destroy(c);
        return 0;
    }
    return c;
}

static void discard(product *p) {
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->x) dnnl_memory_destroy(p->x);
    if (p->weight) dnnl_memory_destroy(p->weight);
    if (p->bias_memory) dnnl_memory_destroy(p->bias_memory);
    if (p->y) dnnl_memory_destroy(p->y);
    memset(p, 0, sizeof *p);
}

void onednn_destroy(onednn_context *c) {
    if (!c) return;
    for (size_t i = 0; i < CACHE_SLOTS; i++) discard(&c->cache[i]);
    if (c->stream) dnnl_stream_destroy(c->stream);
    if (c->engine) dnnl_engine_destroy(c->engine);
    free(c);
}

// The primitive descriptor of m × n × k; the weight's layout is the library's choice and does not depend on m.
static dnnl_primitive_desc_t describe(onednn_context *c, size_t m, size_t n, size_t k, size_t ldx, size_t ldy, bool bias) {
    dnnl_dims_t xd = {(int64_t)m, (int64_t)k}, wd = {(int64_t)k, (int64_t)n}, bd = {1, (int64_t)n},
                yd = {(int64_t)m, (int64_t)n};
    dnnl_dims_t xs = {(int64_t)ldx, 1}, ys = {(int64_t)ldy, 1};
    dnnl_memory_desc_t x, w, b, y;
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_desc_t descriptor = 0;
    if (dnnl_memory_desc_init_by_strides(&x, 2, xd, dnnl_f32, xs) != dnnl_success ||
        dnnl_memory_desc_init_by_tag(&w, 2, wd, dnnl_f32, dnnl_format_tag_any) != dnnl_success ||
        dnnl_memory_desc_init_by_tag(&b, 2, bd, dnnl_f32, dnnl_ab) != dnnl_success ||
        dnnl_memory_desc_init_by_strides(&y, 2, yd, dnnl_f32, ys) != dnnl_success ||
        dnnl_matmul_desc_init(&matmul, &x, &w, bias ? &b : 0, &y) != dnnl_success ||
        dnnl_primitive_desc_create(&descriptor, &matmul, 0, c->engine, 0) != dnnl_success)
        return 0;
    return descriptor;
}

// Rows that stand for all when only the weight's layout is asked for.
enum { TYPICAL_ROWS = 128 };

size_t onednn_packed_bytes(onednn_context *c, size_t n, size_t k) {
    dnnl_primitive_desc_t d = describe(c, TYPICAL_ROWS, n, k, k, n, true);
    if (!d) return 0;
    size_t bytes = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0));
    dnnl_primitive_desc_destroy(d);
    return bytes;
}

bool onednn_pack(onednn_context *c, const float *weight, size_t n, size_t k, void *packed) {
    dnnl_primitive_desc_t d = describe(c, TYPICAL_ROWS, n, k, k, n, true), reorder = 0;
    if (!d) return false;
    dnnl_dims_t wd = {(int64_t)k, (int64_t)n}, ws = {1, (int64_t)k};
    dnnl_memory_desc_t plain;
    dnnl_memory_t from = 0, to = 0;
    dnnl_primitive_t primitive = 0;
    const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0);
    bool ok = dnnl_memory_desc_init_by_strides(&plain, 2, wd, dnnl_f32, ws) == dnnl_success &&
              dnnl_memory_create(&from, &plain, c->engine, (void *)weight) == dnnl_success &&
              dnnl_memory_create(&to, layout, c->engine, packed) == dnnl_success &&
              dnnl_reorder_primitive_desc_create(&reorder, &plain, c->engine, layout, c->engine, 0) == dnnl_success &&
              dnnl_primitive_create(&primitive, reorder) == dnnl_success;
    if (ok) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        ok = dnnl_primitive_execute(primitive, c->stream, 2, arguments) == dnnl_success &&
             dnnl_stream_wait(c->stream) == dnnl_success;
    }
    if (primitive) dnnl_primitive_destroy(primitive);
    if (reorder) dnnl_primitive_desc_destroy(reorder);
    if (from) dnnl_memory_destroy(from);
    if (to) dnnl_memory_destroy(to);
    dnnl_primitive_desc_destroy(d);
    return ok;
}

static bool make(onednn_context *c, product *p) {
    dnnl_primitive_desc_t d = describe(c, p->m, p->n, p->k, p->ldx, p->ldy, p->bias);
    if (!d) return false;
    const dnnl_memory_desc_t *x = dnnl_primitive_desc_query_md(d, dnnl_query_src_md, 0),
                             *w = dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0),
                             *b = dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 1),
                             *y = dnnl_primitive_desc_query_md(d, dnnl_query_dst_md, 0);
    bool ok = dnnl_primitive_create(&p->primitive, d) == dnnl_success &&
              dnnl_memory_create(&p->x, x, c->engine, DNNL_MEMORY_NONE) == dnnl_success &&
              dnnl_memory_create(&p->weight, w, c->engine, DNNL_MEMORY_NONE) == dnnl_success &&
              (!p->bias || dnnl_memory_create(&p->bias_memory, b, c->engine, DNNL_MEMORY_NONE) == dnnl_success) &&
              dnnl_memory_create(&p->y, y, c->engine, DNNL_MEMORY_NONE) == dnnl_success;
    dnnl_primitive_desc_destroy(d);
    return ok;
}

// The cached primitive of this shape; the least recently used one makes room.
static product *lookup(onednn_context *c, size_t m, size_t n, size_t k, size_t ldx, size_t ldy, bool bias) {
    product *oldest = &c->cache[0];
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        product *p = &c->cache[i];
        if (p->primitive && p->m == m && p->n == n && p->k == k && p->ldx == ldx && p->ldy == ldy && p->bias == bias) {
            p->used = ++c->clock;
            return p;
        }
        if (p->used < oldest->used) oldest = p;
    }
    discard(oldest);
    *oldest = (product){.m = m, .n = n, .k = k, .ldx = ldx, .ldy = ldy, .bias = bias, .used = ++c->clock};
    if (make(c, oldest)) return oldest;
    discard(oldest);
    return 0;
}

bool onednn_linear(onednn_context *c, const float *x, size_t ldx, const void *packed, const float *bias, float *y,
                   size_t ldy, size_t m, size_t n, size_t k) {
    product *p = lookup(c, onednn_rows(m), n, k, ldx, ldy, bias != 0);
    if (!p) return false;
    dnnl_memory_set_data_handle(p->x, (void *)x);
    dnnl_memory_set_data_handle(p->weight, (void *)packed);
    if (bias) dnnl_memory_set_data_handle(p->bias_memory, (void *)bias);
    dnnl_memory_set_data_handle(p->y, y);
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, p->x}, {DNNL_ARG_WEIGHTS, p->weight}, {DNNL_ARG_DST, p->y}, {DNNL_ARG_BIAS, p->bias_memory}};
    return dnnl_primitive_execute(p->primitive, c->stream, bias ? 4 : 3, arguments) == dnnl_success &&
           dnnl_stream_wait(c->stream) == dnnl_success;
}

#elif DNNL_VERSION_MAJOR > 2
#error "This file implements oneDNN 2.x; the 3.x C API belongs in a file of its own beside it."
#endif
