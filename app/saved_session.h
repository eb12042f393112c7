// A watched memory in a file, with what watching on needs: the encoder's state, the videos, what was seen when.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/loaded_model.h"
#include "app/sightings.h"
#include "app/watched_video.h"
#include "engine/memory_file.h"

namespace lv {

struct SavedSession {
    Memory memory;
    std::vector<WatchedVideo> videos;
    std::vector<std::byte> encoder;    // empty: nothing was watched
    std::vector<std::byte> sightings;  // Sightings::save()
};

// Throws Error as save_memory does. Reads `saved` only.
void save_session(const SavedSession& saved, const std::filesystem::path& file);

// Throws Error as load_memory does, and where the file has no such notes.
SavedSession load_session(const Context& context, const LoadedModel& model, const std::filesystem::path& file,
                          std::optional<size_t> budget_bytes);

}  // namespace lv
