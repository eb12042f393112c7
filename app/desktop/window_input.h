// Keys and clicks in their order, one change a frame (but for typed text): Dear ImGui 1.86 has no queue of its own and
// would miss a key that is pressed and let go between two frames, as happens at a low frame rate and from scripts.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

struct GLFWwindow;

namespace lv {

class WindowInput {
   public:
    // Installs the callbacks of the window; one object a window, which outlives it. Call after ImGui's GLFW backend was
    // initialised without callbacks.
    explicit WindowInput(GLFWwindow* window);

    // Hands on what came, up to the first event that undoes one of this frame. True when more is waiting.
    bool deliver();
    bool waiting() const { return !events_.empty(); }
    // Whether the screen system has asked for the whole picture since the last call.
    bool take_exposed() { return std::exchange(exposed_, false); }
    // Seconds (glfwGetTime) of the last event of any kind.
    double last_event_s() const { return last_event_s_; }
    // Files dropped on the window since the last call.
    std::vector<std::string> take_dropped();

   private:
    struct Event {
        int undoes = 0;        // the key or button that is let go; 0: none
        int presses = 0;       // that is pressed
        bool is_text = false;  // a letter, or the key of one
        std::function<void()> hand_on;
    };
    void add(Event event);

    std::deque<Event> events_;
    std::vector<std::string> dropped_;
    double last_event_s_ = 0;
    bool exposed_ = true;
};

}  // namespace lv
