// exp, erf, tanh, softplus and log in double precision: not the C library's, whose last bits change from one version to the
// next, and not those of simd_vector.h, which are tested against these.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"

// e^x: x = n·ln 2 + r, |r| ≤ ½ ln 2, the Taylor polynomial of degree 12 in r, then n added to the exponent. Within 1e-14
// on [−700, 700], and constant beyond.
double ck_exp(double x) {
    // 1 / n!
    static const double terms[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                                   1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600};
    if (isnan(x)) return x;
    x = x < -700.0 ? -700.0 : (x > 700.0 ? 700.0 : x);
    const double n = nearbyint(x * 1.4426950408889634), r = (x - n * 0.693147180369123816) - n * 1.90821492927058770e-10;
    double sum = terms[12];
    for (int i = 11; i >= 0; i--) sum = sum * r + terms[i];
    const uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

// erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6): all terms have one sign. Beyond
// |x| = 5 it is ±1 to 2e-12.
double ck_erf(double x) {
    if (isnan(x)) return x;
    if (x > 5.0 || x < -5.0) return x > 0.0 ? 1.0 : -1.0;
    const double square = 2.0 * x * x;
    double term = x, sum = x;
    for (int n = 3; fabs(term) > 1e-13 * fabs(sum); n += 2) sum += term *= square / n;
    return 1.1283791670955126 * ck_exp(-x * x) * sum;
}

double ck_tanh(double x) {
    if (isnan(x)) return x;
    const double power = ck_exp(2.0 * (x < -20.0 ? -20.0 : (x > 20.0 ? 20.0 : x)));
    return (power - 1.0) / (power + 1.0);
}

// ln(1 + e^x) = max(x, 0) + ln(1 + u), u = e^(−|x|), and ln(1 + u) = 2·artanh(s) = 2·Σ s^(2n+1) / (2n+1), s = u / (2 + u):
// s is at most 1/3.
double ck_softplus(double x) {
    if (isnan(x)) return x;
    const double u = ck_exp(-fabs(x)), s = u / (2.0 + u);
    double sum = 0.0;
    for (int n = 33; n > 0; n -= 2) sum = sum * s * s + 1.0 / n;
    return (x > 0.0 ? x : 0.0) + 2.0 * s * sum;
}

// ln x = e·ln 2 + 2·artanh(s), x = m·2^e, √½ ≤ m < √2, s = (m − 1) / (m + 1): |s| is at most 0.172.
double ck_log(double x) {
    if (isnan(x) || isinf(x)) return x;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    // 0x3fe6a09e... is √½
    const int64_t exponent = (int64_t)(bits - 0x3fe6a09e667f3bcdu) >> 52;
    bits -= (uint64_t)exponent << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    const double s = (m - 1.0) / (m + 1.0);
    double sum = 0.0;
    for (int n = 21; n > 0; n -= 2) sum = sum * s * s + 1.0 / n;
    return (double)exponent * 0.69314718055994531 + 2.0 * s * sum;
}
