// exp, erf and tanh for the plain kernels, in double precision: not the C library's, whose last bits change from one
// version to the next, and not those of simd_vector.h, which are tested against these.
#ifndef CKERNELS_PLAIN_FUNCTIONS_H
#define CKERNELS_PLAIN_FUNCTIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

// e^x: x = n·ln 2 + r, |r| ≤ ½ ln 2, the Taylor polynomial of degree 12 in r, then n added to the exponent. Within 1e-14
// on [−700, 700], and constant beyond.
static inline double ck_exp(double x) {
    if (isnan(x)) return x;
    x = x < -700.0 ? -700.0 : (x > 700.0 ? 700.0 : x);
    const double n = nearbyint(x * 1.4426950408889634), r = (x - n * 0.693147180369123816) - n * 1.90821492927058770e-10;
    double sum = 1.0;
    for (int i = 12; i > 0; i--) sum = 1.0 + sum * r / i;
    const uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

// erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6): all terms have one sign. Beyond
// |x| = 5 it is ±1 to 2e-12.
static inline double ck_erf(double x) {
    if (isnan(x)) return x;
    if (x > 5.0 || x < -5.0) return x > 0.0 ? 1.0 : -1.0;
    const double square = 2.0 * x * x;
    double term = x, sum = x;
    for (int n = 3; fabs(term) > 1e-13 * fabs(sum); n += 2) sum += term *= square / n;
    return 1.1283791670955126 * ck_exp(-x * x) * sum;
}

static inline double ck_tanh(double x) {
    if (isnan(x)) return x;
    const double power = ck_exp(2.0 * (x < -20.0 ? -20.0 : (x > 20.0 ? 20.0 : x)));
    return (power - 1.0) / (power + 1.0);
}

#endif
