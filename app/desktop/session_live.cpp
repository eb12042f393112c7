// A SessionView on a stream that may be lost and come back.
#include <algorithm>

#include "app/desktop/sentences.h"
#include "app/desktop/session_view.h"
#include "engine/prompt.h"

namespace lv {

bool SessionView::watches_live() const {
    const size_t held = list_.in_memory();
    return phase_ == Phase::watching && held > 0 && list_.videos()[held - 1].live;
}

void SessionView::take_note(const LiveNote& note) {
    switch (note.kind) {
        case LiveNote::Kind::lost:
        case LiveNote::Kind::waiting: {
            const std::string since =
                began_ ? "Nothing comes since " + written_time(note.time_us, list_.clock()) + ": " : std::string();
            trouble_ = sentence(since + note.words);
            break;
        }
        case LiveNote::Kind::connected:
            trouble_.clear();
            break;
        case LiveNote::Kind::back:
            trouble_.clear();
            say(note.words + ": nothing was seen from " + written_time(note.time_us - note.gap_us, list_.clock()) +
                " to " + written_time(note.time_us, list_.clock()));
            break;
        case LiveNote::Kind::changed:
        case LiveNote::Kind::unrecorded:
            say(note.words);
            break;
    }
}

void SessionView::take_gaps() {
    gaps_.clear();
    for (const WatchedVideo& video : running_->session.videos())
        for (const Gap& gap : video.gaps) gaps_.push_back({video.start_us + gap.start_us, video.start_us + gap.end_us});
}

const Gap* SessionView::gap_at(int64_t time_us) const {
    const auto found = std::find_if(gaps_.begin(), gaps_.end(),
                                    [&](const Gap& gap) { return time_us > gap.start_us && time_us < gap.end_us; });
    return found == gaps_.end() ? nullptr : &*found;
}

}  // namespace lv
