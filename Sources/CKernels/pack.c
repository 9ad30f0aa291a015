#include <string.h>

#include "CKernels.h"

size_t ck_packed_floats(size_t n, size_t k) { return (n + CK_PANEL - 1) / CK_PANEL * CK_PANEL * k; }

void ck_pack_weight(const float *weight, size_t n, size_t k, float *packed) {
    for (size_t p = 0; p < n; p += CK_PANEL) {
        size_t columns = n - p < CK_PANEL ? n - p : CK_PANEL;
        float *panel = packed + p * k;
        if (columns < CK_PANEL) memset(panel, 0, CK_PANEL * k * sizeof(float));
        // 16 × 16 blocks, so that both sides stay in L1
        for (size_t k0 = 0; k0 < k; k0 += CK_PANEL) {
            size_t end = k0 + CK_PANEL < k ? k0 + CK_PANEL : k;
            for (size_t j = 0; j < columns; j++)
                for (size_t kk = k0; kk < end; kk++) panel[kk * CK_PANEL + j] = weight[(p + j) * k + kk];
        }
    }
}
