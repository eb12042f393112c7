#include "kernels/products_library.cuh"

#include <dlfcn.h>

#include <string>
#include <type_traits>

#include "kernels/core/error.h"

namespace lv::cuda {

namespace {

constexpr int major = CUBLAS_VER_MAJOR;  // of the header: within one the functions keep their types

// From where the loader looks, or from the toolkit that this was built with.
void* open_library(const std::string& name) {
    std::string reasons;
    for (const std::string& file : {name, std::string(LV_CUDA_LIBRARIES) + "/" + name}) {
        if (void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
        reasons += (reasons.empty() ? "" : "; ") + std::string(dlerror());
    }
    fail("Opening the GPU: its products need ", name, ", which cannot be loaded (", reasons, "); install cuBLAS ",
         major, " (libcublas, part of the CUDA toolkit), name its folder in LD_LIBRARY_PATH, or use --device cpu.");
}

}  // namespace

ProductsLibrary::ProductsLibrary() {
    const std::string name = "libcublasLt.so." + std::to_string(major);
    void* const library = open_library(name);
    const auto find = [&](const char* function, auto& to) {
        to = reinterpret_cast<std::remove_reference_t<decltype(to)>>(dlsym(library, function));
        require(to != nullptr, "Opening the GPU: the ", name, " that was found has no ", function,
                ", expected that of cuBLAS ", major, "; install it anew, or use --device cpu.");
    };
    find("cublasLtCreate", create);
    find("cublasLtDestroy", destroy);
    find("cublasLtMatmul", matmul);
    find("cublasLtMatmulAlgoGetHeuristic", choose_algorithm);
    find("cublasLtMatmulDescCreate", create_product);
    find("cublasLtMatmulDescDestroy", destroy_product);
    find("cublasLtMatmulDescSetAttribute", set_product);
    find("cublasLtMatrixLayoutCreate", create_layout);
    find("cublasLtMatrixLayoutDestroy", destroy_layout);
    find("cublasLtMatmulPreferenceCreate", create_preference);
    find("cublasLtMatmulPreferenceDestroy", destroy_preference);
    find("cublasLtMatmulPreferenceSetAttribute", set_preference);
}

}  // namespace lv::cuda
