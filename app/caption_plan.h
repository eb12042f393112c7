// When a stretch of video is complete and can be captioned, and what to ask about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/captions.h"

namespace lv {

// Follows a video frame by frame and closes intervals of `every_us` as split_intervals() would: the same intervals
// come out, whatever the frames, without knowing the length beforehand. One thread.
class CaptionPlan {
   public:
    CaptionPlan(int64_t start_us, int64_t every_us) : open_us_(start_us), every_us_(every_us) {}

    struct Step {
        Interval interval;
        std::string question;
    };
    // Intervals that are complete when a frame at next_us is about to come.
    std::vector<Step> before_frame(int64_t next_us);
    // What is left when the video ends at end_us.
    std::vector<Step> at_end(int64_t end_us);

   private:
    Step step(const Interval& interval) const;
    int64_t open_us_;  // start of the interval that is being watched
    const int64_t every_us_;
    int64_t newest_us_ = -1;  // the newest frame; -1: none yet
};

}  // namespace lv
