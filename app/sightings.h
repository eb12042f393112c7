// Which kinds of objects have been seen when: what the frames' rows say, kept small by noting changes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace lv {

// A kind of object in one frame.
struct SeenKind {
    int kind = 0;  // index of its name in the model's list
    int count = 0;

    bool operator==(const SeenKind&) const = default;
};

// What was on screen from here to the next change.
struct Sighting {
    int64_t time_us = 0;
    std::vector<SeenKind> objects;
};

class Sightings {
   public:
    // One writer, times rising.
    void add(int64_t time_us, const std::vector<SeenKind>& objects);

    // Forgets the oldest but for so many changes: a stream that never ends.
    void keep_newest(size_t changes);

    // Kinds on screen at any moment of [start_us, end_us), in order of their appearance there. Any thread.
    std::vector<int> between(int64_t start_us, int64_t end_us) const;

    // All changes, oldest first. Any thread.
    std::vector<Sighting> changes() const;

    // As a saved memory carries them. restore() throws Error when the bytes are none of save().
    std::vector<std::byte> save() const;
    void restore(std::span<const std::byte> bytes);

   private:
    mutable std::mutex mutex_;
    std::vector<Sighting> changes_;
};

}  // namespace lv
