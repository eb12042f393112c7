#include "kernels/products.cuh"

#include "kernels/core/device.cuh"

namespace lv::cuda {

namespace {

constexpr size_t workspace_bytes = size_t{32} << 20;

void check_library(cublasStatus_t status, const char* doing) {
    if (status != CUBLAS_STATUS_SUCCESS)
        fail("Multiplying on the GPU: ", doing, " failed with status ", int(status), ".");
}

cudaDataType_t library_type(DType type) {
    return type == DType::f16 ? CUDA_R_16F : type == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

// The largest power of two up to 256 that an address is a multiple of.
uint32_t alignment_of(const void* data) {
    uint32_t bytes = 256;
    while (reinterpret_cast<uintptr_t>(data) % bytes != 0) bytes /= 2;
    return bytes;
}

}  // namespace

struct Products::Plan {
    const ProductsLibrary& library;
    cublasLtMatmulDesc_t product = nullptr;
    cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
    cublasLtMatmulAlgo_t algorithm{};

    explicit Plan(const ProductsLibrary& with) : library(with) {}
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        if (y) library.destroy_layout(y);
        if (x) library.destroy_layout(x);
        if (w) library.destroy_layout(w);
        if (product) library.destroy_product(product);
    }
    void set_bias(const float* bias) {
        check_library(library.set_product(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias),
                      "describing a bias");
    }
};

Products::Products(const ProductsLibrary& library) : library_(library) {
    check_library(library_.create(&handle_), "opening cuBLASLt");
}

Products::~Products() {
    plans_.clear();
    library_.destroy(handle_);
}

// cuBLASLt counts in columns: our rows [out, in] are its columns of length `in`. So y^T [out, rows] = w x^T with w
// turned around ("T") and x as it lies ("N").
Products::Plan& Products::plan_of(const Product& p) {
    const uint32_t align_w = alignment_of(p.w), align_x = alignment_of(p.x), align_y = alignment_of(p.y);
    const uint32_t align_bias = alignment_of(p.bias);
    const Key key{p.type,
                  p.exact,
                  p.rows,
                  p.in,
                  p.out,
                  p.x_stride,
                  p.w_stride,
                  p.y_stride,
                  p.accumulate,
                  p.bias != nullptr,
                  uint64_t(align_bias) << 30 | align_w << 20 | align_x << 10 | align_y};
    const auto [found, is_new] = plans_.try_emplace(key, library_);
    Plan& plan = found->second;
    if (!is_new) return plan;
    try {
        // Plain CUBLAS_COMPUTE_32F never rounds f32 inputs to TF32.
        const cublasComputeType_t compute =
            p.type == DType::f32 && !p.exact ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
        check_library(library_.create_product(&plan.product, compute, CUDA_R_32F), "describing a product");
        const cublasOperation_t turned = CUBLAS_OP_T;
        check_library(library_.set_product(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned),
                      "describing a product");
        if (p.bias) {
            const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
            check_library(library_.set_product(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue),
                          "describing a bias");
            plan.set_bias(p.bias);  // its address tells the choice below how it is aligned
        }
        const cudaDataType_t type = library_type(p.type);
        check_library(library_.create_layout(&plan.w, type, p.in, p.out, int64_t(p.w_stride)), "describing w");
        check_library(library_.create_layout(&plan.x, type, p.in, p.rows, int64_t(p.x_stride)), "describing x");
        check_library(library_.create_layout(&plan.y, CUDA_R_32F, p.out, p.rows, int64_t(p.y_stride)), "describing y");

        cublasLtMatmulPreference_t preference = nullptr;
        check_library(library_.create_preference(&preference), "choosing how to multiply");
        const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, auto value) {
            check_library(library_.set_preference(preference, what, &value, sizeof value), "choosing how to multiply");
        };
        // Unless told so, the library takes all addresses for multiples of 256.
        prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t(workspace_bytes));
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, align_w);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, align_x);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, align_y);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, align_y);
        cublasLtMatmulHeuristicResult_t best{};
        int count = 0;
        const cublasStatus_t status = library_.choose_algorithm(handle_, plan.product, plan.w, plan.x, plan.y, plan.y,
                                                                preference, 1, &best, &count);
        library_.destroy_preference(preference);
        check_library(status, "choosing how to multiply");
        require(count > 0, "Multiplying on the GPU: cuBLASLt knows no way for ", p.rows, " rows, ", p.in, " x ", p.out,
                " ", dtype_name(p.type), "; use --device cpu.");
        plan.algorithm = best.algo;
    } catch (...) {
        plans_.erase(found);
        throw;
    }
    return plan;
}

void Products::multiply(Lane& lane, const Product& p) {
    // It may read 16 bytes of a bias at once: no preference says how that is aligned.
    assert(lies_at_16(p.bias));
    Plan& plan = plan_of(p);
    if (p.bias) plan.set_bias(p.bias);
    const float one = 1, kept = p.accumulate ? 1 : 0;
    check_library(
        library_.matmul(handle_, plan.product, &one, p.w, plan.w, p.x, plan.x, &kept, p.y, plan.y, p.y, plan.y,
                        &plan.algorithm, lane.scratch(Slot::library, workspace_bytes), workspace_bytes, lane.stream()),
        "a product");
}

}  // namespace lv::cuda
