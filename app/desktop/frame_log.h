// What the watching saw, kept for the window: boxes by time, small pictures, and when each kind of object was there.
//
// Times are of the memory's clock. One thread adds (the session's writer), any other reads. Boxes take some 32 bytes an
// object; pictures are thinned so that never more than `most_pictures` are held, whatever the length.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "app/sightings.h"
#include "app/watched_video.h"
#include "vision/encoder.h"

namespace lv {

// A small picture and when it was on screen.
struct Thumbnail {
    std::shared_ptr<const Picture> picture;  // null: there is none
    int64_t time_us = 0;
};

// When a kind of object was in the picture.
struct KindLane {
    struct Span {
        int64_t start_us = 0, end_us = 0;
        int most = 0;  // objects at a time
        bool operator==(const Span&) const = default;
    };
    int kind = 0;
    int64_t seen_us = 0;  // in all
    std::vector<Span> spans;
};

// The lanes of a memory that was loaded, from what it keeps: kinds and numbers by time, no boxes.
std::vector<KindLane> lanes_of(std::span<const Sighting> sightings, std::span<const WatchedVideo> videos);

class FrameLog {
   public:
    static constexpr size_t most_pictures = 600;
    static constexpr int picture_px = 200;  // the long side

    // The frames that come next are of another video, or of another part of it: nothing is drawn between.
    void begin_video();
    void add(const SeenFrame& frame, const std::shared_ptr<const Picture>& picture);
    // What was seen of videos by a program before this one; before the first frame.
    void restore(std::vector<KindLane> lanes);

    // Objects on screen at time_us, for drawing over a playing picture: an object (by track) that was in the frames
    // before and behind is moved between them, one that was in only one of them is there near it. Empty where nothing
    // was watched.
    std::vector<SeenObject> boxes_at(int64_t time_us) const;

    Thumbnail thumbnail_at(int64_t time_us) const;  // the nearest
    Thumbnail newest() const;                       // as large as the encoder saw it

    // Lanes, the most often seen kind first. `version` says whether they have changed; see lanes_version().
    std::vector<KindLane> lanes() const;
    uint64_t version() const;   // frames added
    int64_t newest_us() const;  // time of the newest frame, -1: none

   private:
    struct Boxes {
        int64_t time_us = 0;
        bool begins = false;  // a video
        std::vector<SeenObject> objects;
    };
    void add_picture(int64_t time_us, const std::shared_ptr<const Picture>& picture);
    void add_to_lanes(const SeenFrame& frame);

    mutable std::mutex mutex_;
    std::vector<Boxes> frames_;
    std::vector<Thumbnail> pictures_;
    uint64_t picture_every_ = 1;  // frames
    Thumbnail newest_;
    std::vector<KindLane> lanes_;
    uint64_t added_ = 0;
    bool begins_ = true;            // a video, with the next frame
    int64_t usual_us_ = 1'000'000;  // between two frames
};

}  // namespace lv
