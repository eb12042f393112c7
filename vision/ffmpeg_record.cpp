#include "vision/ffmpeg_record.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>

#include "kernels/core/error.h"
#include "vision/ffmpeg_input.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace lv {

namespace fs = std::filesystem;

namespace {

constexpr AVRational microseconds{1, 1'000'000};
constexpr int64_t retry_after_us = 10'000'000;

// "street.mkv" -> "street-20261121-164012.mkv", "-2" added where that is there already.
std::string stamped(const fs::path& file) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    localtime_r(&now, &parts);
    std::array<char, 24> stamp{};
    std::strftime(stamp.data(), stamp.size(), "-%Y%m%d-%H%M%S", &parts);
    const std::string stem = (file.parent_path() / file.stem()).string() + stamp.data();
    const std::string end = file.extension().string();
    std::string name = stem + end;
    std::error_code unknown;  // then opening it will say why
    for (int again = 2; fs::exists(name, unknown); ++again) name = stem + "-" + std::to_string(again) + end;
    return name;
}

}  // namespace

Recorder::Recorder(const AVFormatContext& input, int video, const RecordOptions& options, const std::string& location)
    : input_(input), options_(options) {
    const fs::path file(options.file);
    if (file.extension() != ".mkv" && file.extension() != ".ts")
        throw UsageError("--record " + options.file +
                         ": expected a name that ends with .mkv or .ts, which stay readable "
                         "when the power fails");
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    std::error_code unknown;
    if (!fs::is_directory(folder, unknown))
        throw UsageError("--record " + options.file + ": there is no folder " + folder.string() + "; make it first");
    const AVCodecID codec = input.streams[video]->codecpar->codec_id;
    if (codec == AV_CODEC_ID_RAWVIDEO || codec == AV_CODEC_ID_WRAPPED_AVFRAME)
        throw UsageError("--record: " + location +
                         " sends bare pictures, which would fill a disk; expected a source that "
                         "is encoded (rtsp, srt, udp, http, a file, a camera with mjpeg or h264)");
    tracks_.push_back({.input = video});
    for (unsigned i = 0; i < input.nb_streams; ++i)
        if (input.streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && tracks_.size() == 1)
            tracks_.push_back({.input = static_cast<int>(i)});
}

Recorder::~Recorder() { end_file(); }

bool Recorder::wants(int stream) const {
    return std::any_of(tracks_.begin(), tracks_.end(), [&](const Track& track) { return track.input == stream; });
}

void Recorder::fail_with(int code, int64_t time_us) {
    failure_ = "--record: " + options_.file + " cannot be written (" + ffmpeg_words(code) +
               "); watching goes on, and recording when there is room again";
    failed_us_ = time_us;
    const bool is_junk = output_ && output_->pb && !holds_packets_;
    end_file();
    std::error_code unknown;  // a disk that is gone has taken it along
    if (is_junk) fs::remove(file_, unknown);
}

// Where timestamps jump back nobody knows how long ago it was: then it is tried.
bool Recorder::failed_just_now(int64_t time_us) const {
    return !failure_.empty() && time_us >= failed_us_ && time_us - failed_us_ < retry_after_us;
}

bool Recorder::begin_file(int64_t time_us) {
    holds_packets_ = false;
    file_ = stamped(options_.file);
    const bool mkv = file_.ends_with(".mkv");
    int code = avformat_alloc_output_context2(&output_, nullptr, mkv ? "matroska" : "mpegts", file_.c_str());
    for (Track& track : tracks_) {
        if (code < 0) break;
        AVStream* const stream = avformat_new_stream(output_, nullptr);
        const AVStream& from = *input_.streams[track.input];
        code = stream ? avcodec_parameters_copy(stream->codecpar, from.codecpar) : AVERROR(ENOMEM);
        if (code < 0) break;
        stream->codecpar->codec_tag = 0;  // of the other container
        stream->time_base = from.time_base;
        track.last_dts = INT64_MIN;
    }
    if (code >= 0) code = avio_open(&output_->pb, file_.c_str(), AVIO_FLAG_WRITE);
    if (code >= 0) {
        output_->flush_packets = 1;
        code = avformat_write_header(output_, nullptr);
        open_ = code >= 0;
    }
    if (code < 0) fail_with(code, time_us);
    return code >= 0;
}

void Recorder::end_file() {
    if (!output_) return;
    if (open_) av_write_trailer(output_);
    open_ = false;
    avio_closep(&output_->pb);
    avformat_free_context(output_);
    output_ = nullptr;
}

void Recorder::write(const AVPacket& packet) {
    const auto track = std::find_if(tracks_.begin(), tracks_.end(),
                                    [&](const Track& known) { return known.input == packet.stream_index; });
    if (track == tracks_.end()) return;
    const AVRational base = input_.streams[packet.stream_index]->time_base;
    const int64_t time = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
    const bool is_timed = time != AV_NOPTS_VALUE;
    const int64_t time_us = is_timed ? av_rescale_q(time, base, microseconds) : begin_us_;
    const bool starts = track == tracks_.begin() && packet.flags & AV_PKT_FLAG_KEY;
    // A file is over after its length, and where timestamps jump back.
    if (starts && (!output_ || time_us - begin_us_ >= options_.segment_us || time_us < begin_us_)) {
        end_file();
        if (is_timed && failed_just_now(time_us)) return;
        if (!begin_file(time_us)) return;
        begin_us_ = time_us;
    }
    if (!output_) return;
    AVPacket* const copy = av_packet_clone(&packet);
    if (!copy) return;
    AVStream* const stream = output_->streams[track - tracks_.begin()];
    const int64_t origin = av_rescale_q(begin_us_, microseconds, base);
    if (copy->pts != AV_NOPTS_VALUE) copy->pts -= origin;
    if (copy->dts != AV_NOPTS_VALUE) copy->dts -= origin;
    copy->stream_index = stream->index;
    av_packet_rescale_ts(copy, base, stream->time_base);
    // Muxers want decoding times that rise.
    if (copy->dts == AV_NOPTS_VALUE) copy->dts = copy->pts != AV_NOPTS_VALUE ? copy->pts : track->last_dts + 1;
    if (track->last_dts != INT64_MIN) copy->dts = std::max(copy->dts, track->last_dts + 1);
    if (copy->pts == AV_NOPTS_VALUE || copy->pts < copy->dts) copy->pts = copy->dts;
    track->last_dts = copy->dts;
    int code = av_write_frame(output_, copy);
    AVPacket* gone = copy;
    av_packet_free(&gone);
    if (code >= 0 && output_->pb->error < 0) code = output_->pb->error;
    if (code < 0) {
        fail_with(code, time_us);
    } else {
        holds_packets_ = true;
        failure_.clear();
    }
}

}  // namespace lv
