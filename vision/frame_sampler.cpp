#include "vision/frame_sampler.h"

#include "kernels/core/error.h"

namespace lv {

FrameSampler::FrameSampler(std::unique_ptr<FrameSource> source, const SamplerOptions& options)
    : source_(std::move(source)), options_(options), next_us_(options.from_us) {
    require(options.period_us > 0, "sampling ", info().name, ": the period is ", options.period_us,
            " us; expected more than 0, e.g. --fps 1");
    require(options.from_us >= 0 && options.from_us < options.to_us, "sampling ", info().name, ": from ",
            static_cast<double>(options.from_us) * 1e-6, " s to ", static_cast<double>(options.to_us) * 1e-6,
            " s holds nothing; expected --from before --to");
}

std::optional<Frame> FrameSampler::next() {
    if (ended_ || next_us_ >= options_.to_us) return std::nullopt;
    std::optional<Frame> frame = source_->show(next_us_);
    ended_ = !frame || next_us_ > INT64_MAX - options_.period_us;
    if (!ended_) next_us_ += options_.period_us;
    return frame;
}

}  // namespace lv
