#include "tests/app/clips.h"

#include <cstdint>
#include <cstdlib>

namespace lv::test {
namespace {

void put(std::string& bytes, uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

}  // namespace

std::filesystem::path bundled_clip() { return std::filesystem::path(LV_SOURCE_DIR) / "assets/clips/pedestrians.mp4"; }

std::filesystem::path model_folder() {
    const char* named = std::getenv("LONGVIEW_MODEL");
    return named && *named ? std::filesystem::path(named) : std::filesystem::path(LV_SOURCE_DIR) / "assets/models/mini";
}

std::string grey_video(int width, int height, int frames) {
    std::string video = "YUV4MPEG2 W" + std::to_string(width) + " H" + std::to_string(height) + " F1:1 Ip A1:1 C420jpeg\n";
    const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
    for (int frame = 0; frame < frames; ++frame) video += "FRAME\n" + std::string(pixels + pixels / 2, '\x80');
    return video;
}

std::string silent_sound() {
    const std::string samples(16000, '\0');
    std::string sound = "RIFF";
    put(sound, static_cast<uint32_t>(36 + samples.size()), 4);
    sound += "WAVEfmt ";
    put(sound, 16, 4);
    put(sound, 1, 2);     // PCM
    put(sound, 1, 2);     // channels
    put(sound, 8000, 4);  // Hz
    put(sound, 16000, 4);
    put(sound, 2, 2);
    put(sound, 16, 2);
    sound += "data";
    put(sound, static_cast<uint32_t>(samples.size()), 4);
    return sound + samples;
}

}  // namespace lv::test
