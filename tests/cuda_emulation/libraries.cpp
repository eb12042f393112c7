#include <map>

#include "tests/cuda_emulation/cublasLt.h"
#include "tests/cuda_emulation/dlfcn.h"

namespace {

std::string last_error;

const std::map<std::string, void*>& functions() {
    static const std::map<std::string, void*> all{
#define LV_FUNCTION(name) {#name, reinterpret_cast<void*>(&name)}
        LV_FUNCTION(cublasLtCreate),
        LV_FUNCTION(cublasLtDestroy),
        LV_FUNCTION(cublasLtMatmul),
        LV_FUNCTION(cublasLtMatmulAlgoGetHeuristic),
        LV_FUNCTION(cublasLtMatmulDescCreate),
        LV_FUNCTION(cublasLtMatmulDescDestroy),
        LV_FUNCTION(cublasLtMatmulDescSetAttribute),
        LV_FUNCTION(cublasLtMatrixLayoutCreate),
        LV_FUNCTION(cublasLtMatrixLayoutDestroy),
        LV_FUNCTION(cublasLtMatmulPreferenceCreate),
        LV_FUNCTION(cublasLtMatmulPreferenceDestroy),
        LV_FUNCTION(cublasLtMatmulPreferenceSetAttribute),
#undef LV_FUNCTION
    };
    return all;
}

}  // namespace

namespace lv::emulation {

Installed& installed() {
    static Installed all;
    return all;
}

}  // namespace lv::emulation

void* dlopen(const char* file, int) {
    if (file == lv::emulation::installed().library) return &last_error;
    last_error = std::string(file) + ": cannot open shared object file: No such file or directory";
    return nullptr;
}

void* dlsym(void*, const char* name) {
    const auto found = functions().find(name);
    return found == functions().end() || name == lv::emulation::installed().missing ? nullptr : found->second;
}

const char* dlerror() { return last_error.c_str(); }
