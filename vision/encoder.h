// Frames to the rows the model reads: small picture, conv net, objects, tracks, feature rows; a plain matrix with
// times.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/context.h"
#include "kernels/core/tensor.h"
#include "vision/conv_net.h"
#include "vision/frame_source.h"
#include "vision/objects.h"
#include "vision/token_rows.h"
#include "vision/tracker.h"

namespace lv {

// What the net reads of one picture.
struct Sight {
    std::vector<Object> objects;  // best first, before tracking
    Scene scene;
};

// The vision half of a model directory: config.json's "vision" and vision.safetensors. Const, shared by all streams.
class VisionModel {
   public:
    // Throws Error that names the file at fault.
    explicit VisionModel(const std::filesystem::path& model_dir, const ConvOptions& options = {});
    VisionModel(const VisionConfig& config, std::shared_ptr<const WeightFile> weights, const ConvOptions& options = {});

    const VisionConfig& config() const { return config_; }
    const ConvNet& net() const { return net_; }
    // How long the long side of a picture needs to be: the max_side to open the source with.
    int long_side() const { return config_.input.long_side; }
    // Looks at pictures, each on its own; those of one size run as one batch: one picture a thread, or all on the
    // context's device. There a picture goes up once, as bytes, or not at all where it lies there already; what comes
    // back is the scene's logits and the boxes above the floor. Boxes that double each other, tracks and rows are the
    // host's: a few KB, and every step of it waits for the last.
    std::vector<Sight> look(const Context& context, std::span<const Picture* const> pictures) const;

   private:
    void check() const;
    // Scaled pictures of one size.
    void look_at_size(const Context& context, std::span<const Picture* const> pictures,
                      std::span<Sight* const> sights) const;
    VisionConfig config_;
    ConvNet net_;
};

// One object of a frame, for captions, JSON and the picture's overlay.
struct SeenObject {
    uint64_t track = 0;  // the same number is the same object, as far as the tracker can tell
    Object object;
};

struct SeenFrame {
    int64_t time_us = 0;
    size_t first_row = 0, rows = 0;   // in EncodedFrames
    bool cut = false;                 // the first frame, or another place than the frame before
    bool repeated = false;            // looked like the frame before and was not looked at again
    std::vector<SeenObject> objects;  // in the order of appearance
    Scene scene{};
};

struct EncodedFrames {
    std::vector<float> values;      // [rows, feature_dim]
    std::vector<int64_t> times_us;  // [rows]
    std::vector<SeenFrame> frames;

    size_t rows() const { return times_us.size(); }
    void clear() {
        values.clear();
        times_us.clear();
        frames.clear();
    }
    ConstMatrix matrix() const { return {values.data(), rows(), row::feature_dim}; }
};

struct EncoderOptions {
    TrackerOptions tracker{};
    bool skip_alike = true;     // do not look again at a picture that equals the last one looked at
    double cut_distance = 0.5;  // colour_distance() from which a frame is another place
};

// One video's encoder: frames go in, in order, any number at a time. They come out behind the tracker's lag: a call
// returns those that are settled by then, a hard cut settles all before it, and finish() what is left. The result does
// not depend on how they are split into calls. One thread at a time; the model is shared.
class Encoder {
   public:
    Encoder(const VisionModel& model, const EncoderOptions& options = {}) : model_(model), options_(options) {
        past_.tracker = Tracker(options.tracker);
    }

    // Replaces what is in `out`, keeping its room.
    void encode(const Context& context, std::span<const Frame> frames, EncodedFrames& out);
    EncodedFrames encode(const Context& context, std::span<const Frame> frames);
    // No frame follows for now: what waits is judged by what is known, and replaces what is in `out`.
    void finish(EncodedFrames& out);

    // The frames that come next are of another video: the first of them is another place. Kinds, tracks' numbers and
    // counts go on.
    void begin_video() { past_.last.reset(); }

    int64_t looked_at() const { return past_.looked_at; }  // frames that went through the net

    // All that decides about later rows, some 200 KB, as it was behind the last frame told: encoding goes on after a
    // load as if nothing had happened. Frames that wait are not part of it: give them again.
    std::vector<std::byte> save() const;
    // Throws Error when the bytes are not such a state; then the encoder is as it was.
    void restore(std::span<const std::byte> bytes);

   private:
    // What is known of the frames given so far.
    struct Past {
        Tracker tracker;
        std::shared_ptr<const Picture> last;  // scaled, the last one looked at
        Sight last_sight;
        int64_t looked_at = 0;
    };
    struct Waiting {
        SeenFrame seen;
        Past before;  // for save(): what is given again must not be known
    };
    void settle(EncodedFrames& out);
    void tell(std::span<const Track> tracks, EncodedFrames& out);

    const VisionModel& model_;
    EncoderOptions options_;
    Past past_;
    TokenRows rows_;               // of the frames told
    std::deque<Waiting> waiting_;  // for the tracker
};

// Whether b shows nothing that a does not: no field of 16 x 16 px differs by more than noise.
bool alike(const Picture& a, const Picture& b);

}  // namespace lv
