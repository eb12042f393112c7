#include "app/chat.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "app/line_reader.h"
#include "app/output.h"

namespace lv {
namespace {

constexpr const char* help_text =
    R"(Ask in your own words; a question may lean on those before it: "and after that?", "how many?".
  /forget   begin a new conversation; the video stays watched
  /quit     leave, as Ctrl-D does; Ctrl-C stops an answer first)";

// Takes the session's events in a thread of its own, so that the video is watched on while somebody types.
class EventTaker {
   public:
    EventTaker(Asking& asking, Session& session, Progress& progress)
        : asking_(asking), session_(session), progress_(progress), thread_([this] { run(); }) {}
    ~EventTaker() {
        leave_.request_stop();
        thread_.join();
    }

    // Until one holds: a frame has been seen, or watching has ended.
    void wait_seen() {
        wait([&] { return asking_.seen() || asking_.ended(); });
    }
    void wait_ended() {
        wait([&] { return asking_.ended().has_value(); });
    }
    void wait_answered(size_t count) {
        wait([&] { return asking_.answered() >= count; });
    }
    // With no event being taken.
    template <typename Action>
    auto quietly(Action&& action) {
        const std::lock_guard lock(mutex_);
        return action();
    }
    void throw_failure() {
        const std::lock_guard lock(mutex_);
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    }

   private:
    template <typename Condition>
    void wait(Condition&& holds) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return over_ || failure_ || holds(); });
    }
    void run() {
        while (const std::optional<SessionEvent> event = session_.next_event(leave_.get_token())) {
            const std::lock_guard lock(mutex_);
            try {
                asking_.take(*event);
            } catch (const OutputError&) {
                failure_ = std::current_exception();
            } catch (const std::exception& error) {
                if (asking_.seen())
                    progress_.warn(std::string(error.what()) + "; the answers hold for what was seen before");
                else
                    failure_ = std::current_exception();
            }
            changed_.notify_all();
        }
        const std::lock_guard lock(mutex_);
        over_ = true;
        changed_.notify_all();
    }

    Asking& asking_;
    Session& session_;
    Progress& progress_;
    std::mutex mutex_;  // guards asking_ and what follows
    std::condition_variable changed_;
    std::exception_ptr failure_;
    bool over_ = false;
    std::stop_source leave_;
    std::thread thread_;
};

// Ctrl-C goes to the answer at hand while this lives.
class AnswerStopper {
   public:
    AnswerStopper(const Interrupt& interrupt, Session& session) : interrupt_(interrupt) {
        interrupt_.offer_to([this, &session] {
            const uint64_t id = answering.exchange(0);
            if (id != 0) session.stop_answer(id);
            return id != 0;
        });
    }
    ~AnswerStopper() { interrupt_.offer_to({}); }
    std::atomic<uint64_t> answering{0};

   private:
    const Interrupt& interrupt_;
};

}  // namespace

void chat(Asking& asking, const AskOptions& options, Session& session, Progress& progress, const Interrupt& interrupt) {
    const bool typed = isatty(STDIN_FILENO) == 1, prompting = typed && isatty(STDERR_FILENO) == 1;
    AnswerStopper stopper(interrupt, session);
    EventTaker events(asking, session, progress);
    const std::stop_callback stop_watching(interrupt.token(), [&] { session.stop_watching(); });
    const bool live = [&] {
        events.wait_seen();
        const std::vector<WatchedVideo> videos = session.videos();
        return !videos.empty() && videos.back().live;
    }();
    events.throw_failure();
    if (!typed && !live && !options.video.empty()) events.wait_ended();
    if (prompting) progress.say(help_text);

    const auto ask = [&](const std::string& question) {
        size_t goal = 0;
        const std::vector<Turn> earlier = events.quietly([&] {
            goal = asking.answered() + 1;
            return asking.conversation().turns();
        });
        stopper.answering = session.ask(question, AskWhen::now, earlier);
        events.wait_answered(goal);
        stopper.answering = 0;
        events.throw_failure();
        if (options.json) events.quietly([&] { asking.print_object(true); });
    };
    for (const std::string& question : options.questions) {
        if (interrupt.happened()) return;
        ask(question);
    }
    LineReader lines(STDIN_FILENO, interrupt.token());
    while (!interrupt.happened()) {
        if (prompting) progress.prompt("> ");
        const std::optional<std::string> line = lines.next();
        progress.prompt("");
        if (!line) {
            if (prompting) progress.say("");  // the shell's prompt begins a line of its own
            return;
        }
        const size_t first = line->find_first_not_of(" \t");
        const std::string text =
            first == std::string::npos ? "" : line->substr(first, line->find_last_not_of(" \t") + 1 - first);
        if (text.empty()) continue;
        if (text == "/quit") return;
        if (text == "/forget") {
            events.quietly([&] { asking.conversation().forget(); });
            progress.say("forgotten; the video is still known");
        } else if (text.front() == '/') {
            progress.say(help_text);
        } else {
            ask(text);
        }
    }
}

}  // namespace lv
