// cuBLASLt is looked for when a device is opened, and what is wrong with it is told there.
#include "tests/cuda_emulation/dlfcn.h"
#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class ProductsLibrary : public testing::Test {
   protected:
    ~ProductsLibrary() override { emulation::installed() = {}; }
    std::string error() const {
        try {
            open_cuda();
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    }
};

TEST_F(ProductsLibrary, MissingIsToldWithWhereItWasLookedForAndWhatToDo) {
    emulation::installed().library = "libcublasLt.so.12";
    EXPECT_EQ(error(),
              "Opening the GPU: its products need libcublasLt.so.13, which cannot be loaded (libcublasLt.so.13: cannot "
              "open shared object file: No such file or directory; toolkit/libcublasLt.so.13: cannot open shared "
              "object file: No such file or directory); install cuBLAS 13 (libcublas, part of the CUDA toolkit), name "
              "its folder in LD_LIBRARY_PATH, or use --device cpu.");
}

TEST_F(ProductsLibrary, IsFoundInTheToolkitThatWasBuiltWith) {
    emulation::installed().library = "toolkit/libcublasLt.so.13";
    EXPECT_EQ(error(), "");
}

TEST_F(ProductsLibrary, WithoutOneOfItsFunctionsIsRefusedByName) {
    emulation::installed().missing = "cublasLtMatmulPreferenceSetAttribute";
    EXPECT_EQ(error(),
              "Opening the GPU: the libcublasLt.so.13 that was found has no cublasLtMatmulPreferenceSetAttribute, "
              "expected that of cuBLAS 13; install it anew, or use --device cpu.");
}

}  // namespace
}  // namespace lv::test
