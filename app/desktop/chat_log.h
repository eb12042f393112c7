// The conversation as the window shows it: turns, the times written in them, and the files it can be exported to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/generate.h"
#include "engine/video_clock.h"

namespace lv {

enum class TurnState { waiting, answering, answered, stopped, failed };

struct ChatTurn {
    uint64_t id = 0;  // the session's, 0 for a turn that never reached it
    std::string question;
    std::string answer;  // grows while answering; the reason when failed
    TurnState state = TurnState::waiting;
    std::vector<Moment> evidence;  // best first
    std::vector<AttentionPoint> attention;
    VideoClock clock{};       // how the times in question and answer are written
    int64_t asked_at_us = 0;  // how far the video was watched when it was answered
    int64_t first_token_us = 0;
    int64_t total_us = 0;
    size_t tokens = 0;
};

// A time written in a text: text[first, first + length), as "0:34" or "1:02:03", with several videos "video 2,
// 0:00:34".
struct TimeLink {
    size_t first = 0, length = 0;
    int64_t time_us = 0;  // on the memory's clock
    bool operator==(const TimeLink&) const = default;
};
// A time without a video is one of the newest video, as in a question.
std::vector<TimeLink> time_links(std::string_view text, const VideoClock& clock = {});

// A time of the memory, short: "0:34", with several videos "2 · 0:34".
std::string short_time(int64_t time_us, const VideoClock& clock);

// The whole conversation. `video`: its name for the title.
std::string chat_markdown(const std::vector<ChatTurn>& turns, std::string_view video);
std::string chat_json(const std::vector<ChatTurn>& turns, std::string_view video);

// Questions asked before, for the up and down keys: the newest first, as a shell does. An edited line is kept.
class Recall {
   public:
    void add(const std::string& question);
    // The one before (older) or behind (newer) what stands in the line now; `line` as typed comes back at the bottom.
    const std::string& older(const std::string& line);
    const std::string& newer(const std::string& line);

   private:
    std::vector<std::string> asked_;
    size_t at_ = 0;  // asked_.size(): the line being typed
    std::string typed_;
};

}  // namespace lv
