#include "engine/evidence.h"

#include <algorithm>
#include <cctype>

#include "kernels/core/device.h"

namespace lv {

namespace {

constexpr float least_share = 0.2f;  // of the heaviest frame: what is lighter joins no moment

struct Frame {
    int64_t time_us = 0;
    float weight = 0;
};

// The video's frames with their mass, oldest first; rows of one frame stand together and have one time. Rows of a roll
// call, behind them, count for the frame whose time they tell, be it forgotten by now.
std::vector<Frame> frames_of(const Memory& memory, std::span<const float> mass) {
    std::vector<Frame> frames;
    for (size_t row = 0; row < std::min(mass.size(), memory.cache_rows()); ++row) {
        const int64_t time_us = memory.row_time_us(row);
        if (time_us == no_time) continue;
        if (frames.empty() || time_us > frames.back().time_us) frames.push_back({time_us, 0});
        auto frame = frames.end() - 1;
        if (time_us < frame->time_us) {
            frame = std::ranges::lower_bound(frames, time_us, {}, &Frame::time_us);
            if (frame->time_us != time_us) frame = frames.insert(frame, {time_us, 0});
        }
        frame->weight += mass[row];
    }
    return frames;
}

}  // namespace

EvidenceSum::EvidenceSum(const Tokenizer& tokenizer, const EvidenceOptions& options, size_t most_rows,
                         std::shared_ptr<Device> device)
    : tokenizer_(tokenizer),
      options_(options),
      device_(std::move(device)),
      gathered_(most_rows, device_),
      rows_(most_rows, device_),
      mass_{.layers = options.layers, .above = options.layers_above, .rows = gathered_.span(), .sampled = 0} {}

float EvidenceSum::weight_of(int id) {
    if (id == tokenizer_.time()) {
        digits_left_ = 3;
        return options_.time;
    }
    if (digits_left_ > 0 && tokenizer_.two_digits_value(id)) {
        --digits_left_;
        return options_.time;
    }
    digits_left_ = 0;
    const bool word =
        std::ranges::any_of(tokenizer_.piece_text(id), [](unsigned char c) { return std::isalnum(c) || c >= 0x80; });
    return word ? options_.word : options_.mark;
}

void EvidenceSum::emitted(int id) {
    const float weight = weight_of(id);
    const std::span<float> rows = rows_.span();
    if (device_) {
        const Matrix gathered(mass_.rows.data(), 1, rows.size()), sum(rows.data(), 1, rows.size());
        if (weight != 0) {
            device_->scale(gathered, weight, gathered);
            device_->add(sum, gathered, sum);
        }
        return device_->clear(gathered.data, gathered.size() * sizeof(float));
    }
    for (size_t row = 0; row < rows.size(); ++row) rows[row] += weight * mass_.rows[row];
    std::ranges::fill(mass_.rows, 0.0f);
}

std::vector<Moment> moments_of(const Memory& memory, std::span<const float> mass, size_t most_moments,
                               const VideoClock& clock) {
    const std::vector<Frame> frames = frames_of(memory, mass);
    double total = 0;
    float heaviest = 0;
    for (const Frame& frame : frames) {
        total += frame.weight;
        heaviest = std::max(heaviest, frame.weight);
    }
    if (!(total > 0)) return {};

    const auto video = [&](size_t frame) { return clock.video_at(frames[frame].time_us); };
    std::vector<Moment> moments;
    bool joined = false;
    for (size_t i = 0; i < frames.size(); ++i) {
        const bool begins = i == 0 || video(i - 1) != video(i);
        const bool ends = i + 1 == frames.size() || video(i + 1) != video(i);
        joined = joined && !begins;
        if (frames[i].weight < least_share * heaviest) {
            joined = false;
            continue;
        }
        // A frame is shown until the next one comes; the last one of a video as long as the one before it.
        const int64_t start_us = frames[i].time_us;
        int64_t end_us = start_us;
        if (!ends && frames[i + 1].time_us > start_us)
            end_us = frames[i + 1].time_us;
        else if (!begins && frames[i - 1].time_us < start_us)
            end_us = 2 * start_us - frames[i - 1].time_us;
        if (!joined) moments.push_back({start_us, end_us, 0});
        moments.back().end_us = std::max(moments.back().end_us, end_us);
        moments.back().weight += float(frames[i].weight / total);
        joined = true;
    }
    std::ranges::stable_sort(moments, std::greater<>(), &Moment::weight);
    if (moments.size() > most_moments) moments.resize(most_moments);
    return moments;
}

std::vector<AttentionPoint> attention_curve(const Memory& memory, std::span<const float> mass, size_t most_points,
                                            const VideoClock& clock) {
    const std::vector<Frame> frames = frames_of(memory, mass);
    double total = 0;
    for (const Frame& frame : frames) total += frame.weight;
    if (!(total > 0)) return {};
    const size_t frames_a_point = (frames.size() + most_points - 1) / most_points;
    std::vector<AttentionPoint> curve;
    size_t in_point = 0;
    float heaviest = 0;
    for (size_t i = 0; i < frames.size(); ++i) {
        const bool next_video = i > 0 && clock.video_at(frames[i].time_us) != clock.video_at(frames[i - 1].time_us);
        if (in_point == 0 || in_point == frames_a_point || next_video) {
            curve.push_back({frames[i].time_us, 0});
            heaviest = frames[i].weight;
            in_point = 0;
        }
        if (frames[i].weight > heaviest) {
            heaviest = frames[i].weight;
            curve.back().time_us = frames[i].time_us;
        }
        curve.back().share += float(frames[i].weight / total);
        ++in_point;
    }
    return curve;
}

}  // namespace lv
