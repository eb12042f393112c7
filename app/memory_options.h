// What the command line says about the memory: where it is kept, how large it may grow, how it is read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "kernels/core/dtype.h"

namespace CLI {
class App;
}

namespace lv {

struct MemoryChoice {
    std::string save, load;      // files; empty: none
    size_t budget_bytes = 0;     // 0: none
    std::optional<DType> cache;  // not set: as it is, f16 for a new one
    size_t top_pages = 0;        // 0: answers read the whole cache
};

// The words as they were given.
struct MemoryText {
    std::string budget, cache, attend;
};

void add_memory_options(CLI::App& command, MemoryChoice& choice, MemoryText& text);
// Throws UsageError.
void read_memory_options(const MemoryText& text, MemoryChoice& choice);

// "f16", "int8", "f32"; "exact", "top:64". Throw UsageError.
DType parse_cache(const std::string& text);
size_t parse_attend(const std::string& text);
std::string cache_name(DType type);
std::string attend_text(size_t top_pages);

// Proves that the file can be written, so that hours of work do not end at an unwritable place, and that what
// it replaces is at most an older memory. Throws Error.
void require_writable(const std::string& file);

}  // namespace lv
