#include <time.h>

#include "CKernels.h"

// Twelve independent chains of multiply-adds on registers, enough to hide the latency of both units.
#define CHAINS 12
#define PEAK(NAME, TARGET, WIDTH)                                                                                     \
    TARGET static void NAME(long rounds, float *out) {                                                                \
        typedef float v __attribute__((vector_size(WIDTH * 4)));                                                      \
        v acc[CHAINS], a = (v){0} + 0.999999f, b = (v){0} + 1e-9f;                                                    \
        for (int i = 0; i < CHAINS; i++) acc[i] = (v){0} + (float)i;                                                  \
        for (long r = 0; r < rounds; r++) {                                                                           \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) {                                     \
                acc[i] = __builtin_elementwise_fma(acc[i], a, b);                                                     \
                __asm__ volatile("" : "+x"(acc[i]));                                                                  \
            }                                                                                                         \
        }                                                                                                             \
        for (int i = 0; i < CHAINS; i++) out[i] = acc[i][0];                                                          \
    }

#if defined(__x86_64__)
PEAK(peak_avx2, __attribute__((target("avx2,fma"))), 8)
PEAK(peak_avx512, __attribute__((target("avx512f,avx512vl,fma"))), 16)
#endif

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ck_peak_gflops(ck_isa isa, double seconds) {
#if defined(__x86_64__)
    if (isa == CK_ISA_PLAIN) return 0;
    const long rounds = 100000;
    const int width = isa == CK_ISA_AVX512 ? 16 : 8;
    float out[CHAINS];
    double best = 0, start = now();
    do {
        double t = now();
        isa == CK_ISA_AVX512 ? peak_avx512(rounds, out) : peak_avx2(rounds, out);
        t = now() - t;
        double rate = (double)rounds * CHAINS * width * 2 / t * 1e-9;
        if (rate > best) best = rate;
    } while (now() - start < seconds);
    return best;
#else
    (void)isa, (void)seconds;
    return 0;
#endif
}
