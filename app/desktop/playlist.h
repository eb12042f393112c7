// The videos of one memory on one line of time: those that it holds, then those that wait to be watched.
//
// Times are of the memory's clock unless they are called a video's own. A video that waits has its place on the line as
// soon as the lengths of those before it are known; once it is watched, the memory says where it lies. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "app/watched_video.h"

namespace lv {

struct ListedVideo {
    std::string source;
    int64_t start_us = -1;    // its own 0:00; -1: not known yet
    int64_t length_us = 0;    // own time at which it ends, or the next begins; 0: not known
    int64_t first_us = 0;     // own time from which on it was watched
    int64_t watched_us = -1;  // own time up to which it was watched; -1: not at all
    bool in_memory = false;
    bool live = false;

    bool placed() const { return start_us >= 0; }
    int64_t end_us() const { return start_us + length_us; }
    bool operator==(const ListedVideo&) const = default;
};

class Playlist {
   public:
    void clear() { *this = {}; }
    // Puts videos behind those that wait.
    void add(std::span<const std::string> sources);
    // What the memory holds by now.
    void take(std::span<const WatchedVideo> memory);
    // Of the memory's newest video, by its own clock: its newest frame, and where its header says that it ends (0: does
    // not).
    void progress(int64_t watched_us, int64_t end_us);
    // What the header of a video says.
    void learn_length(const std::string& source, int64_t length_us);

    // The first that waits leaves the line and is returned: it is about to be watched, and comes back by take().
    bool waits() const { return !waiting_.empty(); }
    std::string start_next();
    // What was started could not be watched at all.
    void drop_started();
    // What was started was stopped before it began: it is the first that waits again.
    void put_back();
    // The memory's newest video, of which nothing has come, is about to be watched anew, as by start_next().
    void start_again();

    // In the order of time; those without a place last.
    const std::vector<ListedVideo>& videos() const { return videos_; }
    size_t in_memory() const { return memory_.size(); }
    // Index of the video on screen at a time; the last one that has a place for times behind all.
    size_t video_at(int64_t time_us) const;
    // Where the last one that has a place ends; 0: there is none.
    int64_t end_us() const;
    // How the times of the memory are written.
    const VideoClock& clock() const { return clock_; }

   private:
    void place();

    std::vector<WatchedVideo> memory_;
    std::deque<std::string> waiting_;
    std::string started_;  // empty: none
    std::map<std::string, int64_t> lengths_;
    std::vector<ListedVideo> videos_;
    VideoClock clock_;
};

}  // namespace lv
