// Feature rows of a frame from what the tracker sees in it; the columns are vision/row_layout.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "vision/row_layout.h"
#include "vision/state_bytes.h"
#include "vision/tracker.h"

namespace lv {

// One of the largest scene probabilities of a frame.
struct SceneValue {
    int scene = 0;  // 0..999
    float probability = 0;
};
using Scene = std::array<SceneValue, row::scenes_kept>;  // best first

// The largest entries of softmax(logits), logits [scenes].
Scene scene_of(std::span<const float> logits);

// Where one of the six motion columns stands: 0 left, 1 right, 2 up, 3 down, 4 closer, 5 still.
int motion_of(const Track& track);

// Writes the row [feature_dim] that stands for a time in a question, and for "now".
void write_time_row(int64_t time_us, std::span<float> row);

// Knows what was seen so far of each kind: constant size, whatever the length of the video. One thread at a time.
class TokenRows {
   public:
    // Appends the rows of the next frame to `rows` ([.., feature_dim] row-major) and their times to `times_us` (never
    // falling), and returns how many there are (1 to 17, in practice 1 to 9). `cut`: first frame after a hard cut; the
    // very first frame is one by itself. Of more than object_rows kinds those stay that were there in the frame before,
    // then the surest.
    size_t append(int64_t time_us, std::span<const Track> tracks, const Scene& scene, bool cut,
                  std::vector<float>& rows, std::vector<int64_t>& times_us);

    bool empty() const { return frames_ == 0; }
    void save(StateWriter& writer) const;
    void restore(StateReader& reader);

   private:
    struct Kind {
        int32_t count = 0;       // in the last frame
        int32_t most = 0;        // ever
        int32_t appeared = 0;    // times
        int32_t first_rank = 0;  // k-th kind ever seen, from 1; 0: never seen
        // As it was last seen.
        uint8_t thirds = 0;  // bits left, middle, right, top, centre, bottom
        int32_t motion = 5;
        float box[4] = {};  // cx cy w h
        float score = 0;
    };
    struct Group;
    std::vector<Group> groups_of(std::span<const Track> tracks) const;
    void write_kind(int kind, int32_t before, int rank, std::span<float> row) const;
    void count_event(std::span<float> row);

    std::array<Kind, row::kinds> kinds_;
    int32_t kinds_seen_ = 0;
    int32_t newest_kind_ = -1;  // the last one that was new
    uint64_t events_ = 0;       // kinds that came or went so far
    uint64_t frames_ = 0;
    int64_t last_us_ = 0;  // time of the last frame
};

}  // namespace lv
