// erf(x) = x·P(x²)/Q(x²) on |x| ≤ 3.925, Q(0) = 1; relative error 1.9e-08 in exact arithmetic. Written by
// ops/fit-erf.
#ifndef CKERNELS_ERF_COEFFICIENTS_H
#define CKERNELS_ERF_COEFFICIENTS_H

#define ERF_P0 1.12837915f
#define ERF_P1 0.190593832f
#define ERF_P2 0.0527693173f
#define ERF_P3 0.0037725565f
#define ERF_P4 0.000284844192f
#define ERF_P5 2.046033e-06f
#define ERF_Q1 0.502242116f
#define ERF_Q2 0.114182762f
#define ERF_Q3 0.0149832094f
#define ERF_Q4 0.00116386034f
#define ERF_Q5 3.80478687e-05f

#endif
