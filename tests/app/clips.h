// Files that the end-to-end tests run the program on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lv::test {

// The bundled clip: 640x480, h264, people walking.
std::filesystem::path bundled_clip();
constexpr double bundled_clip_s = 79.5;

// The model directory that the program under test uses: $LONGVIEW_MODEL or assets/models/mini.
std::filesystem::path model_folder();

// A yuv4mpeg video that needs no encoder: grey pictures, `frames` of them, one a second.
std::string grey_video(int width, int height, int frames);
// A second of silence as a WAV file.
std::string silent_sound();

}  // namespace lv::test
