// Captions out of a memory that is already there: a question for each interval, a file when all are answered.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/captions.h"
#include "app/session.h"

namespace lv {

class CaptionExport {
   public:
    // Of one video, by its own clock.
    struct Part {
        int64_t start_us = 0;  // its own 0:00 on the memory's clock
        int64_t first_us = 0;  // where watching began
        int64_t end_us = 0;    // up to where it was watched
        size_t number = 0;     // of several videos in the memory, from 1; 0: there is one
    };
    // Throws UsageError when the extension names no caption format or there is nothing to caption.
    CaptionExport(std::filesystem::path path, const Part& part, int64_t every_us);

    // Asks some of the questions that are left; never fills the session's queue, so that the user's own come through.
    void ask_more(Session& session);
    // True when the answer was one of ours. `kinds`: names by kind.
    bool take(const AnswerReady& ready, const Session& session, const std::vector<std::string>& kinds);
    bool complete() const { return answered_ == steps_.size(); }
    double share() const { return static_cast<double>(answered_) / static_cast<double>(steps_.size()); }
    // Writes the file, whole or not at all. Throws Error.
    void write() const;
    const std::filesystem::path& path() const { return path_; }

   private:
    struct Step {
        Caption caption;
        std::string question;
    };
    std::filesystem::path path_;
    CaptionFormat format_;
    int64_t start_us_;
    std::vector<Step> steps_;
    std::map<uint64_t, size_t> asked_;  // id of the question to its step
    size_t next_ = 0, answered_ = 0;
};

}  // namespace lv
