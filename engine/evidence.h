// From the attention of an answer's rows to the moments of the video that it rests on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/memory.h"
#include "engine/tokenizer.h"
#include "engine/video_clock.h"

namespace lv {

// Which attention is evidence. The row that writes a time or a word has to look it up; the one that writes a full stop
// only knows that all is said. Of the layers the topmost, which chooses words, knows less of where they came from than
// those below it. Measured with mini on synthetic timelines, share of top moments that overlap the true one: the
// topmost layer 0.70, the two topmost 0.84, the two below the topmost 0.91, full stops and ends alone 0.38.
struct EvidenceOptions {
    size_t most_moments = 3;  // 0: none is reckoned
    size_t curve_points = 0;  // of Answer::attention; 0: none
    size_t layers = 2;        // that count, of those that see the video,
    size_t layers_above = 1;  // and how many of the topmost do not
    // What a row counts, by what it emits:
    float time = 3;  // <time> hh mm ss
    float word = 1;  // any other piece with a letter or a digit
    float mark = 0;  // the rest, and the end
};

// A stretch of one video that an answer rests on, on the memory's clock; weights of one answer add up to at most 1, the
// largest first.
struct Moment {
    int64_t start_us = 0;
    int64_t end_us = 0;
    float weight = 0;
};

// Neighbouring frames of one video, by the heaviest of them, with the attention of all.
struct AttentionPoint {
    int64_t time_us = 0;  // on the memory's clock
    float share = 0;      // of the attention to all frames; those of one answer add up to 1
};

// Adds up attention over the rows of an answer, on the device where there is one: it comes down once, at the end.
// Allocates only at construction and in rows().
class EvidenceSum {
   public:
    // most_rows: of the cache while the answer lasts.
    EvidenceSum(const Tokenizer& tokenizer, const EvidenceOptions& options, size_t most_rows,
                std::shared_ptr<Device> device = nullptr);
    EvidenceSum(const EvidenceSum&) = delete;  // mass_ points into it

    // Gathers the attention of the row that will emit the next id.
    AttentionMass& mass() { return mass_; }
    // This is what it emitted.
    void emitted(int id);
    // By row of the cache: the attention so far, weighed.
    std::vector<float> rows() const { return rows_.fetch(); }

   private:
    float weight_of(int id);

    const Tokenizer& tokenizer_;
    const EvidenceOptions options_;
    std::shared_ptr<Device> device_;
    Floats gathered_;  // mass_.rows
    Floats rows_;
    AttentionMass mass_;
    int digits_left_ = 0;  // of a time that is being written
};

// Sums the mass over rows (index: row of the cache) to frames and joins neighbouring frames of a video that matter.
std::vector<Moment> moments_of(const Memory& memory, std::span<const float> mass, size_t most_moments,
                               const VideoClock& clock = {});

// The mass over rows (index: row of the cache) as a curve over time: at most `most_points` (>= 1) beside one more for
// each video, oldest first; as many frames in each as that takes. Empty where there is no mass.
std::vector<AttentionPoint> attention_curve(const Memory& memory, std::span<const float> mass, size_t most_points,
                                            const VideoClock& clock = {});

}  // namespace lv
