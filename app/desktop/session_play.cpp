// Showing and seeking: which video the player has, and where that lies on the memory's clock.
#include <algorithm>

#include "app/desktop/session_view.h"
#include "vision/location.h"

namespace lv {
namespace {

constexpr int64_t near_us = 1'500'000;  // a picture of what was watched that is nearer than this will do

}  // namespace

int64_t SessionView::shown_start_us() const {
    const auto& videos = list_.videos();
    return player_video_ < videos.size() ? std::max<int64_t>(videos[player_video_].start_us, 0) : 0;
}

int64_t SessionView::shown_length_us() const {
    const auto& videos = list_.videos();
    const int64_t file_us = player_ ? player_->state().duration_us : 0;
    return player_video_ < videos.size() && videos[player_video_].length_us > 0 ? videos[player_video_].length_us
                                                                                : file_us;
}

// A live stream is not opened twice; of a URL it is known to be none once it has a length.
void SessionView::show_video(size_t video) {
    const ListedVideo& wanted = list_.videos()[video];
    const bool is_url = wanted.source.find("://") != std::string::npos;
    const std::string source = given(wanted.source);
    const bool playable = !wanted.live && Player::can_play(source) && (!is_url || wanted.length_us > 0);
    if (video == player_video_ && (player_ != nullptr) == playable) return;
    retire_player();
    player_video_ = video;
    chosen_us_ = -1;
    PlayerOptions options;
    options.max_side = picture_side_;
    options.changed = wake_;
    if (playable) player_ = std::make_unique<Player>(source, options);
}

void SessionView::set_picture_side(int px) {
    constexpr int most = 3840;
    picture_side_ = std::clamp(px, 1, most);
    if (player_) player_->set_max_side(picture_side_);
}

void SessionView::seek(int64_t time_us) {
    if (list_.videos().empty()) return;
    const int64_t wanted_us = std::clamp<int64_t>(time_us, 0, std::max<int64_t>(length_us(), 0));
    const size_t video = list_.video_at(wanted_us);
    if (video != player_video_) {
        const PlayerState before = player_ ? player_->state() : PlayerState{};
        show_video(video);
        if (player_ && before.playing) player_->play(before.rate);
    }
    if (player_)
        player_->seek(wanted_us - shown_start_us());
    else
        chosen_us_ = phase_ == Phase::watching && wanted_us >= list_.end_us() ? -1 : wanted_us;
}

void SessionView::seek_video(int step) {
    const auto& videos = list_.videos();
    const int64_t into_us = position_us() - shown_start_us();
    // Backwards first to the start of this one, as every player does.
    const auto next = static_cast<std::ptrdiff_t>(player_video_) + (step < 0 && into_us > 2'000'000 ? 0 : step);
    if (next < 0 || next >= static_cast<std::ptrdiff_t>(videos.size())) return;
    if (const ListedVideo& video = videos[static_cast<size_t>(next)]; video.placed()) seek(video.start_us);
}

// From the end of one video to the start of the next, and backwards.
void SessionView::advance_player() {
    const auto& videos = list_.videos();
    if (!player_ || player_video_ >= videos.size()) {
        was_playing_ = false;
        return;
    }
    const PlayerState state = player_->state();
    const ListedVideo& shown = videos[player_video_];
    if (!shown.in_memory || shown.watched_us < shown.length_us) list_.learn_length(shown.source, state.duration_us);
    const bool cut = shown.length_us > 0 && state.duration_us > shown.length_us + 1'000'000;
    const bool past = state.ended || (cut && state.position_us >= shown.length_us);
    const size_t next = player_video_ + 1;
    if (std::exchange(was_playing_, state.playing) && past && state.rate > 0 && next < videos.size() &&
        videos[next].placed()) {
        show_video(next);
        if (player_) player_->play(state.rate);
        was_playing_ = player_ != nullptr;
    }
}

int64_t SessionView::position_us() const {
    if (player_) {  // while it plays, where its picture is: nothing moves between two pictures
        const PlayerState state = player_->state();
        return shown_start_us() + (state.playing && !state.seeking ? state.picture_us : state.position_us);
    }
    if (chosen_us_ >= 0) return chosen_us_;
    return std::max(shown_start_us(), running_ ? running_->log.newest_us() : 0);
}

int64_t SessionView::length_us() const {
    const int64_t file_us = player_ ? shown_start_us() + player_->state().duration_us : 0;
    return list_.clock().several() || list_.videos().size() > 1 ? list_.end_us() : std::max(file_us, list_.end_us());
}

Thumbnail SessionView::thumbnail_at(int64_t time_us) {
    if (list_.videos().empty()) return {};
    const ListedVideo& video = list_.videos()[list_.video_at(time_us)];
    Thumbnail seen = running_ ? running_->log.thumbnail_at(time_us) : Thumbnail{};
    const bool is_of_it = seen.picture && seen.time_us >= video.start_us && seen.time_us <= video.end_us();
    if (is_of_it && std::abs(seen.time_us - time_us) <= near_us) return seen;
    if (!video.live && Player::can_play(video.source) && video.source.find("://") == std::string::npos)
        if (auto picture = reader_.at(video.source, time_us - video.start_us)) return {std::move(picture), time_us};
    return is_of_it ? seen : Thumbnail{};
}

void SessionView::take_lengths() {
    for (const auto& [video, length_us] : reader_.take_lengths())
        list_.learn_length(without_password(video), length_us);
}

}  // namespace lv
