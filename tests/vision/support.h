// What the tests of vision share: where media lie, messages of errors, pictures made by hand.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/core/weight_file.h"
#include "vision/frame_source.h"

namespace lv::test {

inline std::filesystem::path tree() { return LV_SOURCE_DIR; }
inline std::string media(const std::string& name) { return (tree() / "tests/vision/media" / name).string(); }
inline std::string clip() { return (tree() / "assets/clips/pedestrians.mp4").string(); }
inline std::filesystem::path model_dir() { return tree() / "assets/models/mini"; }
inline std::shared_ptr<const WeightFile> vision_weights() {
    return std::make_shared<const WeightFile>(WeightFile::open(model_dir() / "vision.safetensors"));
}

// What the Error thrown by `action` says; empty when none was thrown.
inline std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

inline void expect_in(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in \"" << text << "\"";
}

inline std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A file that is gone after the test.
class TemporaryFile {
   public:
    TemporaryFile(const std::string& name, const std::string& bytes)
        : path_((std::filesystem::temp_directory_path() / ("lv_vision_" + std::to_string(::getpid()) + "_" + name)).string()) {
        std::ofstream(path_, std::ios::binary) << bytes;
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    const std::string& path() const { return path_; }

   private:
    std::string path_;
};

// The number that tools/make_test_media.sh wrote into the brightness of a "fade" picture: luma 16 + 2 n.
inline int number_of(const Picture& picture) {
    double sum = 0;
    for (uint8_t byte : picture.rgb) sum += byte;
    return static_cast<int>(std::lround(sum / static_cast<double>(picture.rgb.size()) * 219 / 255 / 2));
}

inline std::vector<int> pixel(const Picture& picture, int x, int y) {
    const size_t first = (static_cast<size_t>(y) * picture.width + x) * 3;
    return {picture.rgb[first], picture.rgb[first + 1], picture.rgb[first + 2]};
}

// One colour with a box of another (left, top, width, height).
inline std::shared_ptr<const Picture> painted(int width, int height, int ground, int box = -1, int left = 0, int top = 0,
                                              int box_width = 0, int box_height = 0) {
    Picture picture{width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height * 3, static_cast<uint8_t>(ground))};
    for (int y = top; box >= 0 && y < std::min(height, top + box_height); ++y)
        for (int x = left * 3; x < std::min(width, left + box_width) * 3; ++x)
            picture.rgb[static_cast<size_t>(y) * width * 3 + x] = static_cast<uint8_t>(box);
    return std::make_shared<const Picture>(std::move(picture));
}

}  // namespace lv::test
