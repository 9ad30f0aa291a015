#include "context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *onednn_version(void) {
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
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

size_t onednn_packed_bytes(onednn_context *c, size_t n, size_t k) {
    dnnl_primitive_desc_t d = onednn_describe(c, TYPICAL_ROWS, n, k, k, n, true);
    if (!d) return 0;
    size_t bytes = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0));
    dnnl_primitive_desc_destroy(d);
    return bytes;
}

bool onednn_pack(onednn_context *c, const float *weight, size_t n, size_t k, void *packed) {
    dnnl_primitive_desc_t d = onednn_describe(c, TYPICAL_ROWS, n, k, k, n, true), reorder = 0;
    if (!d) return false;
    layout plain = 0, chosen = dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0);
    dnnl_memory_t from = 0, to = 0;
    dnnl_primitive_t primitive = 0;
    bool ok = onednn_wrap_weight(&from, c->engine, n, k, weight) == dnnl_success &&
              dnnl_memory_get_memory_desc(from, &plain) == dnnl_success &&
              dnnl_memory_create(&to, chosen, c->engine, packed) == dnnl_success &&
              dnnl_reorder_primitive_desc_create(&reorder, plain, c->engine, chosen, c->engine, 0) == dnnl_success &&
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
    dnnl_primitive_desc_t d = onednn_describe(c, p->m, p->n, p->k, p->ldx, p->ldy, p->bias);
    if (!d) return false;
    layout x = dnnl_primitive_desc_query_md(d, dnnl_query_src_md, 0),
           w = dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 0),
           b = dnnl_primitive_desc_query_md(d, dnnl_query_weights_md, 1),
           y = dnnl_primitive_desc_query_md(d, dnnl_query_dst_md, 0);
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
