// Captioning one video: from its name to its captions or its caption files.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "app/captions.h"
#include "app/loaded_model.h"
#include "app/options.h"
#include "app/progress.h"

namespace lv {

// What all videos of a run share.
struct CaptionRun {
    const CaptionOptions& options;
    std::shared_ptr<const LoadedModel> model;
    const Context& context;
    Progress& progress;
    std::stop_token stop;
};

// Watches the video and returns its captions in order; `each` (if any) gets them as they come. Throws Error when the
// video cannot be read to its end. After a stop the captions are incomplete.
std::vector<Caption> caption_video(const CaptionRun& run, const std::string& video, size_t slot,
                                   const std::function<void(const Caption&)>& each = {});

// The files that a video's captions go to, one a format: "<out>/<name without extension>.<format>".
std::vector<std::filesystem::path> caption_paths(const CaptionOptions& options, const std::string& video);
// Throws UsageError when two videos of the run would share a file.
void check_caption_paths(const CaptionOptions& options);
// All files are there and none is older than the video.
bool is_captioned(const CaptionOptions& options, const std::string& video);
// Ends the advice when a file cannot be written.
constexpr const char* another_out = "choose another place with --out";
// All or none: every file is written aside before the first takes its name.
void write_captions(const CaptionOptions& options, const std::string& video, const std::vector<Caption>& captions);

}  // namespace lv
