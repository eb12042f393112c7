// What somebody types to the agent, or a pipe: questions, and the two commands of a conversation.
#include <unistd.h>

#include "app/agent_loop.h"
#include "app/line_reader.h"
#include "kernels/core/error.h"

namespace lv {

// Questions typed, or from a pipe, from the first frame on.
void AgentLoop::read_questions() {
    {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, leave_.get_token(), [&] { return seen_; })) return;
    }
    if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) progress_.prompt("> ");
    try {
        LineReader lines(STDIN_FILENO, leave_.get_token());
        while (const std::optional<std::string> line = lines.next())
            if (line->find_first_not_of(" \t") != std::string::npos) take_typed(*line);
    } catch (const std::exception& error) {
        progress_.warn(std::string(error.what()) + "; no more questions are read");
    }
    progress_.prompt("");
}

void AgentLoop::take_typed(const std::string& line) {
    const size_t first = line.find_first_not_of(" \t");
    const std::string text = line.substr(first, line.find_last_not_of(" \t") + 1 - first);
    if (text == "/quit") {
        session_.stop_watching();
    } else if (text == "/forget") {
        {
            const std::lock_guard lock(mutex_);
            conversation_.forget();
        }
        progress_.say("forgotten; what was watched is still known");
    } else if (text.front() == '/') {
        progress_.say("A line is a question; /forget begins a new conversation, /quit ends the watching, as Ctrl-C does.");
    } else {
        ask_typed(text);
    }
}

void AgentLoop::ask_typed(const std::string& question) {
    std::vector<Turn> earlier;
    {
        const std::lock_guard lock(mutex_);
        earlier = conversation_.turns();
    }
    try {
        ask(question, {}, std::move(earlier));
    } catch (const UsageError& error) {
        progress_.warn(error.what());  // too many wait
    }
}

}  // namespace lv
