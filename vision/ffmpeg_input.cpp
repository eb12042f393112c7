#include "vision/ffmpeg_input.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "kernels/core/clock.h"
#include "kernels/core/error.h"
#include "vision/location.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
}

namespace lv {
namespace {

constexpr int max_stored_side = 16384;
constexpr int64_t max_stored_pixels = int64_t{1} << 27;  // 16384 x 8192: a picture of 400 MB
constexpr int64_t live_analysis_us = 2'000'000;
constexpr int max_read_errors = 100;                     // in a row, before a file counts as ended

// What libav is asked to open for a location as the user writes it.
struct Target {
    std::string url;
    const char* format = nullptr;  // null: probe
    bool network = false, device = false, pipe = false, generated = false;
    bool file() const { return !network && !device && !pipe && !generated; }
};

bool begins(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

std::string generator(const std::string& location) {
    std::string rest = location.substr(5);
    const bool safe = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:=/#-") ==
                      std::string::npos;
    require(safe, "opening ", location, ": expected test: and options such as test:duration=5,size=640x360,rate=25");
    std::replace(rest.begin(), rest.end(), ',', ':');
    return rest.empty() ? "testsrc2" : "testsrc2=" + rest;
}

Target target_of(const std::string& location) {
    if (location == "-") return {.url = "pipe:0", .pipe = true};
    if (begins(location, "test:")) return {.url = generator(location), .format = "lavfi", .generated = true};
    if (begins(location, "camera:")) {
        const std::string rest = location.substr(7);
        const bool number = !rest.empty() && rest.find_first_not_of("0123456789") == std::string::npos;
        return {.url = number ? "/dev/video" + rest : rest.empty() ? "/dev/video0" : rest,
                .format = "video4linux2",
                .device = true};
    }
    if (begins(location, "screen:")) {
        const std::string rest = location.substr(7);
        return {.url = rest.empty() ? ":0.0" : rest, .format = "x11grab", .device = true};
    }
    for (const char* scheme : {"rtsp://", "rtsps://", "rtmp://", "rtmps://", "srt://", "udp://", "rtp://", "tcp://",
                               "http://", "https://", "hls+http://", "mms://"})
        if (begins(location, scheme)) return {.url = location, .network = true};
    return {.url = begins(location, "file:") ? location : "file:" + location};
}

// A file that cannot be video is told apart before libav guesses.
void check_file(const std::string& location) {
    namespace fs = std::filesystem;
    const fs::path path = begins(location, "file:") ? location.substr(5) : location;
    require(!path.empty(), "opening a video: the name is empty; give a file, -, a URL, camera:0, screen: or test:");
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    require(status.type() != fs::file_type::not_found, "opening ", location,
            ": there is no such file; check the name and the folder");
    require(!error, "opening ", location, ": ", error.message(), "; check the rights of the file and its folders");
    require(status.type() != fs::file_type::directory, "opening ", location,
            ": this is a folder; name the video files in it");
    if (status.type() == fs::file_type::regular)
        require(fs::file_size(path, error) > 0, "opening ", location,
                ": the file is empty; copy or download it again");
}

struct DictionaryFree {
    void operator()(AVDictionary* options) const { av_dict_free(&options); }
};

Placement placement_of(AVFormatContext* format, AVStream* stream) {
    Placement placement;
    const AVRational aspect = av_guess_sample_aspect_ratio(format, stream, nullptr);
    const double ratio = aspect.den ? av_q2d(aspect) : 0;
    if (ratio > 1.0 / 16 && ratio < 16) {
        placement.aspect_num = aspect.num;
        placement.aspect_den = aspect.den;
    }
    size_t bytes = 0;
    const auto* matrix =
        reinterpret_cast<const int32_t*>(av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes));
    if (!matrix || bytes < 9 * sizeof(int32_t)) return placement;
    const auto sign = [](int32_t value, int32_t other) {
        return std::abs(static_cast<double>(value)) < std::abs(static_cast<double>(other)) ? 0 : value < 0 ? -1 : 1;
    };
    const Placement turned{sign(matrix[0], matrix[3]), sign(matrix[3], matrix[0]), sign(matrix[1], matrix[4]),
                           sign(matrix[4], matrix[1]), placement.aspect_num, placement.aspect_den};
    // Anything but a clean quarter turn or mirror (a slanted or all-zero matrix) is shown as it is stored.
    const bool clean = std::abs(turned.xx) + std::abs(turned.xy) == 1 && std::abs(turned.yx) + std::abs(turned.yy) == 1 &&
                       std::abs(turned.xx) == std::abs(turned.yy);
    return clean ? turned : placement;
}

// What cameras there are, as the end of a message.
std::string cameras_text() {
    namespace fs = std::filesystem;
    std::vector<std::string> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/dev", error)) {
        const std::string file = entry.path().filename().string();
        if (!begins(file, "video") || file.find_first_not_of("0123456789", 5) != std::string::npos || file.size() == 5)
            continue;
        std::ifstream name_file("/sys/class/video4linux/" + file + "/name");
        std::string name;
        std::getline(name_file, name);
        found.push_back("camera:" + file.substr(5) + (name.empty() ? "" : " (" + name + ")"));
    }
    if (found.empty()) return "no camera was found on this machine (no /dev/video*): plug one in, or allow reading it";
    std::sort(found.begin(), found.end());
    std::string text = "the cameras found are ";
    for (size_t i = 0; i < found.size(); ++i) text += (i == 0 ? "" : ", ") + found[i];
    return text + "; check that it is plugged in and not in use";
}

// What to do when a network source cannot be opened.
const char* network_advice(int code) {
    switch (code) {
        case AVERROR_HTTP_NOT_FOUND:
            return "the server is there, but has no stream of this name; check the part behind the host";
        case AVERROR_HTTP_UNAUTHORIZED:
        case AVERROR_HTTP_FORBIDDEN:
            return "the server wants a name and a password, or other ones: rtsp://NAME:PASSWORD@HOST/...";
        case AVERROR(ECONNREFUSED):
            return "nobody listens there; check that the sender runs and the host and port are right";
        case AVERROR_INVALIDDATA:
            return "what answers there sends no video that FFmpeg can read; check the scheme and the port";
        case AVERROR(EPROTONOSUPPORT):
            return "the server plays neither by TCP nor by UDP; let it do one of them";
        default:
            return "check that the sender runs and the address is right";
    }
}

}  // namespace

std::string ffmpeg_words(int code) {
    char words[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(code, words, sizeof words);
    return words;
}

int FfmpegInput::interrupted(void* self) {
    auto& input = *static_cast<FfmpegInput*>(self);
    if (input.options_.stop.stop_requested()) return 1;
    if (!input.has_deadline_ || std::chrono::steady_clock::now() < input.deadline_) return 0;
    input.late_ = true;
    return 1;
}

void FfmpegInput::arm() {
    late_ = false;
    deadline_ = std::chrono::steady_clock::now() + std::chrono::microseconds(options_.deadline_us);
}

FfmpegInput::FfmpegInput(const std::string& location, const SourceOptions& options)
    : location_(without_password(location)), options_(options) {
    try {
        open(location);
        describe();
    } catch (...) {
        recorder_.reset();
        avformat_close_input(&format_);
        throw;
    }
}

FfmpegInput::~FfmpegInput() {
    recorder_.reset();  // it uses the input's streams
    avformat_close_input(&format_);
}

void FfmpegInput::open(const std::string& location) {
    static std::once_flag once;
    std::call_once(once, [] {
        av_log_set_level(AV_LOG_QUIET);  // we speak in errors and counts
        avdevice_register_all();
        avformat_network_init();
    });
    const Target target = target_of(location);
    if (target.file()) check_file(location);
    if (target.pipe || target.file())
        pipe_ = StoppablePipe::open(target.pipe ? "/proc/self/fd/0" : target.url.substr(5), target.pipe, options_.stop);
    const std::string url = pipe_ ? "pipe:" + std::to_string(pipe_->fd()) : target.url;
    info_.name = location_;
    info_.is_live = target.device || begins(location_, "rtsp") || begins(location_, "rtmp") ||
                    begins(location_, "udp:") || begins(location_, "srt:") || begins(location_, "rtp:") ||
                    (options_.live && !begins(location_, "http"));
    has_deadline_ = options_.deadline_us > 0 && (target.network || target.device);

    const AVInputFormat* format = target.format ? av_find_input_format(target.format) : nullptr;
    require(!target.format || format, "opening ", location_, ": this FFmpeg has no ", target.format ? target.format : "",
            " input; install a full libavdevice");
    AVDictionary* raw = nullptr;
    av_dict_set(&raw, "pattern_type", "none", 0);  // a % or * in a picture's name is only a letter
    if (begins(location_, "rtsp")) {  // pictures lose nothing on their way; UDP where the server has nothing else
        av_dict_set(&raw, "rtsp_transport", "udp+tcp", 0);
        av_dict_set(&raw, "rtsp_flags", "prefer_tcp", 0);
    }
    if (target.network && options_.deadline_us > 0)
        av_dict_set_int(&raw, "rw_timeout", options_.deadline_us, 0);

    format_ = avformat_alloc_context();
    require(format_, "opening ", location_, ": no memory");
    format_->interrupt_callback = {&FfmpegInput::interrupted, this};
    format_->flags |= AVFMT_FLAG_GENPTS;
    if (options_.live && info_.is_live) {
        format_->flags |= AVFMT_FLAG_NOBUFFER;
        format_->max_analyze_duration = live_analysis_us;  // what comes later than this is met as it comes
        format_->fps_probe_size = 4;                       // packets: a slow stream would take seconds for its rate
    }
    arm();
    const int code = avformat_open_input(&format_, url.c_str(), format, &raw);  // frees format_ when it fails
    std::unique_ptr<AVDictionary, DictionaryFree> unused(raw);
    require_opened(code, target.network);
    const std::string container = format_->iformat->name;
    require(container != "tty", "opening ", location_, ": this is a text file; expected a video");
    info_.container = container;
    info_.is_still = container == "image2" || (container.size() > 5 && container.ends_with("_pipe"));
}

// Throws what avformat_open_input's code means to a user.
void FfmpegInput::require_opened(int code, bool network) const {
    if (code < 0 && stopped()) fail("opening ", location_, ": stopped");
    require(!late_, "opening ", location_, ": no answer within ", options_.deadline_us / 1000000,
            " s; check that the sender runs and the address is right, or raise the deadline");
    if (code < 0 && network) fail("opening ", location_, ": ", ffmpeg_words(code), "; ", network_advice(code));
    require(code != AVERROR_INVALIDDATA, "opening ", location_,
            ": this is not a video that FFmpeg can read, or its header is missing; expected an mp4, mkv, webm, avi, ts or "
            "picture file; copy it again if it was cut short");
    require(code != AVERROR(EACCES), "opening ", location_, ": permission denied; allow reading it");
    require(code >= 0 || !begins(location_, "camera:"), "opening ", location_, ": ", ffmpeg_words(code), "; ",
            cameras_text());
    require(code >= 0 || !begins(location_, "screen:"), "opening ", location_,
            ": there is no such X11 display, or it may not be read (", ffmpeg_words(code), "); expected screen: or screen::0.0+X,Y; check DISPLAY and "
            "xauth");
    require(code >= 0, "opening ", location_, ": ", ffmpeg_words(code),
            "; expected a video that FFmpeg can read; check the name, or try ffprobe on it");
}

void FfmpegInput::describe() {
    int64_t claimed_width = 0, claimed_height = 0;  // libav forgets sizes that it cannot handle
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
        claimed_width = std::max<int64_t>(claimed_width, format_->streams[i]->codecpar->width);
        claimed_height = std::max<int64_t>(claimed_height, format_->streams[i]->codecpar->height);
    }
    arm();
    if (options_.live && info_.is_live)
        deadline_ += std::chrono::microseconds(live_analysis_us);  // it reads on though packets come
    const int code = avformat_find_stream_info(format_, nullptr);
    require(!late_, "opening ", location_, ": no picture came within ", options_.deadline_us / 1000000,
            " s; check that the sender runs");
    if (stopped()) fail("opening ", location_, ": stopped");
    require(code >= 0, "opening ", location_, ": its streams cannot be read (", ffmpeg_words(code),
            "); copy or download it again");
    bool sound = false, cover = false;
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
        AVStream* stream = format_->streams[i];
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) sound = true;
        if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) cover = true;
        if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO || (stream->disposition & AV_DISPOSITION_ATTACHED_PIC))
            continue;
        if (!stream_ || (stream->disposition & AV_DISPOSITION_DEFAULT && !(stream_->disposition & AV_DISPOSITION_DEFAULT)))
            stream_ = stream;
    }
    require(stream_, "opening ", location_, ": it holds ",
            sound ? cover ? "only sound and a cover picture" : "only sound" : "no video stream",
            "; expected at least one video stream");
    if (!options_.record.file.empty())
        recorder_ = std::make_unique<Recorder>(*format_, stream_->index, options_.record, location_);
    // Where the video's own length is not told, the file is whole when any of its streams goes on to the file's end.
    const bool told = stream_->duration > 0;
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
        const bool wanted = !told || format_->streams[i] == stream_ || (recorder_ && recorder_->wants(static_cast<int>(i)));
        format_->streams[i]->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }

    const AVCodecParameters& codec = *stream_->codecpar;
    const AVCodecDescriptor* words = avcodec_descriptor_get(codec.codec_id);
    info_.codec = words ? words->name : "unknown";
    require(info_.codec != "ansi", "opening ", location_, ": this is a text file; expected a video");
    const int64_t width = codec.width > 0 ? codec.width : claimed_width;
    const int64_t height = codec.height > 0 ? codec.height : claimed_height;
    require(width <= max_stored_side && height <= max_stored_side && width * height <= max_stored_pixels, "opening ",
            location_, ": its pictures claim to be ", width, "x", height,
            " px; expected at most ", max_stored_side, " a side and ", max_stored_pixels / 1000000,
            " million in all; scale the video down, or the header is damaged");
    require(codec.width > 0 && codec.height > 0, "opening ", location_, ": its ", info_.codec,
            " video stream holds no picture; copy or record it again");

    placement_ = placement_of(format_, stream_);
    const Size size = upright_size(codec.width, codec.height, placement_);
    info_.width = size.width;
    info_.height = size.height;
    AVRational rate = stream_->avg_frame_rate.num ? stream_->avg_frame_rate : stream_->r_frame_rate;
    info_.fps = rate.den && rate.num > 0 ? av_q2d(rate) : 0;
    start_us_ = format_->start_time;
    if (told) info_.duration_us = av_rescale_q(stream_->duration, stream_->time_base, {1, 1000000});
    else if (format_->duration > 0) info_.duration_us = format_->duration;
    // Matroska counts to its end from 0, wherever its first moment lies.
    if (!told && begins(info_.container, "matroska") && start_us_ > 0 && start_us_ < info_.duration_us)
        info_.duration_us -= start_us_;
    if (info_.is_still) info_.duration_us = 0;
    const bool lumps = info_.container == "hls" || info_.container == "dash";
    if (options_.live && begins(location_, "http") && !lumps && info_.duration_us == 0) info_.is_live = true;
}

int64_t FfmpegInput::to_us(int64_t stream_time) const { return since_start_us(stream_time, *stream_); }

int64_t FfmpegInput::since_start_us(int64_t stream_time, const AVStream& stream) const {
    const int64_t time_us = av_rescale_q(stream_time, stream.time_base, {1, 1000000});
    return start_us_ == AV_NOPTS_VALUE ? time_us : time_us - start_us_;
}

void FfmpegInput::note_end(const AVPacket& packet) {
    const int64_t time = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
    if (time == AV_NOPTS_VALUE) return;
    const AVStream& stream = *format_->streams[packet.stream_index];
    const int64_t end_us = since_start_us(time + packet.duration, stream);
    file_end_us_ = std::max(file_end_us_, end_us);
    if (&stream == stream_) last_end_us_ = std::max(last_end_us_, end_us);
}

bool FfmpegInput::read(AVPacket& packet) {
    int errors = 0;
    arm();  // once: sound that goes on is no picture
    while (!stopped()) {
        const int code = av_read_frame(format_, &packet);
        if (code >= 0) {
            if (recorder_) recorder_->write(packet);
            if (packet.stream_index != stream_->index) {
                note_end(packet);
                av_packet_unref(&packet);
                continue;
            }
            if (packet.flags & AV_PKT_FLAG_CORRUPT) ++damaged_;
            arrived_us_ = boot_us();
            const int64_t time = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
            if (start_us_ == AV_NOPTS_VALUE && time != AV_NOPTS_VALUE) start_us_ = to_us(time);
            note_end(packet);
            return true;
        }
        if (stopped()) break;
        // The interrupt outlives the packets that were on their way when it came.
        require(!late_ && code != AVERROR_EXIT, "reading ", location_, ": nothing came for ", options_.deadline_us / 1000000,
                " s; check that the sender still runs, or raise the deadline");
        if (code == AVERROR(EAGAIN)) continue;
        if (code == AVERROR_EOF) break;
        ++damaged_;
        if (code == AVERROR_INVALIDDATA && ++errors < max_read_errors) continue;
        require(!info_.is_live, "reading ", location_, ": ", ffmpeg_words(code), "; check the sender or device and start again");
        ended_early_ = true;
        break;
    }
    // A second of slack: containers round, and count the sound's last second.
    if (!stopped() && info_.duration_us > 0 && file_end_us_ + 1'000'000 < info_.duration_us) ended_early_ = true;
    return false;
}

bool FfmpegInput::seek(int64_t time_us, int64_t position_us) {
    if (info_.is_live || !format_->pb || !(format_->pb->seekable & AVIO_SEEKABLE_NORMAL)) return false;
    const int64_t origin = start_us_ == AV_NOPTS_VALUE ? 0 : start_us_;
    // Indexes hold decoding times, which run ahead of presentation by the reordering: look a second earlier.
    const int64_t wanted = av_rescale_q(time_us - 1'000'000 + origin, {1, 1000000}, stream_->time_base);
    const AVIndexEntry* entry = avformat_index_get_entry_from_timestamp(stream_, wanted, AVSEEK_FLAG_BACKWARD);
    if (!entry || to_us(entry->timestamp) < position_us + 5'000'000) return false;
    return av_seek_frame(format_, stream_->index, entry->timestamp, AVSEEK_FLAG_BACKWARD) >= 0;
}

}  // namespace lv
