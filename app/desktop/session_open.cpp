// Opening, loading, ending: the parts of a SessionView that have threads of their own.
#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "app/desktop/folder_list.h"
#include "app/desktop/sentences.h"
#include "app/desktop/session_view.h"
#include "app/memory_options.h"
#include "app/model_path.h"
#include "app/saved_session.h"
#include "vision/location.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr size_t most_measured = 256;  // of a list's videos; the others get their place when they are watched
constexpr size_t curve_points = 1024;  // of its attention: as a timeline is wide
constexpr int64_t gap_us = 5'000'000;  // without a frame: nothing is drawn from before into what comes behind
constexpr size_t most_moments = 6;     // of an answer's evidence; the command line prints three

template <typename T>
bool is_ready(const std::future<T>& future) {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

// Sources with folders replaced by the videos in them. What cannot be one of several videos is left out and said.
std::vector<std::string> videos_of(const std::vector<std::string>& sources, SessionView& view) {
    std::vector<std::string> videos;
    for (const std::string& source : sources) {
        std::error_code ignored;
        if (fs::is_directory(source, ignored)) {
            const std::vector<std::string> inside = videos_in(source);
            if (inside.empty()) view.say("There is no video in the folder " + source, true);
            videos.insert(videos.end(), inside.begin(), inside.end());
        } else if (looks_like_memory(source)) {
            view.say(fs::path(source).filename().string() + " is a memory: open it alone, then add videos to it", true);
        } else {
            videos.push_back(source);
        }
    }
    return videos;
}

SessionOptions session_options(const Settings& settings) {
    SessionOptions options;
    options.answers.temperature = settings.temperature;
    options.answers.evidence.most_moments = most_moments;
    options.answers.evidence.curve_points = curve_points;
    options.memory.budget_bytes = static_cast<size_t>(settings.budget_mib) << 20;
    options.memory.cache_type = parse_cache(settings.cache);
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
                              const fs::path& memory, const WatchListOptions& standing)
    : context(static_cast<size_t>(settings.threads)),
      watches(standing),
      session(model, context, session_options(settings), saved_session(context, *model, memory, settings)) {}

SessionView::SessionView(Settings& settings, std::function<void()> wake) : settings_(settings), wake_(std::move(wake)) {
    begin_loading();
}

SessionView::~SessionView() = default;

void SessionView::begin_loading() {
    model_.reset();
    model_dir_ = settings_.model_dir;
    loading_ = std::async(std::launch::async, [dir = model_dir_] { return load_model(find_model(dir)); });
}

void SessionView::open(const std::string& source) { open_list({source}); }

// Sources without their passwords, as everything here but the opening itself knows them.
std::vector<std::string> SessionView::shown_names(const std::vector<std::string>& sources) {
    std::vector<std::string> names;
    for (const std::string& source : sources) {
        names.push_back(without_password(source));
        if (names.back() != source) given_[names.back()] = source;
    }
    return names;
}

std::string SessionView::given(const std::string& shown) const {
    const auto known = given_.find(shown);
    return known == given_.end() ? shown : known->second;
}

void SessionView::open_list(const std::vector<std::string>& sources) {
    if (sources.empty()) return;
    const std::vector<std::string> names = shown_names(sources);
    if (names.size() == 1 && looks_like_memory(names[0])) return begin_open(names[0], {});
    const std::vector<std::string> videos = videos_of(names, *this);
    if (!videos.empty()) begin_open(names[0], videos);
}

void SessionView::add(const std::vector<std::string>& sources) {
    if (phase_ == Phase::empty || (phase_ == Phase::failed && !running_)) return open_list(sources);
    const std::vector<std::string> videos = videos_of(shown_names(sources), *this);
    if (videos.empty()) return;
    list_.add(videos);
    for (size_t i = 0; i < std::min(videos.size(), most_measured); ++i) reader_.measure(given(videos[i]));
    say((videos.size() == 1 ? fs::path(videos[0]).filename().string() : std::to_string(videos.size()) + " videos") +
        (phase_ == Phase::watching ? " will be watched into this memory next" : " will be watched into this memory"));
    if (running_ && (phase_ == Phase::watched || phase_ == Phase::failed)) watch_next();
}

void SessionView::begin_open(const std::string& source, const std::vector<std::string>& videos) {
    close();
    ++opened_;
    source_ = source;
    phase_ = Phase::loading;
    opened_with_ = settings_;
    settings_.remember(source);
    list_.add(videos);
    if (videos.size() > 1)
        for (size_t i = 0; i < std::min(videos.size(), most_measured); ++i) reader_.measure(given(videos[i]));
    if (!videos.empty()) show_video(0);
    if (model_dir_ != settings_.model_dir || (!model_ && !loading_.valid())) begin_loading();
    take_model();
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
    retire_player();
    if (!running_) return;
    running_->session.stop();
    retired_.push_back(std::async(std::launch::async, [running = std::move(running_)]() mutable { running.reset(); }));
}

void SessionView::retire_player() {
    if (!player_) return;
    retired_.push_back(std::async(std::launch::async, [player = std::move(player_)]() mutable { player.reset(); }));
}

void SessionView::close() {
    retire();
    phase_ = Phase::empty;
    source_.clear();
    error_.clear();
    trouble_.clear();
    gaps_.clear();
    list_.clear();
    began_ = was_playing_ = false;
    player_video_ = 0;
    info_ = {};
    meters_ = whole_ = before_ = {};
    progress_.reset();
    history_.clear();
    turns_.clear();
    conversation_.forget();
    evidence_turn_.reset();
    told_.clear();
    lanes_.clear();
    lanes_version_ = 0;
    captions_.reset();
    chosen_us_ = -1;
}

void SessionView::stop_watching() {
    if ((phase_ == Phase::watching || phase_ == Phase::loading) && running_) running_->session.stop_watching();
}

bool SessionView::settings_wait() const { return phase_ != Phase::empty && !watch_alike(settings_, opened_with_); }

bool SessionView::can_go_on() const {
    if (!running_ || (phase_ != Phase::watched && phase_ != Phase::failed)) return false;
    const std::vector<WatchedVideo> videos = running_->session.videos();
    return list_.waits() || (!videos.empty() && !videos.back().finished);
}

void SessionView::go_on() {
    if (!can_go_on()) return;
    const std::vector<WatchedVideo> videos = running_->session.videos();
    if (videos.empty() || videos.back().finished) return watch_next();
    if (videos.back().watched_us < 0) list_.start_again();  // the session forgets it, too
    start_watching(videos.back().source);
}

void SessionView::watch_next() {
    if (list_.waits()) start_watching(list_.start_next());
}

void SessionView::take_model() {
    if (loading_.valid() && is_ready(loading_)) {
        try {
            model_ = loading_.get();
            kind_words_ = std::make_unique<const KindWords>(model_->kind_names());
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
        begin_standing();
        meters_ = running_->session.meters();
        const std::vector<WatchedVideo> videos = running_->session.videos();
        running_->log.restore(lanes_of(running_->session.sightings().changes(), videos));
        list_.take(videos);
        take_gaps();
        for (const WatchedVideo& video : videos)
            whole_.watched_us += std::max<int64_t>(video.watched_us - video.sampling.from_us, 0);
        whole_.rows = meters_.rows;
        whole_.memory = meters_.memory;
        whole_.forgotten = meters_.forgotten;
        before_ = whole_;
        history_.add(whole_, model_->language->config());
        phase_ = Phase::watched;
        if (!videos.empty() && !videos.back().finished) reader_.measure(given(videos.back().source));
        if (!list_.videos().empty()) show_video(0);
        watch_next();  // what was added meanwhile
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
        opening_ = std::async(std::launch::async, [model = model_, settings = opened_with_, file = fs::path(source_)] {
            return std::make_shared<Running>(model, settings, file, WatchListOptions());
        });
        return;
    }
    try {
        running_ = std::make_shared<Running>(model_, opened_with_, fs::path(), watch_list_options());
        begin_standing();
        watch_next();
    } catch (const std::exception& error) {
        error_ = sentence(error.what());
        phase_ = Phase::failed;
    }
}

void SessionView::start_watching(const std::string& source) {
    WatchRequest request;
    request.source = given(source);
    request.sampling.fps = opened_with_.fps;
    request.sampling.keyframes = opened_with_.keyframes;
    request.threads = opened_with_.threads;
    if (comes_by_itself(source)) request.live = LiveOptions{};
    const int64_t least_gap_us = request.live ? std::max(gap_us, 3 * request.sampling.period_us()) : INT64_MAX / 2;
    began_ = false;
    error_.clear();
    phase_ = list_.in_memory() > 0 ? Phase::watching : Phase::loading;
    FrameLog& log = running_->log;
    WatchList& watches = running_->watches;
    running_->session.watch(
        request, {},
        [&log, least_gap_us, next_us = int64_t{-1}](const SeenFrame& frame,
                                                    const std::shared_ptr<const Picture>& picture) mutable {
            if (frame.time_us > next_us) log.begin_video();
            next_us = frame.time_us + least_gap_us;
            log.add(frame, picture);
        },
        [&watches](int64_t time_us) { return watches.due(time_us); });
}

}  // namespace lv
