// A SessionView on the bundled clip and mini, updated as the window does.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "app/desktop/session_view.h"
#include "tests/app/clips.h"

namespace lv {

class AView : public testing::Test {
   protected:
    AView() {
        settings_.model_dir = test::model_folder().string();
        settings_.threads = 2;
        settings_.fps = 0.5;
    }
    // Updates the view, as the window does, until `done`. False after a minute.
    template <typename Done>
    static bool until(SessionView& view, const Done& done) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        std::mutex mutex;
        std::condition_variable ticks;
        for (std::unique_lock lock(mutex); std::chrono::steady_clock::now() < end;
             ticks.wait_for(lock, std::chrono::milliseconds(5))) {
            view.update();
            if (done()) return true;
        }
        return false;
    }
    static bool until_watched(SessionView& view) {
        return until(view, [&] { return view.phase() == Phase::watched || view.phase() == Phase::failed; });
    }
    static bool until_answered(SessionView& view) {
        return until(view, [&] { return !view.answering(); });
    }
    std::vector<std::string> answers_of_a_session(const std::vector<std::string>& questions) const {
        const auto model = load_model(settings_.model_dir);
        const Context context(2);
        Session session(model, context);
        WatchRequest request;
        request.source = clip_;
        request.sampling.fps = settings_.fps;
        session.watch(request);
        Conversation conversation;
        std::vector<std::string> answers;
        for (const std::string& question : questions) {
            session.ask(question, AskWhen::at_end, conversation.turns());
            while (const std::optional<SessionEvent> event = session.next_event())
                if (const auto* ready = std::get_if<AnswerReady>(&*event)) {
                    conversation.add(*ready);
                    answers.push_back(ready->answer.text);
                    break;
                }
        }
        return answers;
    }
    Settings settings_;
    const std::string clip_ = test::bundled_clip().string();
};

}  // namespace lv
