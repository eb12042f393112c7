// The decoder half of the FFmpeg source: packets in, pictures with their times out (private to it).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "vision/ffmpeg_packets.h"

struct AVCodec;
struct AVCodecContext;
struct AVFrame;

namespace lv {

struct DecodedFree {
    void operator()(AVFrame* frame) const;
};
struct DecoderFree {
    void operator()(AVCodecContext* decoder) const;
};

using DecodedPtr = std::unique_ptr<AVFrame, DecodedFree>;

struct Decoded {
    DecodedPtr frame;        // may lie on the GPU: see ffmpeg_hardware.h
    int64_t pts_us, end_us;  // on screen from, until
};

// One thread at a time.
class PictureDecoder {
   public:
    // on_gpu: the GPU decodes for as long as it can, into memory that `device` can read too if it is given. Throws Error
    // when there is no decoder for the input's video. The input outlives this.
    PictureDecoder(const FfmpegInput& input, int threads, bool on_gpu, std::shared_ptr<Device> device = nullptr);

    // Takes a packet. unreferenced: also when no other picture refers to it; else such a picture may stay undecoded.
    void send(const StreamPacket& packet, bool unreferenced);
    // The packet just sent may have been left out: that counts, as left_out().
    void expect(const StreamPacket& packet) { expected_.push_back(packet.pts_us); }
    // Nothing more will be sent before a restart(): what is inside may come out.
    void drain();
    // The next picture that is whole; empty: none before more is sent, or, once drained(), none at all.
    std::optional<Decoded> receive();
    // Forgets what is inside. Pictures before from_us that come all the same lean on what was not sent: not given.
    void restart(int64_t from_us);

    // From now on the packets are kept that go_on_with_cpu() needs; so they are while the GPU decodes.
    void remember() { remembers_ = true; }
    // The CPU decodes from now on, first what was kept. No picture is lost or comes twice, unless times are missing or
    // jump, or key packets lie more than 4,096 packets or 48 MiB apart. `why` as in not_on_gpu().
    void go_on_with_cpu(const std::string& why);
    const std::string& not_on_gpu() const { return not_on_gpu_; }  // why, though it was asked for; else empty

    bool drained() const { return drained_; }                        // gives nothing more until restarted
    bool draining() const { return draining_; }                      // takes nothing more until restarted
    bool is_empty() const { return empty_; }                         // nothing inside
    bool can_leave_out() const { return can_leave_out_; }            // it knows pictures that no other refers to
    bool bridged() const { return shift_us_ != 0; }                  // pictures' times are no longer packets' times
    const std::deque<int64_t>& sent_us() const { return sent_us_; }  // presentation times sent last

    int64_t decoded() const { return decoded_; }
    int64_t damaged() const { return damaged_; }
    int64_t left_out() const { return left_out_; }

   private:
    void describe(const AVCodec& codec);
    void open_on_cpu();
    void open_on_gpu();
    void keep(const StreamPacket& packet);
    bool take_again();
    bool gpu_failed(int code) const;
    int next_picture(AVFrame& frame);
    bool is_whole(const AVFrame& frame);
    Decoded timed(DecodedPtr frame);
    void account(int64_t pts_us);

    const FfmpegInput& input_;
    const int threads_;
    const std::shared_ptr<Device> device_;  // outlives decoder_, which may use its context
    std::unique_ptr<AVCodecContext, DecoderFree> decoder_;
    bool on_gpu_ = false, remembers_ = false, draining_ = false;
    std::string not_on_gpu_;
    std::deque<StreamPacket> kept_;  // from a key packet on whose picture came out, while they are few enough
    std::deque<DecodedPtr> again_;   // decoded from what was kept, not yet given
    int64_t newest_us_ = INT64_MIN;  // presentation time of the last picture that came out
    bool can_leave_out_ = false, drained_ = false, empty_ = true;
    int64_t usual_us_ = 40'000;  // between two pictures when nothing better is known
    int64_t from_us_ = INT64_MIN;
    std::deque<int64_t> sent_us_;
    std::deque<int64_t> expected_;  // presentation times that may have been left out
    int64_t last_pts_us_ = INT64_MIN, shift_us_ = 0;
    int64_t decoded_ = 0, damaged_ = 0, left_out_ = 0;
};

}  // namespace lv
