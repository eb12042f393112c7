// The dynamic loader as kernels/*.cu see it: on the emulated machine only the emulated cuBLASLt is installed.
#pragma once

#include <string>

constexpr int RTLD_NOW = 2, RTLD_LOCAL = 0;

void* dlopen(const char* file, int how);
void* dlsym(void* library, const char* name);
const char* dlerror();

namespace lv::emulation {

// What is installed there; a test may change it and has to change it back.
struct Installed {
    std::string library = "libcublasLt.so.13";  // its file
    std::string missing;                        // a function that it has not
};
Installed& installed();

}  // namespace lv::emulation
