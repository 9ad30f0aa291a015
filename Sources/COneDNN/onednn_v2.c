// The 2.x C API: operation descriptors, transparent memory descriptors.
#include "context.h"

#if DNNL_VERSION_MAJOR == 2

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

dnnl_primitive_desc_t onednn_describe(onednn_context *c, size_t m, size_t n, size_t k, size_t ldx, size_t ldy,
                                      bool bias) {
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

dnnl_status_t onednn_wrap_weight(dnnl_memory_t *memory, dnnl_engine_t engine, size_t n, size_t k, const float *weight) {
    dnnl_dims_t dims = {(int64_t)k, (int64_t)n}, strides = {1, (int64_t)k};
    dnnl_memory_desc_t plain;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&plain, 2, dims, dnnl_f32, strides);
    return status == dnnl_success ? dnnl_memory_create(memory, &plain, engine, (void *)weight) : status;
}

#endif
