// The kernels of training in plain C (plain_training.c), for the table of plain.c.
#ifndef CKERNELS_PLAIN_TRAINING_H
#define CKERNELS_PLAIN_TRAINING_H

#include "CKernels.h"

void ck_plain_pack(const ck_packing *task, size_t p0, size_t p1);
void ck_plain_attention(const ck_attention *task, ck_dropout dropout, uint64_t offset, void *scratch);
size_t ck_plain_attention_gradient_scratch(size_t length, size_t d);
void ck_plain_attention_gradient(const ck_attention_gradient *task, void *scratch);
void ck_plain_activation_gradient(ck_activation activation, const float *u, const float *da, size_t n, float *du);
void ck_plain_dropout(ck_dropout dropout, uint64_t first, const float *x, const float *residual, size_t n, float *y);
void ck_plain_layer_norm_gradient(const float *x, const float *gamma, float epsilon, const float *dy, size_t rows, size_t n,
                                  float *dx, float *dgamma, float *dbeta);
void ck_plain_embedding_sum(const ck_embedding *task, size_t row0, size_t row1);
void ck_plain_column_sums(const float *x, size_t ldx, size_t rows, size_t n, float *sums);
void ck_plain_add_scaled(float a, const float *x, size_t n, float *y);
double ck_plain_sum_of_squares(const float *x, size_t n);
float ck_plain_log_softmax(const float *x, float scale, size_t n, float *y);
void ck_plain_adamw(const ck_adamw *step, const float *gradient, size_t n, float *weight, float *m, float *v);

// All but `prepare_transposed`, which belongs to the products.
#define TRAINING_OF_PLAIN_C                                                                                           \
    .pack = ck_plain_pack, .attention = ck_plain_attention,                                                           \
    .attention_gradient_scratch = ck_plain_attention_gradient_scratch,                                                \
    .attention_gradient = ck_plain_attention_gradient, .activation_gradient = ck_plain_activation_gradient,           \
    .dropout = ck_plain_dropout, .layer_norm_gradient = ck_plain_layer_norm_gradient,                                 \
    .embedding_sum = ck_plain_embedding_sum, .column_sums = ck_plain_column_sums, .add_scaled = ck_plain_add_scaled,  \
    .sum_of_squares = ck_plain_sum_of_squares, .log_softmax = ck_plain_log_softmax, .adamw = ck_plain_adamw

#endif
