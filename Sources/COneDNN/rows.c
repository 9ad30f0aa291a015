#include "COneDNN.h"

size_t onednn_rows(size_t m) {
    size_t step = 1;
    while (step * 32 <= m) step *= 2;  // step ≤ m / 16
    return (m + step - 1) / step * step;
}
