#include "app/saved_session.h"

#include <cstring>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr const char* videos_note = "videos";
constexpr const char* encoder_note = "encoder";
constexpr const char* sightings_note = "sightings";

std::vector<std::byte> take(SavedNotes& notes, const char* name, const std::filesystem::path& file) {
    const auto found = notes.parts.find(name);
    require(found != notes.parts.end(), "loading ", file.string(), ": it holds a memory but no note '", name,
            "' of what was watched; expected a file that 'longview ask --save' wrote");
    return std::move(found->second);
}

}  // namespace

void save_session(const SavedSession& saved, const std::filesystem::path& file) {
    SavedNotes notes;
    const std::string videos = watched_json(saved.videos);
    std::vector<std::byte>& bytes = notes.parts[videos_note];
    bytes.resize(videos.size());
    std::memcpy(bytes.data(), videos.data(), videos.size());
    notes.parts[encoder_note] = saved.encoder;
    notes.parts[sightings_note] = saved.sightings;
    save_memory(saved.memory, notes, file);
}

SavedSession load_session(const Context& context, const LoadedModel& model, const std::filesystem::path& file,
                          std::optional<size_t> budget_bytes) {
    LoadedMemory loaded = load_memory(context, model.language, file, budget_bytes);
    const std::vector<std::byte> videos = take(loaded.notes, videos_note, file);
    SavedSession saved{.memory = std::move(loaded.memory), .videos = {}, .encoder = {}, .sightings = {}};
    saved.videos = read_watched({reinterpret_cast<const char*>(videos.data()), videos.size()}, file.string());
    saved.encoder = take(loaded.notes, encoder_note, file);
    saved.sightings = take(loaded.notes, sightings_note, file);
    return saved;
}

SavedSession SharedSession::take(const Context& context, const LoadedModel& model) {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    try {
        if (!saved_) saved_ = load_session(context, model, file_, std::nullopt);
    } catch (...) {
        failure_ = std::current_exception();
        throw;
    }
    if (left_ > 0) --left_;
    if (left_ == 0) {
        SavedSession last = std::move(*saved_);
        saved_.reset();
        return last;
    }
    return {saved_->memory.fork(), saved_->videos, saved_->encoder, saved_->sightings};
}

}  // namespace lv
