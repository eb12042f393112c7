// The part of cuBLASLt that kernels/products.cu uses, on the host: matrices in columns, transposes, bias, beta. An
// algorithm holds for addresses aligned as was said when it was asked for, and is refused for others; a bias must lie
// at a multiple of 16 bytes, where the real library's kernels may fault.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/cuda_emulation/cuda_fp16.h"

#define CUBLAS_VER_MAJOR 13

enum cublasStatus_t { CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_INVALID_VALUE = 7 };
enum cudaDataType_t { CUDA_R_32F, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum cublasComputeType_t { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 };
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cublasLtEpilogue_t { CUBLASLT_EPILOGUE_DEFAULT = 1, CUBLASLT_EPILOGUE_BIAS = 4 };
enum cublasLtMatmulDescAttributes_t {
    CUBLASLT_MATMUL_DESC_TRANSA = 3,
    CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
    CUBLASLT_MATMUL_DESC_BIAS_POINTER
};
enum cublasLtMatmulPreferenceAttributes_t {
    CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES
};
struct cublasLtContext;
using cublasLtHandle_t = cublasLtContext*;
struct EmulatedMatmul {
    cublasOperation_t turned_a = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const float* bias = nullptr;
};
struct EmulatedLayout {
    cudaDataType_t type;
    uint64_t rows, cols;  // columns lie `step` values apart
    int64_t step;
};
struct EmulatedPreference {
    uint32_t alignment[4] = {256, 256, 256, 256};  // of a, b, c, d
};
struct cublasLtMatmulAlgo_t {
    uint32_t alignment[5];  // of a, b, c, d and the bias
};
struct cublasLtMatmulHeuristicResult_t {
    cublasLtMatmulAlgo_t algo;
};
using cublasLtMatmulDesc_t = EmulatedMatmul*;
using cublasLtMatrixLayout_t = EmulatedLayout*;
using cublasLtMatmulPreference_t = EmulatedPreference*;

inline cublasStatus_t cublasLtCreate(cublasLtHandle_t* to) { return *to = nullptr, CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtDestroy(cublasLtHandle_t) { return CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* to, cublasComputeType_t, cudaDataType_t) {
    return *to = new EmulatedMatmul, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t of) { return delete of, CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t of, cublasLtMatmulDescAttributes_t what,
                                                     const void* value, size_t bytes) {
    if (what == CUBLASLT_MATMUL_DESC_TRANSA) std::memcpy(&of->turned_a, value, bytes);
    if (what == CUBLASLT_MATMUL_DESC_EPILOGUE) std::memcpy(&of->epilogue, value, bytes);
    if (what == CUBLASLT_MATMUL_DESC_BIAS_POINTER) std::memcpy(&of->bias, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* to, cudaDataType_t type, uint64_t rows,
                                                 uint64_t cols, int64_t step) {
    if (step < int64_t(rows)) return CUBLAS_STATUS_INVALID_VALUE;
    return *to = new EmulatedLayout{type, rows, cols, step}, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t of) {
    return delete of, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* to) {
    return *to = new EmulatedPreference, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t of) {
    return delete of, CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t of,
                                                           cublasLtMatmulPreferenceAttributes_t what, const void* value,
                                                           size_t bytes) {
    if (what >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)
        std::memcpy(&of->alignment[what - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t of, cublasLtMatrixLayout_t,
                                                     cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                                     cublasLtMatrixLayout_t, cublasLtMatmulPreference_t preference, int,
                                                     cublasLtMatmulHeuristicResult_t* to, int* count) {
    std::copy_n(preference->alignment, 4, to->algo.alignment);
    to->algo.alignment[4] = 256;
    while (reinterpret_cast<uintptr_t>(of->bias) % to->algo.alignment[4] != 0) to->algo.alignment[4] /= 2;
    return *count = 1, CUBLAS_STATUS_SUCCESS;
}
inline float emulated_value(const void* data, const EmulatedLayout& layout, uint64_t row, uint64_t col) {
    const size_t at = size_t(row) + size_t(col) * size_t(layout.step);
    if (layout.type == CUDA_R_32F) return static_cast<const float*>(data)[at];
    if (layout.type == CUDA_R_16F) return lv::to_float(static_cast<const lv::Half*>(data)[at]);
    return lv::to_float(static_cast<const lv::BFloat16*>(data)[at]);
}
// d = alpha op(a) b + beta c, with b and d as they lie.
inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t of, const void* alpha, const void* a,
                                     cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                                     const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                                     cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void*, size_t,
                                     cudaStream_t) {
    const void* const used[] = {a, b, c, d, of->bias};
    for (size_t i = 0; i < 5; ++i)
        if (reinterpret_cast<uintptr_t>(used[i]) % algo->alignment[i] != 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (reinterpret_cast<uintptr_t>(of->bias) % 16 != 0) return CUBLAS_STATUS_INVALID_VALUE;
    const bool turned = of->turned_a == CUBLAS_OP_T;
    const uint64_t m = turned ? a_layout->cols : a_layout->rows, k = turned ? a_layout->rows : a_layout->cols;
    if (m != d_layout->rows || k != b_layout->rows || b_layout->cols != d_layout->cols ||
        a_layout->type != b_layout->type)
        return CUBLAS_STATUS_INVALID_VALUE;
    const lv::emulation::DeviceMemoryOpen open;
    for (uint64_t col = 0; col < d_layout->cols; ++col)
        for (uint64_t row = 0; row < m; ++row) {
            float sum = 0;
            for (uint64_t i = 0; i < k; ++i)
                sum += emulated_value(a, *a_layout, turned ? i : row, turned ? row : i) *
                       emulated_value(b, *b_layout, i, col);
            sum *= *static_cast<const float*>(alpha);
            const float kept = *static_cast<const float*>(beta);
            if (kept != 0) sum += kept * emulated_value(c, *c_layout, row, col);
            if (of->epilogue == CUBLASLT_EPILOGUE_BIAS) sum += of->bias[row];
            static_cast<float*>(d)[row + col * uint64_t(d_layout->step)] = sum;
        }
    return CUBLAS_STATUS_SUCCESS;
}
