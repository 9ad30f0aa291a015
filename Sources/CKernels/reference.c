// A product by its definition, for known answers: it shares neither layout nor code with the kernels.
#include <stdlib.h>

#include "CKernels.h"

// Rows that are summed side by side: one chain of additions each.
enum { ROWS = 8 };

bool ck_reference_product(const double *x, const float *weight, const float *bias, double *y, size_t m, size_t n,
                          size_t k) {
    double *columns = malloc((k ? k : 1) * ROWS * sizeof(double));
    if (!columns) return false;
    for (size_t row = 0; row < m; row += ROWS) {
        const size_t rows = m - row < ROWS ? m - row : ROWS;
        for (size_t i = 0; i < k; i++)
            for (size_t r = 0; r < ROWS; r++) columns[i * ROWS + r] = r < rows ? x[(row + r) * k + i] : 0.0;
        for (size_t j = 0; j < n; j++) {
            const float *w = weight + j * k;
            double sums[ROWS];
            for (size_t r = 0; r < ROWS; r++) sums[r] = bias ? bias[j] : 0.0;
            for (size_t i = 0; i < k; i++)
                for (size_t r = 0; r < ROWS; r++) sums[r] += columns[i * ROWS + r] * w[i];
            for (size_t r = 0; r < rows; r++) y[(row + r) * n + j] = sums[r];
        }
    }
    free(columns);
    return true;
}
