// A memory in a file: written aside and renamed, checked block by block, mapped when it is loaded.
//
// The file (.lvm) is a safetensors file with checksums (kernels/core/weight_checksums.h), metadata "format": "longview
// memory", "version": memory_file_version and "memory": a JSON object that says what is in it. Tensors:
//   times             I64 [cache rows]          when each row was, in microseconds; no_time for text
//   cache.pages       U8  [pages, page bytes]   the one cache; a page lies as CacheShape says
//   cache.page_rows   I32 [pages]               rows in use of each
//   layers.N.pages, layers.N.page_rows          the same for each full layer
//   layers.N.retention  F32 [heads, head_dim, head_dim]
//   layers.N.keys, layers.N.values              a sliding window: [rows, kv_dim] of the cache's type
//   layers.N.key_scales, layers.N.value_scales  F32 [rows, kv_heads], i8 only
//   frames.rows, frames.change, frames.sums     the frame index: I32 [frames], F32 [frames], F32 [2, feature_dim]
//   roll.values, roll.times                     F32 [kinds, feature_dim], I64 [kinds]: the last row of each kind
//   notes.NAME        U8  [bytes]               whatever the caller keeps with the memory
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/memory.h"

namespace lv {

// What the caller keeps with a memory by name (the encoder's state, what was seen); the engine does not look inside.
struct SavedNotes {
    std::map<std::string, std::vector<std::byte>> parts;
};

// Writes the memory beside `path`, brings it to the disk and renames it to `path`: at any moment, also when the program
// is killed, `path` is the old file or the new one, whole. `path` may be the file that this memory was loaded from. To
// save while frames arrive, save a fork from another thread. Throws Error when it cannot be written; then what was at
// `path` is still there.
void save_memory(const Memory& memory, const SavedNotes& notes, const std::filesystem::path& path);

struct LoadedMemory {
    Memory memory;
    SavedNotes notes;
};

// Maps the file, checks all of it with the threads of `context`, and makes the memory over it: its pages are read where
// they lie, and appending goes on bit for bit as if it had never been saved. The file may be replaced or removed
// meanwhile, but not written to. `budget_bytes`: instead of the budget that it had. Throws Error when the file is cut,
// damaged (naming the block), of another version, or of another model than `model`.
LoadedMemory load_memory(const Context& context, std::shared_ptr<const Model> model, const std::filesystem::path& path,
                         std::optional<size_t> budget_bytes = {});

// What `longview info` prints. Times are of the memory's clock.
struct MemoryFileInfo {
    int version = 0;
    std::string model_name, model_digest;
    std::vector<std::string> layers;  // kinds, bottom to top
    size_t dim = 0;
    MemoryOptions options;
    uint64_t rows = 0;                  // read in all, of video and text
    size_t cache_rows = 0;              // that can still be attended to
    int64_t frames = 0;                 // of these rows
    int64_t first_us = 0, last_us = 0;  // of these rows' oldest and newest; 0 when there are none
    std::vector<VideoPart> videos;
    Forgotten forgotten;
    size_t state_bytes = 0, cache_bytes = 0, index_bytes = 0;  // in the file
    std::map<std::string, size_t> notes_bytes;                 // by name
    size_t file_bytes = 0;
};

// Reads and checks the header only, without a model. Throws Error as load_memory does.
MemoryFileInfo read_memory_info(const std::filesystem::path& path);

}  // namespace lv
