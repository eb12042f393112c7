// Writes a generated h264 clip, so that benchmarks and tests have a video of any size without carrying one.
#pragma once

#include <filesystem>
#include <stop_token>

namespace lv {

struct ClipOptions {
    int width = 1280;   // px, even
    int height = 720;   // px, even
    int fps = 25;
    int seconds = 60;
    int key_every = 250;  // frames from one key frame to the next at most: x264's own default
};

// A camera that pans over a textured scene with moving blocks and sensor noise, as mp4 with x264's "veryfast" at
// its usual quality; about 3 Mbit/s at 720p. Blocks until written; a stop leaves an unfinished file. Throws Error when
// the file cannot be written or this FFmpeg has no h264 encoder.
void write_test_clip(const std::filesystem::path& path, const ClipOptions& options = {}, std::stop_token stop = {});

}  // namespace lv
