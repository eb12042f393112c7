// When to speak of a condition that flickers: once it is sure, not again until it was surely over, and not too often.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lv {

struct EdgeOptions {
    int confirm = 2;                   // readings in a row before it is believed, >= 1
    int rearm = 3;                     // readings in a row that it no longer holds, before it may be told again, >= 1
    int64_t hold_off_us = 10'000'000;  // least time between two tellings; what still holds then is told late
};

// Readings with rising times in; the moment to tell out. Values, one thread at a time.
class EdgeDetector {
   public:
    EdgeDetector() = default;
    // must_fail_first: what holds from the beginning is no event.
    EdgeDetector(const EdgeOptions& options, bool must_fail_first) : options_(options), may_tell_(!must_fail_first) {}

    // `holds` not set: nobody can tell, which changes nothing. Readings in a row are believed once one of them was
    // `sure`. Returns since when it holds, once for each time.
    std::optional<int64_t> update(int64_t time_us, std::optional<bool> holds, bool sure = true) {
        if (!holds) return std::nullopt;
        if (!*holds) {
            sure_ = sure || (failed_ > 0 && sure_);
            held_ = 0;
            ++failed_;
            if (sure_ && failed_ >= options_.confirm) may_tell_ = true;
            if (sure_ && failed_ >= options_.rearm) told_ = false;
            return std::nullopt;
        }
        sure_ = sure || (held_ > 0 && sure_);
        failed_ = 0;
        if (held_++ == 0) since_us_ = time_us;
        if (told_ || !may_tell_ || !sure_ || held_ < options_.confirm) return std::nullopt;
        if (last_us_ != never && time_us - last_us_ < options_.hold_off_us) return std::nullopt;
        told_ = true;
        last_us_ = time_us;
        return since_us_;
    }
    // Whether it was told and has not been over since.
    bool holds() const { return told_; }

   private:
    static constexpr int64_t never = INT64_MIN;
    EdgeOptions options_{};
    bool may_tell_ = true, told_ = false;
    bool sure_ = false;          // one of the readings in a row was
    int held_ = 0, failed_ = 0;  // readings in a row
    int64_t since_us_ = 0;
    int64_t last_us_ = never;  // when it was told
};

// The same for an answer that becomes another one: "two" after "one".
class ChangeDetector {
   public:
    ChangeDetector() = default;
    explicit ChangeDetector(const EdgeOptions& options) : options_(options) {}

    std::optional<int64_t> update(int64_t time_us, const std::string& answer) {
        if (answer != candidate_ || seen_ == 0) {
            candidate_ = answer;
            seen_ = 0;
            since_us_ = time_us;
        }
        if (++seen_ < options_.confirm || (settled_ && *settled_ == candidate_)) return std::nullopt;
        if (last_us_ != never && time_us - last_us_ < options_.hold_off_us) return std::nullopt;
        const bool first = !settled_;
        settled_ = candidate_;
        if (first) return std::nullopt;
        last_us_ = time_us;
        return since_us_;
    }

   private:
    static constexpr int64_t never = INT64_MIN;
    EdgeOptions options_{};
    std::string candidate_;
    std::optional<std::string> settled_;
    int seen_ = 0;
    int64_t since_us_ = 0;
    int64_t last_us_ = never;  // when it was told
};

}  // namespace lv
