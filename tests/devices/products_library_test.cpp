// The cuBLASLt that is installed here, GPU or not: its functions are found and are the header's.
#include "kernels/products_library.cuh"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/core/error.h"

namespace lv::test {
namespace {

TEST(ProductsLibrary, ThatIsInstalledHereHasAllFunctionsAndDescribesAProduct) {
    std::unique_ptr<cuda::ProductsLibrary> library;
    try {
        library = std::make_unique<cuda::ProductsLibrary>();
    } catch (const Error& error) {
        if (std::string(error.what()).find("cannot be loaded") == std::string::npos) throw;
        GTEST_SKIP() << error.what();
    }
    cublasLtMatmulDesc_t product = nullptr;
    ASSERT_EQ(library->create_product(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
    const cublasOperation_t turned = CUBLAS_OP_T;
    EXPECT_EQ(library->set_product(product, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(library->destroy_product(product), CUBLAS_STATUS_SUCCESS);
    cublasLtMatrixLayout_t layout = nullptr;
    ASSERT_EQ(library->create_layout(&layout, CUDA_R_16BF, 5, 7, 8), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(library->destroy_layout(layout), CUBLAS_STATUS_SUCCESS);
    cublasLtMatmulPreference_t preference = nullptr;
    ASSERT_EQ(library->create_preference(&preference), CUBLAS_STATUS_SUCCESS);
    const uint64_t bytes = 1 << 20;
    EXPECT_EQ(library->set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(library->destroy_preference(preference), CUBLAS_STATUS_SUCCESS);
}

}  // namespace
}  // namespace lv::test
