// Small pictures of videos that nobody is watching: read from their files when they are asked for, in a thread of its
// own. What was read stays, up to a bound.
//
//   at(video, time) --> what is there by now      missing --> wishes (the newest first) --> reading thread --> kept
//
// at() never waits. Every other function may be called from any one thread (the window's).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "vision/frame_source.h"

namespace lv {

class ThumbnailReader {
   public:
    static constexpr int picture_px = 200;     // the long side
    static constexpr size_t most_kept = 400;   // pictures
    static constexpr size_t most_wishes = 12;  // older ones are forgotten

    ThumbnailReader();
    ~ThumbnailReader();  // stops the reading, within one picture
    ThumbnailReader(const ThumbnailReader&) = delete;
    ThumbnailReader& operator=(const ThumbnailReader&) = delete;

    // The picture of a video at a time of its own, to the second. Null: not read yet, or it cannot be read.
    std::shared_ptr<const Picture> at(const std::string& video, int64_t time_us);
    // Reads how long a video is; see lengths().
    void measure(const std::string& video);

    // Rises with everything that was read.
    uint64_t version() const;
    bool reading() const;  // or something waits to be read
    // The lengths measured since the last call, by video; 0: its header does not say or it cannot be read.
    std::vector<std::pair<std::string, int64_t>> take_lengths();

   private:
    using Moment = std::pair<std::string, int64_t>;  // video, second of it
    void run(std::stop_token stop);
    std::shared_ptr<const Picture> read(const Moment& wish, std::stop_token stop);
    int64_t read_length(const std::string& video, std::stop_token stop);
    void forget_oldest();  // mutex_ held

    // Of the reading thread.
    std::unique_ptr<FrameSource> source_;
    Moment read_last_;

    struct Kept {
        std::shared_ptr<const Picture> picture;
        uint64_t used = 0;
    };
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    std::deque<Moment> wishes_;
    std::deque<std::string> to_measure_;
    std::vector<std::pair<std::string, int64_t>> lengths_;
    std::map<Moment, Kept> kept_;
    uint64_t version_ = 0, uses_ = 0;
    bool busy_ = false;

    std::jthread thread_;  // last
};

}  // namespace lv
