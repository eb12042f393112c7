#include "app/desktop/chat_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/answer_report.h"
#include "app/time_text.h"
#include "engine/prompt.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

bool digit(char c) { return c >= '0' && c <= '9'; }

// Digits at the front of `text`, at most nine.
size_t digits(std::string_view text) {
    size_t count = 0;
    while (count < text.size() && count < 9 && digit(text[count])) ++count;
    return count;
}

// "m:ss" or "h:mm:ss" at the front of `text`.
std::optional<TimeLink> clock_at(std::string_view text) {
    TimeLink link;
    link.length = digits(text);
    if (link.length == 0) return std::nullopt;
    int64_t seconds = std::stoll(std::string(text.substr(0, link.length)));
    int fields = 1;
    while (fields < 3 && link.length + 2 < text.size() && text[link.length] == ':' &&
           digits(text.substr(link.length + 1)) == 2 && text[link.length + 1] < '6') {
        seconds = seconds * 60 + std::stoll(std::string(text.substr(link.length + 1, 2)));
        link.length += 3;
        ++fields;
    }
    if (fields == 1 || digits(text.substr(link.length)) > 0) return std::nullopt;
    link.time_us = seconds * 1'000'000;
    return link;
}

// "video 2, " right before text[at]: where it begins, and which video it is (from 0).
struct NamedVideo {
    size_t first = 0, video = 0;
};
std::optional<NamedVideo> video_before(std::string_view text, size_t at, const VideoClock& clock) {
    constexpr std::string_view name = "ideo ";  // after V or v
    if (!clock.several() || at < 2 || text.substr(at - 2, 2) != ", ") return std::nullopt;
    size_t first = at - 2;
    while (first > 0 && digit(text[first - 1])) --first;
    const size_t count = at - 2 - first;
    if (count == 0 || count > 9 || first < name.size() + 1) return std::nullopt;
    const size_t begin = first - name.size() - 1;
    const size_t video = std::stoul(std::string(text.substr(first, count)));
    if ((text[begin] != 'v' && text[begin] != 'V') || text.substr(begin + 1, name.size()) != name || video == 0 ||
        video > clock.videos())
        return std::nullopt;
    return NamedVideo{begin, video - 1};
}

std::string_view state_name(TurnState state) {
    switch (state) {
        case TurnState::waiting:
            return "waiting";
        case TurnState::answering:
            return "answering";
        case TurnState::answered:
            return "answered";
        case TurnState::stopped:
            return "stopped";
        case TurnState::failed:
            return "failed";
    }
    return "";
}

// A question's newlines would end a heading.
std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

}  // namespace

std::vector<TimeLink> time_links(std::string_view text, const VideoClock& clock) {
    std::vector<TimeLink> links;
    for (size_t i = 0; i < text.size();) {
        const bool starts = digit(text[i]) && (i == 0 || (text[i - 1] != ':' && text[i - 1] != '.'));
        if (std::optional<TimeLink> link = starts ? clock_at(text.substr(i)) : std::nullopt) {
            const std::optional<NamedVideo> named = video_before(text, i, clock);
            link->time_us += clock.start_us(named ? named->video : clock.videos() - 1);
            link->first = named ? named->first : i;
            i += link->length;
            link->length = i - link->first;
            links.push_back(*link);
        } else {
            i += std::max<size_t>(digits(text.substr(i)), 1);
        }
    }
    return links;
}

std::string short_time(int64_t time_us, const VideoClock& clock) {
    const size_t video = clock.video_at(time_us);
    const std::string own = written_time(time_us - clock.start_us(video));
    return clock.several() ? std::to_string(video + 1) + " · " + own : own;
}

std::string chat_markdown(const std::vector<ChatTurn>& turns, std::string_view video) {
    std::string text = "# " + std::string(video) + "\n";
    for (const ChatTurn& turn : turns) {
        text += "\n## " + one_line(turn.question) + "\n\n";
        if (turn.state == TurnState::failed) text += "*No answer:* ";
        text += turn.answer + "\n";
        if (!turn.evidence.empty()) text += "\nR" + moments_text(turn.evidence, turn.clock).substr(1) + ".\n";
    }
    return text;
}

std::string chat_json(const std::vector<ChatTurn>& turns, std::string_view video) {
    ordered_json answers = ordered_json::array();
    for (const ChatTurn& turn : turns) {
        ordered_json evidence = ordered_json::array();
        for (const Moment& moment : turn.evidence) {
            const size_t video = turn.clock.video_at(moment.start_us);
            const int64_t zero_us = turn.clock.start_us(video);
            ordered_json entry{{"start", seconds(moment.start_us - zero_us)},
                               {"end", seconds(moment.end_us - zero_us)},
                               {"weight", std::round(moment.weight * 1e4) / 1e4}};
            if (turn.clock.several()) entry["video"] = video + 1;
            evidence.push_back(std::move(entry));
        }
        ordered_json entry{{"question", turn.question}, {"state", state_name(turn.state)}};
        if (turn.state == TurnState::failed) {
            entry["error"] = turn.answer;
        } else {
            entry["answer"] = turn.answer;
            entry["evidence"] = evidence;
            entry["first_token_ms"] = static_cast<double>(turn.first_token_us) / 1000;
            entry["tokens"] = turn.tokens;
        }
        answers.push_back(entry);
    }
    const ordered_json object{{"video", video}, {"answers", answers}};
    return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void Recall::add(const std::string& question) {
    std::erase(asked_, question);
    asked_.push_back(question);
    at_ = asked_.size();
    typed_.clear();
}

const std::string& Recall::older(const std::string& line) {
    if (at_ == asked_.size()) typed_ = line;
    if (at_ > 0) --at_;
    return asked_.empty() ? typed_ : asked_[at_];
}

const std::string& Recall::newer(const std::string& line) {
    if (at_ == asked_.size()) typed_ = line;
    if (at_ < asked_.size()) ++at_;
    return at_ == asked_.size() ? typed_ : asked_[at_];
}

}  // namespace lv
