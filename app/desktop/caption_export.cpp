#include "app/desktop/caption_export.h"

#include "app/caption_plan.h"
#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t most_waiting = 4;  // of our questions in the session's queue

}  // namespace

CaptionExport::CaptionExport(std::filesystem::path path, const Part& part, int64_t every_us)
    : path_(std::move(path)), start_us_(part.start_us) {
    const std::string extension = path_.extension().string();
    format_ = parse_formats(extension.empty() ? extension : extension.substr(1)).front();
    CaptionPlan plan(part.first_us, every_us);
    plan.before_frame(part.end_us);  // tells the plan how far the last interval was watched
    const std::string of_which = part.number > 0 ? " of video " + std::to_string(part.number) : "";
    for (CaptionPlan::Step& step : plan.at_end(part.end_us))
        steps_.push_back({{step.interval.start_us, step.interval.end_us, {}, {}}, step.question + of_which});
    if (steps_.empty()) throw UsageError("there is nothing to caption yet; wait until some of the video is watched");
}

void CaptionExport::ask_more(Session& session) {
    while (next_ < steps_.size() && asked_.size() - answered_ < most_waiting) {
        const uint64_t id = session.ask(steps_[next_].question, AskWhen::now);
        asked_.emplace(id, next_++);
    }
}

bool CaptionExport::take(const AnswerReady& ready, const Session& session, const std::vector<std::string>& kinds) {
    const auto found = asked_.find(ready.id);
    if (found == asked_.end()) return false;
    if (ready.failure) std::rethrow_exception(ready.failure);
    Caption& caption = steps_[found->second].caption;
    caption.text = ready.answer.text;
    for (const int kind : session.sightings().between(start_us_ + caption.start_us, start_us_ + caption.end_us))
        caption.objects.push_back(kinds[static_cast<size_t>(kind)]);
    ++answered_;
    return true;
}

void CaptionExport::write() const {
    std::vector<Caption> captions;
    for (const Step& step : steps_) captions.push_back(step.caption);
    write_file_atomically(path_, caption_file(format_, captions));
}

}  // namespace lv
