// What one core can do at most: the instructions of a product's inner loop on registers alone, in twelve independent
// chains, enough to hide their latency.
#include <time.h>

#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum { CHAINS = 12 };

#define REPEAT(TYPE, STEP)                                                                                            \
    TYPE acc[CHAINS];                                                                                                 \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) acc[i] = a;                                   \
    for (long r = 0; r < rounds; r++) {                                                                               \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) {                                         \
            STEP;                                                                                                     \
            __asm__ volatile("" : "+v"(acc[i]));                                                                      \
        }                                                                                                             \
    }                                                                                                                 \
    TYPE sum = acc[0];                                                                                                \
    _Pragma("clang loop unroll(full)") for (int i = 1; i < CHAINS; i++) sum += acc[i];                                \
    volatile char sink = ((const volatile char *)&sum)[0];                                                            \
    (void)sink;

__attribute__((target("avx2,fma"))) static void floats_avx2(long rounds) {
    const __m256 a = _mm256_set1_ps(0.999999f);
    REPEAT(__m256, acc[i] = _mm256_fmadd_ps(acc[i], a, a))
}

__attribute__((target("avx2,fma"))) static void bytes_avx2(long rounds) {
    const __m256i a = _mm256_set1_epi16(1);
    REPEAT(__m256i, acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(_mm256_maddubs_epi16(a, acc[i]), a)))
}

__attribute__((target("avx512f,avx512vl,avx512bw"))) static void floats_avx512(long rounds) {
    const __m512 a = _mm512_set1_ps(0.999999f);
    REPEAT(__m512, acc[i] = _mm512_fmadd_ps(acc[i], a, a))
}

__attribute__((target("avx512f,avx512vl,avx512bw"))) static void bytes_avx512(long rounds) {
    const __m512i a = _mm512_set1_epi16(1);
    REPEAT(__m512i, acc[i] = _mm512_add_epi32(acc[i], _mm512_madd_epi16(_mm512_maddubs_epi16(a, acc[i]), a)))
}

__attribute__((target("avx512f,avx512vl,avx512bw,avx512vnni"))) static void bytes_avx512vnni(long rounds) {
    const __m512i a = _mm512_set1_epi16(1);
    REPEAT(__m512i, acc[i] = _mm512_dpbusd_epi32(acc[i], a, a))
}

__attribute__((target("avx512f,avx512vl,avx512bw,avx512bf16"))) static void pairs_avx512(long rounds) {
    const __m512 a = _mm512_set1_ps(0.999999f);
    REPEAT(__m512, acc[i] = _mm512_dpbf16_ps(acc[i], (__m512bh)a, (__m512bh)a))
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ck_peak(ck_isa isa, ck_format format, double seconds) {
    if (isa == CK_ISA_PLAIN) return 0;
    const bool wide = isa >= CK_ISA_AVX512 && isa <= CK_ISA_AVX512_BF16, bytes = format == CK_FORMAT_INT8;
    const bool pairs = isa == CK_ISA_AVX512_BF16 && format == CK_FORMAT_BFLOAT16;
    void (*loop)(long) = bytes ? bytes_avx2 : floats_avx2;
    if (wide) loop = bytes ? (isa == CK_ISA_AVX512 ? bytes_avx512 : bytes_avx512vnni) : floats_avx512;
    if (pairs) loop = pairs_avx512;
    const long rounds = 50000;
    double operations = 0, elapsed, start = now();
    do {
        loop(rounds);
        operations += (double)rounds * CHAINS * (wide ? 16 : 8) * 2 * (bytes ? 4 : 1) * (pairs ? 2 : 1);
        elapsed = now() - start;
    } while (elapsed < seconds);
    return operations / elapsed * 1e-9;
}

#else

double ck_peak(ck_isa isa, ck_format format, double seconds) {
    (void)isa, (void)format, (void)seconds;
    return 0;
}

#endif
