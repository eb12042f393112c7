// Which model to run, and with how many threads.
#pragma once

#include <string>

namespace lv {

// What every command that needs the model can be told.
struct ModelOptions {
    std::string dir;  // empty: found as app/model_path.h says
    int threads = 0;  // 0: as many as the machine has
};

}  // namespace lv
