// The 3.x C API: no operation descriptors, memory descriptors are objects.
#include "context.h"

#if DNNL_VERSION_MAJOR == 3

const char *onednn_isa(void) {
    switch (dnnl_get_effective_cpu_isa()) {
        case dnnl_cpu_isa_sse41: return "sse41";
        case dnnl_cpu_isa_avx: return "avx";
        case dnnl_cpu_isa_avx2: return "avx2";
        case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
        case dnnl_cpu_isa_avx2_vnni_2: return "avx2_vnni_2";
        case dnnl_cpu_isa_avx512_core: return "avx512_core";
        case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
        case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
        case dnnl_cpu_isa_avx512_core_fp16: return "avx512_core_fp16";
        case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
        case dnnl_cpu_isa_avx512_core_amx_fp16: return "avx512_core_amx_fp16";
        default: return "other";
    }
}

// With `chosen` as the weight's layout, or with the library's choice for null.
static dnnl_primitive_desc_t describe(onednn_context *c, size_t m, size_t n, size_t k, size_t ldx, size_t ldy, bool bias,
                                      layout chosen) {
    dnnl_dims_t xd = {(int64_t)m, (int64_t)k}, wd = {(int64_t)k, (int64_t)n}, bd = {1, (int64_t)n},
                yd = {(int64_t)m, (int64_t)n};
    dnnl_dims_t xs = {(int64_t)ldx, 1}, ys = {(int64_t)ldy, 1};
    dnnl_memory_desc_t x = 0, w = 0, b = 0, y = 0;
    dnnl_primitive_desc_t descriptor = 0;
    if (dnnl_memory_desc_create_with_strides(&x, 2, xd, dnnl_f32, xs) != dnnl_success ||
        dnnl_memory_desc_create_with_tag(&w, 2, wd, dnnl_f32, dnnl_format_tag_any) != dnnl_success ||
        dnnl_memory_desc_create_with_tag(&b, 2, bd, dnnl_f32, dnnl_ab) != dnnl_success ||
        dnnl_memory_desc_create_with_strides(&y, 2, yd, dnnl_f32, ys) != dnnl_success ||
        dnnl_matmul_primitive_desc_create(&descriptor, c->engine, x, chosen ? chosen : w, bias ? b : 0, y, 0) !=
            dnnl_success)
        descriptor = 0;
    if (x) dnnl_memory_desc_destroy(x);
    if (w) dnnl_memory_desc_destroy(w);
    if (b) dnnl_memory_desc_destroy(b);
    if (y) dnnl_memory_desc_destroy(y);
    return descriptor;
}

// 3.x may choose another layout for few rows than for many, so the choice for the typical number binds all.
dnnl_primitive_desc_t onednn_describe(onednn_context *c, size_t m, size_t n, size_t k, size_t ldx, size_t ldy,
                                      bool bias) {
    dnnl_primitive_desc_t typical = describe(c, TYPICAL_ROWS, n, k, k, n, true, 0);
    if (!typical) return 0;
    layout chosen = dnnl_primitive_desc_query_md(typical, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_t descriptor = describe(c, m, n, k, ldx, ldy, bias, chosen);
    dnnl_primitive_desc_destroy(typical);
    return descriptor;
}

dnnl_status_t onednn_wrap_weight(dnnl_memory_t *memory, dnnl_engine_t engine, size_t n, size_t k, const float *weight) {
    dnnl_dims_t dims = {(int64_t)k, (int64_t)n}, strides = {1, (int64_t)k};
    dnnl_memory_desc_t plain = 0;
    dnnl_status_t status = dnnl_memory_desc_create_with_strides(&plain, 2, dims, dnnl_f32, strides);
    if (status != dnnl_success) return status;
    status = dnnl_memory_create(memory, plain, engine, (void *)weight);
    dnnl_memory_desc_destroy(plain);
    return status;
}

#elif DNNL_VERSION_MAJOR > 3
#error "Newer than oneDNN 3.x; its C API belongs in a file of its own beside this one."
#endif
