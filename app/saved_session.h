// A watched memory in a file, with what watching on needs: the encoder's state, the videos, what was seen when.
#pragma once

#include <filesystem>
#include <exception>
#include <memory>
#include <mutex>
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

// A file that several are about: loaded and checked once, for the first that asks.
class SharedSession {
   public:
    // takers: how many will ask at most; the last one takes the memory along.
    SharedSession(std::filesystem::path file, size_t takers) : file_(std::move(file)), left_(takers) {}

    // What the file holds, to go on with as one likes. Throws Error as load_session does, each time. Any thread.
    SavedSession take(const Context& context, const LoadedModel& model);

   private:
    const std::filesystem::path file_;
    std::mutex mutex_;  // guards what follows
    size_t left_;
    std::optional<SavedSession> saved_;
    std::exception_ptr failure_;
};

}  // namespace lv
