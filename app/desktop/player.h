// Plays a video for the eye: its own source, its own decoding thread, its own clock. The watching goes on beside it.
//
//   window thread: play / seek / step --> wishes (one mutex) --> decoding thread: show(clock) --> newest picture
//
// No call waits for the decoding. Every function may be called from any one thread (the window's).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "vision/frame_source.h"

namespace lv {

struct PlayerOptions {
    int max_side = 1280;              // px of the long side of the pictures; larger ones are scaled while converting
    int threads = 1;                  // of the decoder: the watching needs the cores
    std::function<void()> changed{};  // called in the decoding thread with every change of the state by itself
};

// What the window draws.
struct PlayerState {
    std::shared_ptr<const Picture> picture;  // null until the first one
    uint64_t picture_number = 0;             // rises with every new picture: upload when it changes
    int64_t position_us = 0;                 // of the clock, or where a seek leads
    int64_t picture_us = 0;                  // when the picture came on screen
    int64_t duration_us = 0;                 // 0: not known (yet)
    int width = 0, height = 0;               // upright full size in square pixels; 0: not known yet
    double fps = 0;                          // 0: not known
    double rate = 1;                         // -8..8, of real time
    bool playing = false;
    bool seeking = false;  // a picture is on its way
    bool ended = false;    // stands at the end
    std::string error;     // a sentence; nothing more will come
};

class Player {
   public:
    // Whether a second reader can be opened on it: files and http, not pipes, cameras and live streams.
    static bool can_play(const std::string& location);

    Player(std::string location, const PlayerOptions& options = {});
    ~Player();  // stops the decoding, within one picture
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;

    // rate: 1 forwards as filmed, negative backwards; not 0. At the end, playing forwards begins again at 0.
    void play(double rate = 1);
    void pause();
    void seek(int64_t time_us);  // stays playing or paused
    void step(int pictures);     // pauses; forwards or backwards by whole pictures
    // How large the pictures that come are to be, as PlayerOptions::max_side; the one at hand comes again. Cheap.
    void set_max_side(int px);

    PlayerState state() const;

   private:
    // What the window wants, taken by the decoding thread.
    struct Wish {
        int64_t seek_us = -1;  // -1: none
        int steps = 0;
    };
    void run(std::stop_token stop);
    void serve(std::stop_token stop);
    bool wait_for_work(std::stop_token stop);
    void show(int64_t time_us, std::stop_token stop);
    void step_once(bool forwards, std::stop_token stop);
    void look_forwards(std::stop_token stop);
    bool wished() const { return wish_.seek_us >= 0 || wish_.steps != 0 || steps_left_ > 0; }  // mutex_ held
    void publish(const Frame& frame, int64_t position_us);
    void reopen(std::stop_token stop);
    int64_t next_due_us() const;  // mutex_ held
    int64_t clock_us() const;     // mutex_ held
    void set_clock(int64_t position_us);

    const std::string location_;
    const int threads_;
    const std::function<void()> on_change_;

    // Of the decoding thread.
    std::unique_ptr<FrameSource> source_;
    int64_t asked_us_ = -1;  // the last time asked of source_
    int source_side_ = 0;    // px that source_ was told last
    int64_t shown_pts_us_ = -1;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    PlayerState state_;
    Wish wish_;
    int max_side_ = 0;
    int steps_left_ = 0;                    // of those being served
    int64_t base_us_ = 0, base_at_us_ = 0;  // the clock: position at a moment of the steady clock

    std::jthread thread_;  // last
};

}  // namespace lv
