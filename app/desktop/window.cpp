#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "app/desktop/desktop.h"
#include "app/desktop/window_damage.h"
#include "app/desktop/window_input.h"
#include "app/desktop/window_layout.h"
#include "app/interrupt.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr double settings_s = 2;  // changes are written this long after they were made
constexpr double awake_s = 0.7;   // after a key or a move of the mouse everything is drawn at full pace
constexpr int focus_frames = 2;   // that Dear ImGui needs to give the keys to a line: letters wait for it
constexpr double software_pace_s = 1.0 / 40;
constexpr double pace_s = 1.0 / 60;
constexpr double watching_pace_s = 1.0 / 5;  // the meters and the timeline; the cores belong to the watching
constexpr double idle_pace_s = 0.4;          // the caret blinks
constexpr double unfocused_pace_s = 1.0;

std::string glfw_words() {
    const char* words = nullptr;
    glfwGetError(&words);
    return words ? words : "no reason given";
}

struct Glfw {
    Glfw() {
        require(glfwInit() == GLFW_TRUE, "opening the window: there is no screen to open it on (", glfw_words(),
                "); start it in a graphical session, or see 'longview --help' for what the terminal can do");
    }
    ~Glfw() { glfwTerminate(); }
};

struct WindowFree {
    void operator()(GLFWwindow* window) const { glfwDestroyWindow(window); }
};
using WindowPtr = std::unique_ptr<GLFWwindow, WindowFree>;

WindowPtr make_window(const Settings& settings) {
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 2);
    glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
    glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
    glfwWindowHint(GLFW_DEPTH_BITS, 0);  // not used, and llvmpipe's fast paths end where there is one
    glfwWindowHint(GLFW_STENCIL_BITS, 0);
    glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);
    glfwWindowHintString(GLFW_X11_CLASS_NAME, "longview");
    WindowPtr window(glfwCreateWindow(settings.window_width, settings.window_height, "Longview", nullptr, nullptr));
    require(window != nullptr, "opening the window: this screen gives no OpenGL 3.2 (", glfw_words(),
            "); install a graphics driver (Mesa's software one will do: libgl1-mesa-dri)");
    glfwSetWindowSizeLimits(window.get(), 640, 420, GLFW_DONT_CARE, GLFW_DONT_CARE);
    glfwMakeContextCurrent(window.get());
    return window;
}

// OpenGL leaves open what is in the back buffer after a swap. Drawing by the processor copies, so it is as it was; seen
// by trying.
bool back_buffer_stays(GLFWwindow* window) {
    constexpr std::array<unsigned char, 4> drawn{51, 102, 153, 255};
    std::array<unsigned char, 4> found{};
    glClearColor(0.2f, 0.4f, 0.6f, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    glfwSwapBuffers(window);
    glReadPixels(0, 0, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE, found.data());
    return found == drawn;
}

// ImGui and its two back ends, on the current context.
struct ImGuiRun {
    explicit ImGuiRun(GLFWwindow* window) {
        IMGUI_CHECKVERSION();
        ImGui::CreateContext();
        ImGui::GetIO().IniFilename = nullptr;
        ImGui_ImplGlfw_InitForOpenGL(window, false);
        ImGui_ImplOpenGL3_Init("#version 150");
    }
    ~ImGuiRun() {
        ImGui_ImplOpenGL3_Shutdown();
        ImGui_ImplGlfw_Shutdown();
        ImGui::DestroyContext();
    }
};

// What --timings prints.
struct Timings {
    int64_t frames = 0;  // drawn
    int64_t same = 0;    // looked like the one before, not drawn
    double busy_s = 0;   // spent in drawing, with the swap
    double same_s = 0;
    double longest_s = 0;  // of a frame
    double playing_s = 0;
    int64_t playing_frames = 0;  // drawn while playing
};

// With what the command line says.
Settings settings_of_run(Settings settings, const DesktopOptions& options) {
    if (!options.model.dir.empty()) settings.model_dir = options.model.dir;
    if (options.model.threads > 0) settings.threads = options.model.threads;
    if (options.fps) settings.fps = *options.fps;
    if (options.keyframes) settings.keyframes = true;
    return settings;
}

class DesktopWindow {
   public:
    DesktopWindow(const DesktopOptions& options, std::filesystem::path settings_file)
        : settings_file_(std::move(settings_file)),
          saved_(read_settings(settings_file_)),
          settings_(settings_of_run(saved_, options)),
          kept_(saved_, settings_) {
        window_ = make_window(settings_);
        imgui_ = std::make_unique<ImGuiRun>(window_.get());
        input_ = std::make_unique<WindowInput>(window_.get());
        const auto* renderer = reinterpret_cast<const char*>(glGetString(GL_RENDERER));
        software_ = renderer && (std::strstr(renderer, "llvmpipe") || std::strstr(renderer, "softpipe"));
        glfwSwapInterval(software_ ? 0 : 1);
        keeps_back_ = software_ && back_buffer_stays(window_.get());
        thumbnails_ = std::make_unique<ThumbnailTextures>();
        layout_ = std::make_unique<WindowLayout>();
        view_ = std::make_unique<SessionView>(settings_, [] { glfwPostEmptyEvent(); });
        measures_ = options.measure;
        view_->open_list(options.sources);
        if (measures_ && options.play && view_->player()) view_->player()->play();
        glfwShowWindow(window_.get());
    }
    ~DesktopWindow() {
        layout_.reset();  // textures go while the context is there
        thumbnails_.reset();
        imgui_.reset();
    }
    DesktopWindow(const DesktopWindow&) = delete;
    DesktopWindow& operator=(const DesktopWindow&) = delete;

    void run(const Interrupt& interrupt);
    const Timings& timings() const { return timings_; }
    const SessionView& view() const { return *view_; }

   private:
    bool wait_for_turn();
    double pace() const;
    void draw();
    void present(const DrawRegion& changed, const DrawRect& covered);
    void note_time(double begin_s, bool same);
    void remake_look();
    void toggle_full_screen();
    void keep_settings(double now_s);

    const std::filesystem::path settings_file_;
    Settings saved_;  // as the file has them
    Settings settings_;
    KeptSettings kept_;
    double changed_at_s_ = 0;
    Glfw glfw_;
    WindowPtr window_;
    std::unique_ptr<ImGuiRun> imgui_;
    std::unique_ptr<WindowInput> input_;
    std::unique_ptr<ThumbnailTextures> thumbnails_;
    std::unique_ptr<WindowLayout> layout_;
    DrawDamage damage_;
    std::unique_ptr<SessionView> view_;
    Look look_;
    bool new_look_ = true, software_ = false, quit_ = false, was_playing_ = false;
    bool keeps_back_ = false;  // what was drawn is still in the back buffer after a swap
    bool measures_ = false;    // plays, and ends when all is watched
    double drawn_at_s_ = -1;
    std::shared_ptr<const Picture> drawn_picture_;  // of the player
    int held_frames_ = 0;                           // that keys and clicks wait for
    std::array<int, 4> windowed_{};                 // x y width height, while the screen is full
    Timings timings_;
};

double DesktopWindow::pace() const {
    const double full = software_ ? software_pace_s : pace_s;
    const PlayerState player = view_->player() ? view_->player()->state() : PlayerState{};
    if (player.picture != drawn_picture_ || view_->answering() || view_->busy() || input_->waiting() ||
        held_frames_ > 0)
        return full;
    if (glfwGetTime() - input_->last_event_s() < awake_s) return full;
    if (view_->phase() == Phase::watching || view_->phase() == Phase::loading || view_->exporting() || player.playing ||
        player.seeking)  // a new picture wakes the window
        return watching_pace_s;
    return glfwGetWindowAttrib(window_.get(), GLFW_FOCUSED) ? idle_pace_s : unfocused_pace_s;
}

// Waits for the next frame's moment, or for an event that makes it come earlier. False: not yet.
bool DesktopWindow::wait_for_turn() {
    const double wait_s = drawn_at_s_ + pace() - glfwGetTime();
    if (wait_s > 0)
        glfwWaitEventsTimeout(wait_s);
    else
        glfwPollEvents();
    return glfwGetTime() - drawn_at_s_ >= pace();
}

void DesktopWindow::remake_look() {
    float screen_scale = 1, ignored = 1;
    glfwGetWindowContentScale(window_.get(), &screen_scale, &ignored);
    int wide = 0, high = 0, wide_px = 0, high_px = 0;
    glfwGetWindowSize(window_.get(), &wide, &high);
    glfwGetFramebufferSize(window_.get(), &wide_px, &high_px);
    if (wide > 0 && wide_px > 0) screen_scale *= static_cast<float>(wide) / static_cast<float>(wide_px);
    look_ = make_look(settings_, std::clamp(screen_scale, 0.5f, 4.0f));
    ImGui_ImplOpenGL3_DestroyFontsTexture();
    ImGui_ImplOpenGL3_CreateFontsTexture();
    damage_.forget();
    new_look_ = false;
}

void DesktopWindow::toggle_full_screen() {
    GLFWwindow* window = window_.get();
    if (glfwGetWindowMonitor(window)) {
        glfwSetWindowMonitor(window, nullptr, windowed_[0], windowed_[1], windowed_[2], windowed_[3], GLFW_DONT_CARE);
        return;
    }
    GLFWmonitor* monitor = glfwGetPrimaryMonitor();
    if (!monitor) return;
    glfwGetWindowPos(window, &windowed_[0], &windowed_[1]);
    glfwGetWindowSize(window, &windowed_[2], &windowed_[3]);
    const GLFWvidmode* mode = glfwGetVideoMode(monitor);
    glfwSetWindowMonitor(window, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
}

void DesktopWindow::draw() {
    const double begin_s = glfwGetTime();
    if (new_look_) remake_look();
    if (held_frames_ == 0)
        input_->deliver();
    else
        --held_frames_;
    ImGui_ImplOpenGL3_NewFrame();
    ImGui_ImplGlfw_NewFrame();
    ImGui::NewFrame();
    drawn_picture_ = view_->player() ? view_->player()->state().picture : nullptr;
    const WindowLayout::Outcome outcome = layout_->draw(*view_, settings_, look_, *thumbnails_);
    ImGui::Render();
    if (input_->take_exposed()) damage_.forget();
    const DrawRegion changed = damage_.of(*ImGui::GetDrawData(), outcome.fresh);
    const bool same = changed.empty();
    if (!same) present(changed, outcome.covered);
    thumbnails_->end_frame();
    if (outcome.focusing) held_frames_ = focus_frames;
    new_look_ |= outcome.new_look;
    quit_ |= outcome.quit;
    if (outcome.toggle_full_screen) toggle_full_screen();
    note_time(begin_s, same);
    drawn_at_s_ = begin_s;
}

void DesktopWindow::note_time(double begin_s, bool same) {
    const double spent_s = glfwGetTime() - begin_s;
    const PlayerState player = view_->player() ? view_->player()->state() : PlayerState{};
    const bool playing = player.playing && player.picture && !player.seeking;
    if (playing && was_playing_) timings_.playing_s += begin_s - drawn_at_s_;
    was_playing_ = playing;
    if (same) {
        ++timings_.same;
        timings_.same_s += spent_s;
        return;
    }
    ++timings_.frames;
    if (playing) ++timings_.playing_frames;
    timings_.busy_s += spent_s;
    timings_.longest_s = std::max(timings_.longest_s, spent_s);
}

// Where the last frame is still there to be drawn over, only what has changed is drawn.
void DesktopWindow::present(const DrawRegion& changed, const DrawRect& covered) {
    int width = 0, height = 0;
    glfwGetFramebufferSize(window_.get(), &width, &height);
    glViewport(0, 0, width, height);
    const ImVec4 ground = as_vector(look_.colours.back);
    glClearColor(ground.x, ground.y, ground.z, 1);
    ImDrawData& data = *ImGui::GetDrawData();
    if (keeps_back_) {
        const float scale = data.FramebufferScale.x, foot = data.DisplaySize.y;
        clip_to(data, changed);
        glEnable(GL_SCISSOR_TEST);
        for (const DrawRect& part : changed.parts()) {
            if (covered.holds(part)) continue;
            glScissor(static_cast<int>(part.from.x * scale), static_cast<int>((foot - part.to.y) * scale),
                      static_cast<int>((part.to.x - part.from.x) * scale),
                      static_cast<int>((part.to.y - part.from.y) * scale));
            glClear(GL_COLOR_BUFFER_BIT);
        }
        glDisable(GL_SCISSOR_TEST);
    } else {
        glClear(GL_COLOR_BUFFER_BIT);
    }
    ImGui_ImplOpenGL3_RenderDrawData(&data);
    glfwSwapBuffers(window_.get());
}

void DesktopWindow::keep_settings(double now_s) {
    if (!glfwGetWindowMonitor(window_.get()))
        glfwGetWindowSize(window_.get(), &settings_.window_width, &settings_.window_height);
    const Settings kept = kept_.of(settings_);
    if (kept == saved_) {
        changed_at_s_ = now_s;
    } else if (now_s - changed_at_s_ > settings_s || quit_) {
        saved_ = kept;
        try {
            write_settings(saved_, settings_file_);
        } catch (const Error& error) {
            view_->say(error.what(), true);
        }
    }
}

void DesktopWindow::run(const Interrupt& interrupt) {
    while (!quit_) {
        if (!wait_for_turn()) continue;
        view_->open_list(input_->take_dropped());
        view_->update();
        draw();
        quit_ |= measures_ && (view_->phase() == Phase::watched || view_->phase() == Phase::failed);
        quit_ |= glfwWindowShouldClose(window_.get()) || interrupt.happened();
        keep_settings(glfwGetTime());
    }
}

void print_timings(const DesktopWindow& window) {
    const Timings& timings = window.timings();
    const Meters& meters = window.view().whole();
    const auto frames = static_cast<double>(std::max<int64_t>(timings.frames, 1));
    std::fprintf(
        stderr,
        "drawn %lld frames, %.1f ms each, the longest %.1f ms; %lld more were as the one before, %.2f ms each; "
        "while playing %.1f a second drawn\n",
        static_cast<long long>(timings.frames), timings.busy_s / frames * 1e3, timings.longest_s * 1e3,
        static_cast<long long>(timings.same),
        timings.same_s / static_cast<double>(std::max<int64_t>(timings.same, 1)) * 1e3,
        timings.playing_s > 0 ? static_cast<double>(timings.playing_frames) / timings.playing_s : 0);
    std::fprintf(stderr, "watched %lld frames in %.2f s\n", static_cast<long long>(meters.frames),
                 static_cast<double>(meters.elapsed_us) / 1e6);
}

}  // namespace

int run_desktop(const DesktopOptions& options, const Interrupt& interrupt) {
    DesktopWindow window(options, settings_path(std::getenv("XDG_CONFIG_HOME"), std::getenv("HOME")));
    window.run(interrupt);
    if (options.timings) print_timings(window);
    return interrupt.happened() ? exit_interrupted : 0;
}

}  // namespace lv
