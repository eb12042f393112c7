// Standing questions: what the user wants to be told of, asked after every frame while a view watches.
#include <algorithm>

#include "app/desktop/player.h"
#include "app/desktop/sentences.h"
#include "app/desktop/session_view.h"
#include "app/time_text.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t most_events = 1000;  // older ones are forgotten

// "every 30s: what is visible": the time and the question; not set: it is a condition.
struct Regular {
    int64_t every_us = 0;
    std::string question;
};
std::optional<Regular> regular_of(const std::string& text) {
    constexpr std::string_view every = "every ";
    const size_t colon = text.find(": ");
    if (!text.starts_with(every) || colon == std::string::npos) return std::nullopt;
    const Regular regular{parse_time_us(text.substr(every.size(), colon - every.size()), "every"),
                          text.substr(colon + 2)};
    if (regular.every_us < 1'000'000) throw UsageError("every: expected at least a second");
    return regular;
}

// What an error says, without the option that the command line has it from and the list that it ends with.
std::string plain_words(std::string text) {
    constexpr std::string_view option = "--tell ", list = "; conditions that can be told:";
    text = text.substr(0, text.find('\n'));
    if (const size_t named = text.find("\": "); text.starts_with(option) && named != std::string::npos)
        text.erase(0, named + 3);
    if (text.ends_with(list)) text.resize(text.size() - list.size());
    return text;
}

}  // namespace

WatchListOptions SessionView::watch_list_options() const {
    WatchListOptions options;
    // A file waits for the answers, so that no frame is left out; a stream does not wait.
    const auto& videos = list_.videos();
    options.every_frame = !videos.empty() && Player::can_play(videos.front().source);
    return options;
}

std::string SessionView::standing_meaning(const std::string& text) const {
    if (text.empty()) return "";
    try {
        if (const std::optional<Regular> regular = regular_of(text))
            return "asks \"" + regular->question + "\" every " + std::to_string(regular->every_us / 1'000'000) +
                   " s of video";
        return kind_words_ ? parse_condition(text, *kind_words_).meaning() : "";
    } catch (const UsageError& error) {
        return plain_words(error.what());
    }
}

std::string SessionView::add_standing(const std::string& text) {
    try {
        require(kind_words_ != nullptr, "the model is still being loaded; try again in a moment");
        const bool known = std::any_of(standing_.begin(), standing_.end(),
                                       [&](const WatchItemState& state) { return state.text == text; });
        if (known) throw UsageError("this is in the list already");
        const std::optional<Regular> regular = regular_of(text);
        WatchItemState state;
        state.text = text;
        state.regular = regular.has_value();
        if (!regular) state.meaning = parse_condition(text, *kind_words_).meaning();
        if (running_) state.item = list_standing(text);
        standing_.push_back(std::move(state));
        return "";
    } catch (const std::exception& error) {
        return sentence(plain_words(error.what()));
    }
}

// Hands a text that was found good to the session at hand.
uint64_t SessionView::list_standing(const std::string& text) {
    if (const std::optional<Regular> regular = regular_of(text))
        return running_->watches.add_regular(regular->question, regular->every_us);
    return running_->watches.add(parse_condition(text, *kind_words_));
}

void SessionView::remove_standing(size_t index) {
    if (index >= standing_.size()) return;
    if (running_) running_->watches.remove(standing_[index].item);
    standing_.erase(standing_.begin() + static_cast<std::ptrdiff_t>(index));
}

void SessionView::begin_standing() {
    told_.clear();
    for (WatchItemState& state : standing_) {
        const std::string text = state.text, meaning = state.meaning;
        const bool regular = state.regular;
        state = {};
        state.item = list_standing(text);
        state.text = text;
        state.meaning = meaning;
        state.regular = regular;
    }
}

void SessionView::take_standing(const AnswerReady& ready) {
    if (std::optional<Told> told = running_->watches.take(ready)) {
        if (told_.size() == most_events) told_.erase(told_.begin());
        told_.push_back(std::move(*told));
        ++told_in_all_;
    }
    for (const WatchItemState& now : running_->watches.states()) {
        const auto known = std::find_if(standing_.begin(), standing_.end(),
                                        [&](const WatchItemState& state) { return state.item == now.item; });
        if (known == standing_.end()) continue;
        const std::string text = known->text;
        *known = now;
        known->text = text;  // a regular one's begins with how often
    }
}

}  // namespace lv
