// Opening, loading, ending: the parts of a SessionView that have threads of their own.
#include <algorithm>
#include <chrono>
#include <system_error>

#include "app/desktop/folder_list.h"
#include "app/desktop/sentences.h"
#include "app/desktop/session_view.h"
#include "app/model_path.h"
#include "app/saved_session.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr size_t most_moments = 6;  // of an answer's evidence; the command line prints three

template <typename T>
bool is_ready(const std::future<T>& future) {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

SessionOptions session_options(const Settings& settings) {
    SessionOptions options;
    options.answers.temperature = settings.temperature;
    options.answers.evidence.most_moments = most_moments;
    options.memory.budget_bytes = static_cast<size_t>(settings.budget_mib) << 20;
    return options;
}

std::optional<SavedSession> saved_session(const Context& context, const LoadedModel& model, const fs::path& file,
                                          const Settings& settings) {
    if (file.empty()) return std::nullopt;
    const size_t budget = static_cast<size_t>(settings.budget_mib) << 20;
    return load_session(context, model, file, budget > 0 ? std::optional(budget) : std::nullopt);
}

}  // namespace

SessionView::Running::Running(const std::shared_ptr<const LoadedModel>& model, const Settings& settings,
                              const fs::path& memory)
    : context(static_cast<size_t>(settings.threads)),
      session(model, context, session_options(settings), saved_session(context, *model, memory, settings)) {}

SessionView::SessionView(Settings& settings) : settings_(settings) { begin_loading(); }

SessionView::~SessionView() = default;

void SessionView::begin_loading() {
    model_.reset();
    model_dir_ = settings_.model_dir;
    loading_ = std::async(std::launch::async, [dir = model_dir_] { return load_model(find_model(dir)); });
}

void SessionView::open(const std::string& source) {
    std::error_code ignored;
    if (fs::is_directory(source, ignored)) {
        const std::vector<std::string> videos = videos_in(source);
        if (videos.empty()) return say("There is no video in the folder " + source, true);
        return open_list(videos);
    }
    const bool listed = std::find(playlist_.begin(), playlist_.end(), source) != playlist_.end();
    close();
    if (!listed) playlist_.clear();
    source_ = source;
    phase_ = Phase::loading;
    settings_.remember(source);
    if (!looks_like_memory(source) && Player::can_play(source)) player_ = std::make_unique<Player>(source);
    if (model_dir_ != settings_.model_dir || (!model_ && !loading_.valid())) begin_loading();
    take_model();
}

void SessionView::open_list(const std::vector<std::string>& videos) {
    if (videos.empty()) return;
    open(videos.front());
    if (videos.size() > 1) playlist_ = videos;
}

void SessionView::open_neighbour(int step) {
    const auto here = std::find(playlist_.begin(), playlist_.end(), source_);
    if (here == playlist_.end()) return;
    const std::ptrdiff_t next = here - playlist_.begin() + step;
    if (next >= 0 && next < static_cast<std::ptrdiff_t>(playlist_.size())) {
        const std::string source = playlist_[static_cast<size_t>(next)];
        open(source);
    }
}

// Both end within a picture or a chunk of rows, but not at once.
void SessionView::retire() {
    std::erase_if(retired_, [](const std::future<void>& done) { return is_ready(done); });
    if (opening_.valid())
        retired_.push_back(std::async(std::launch::async, [late = std::move(opening_)]() mutable {
            try {
                late.get();
            } catch (const std::exception&) {
                // Nobody waits for that memory any more.
            }
        }));
    if (!running_ && !player_) return;
    if (running_) running_->session.stop();
    retired_.push_back(
        std::async(std::launch::async, [running = std::move(running_), player = std::move(player_)]() mutable {
            player.reset();
            running.reset();
        }));
}

void SessionView::close() {
    retire();
    phase_ = Phase::empty;
    to_the_end_ = false;
    source_.clear();
    error_.clear();
    info_ = {};
    meters_ = {};
    history_.clear();
    turns_.clear();
    conversation_.forget();
    evidence_turn_.reset();
    lanes_.clear();
    lanes_version_ = 0;
    captions_.reset();
    chosen_us_ = -1;
}

void SessionView::stop_watching() {
    if (phase_ == Phase::watching && running_) running_->session.stop_watching();
}

void SessionView::take_model() {
    if (loading_.valid() && is_ready(loading_)) {
        try {
            model_ = loading_.get();
        } catch (const std::exception& error) {
            error_ = sentence(error.what());
            if (phase_ == Phase::loading) phase_ = Phase::failed;
            say(error_, true);
        }
    }
    if (phase_ == Phase::loading && model_ && !running_ && !opening_.valid()) start();
}

bool SessionView::take_loaded() {
    bool changed = false;
    if (loading_.valid()) {
        take_model();
        changed = !loading_.valid();
    }
    if (opening_.valid() && is_ready(opening_)) {
        take_memory();
        changed = true;
    }
    if (saving_.valid() && is_ready(saving_)) {
        take_saved();
        changed = true;
    }
    return changed;
}

void SessionView::take_memory() {
    try {
        running_ = opening_.get();
        meters_ = running_->session.meters();
        history_.add(meters_, model_->language->config());
        phase_ = Phase::watched;
        const std::vector<WatchedVideo> videos = running_->session.videos();
        // Of several videos only the memory's clock is known to the timeline, none of theirs.
        if (videos.size() == 1 && Player::can_play(videos[0].source))
            player_ = std::make_unique<Player>(videos[0].source);
        if (!videos.empty())
            meters_.watched_us = std::max(meters_.watched_us, videos.back().start_us + videos.back().watched_us);
    } catch (const std::exception& error) {
        error_ = sentence(error.what());
        phase_ = Phase::failed;
    }
}

void SessionView::take_saved() {
    try {
        saving_.get();
        say("The memory is in " + saving_to_.string());
    } catch (const std::exception& error) {
        say(error.what(), true);
    }
}

void SessionView::start() {
    if (looks_like_memory(source_)) {
        opening_ = std::async(std::launch::async, [model = model_, settings = settings_, file = fs::path(source_)] {
            return std::make_shared<Running>(model, settings, file);
        });
        return;
    }
    try {
        running_ = std::make_shared<Running>(model_, settings_, fs::path());
        WatchRequest request;
        request.source = source_;
        request.sampling.fps = settings_.fps;
        request.sampling.keyframes = settings_.keyframes;
        request.threads = settings_.threads;
        FrameLog& log = running_->log;
        running_->session.watch(
            request, {},
            [&log](const SeenFrame& frame, const std::shared_ptr<const Picture>& picture) { log.add(frame, picture); });
    } catch (const std::exception& error) {
        error_ = sentence(error.what());
        phase_ = Phase::failed;
    }
}

}  // namespace lv
