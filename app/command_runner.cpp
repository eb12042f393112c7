#include "app/command_runner.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

extern char** environ;

namespace lv {
namespace {

// What posix_spawn is told: empty input, output on stderr, no blocked or ignored signals, nothing else inherited.
class SpawnSettings {
   public:
    SpawnSettings() {
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
        posix_spawnattr_init(&attributes);
        sigset_t none, broken_pipe;
        sigemptyset(&none);
        sigemptyset(&broken_pipe);
        sigaddset(&broken_pipe, SIGPIPE);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
        posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C is ours alone
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};

}  // namespace

std::string filled_word(const std::string& word, const CommandFields& fields) {
    std::string out;
    for (size_t i = 0; i < word.size();) {
        const size_t end = word[i] == '{' ? word.find('}', i) : std::string::npos;
        const auto field = end == std::string::npos ? fields.end() : fields.find(word.substr(i + 1, end - i - 1));
        if (field == fields.end()) {
            out += word[i++];
        } else {
            out += field->second;
            i = end + 1;
        }
    }
    return out;
}

void CommandRunner::reap() {
    std::erase_if(running_, [&](pid_t child) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) != child) return false;
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            failures_.push_back("--exec: " + words_.front() + " ended with status " +
                                std::to_string(WEXITSTATUS(status)));
        if (WIFSIGNALED(status))
            failures_.push_back("--exec: " + words_.front() + " was ended by signal " +
                                std::to_string(WTERMSIG(status)));
        return true;
    });
}

std::vector<std::string> CommandRunner::failures() {
    reap();
    return std::exchange(failures_, {});
}

std::string CommandRunner::start(const CommandFields& fields) {
    if (words_.empty()) return "";
    reap();
    if (running_.size() >= limit_)
        return "--exec: " + std::to_string(limit_) +
               " commands still run, so none was started; --exec-limit says how many may";
    std::vector<std::string> words;
    for (const std::string& word : words_) words.push_back(filled_word(word, fields));
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const SpawnSettings settings;
    pid_t child = 0;
    const int code =
        posix_spawnp(&child, arguments[0], &settings.files, &settings.attributes, arguments.data(), environ);
    if (code != 0)
        return "--exec: cannot run " + words.front() + ": " + std::strerror(code) + "; name a program that is on PATH";
    running_.push_back(child);
    return "";
}

}  // namespace lv
