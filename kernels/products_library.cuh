// The functions of cuBLASLt, loaded when a CUDA device is opened: a program that opens none neither maps nor needs it.
#pragma once

#include <cublasLt.h>

namespace lv::cuda {

// Each is the function of <cublasLt.h> that its type names. Once loaded the library stays until the process ends.
struct ProductsLibrary {
    // Error when the library is not found, or not all of its functions.
    ProductsLibrary();

    decltype(&cublasLtCreate) create = nullptr;
    decltype(&cublasLtDestroy) destroy = nullptr;
    decltype(&cublasLtMatmul) matmul = nullptr;
    decltype(&cublasLtMatmulAlgoGetHeuristic) choose_algorithm = nullptr;
    decltype(&cublasLtMatmulDescCreate) create_product = nullptr;
    decltype(&cublasLtMatmulDescDestroy) destroy_product = nullptr;
    decltype(&cublasLtMatmulDescSetAttribute) set_product = nullptr;
    decltype(&cublasLtMatrixLayoutCreate) create_layout = nullptr;
    decltype(&cublasLtMatrixLayoutDestroy) destroy_layout = nullptr;
    decltype(&cublasLtMatmulPreferenceCreate) create_preference = nullptr;
    decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference = nullptr;
    decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference = nullptr;
};

}  // namespace lv::cuda
