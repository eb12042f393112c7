#include "app/desktop/window_input.h"

#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <imgui.h>

#include <algorithm>
#include <utility>

namespace lv {
namespace {

constexpr int buttons_from = 100'000;  // mouse buttons as keys of their own

WindowInput& input_of(GLFWwindow* window) { return *static_cast<WindowInput*>(glfwGetWindowUserPointer(window)); }

}  // namespace

WindowInput::WindowInput(GLFWwindow* window) {
    glfwSetWindowUserPointer(window, this);
    glfwSetKeyCallback(window, [](GLFWwindow* at, int key, int code, int action, int mods) {
        const int name = key + 1;
        const bool is_text = key >= GLFW_KEY_SPACE && key <= GLFW_KEY_GRAVE_ACCENT && !(mods & GLFW_MOD_CONTROL);
        input_of(at).add({action == GLFW_RELEASE ? name : 0, action == GLFW_PRESS ? name : 0, is_text,
                          [=] { ImGui_ImplGlfw_KeyCallback(at, key, code, action, mods); }});
    });
    glfwSetCharCallback(window, [](GLFWwindow* at, unsigned letter) {
        input_of(at).add({0, 0, true, [=] { ImGui_ImplGlfw_CharCallback(at, letter); }});
    });
    glfwSetMouseButtonCallback(window, [](GLFWwindow* at, int button, int action, int mods) {
        const int name = buttons_from + button;
        input_of(at).add({action == GLFW_RELEASE ? name : 0, action == GLFW_PRESS ? name : 0, false,
                          [=] { ImGui_ImplGlfw_MouseButtonCallback(at, button, action, mods); }});
    });
    glfwSetScrollCallback(window, [](GLFWwindow* at, double x, double y) {
        input_of(at).add({0, 0, false, [=] { ImGui_ImplGlfw_ScrollCallback(at, x, y); }});
    });
    glfwSetCursorPosCallback(window, [](GLFWwindow* at, double, double) { input_of(at).add({}); });
    glfwSetCursorEnterCallback(window, [](GLFWwindow* at, int entered) {
        input_of(at).add({0, 0, false, [=] { ImGui_ImplGlfw_CursorEnterCallback(at, entered); }});
    });
    glfwSetWindowFocusCallback(window, [](GLFWwindow* at, int focused) {
        input_of(at).add({0, 0, false, [=] { ImGui_ImplGlfw_WindowFocusCallback(at, focused); }});
    });
    glfwSetFramebufferSizeCallback(window, [](GLFWwindow* at, int, int) {
        input_of(at).exposed_ = true;
        input_of(at).add({});
    });
    glfwSetWindowRefreshCallback(window, [](GLFWwindow* at) {
        input_of(at).exposed_ = true;
        input_of(at).add({});
    });
    glfwSetDropCallback(window, [](GLFWwindow* at, int count, const char** paths) {
        WindowInput& input = input_of(at);
        input.dropped_.assign(paths, paths + count);
        input.add({});
    });
}

void WindowInput::add(Event event) {
    last_event_s_ = glfwGetTime();
    if (event.hand_on) events_.push_back(std::move(event));
}

bool WindowInput::deliver() {
    const bool typing = ImGui::GetIO().WantTextInput;
    std::vector<int> pressed;
    bool typed = false;
    while (!events_.empty()) {
        const Event& next = events_.front();
        const bool flows = typing && next.is_text;  // into a text field: many letters a frame keep their order
        if (!flows) {
            if (next.undoes && std::find(pressed.begin(), pressed.end(), next.undoes) != pressed.end()) return true;
            // A second press would look like one moment with the first; one behind letters could overtake them.
            if (next.presses && (typed || !pressed.empty())) return true;
            if (next.presses) pressed.push_back(next.presses);
        }
        typed = typed || flows;
        const Event event = std::move(events_.front());
        events_.pop_front();
        event.hand_on();
    }
    return false;
}

std::vector<std::string> WindowInput::take_dropped() { return std::exchange(dropped_, {}); }

}  // namespace lv
