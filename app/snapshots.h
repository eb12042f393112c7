// Small pictures of the moments that were told of, in files.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "vision/frame_source.h"

namespace lv {

// Remembers the newest pictures, as small as the encoder looks at them: an event names a frame that came a little while
// ago. Any thread.
class Snapshots {
   public:
    // Makes the folder; throws Error. An empty name keeps nothing.
    explicit Snapshots(std::filesystem::path folder);

    void look(int64_t time_us, std::shared_ptr<const Picture> picture);
    // Writes the picture on screen at time_us as NAME.jpg and returns its path; empty when it is no longer remembered.
    // Throws Error.
    std::string write(int64_t time_us, const std::string& name) const;

   private:
    struct Seen {
        int64_t time_us;
        std::shared_ptr<const Picture> picture;
    };
    const std::filesystem::path folder_;
    mutable std::mutex mutex_;
    std::deque<Seen> seen_;  // guarded by mutex_
};

// "20261121-164012-there-are-more-than-3-cars": a name that any file system takes, by the wall clock.
std::string snapshot_name(int64_t wall_us, const std::string& text);

}  // namespace lv
