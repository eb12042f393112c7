#include "app/desktop/playlist.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace lv {

void Playlist::add(std::span<const std::string> sources) {
    waiting_.insert(waiting_.end(), sources.begin(), sources.end());
    place();
}

void Playlist::take(std::span<const WatchedVideo> memory) {
    memory_.assign(memory.begin(), memory.end());
    if (!memory_.empty() && memory_.back().source == without_password(started_)) started_.clear();
    clock_ = clock_of(memory_, INT64_MAX);
    place();
}

void Playlist::progress(int64_t watched_us, int64_t end_us) {
    if (memory_.empty()) return;
    WatchedVideo& newest = memory_.back();
    if (newest.watched_us == watched_us && newest.end_us == end_us) return;
    const bool moves = end_us != newest.end_us || watched_us > std::max(end_us, videos_[memory_.size() - 1].length_us);
    newest.watched_us = watched_us;
    newest.end_us = end_us;
    if (clock_.videos() < memory_.size()) clock_ = clock_of(memory_, INT64_MAX);
    if (moves)
        place();
    else
        videos_[memory_.size() - 1].watched_us = watched_us;
}

void Playlist::learn_length(const std::string& source, int64_t length_us) {
    if (length_us <= 0) return;
    lengths_[source] = length_us;
    place();
}

std::string Playlist::start_next() {
    assert(waits());
    started_ = waiting_.front();
    waiting_.pop_front();
    place();
    return started_;
}

void Playlist::drop_started() {
    started_.clear();
    place();
}

void Playlist::put_back() {
    if (started_.empty()) return;
    waiting_.push_front(std::exchange(started_, {}));
    place();
}

void Playlist::start_again() {
    assert(started_.empty() && !memory_.empty());
    started_ = memory_.back().source;
    memory_.pop_back();
    place();
}

void Playlist::place() {
    videos_.clear();
    for (size_t i = 0; i < memory_.size(); ++i) {
        const WatchedVideo& video = memory_[i];
        const auto known = lengths_.find(video.source);
        const int64_t header_us = known == lengths_.end() || video.finished ? 0 : known->second;
        ListedVideo listed{.source = video.source, .start_us = video.start_us};
        listed.length_us = std::max({video.end_us, video.watched_us, header_us});
        if (i + 1 < memory_.size())
            listed.length_us = std::min(listed.length_us, memory_[i + 1].start_us - video.start_us);
        listed.first_us = video.sampling.from_us;
        listed.watched_us = video.finished ? video.end_us : video.watched_us;
        listed.in_memory = true;
        listed.live = video.live;
        videos_.push_back(std::move(listed));
    }
    const auto add_behind = [&](const std::string& source) {
        const auto known = lengths_.find(source);
        ListedVideo listed{.source = source, .length_us = known == lengths_.end() ? 0 : known->second};
        if (videos_.empty()) {
            listed.start_us = 0;
        } else if (const ListedVideo& last = videos_.back(); last.placed() && last.length_us > 0) {
            WatchedVideo before;
            before.start_us = last.start_us;
            before.end_us = last.length_us;
            listed.start_us = before.next_start_us();
        }
        videos_.push_back(std::move(listed));
    };
    if (!started_.empty()) add_behind(started_);
    for (const std::string& source : waiting_) add_behind(source);
}

size_t Playlist::video_at(int64_t time_us) const {
    const auto later = std::find_if(videos_.begin(), videos_.end(), [&](const ListedVideo& video) {
        return !video.placed() || video.start_us > time_us;
    });
    return later == videos_.begin() ? 0 : static_cast<size_t>(later - videos_.begin()) - 1;
}

int64_t Playlist::end_us() const {
    for (auto video = videos_.rbegin(); video != videos_.rend(); ++video)
        if (video->placed()) return video->end_us();
    return 0;
}

}  // namespace lv
