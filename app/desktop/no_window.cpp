// Stands in for the window where it was left out of the build.
#include "app/desktop/desktop.h"
#include "kernels/core/error.h"

namespace lv {

int run_desktop(const DesktopOptions&, const Interrupt&) {
    fail(
        "this longview was built without its window (Dear ImGui, GLFW or OpenGL was not found); install libimgui-dev, "
        "libglfw3-dev and libgl-dev and build again, or see 'longview --help' for what the terminal can do");
}

}  // namespace lv
