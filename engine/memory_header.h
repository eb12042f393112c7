// The JSON header of a saved memory: what is in the file, as text and back, every field checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "engine/frame_index.h"
#include "engine/memory_file.h"
#include "kernels/core/weight_file.h"

namespace lv {

constexpr int memory_file_version = 4;
constexpr int64_t most_us = int64_t{1} << 60;  // 36,000 years: sums and differences of times do not overflow
// Names of the tensors: a layer's state is "layers.N...", the one cache "cache...", a note of the caller's
// "notes.NAME".
constexpr const char* layers_prefix = "layers.";
constexpr const char* cache_name_in_file = "cache";
constexpr std::string_view notes_prefix = "notes.";
constexpr const char* memory_file_remedy = "take an older copy of it, or watch the video again";

struct MemoryHeader {
    MemoryFileInfo info;  // without the bytes
    int64_t last_time_us = 0;
    FrameIndex::Open open;                    // without the sums
    std::map<std::string, uint64_t> dropped;  // rows thinned out of each cache, by its name
};

// For the metadata of the file.
std::map<std::string, std::string> header_text(const MemoryHeader& header);

// Checks the header's checksum, the format and the version, then every field. Throws Error.
MemoryHeader read_header(const WeightFile& file);

}  // namespace lv
