// Runs a command at each event: no shell, a bound on how many run at once.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace lv {

// What {name} stands for in a word of the command.
using CommandFields = std::map<std::string, std::string>;

// "{text}" and the others replaced; an unknown name in braces stays as it is. The replacement is never read again.
std::string filled_word(const std::string& word, const CommandFields& fields);

// One thread. Commands that still run at the destruction are left alone.
class CommandRunner {
   public:
    CommandRunner(std::vector<std::string> words, size_t limit) : words_(std::move(words)), limit_(limit) {}

    // Starts the command; its input is empty, its output goes to our stderr. Returns what went wrong, for a person; the
    // stream must go on: empty when it was started, and where there is no command.
    std::string start(const CommandFields& fields);
    // What became of commands that have ended badly since the last call, a line each.
    std::vector<std::string> failures();

   private:
    void reap();
    const std::vector<std::string> words_;
    const size_t limit_;
    std::vector<pid_t> running_;
    std::vector<std::string> failures_;
};

}  // namespace lv
