#include "app/watch_list.h"

#include <algorithm>

#include "engine/prompt.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t most_items = 32;

// What was asked in two ways is known where both answers say the same.
std::optional<bool> reading(const Check& check, const AnswerReady& ready) {
    const std::optional<bool> holds = check.read(ready.answer.text);
    return ready.again && check.read(ready.again->text) != holds ? std::nullopt : holds;
}

// Of a yes or no.
float sureness(const AnswerReady& ready) {
    return std::max(ready.answer.first_probability, ready.again ? ready.again->first_probability : 0.0f);
}

}  // namespace

uint64_t WatchList::add(Condition condition) {
    Item item;
    item.every_us = options_.ask_every_us;
    item.edge = EdgeDetector(options_.edge, condition.must_fail_first);
    item.change = ChangeDetector(options_.edge);
    item.state.meaning = condition.meaning();
    item.condition = std::move(condition);
    return insert(std::move(item));
}

uint64_t WatchList::add_regular(std::string question, int64_t every_us) {
    Item item;
    item.regular = true;
    item.every_us = every_us;
    item.condition.text = question;
    item.condition.checks.push_back({.question = std::move(question)});
    return insert(std::move(item));
}

uint64_t WatchList::insert(Item item) {
    item.state.text = item.condition.text;
    item.state.regular = item.regular;
    const std::lock_guard lock(mutex_);
    if (items_.size() == most_items)
        throw UsageError("there are " + std::to_string(most_items) +
                         " standing questions already, which is the most; remove one");
    const uint64_t number = item.state.item = ++last_item_;
    items_.emplace(number, std::move(item));
    return number;
}

void WatchList::remove(uint64_t item) {
    const std::lock_guard lock(mutex_);
    items_.erase(item);
}

size_t WatchList::size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
}

void WatchList::begin_again() {
    const std::lock_guard lock(mutex_);
    for (auto& [number, item] : items_) {
        item.next_us = INT64_MIN;
        item.edge = EdgeDetector(options_.edge, item.condition.must_fail_first);
        item.change = ChangeDetector(options_.edge);
        item.pending = 0;
        item.round.clear();
        item.state.holds = false;
        item.state.answered_us = -1;
    }
}

std::vector<Cue> WatchList::due(int64_t time_us) {
    std::vector<Cue> cues;
    const std::lock_guard lock(mutex_);
    for (auto& [number, item] : items_) {
        // The first regular answer comes when the first interval is over.
        if (item.regular && item.next_us == INT64_MIN) item.next_us = time_us + item.every_us;
        if (time_us < item.next_us) continue;
        if (item.every_us > 0) {
            const int64_t missed = item.next_us == INT64_MIN ? 0 : (time_us - item.next_us) / item.every_us;
            item.next_us = (item.next_us == INT64_MIN ? time_us : item.next_us) + (missed + 1) * item.every_us;
        }
        if (item.pending > 0 && !options_.every_frame) {
            ++item.state.left_out;
            continue;
        }
        ++item.pending;
        ++item.state.asked;
        uint64_t tag = first_tag + number * most_checks;
        for (const Check& check : item.condition.checks)
            cues.push_back({.question = check.question, .tag = tag++, .recent = !item.regular});
    }
    return cues;
}

// Answers come in the order in which they were asked.
std::optional<Told> WatchList::take(const AnswerReady& ready) {
    const std::lock_guard lock(mutex_);
    const auto found = items_.find((ready.tag - first_tag) / most_checks);
    if (found == items_.end()) return std::nullopt;
    Item& item = found->second;
    const size_t check = (ready.tag - first_tag) % most_checks;
    const bool answered = !ready.failure && ready.answer.complete && (!ready.again || ready.again->complete);
    const Check& asked = item.condition.checks[check];
    item.sure = (check == 0 || item.sure) && (!asked.yes_or_no() || sureness(ready) >= sure_from);
    item.round.push_back(answered ? reading(asked, ready) : std::nullopt);
    if (answered && check == 0) {
        item.state.last_answer = ready.answer.text;
        item.state.answered_us = ready.asked_at_us;
    }
    if (check + 1 < item.condition.checks.size()) return std::nullopt;
    --item.pending;
    std::optional<Told> told = answered ? finish_round(item, ready) : std::nullopt;
    item.round.clear();
    if (told) ++item.state.told;
    return told;
}

std::optional<Told> WatchList::finish_round(Item& item, const AnswerReady& ready) {
    const int64_t time_us = ready.asked_at_us;
    std::optional<int64_t> since_us = time_us;
    if (item.condition.on_change) {
        const std::string said = normalize_question(ready.answer.text);
        if (ready.again && normalize_question(ready.again->text) != said) return std::nullopt;
        since_us = item.change.update(time_us, said);
    } else if (!item.regular) {
        std::optional<bool> holds = true;
        for (const std::optional<bool>& reading : item.round) {
            if (reading == false) holds = false;
            if (!reading && holds != false) holds = std::nullopt;
        }
        since_us = item.edge.update(time_us, holds, item.sure);
        item.state.holds = item.edge.holds();
    }
    if (!since_us) return std::nullopt;
    return Told{.item = item.state.item,
                .text = item.condition.text,
                .regular = item.regular,
                .question = ready.question,
                .answer = ready.answer.text,
                .since_us = *since_us,
                .told_us = time_us,
                .evidence = ready.answer.evidence,
                .clock = ready.clock};
}

size_t WatchList::pending() const {
    const std::lock_guard lock(mutex_);
    size_t pending = 0;
    for (const auto& [number, item] : items_) pending += item.pending;
    return pending;
}

std::vector<WatchItemState> WatchList::states() const {
    const std::lock_guard lock(mutex_);
    std::vector<WatchItemState> states;
    for (const auto& [number, item] : items_) states.push_back(item.state);
    return states;
}

}  // namespace lv
