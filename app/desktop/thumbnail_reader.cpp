#include "app/desktop/thumbnail_reader.h"

#include <algorithm>

#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

std::unique_ptr<FrameSource> open(const std::string& video, std::stop_token stop) {
    SourceOptions options;
    options.max_side = ThumbnailReader::picture_px;
    options.threads = 1;  // the watching needs the cores
    options.period_us = second_us;
    options.stop = std::move(stop);
    return open_source(video, options);
}

}  // namespace

ThumbnailReader::ThumbnailReader() : thread_([this](std::stop_token stop) { run(stop); }) {}

ThumbnailReader::~ThumbnailReader() {
    thread_.request_stop();
    thread_.join();
}

std::shared_ptr<const Picture> ThumbnailReader::at(const std::string& video, int64_t time_us) {
    const Moment moment{video, std::max<int64_t>(time_us, 0) / second_us};
    const std::lock_guard lock(mutex_);
    if (const auto found = kept_.find(moment); found != kept_.end()) {
        found->second.used = ++uses_;
        return found->second.picture;
    }
    std::erase(wishes_, moment);
    wishes_.push_front(moment);
    if (wishes_.size() > most_wishes) wishes_.pop_back();
    changed_.notify_all();
    return nullptr;
}

void ThumbnailReader::measure(const std::string& video) {
    const std::lock_guard lock(mutex_);
    to_measure_.push_back(video);
    changed_.notify_all();
}

uint64_t ThumbnailReader::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

bool ThumbnailReader::reading() const {
    const std::lock_guard lock(mutex_);
    return busy_ || !wishes_.empty() || !to_measure_.empty();
}

std::vector<std::pair<std::string, int64_t>> ThumbnailReader::take_lengths() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lengths_, {});
}

std::shared_ptr<const Picture> ThumbnailReader::read(const Moment& wish, std::stop_token stop) {
    const int64_t time_us = wish.second * second_us;
    const bool reads_on = source_ && read_last_.first == wish.first && read_last_.second <= wish.second;
    try {
        if (!reads_on) source_ = open(wish.first, std::move(stop));
        read_last_ = wish;
        const std::optional<Frame> frame = source_->show(time_us);
        return frame ? frame->picture : nullptr;
    } catch (const std::exception&) {
        source_.reset();  // the player says why; here a picture is missing
        return nullptr;
    }
}

int64_t ThumbnailReader::read_length(const std::string& video, std::stop_token stop) {
    try {
        return open(video, std::move(stop))->info().duration_us;
    } catch (const std::exception&) {
        return 0;  // its turn to be watched will say why
    }
}

void ThumbnailReader::forget_oldest() {
    if (kept_.size() <= most_kept) return;
    kept_.erase(std::min_element(kept_.begin(), kept_.end(),
                                 [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
}

void ThumbnailReader::run(std::stop_token stop) {
    for (std::unique_lock lock(mutex_);;) {
        changed_.wait(lock, stop, [&] { return !wishes_.empty() || !to_measure_.empty(); });
        if (stop.stop_requested()) return;
        busy_ = true;
        if (!wishes_.empty()) {
            const Moment wish = wishes_.front();
            wishes_.pop_front();
            lock.unlock();
            std::shared_ptr<const Picture> picture = read(wish, stop);
            lock.lock();
            kept_[wish] = {std::move(picture), ++uses_};
            forget_oldest();
        } else {
            const std::string video = to_measure_.front();
            to_measure_.pop_front();
            lock.unlock();
            const int64_t length_us = read_length(video, stop);
            lock.lock();
            lengths_.emplace_back(video, length_us);
        }
        ++version_;
        busy_ = false;
    }
}

}  // namespace lv
