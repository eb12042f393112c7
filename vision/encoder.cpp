#include "vision/encoder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/core/memory.h"
#include "kernels/pictures.h"
#include "vision/preprocess.h"

namespace lv {
namespace {

constexpr int field_px = 16;
constexpr int noise = 3;  // mean absolute difference of a field's bytes that coding alone makes
constexpr uint32_t state_version = 3;

std::vector<std::string> outputs_of(const VisionConfig& config) {
    std::vector<std::string> names{config.classes};
    names.insert(names.end(), config.scores.begin(), config.scores.end());
    names.insert(names.end(), config.boxes.begin(), config.boxes.end());
    return names;
}

constexpr size_t boxes_at_once = 64;  // of a picture, that come down with the scenes; more than a street shows

// Where a batch's answers lie. What is told, in an order such that the first part mostly suffices: the logits of the
// scenes [batch, scenes], how many boxes were found [batch], and the boxes, those of one rank together. What they come
// from: for each stride the logits, sides, best logit and its kind of every cell.
struct Answers {
    struct Stride {
        size_t cells = 0;                                   // of all pictures
        size_t logits = 0, sides = 0, best = 0, kinds = 0;  // [cells, kinds], [cells, 4], [cells], [cells]
    };
    std::vector<Stride> strides;
    size_t worked_values = 0;                                 // of 4 bytes
    size_t counts = 0, boxes = 0, rank_bytes = 0, ranks = 0;  // bytes from the first told
    size_t told_bytes(size_t first_ranks) const { return boxes + first_ranks * rank_bytes; }

    Answers(std::span<const MapShape> shapes, size_t count, size_t batch) {
        // At multiples of 64 bytes: what a net writes 16 bytes at once.
        const auto take = [&](size_t more) {
            return std::exchange(worked_values, worked_values + (more + 15) / 16 * 16);
        };
        for (size_t i = 0; i < count; ++i) {
            const MapShape& shape = shapes[1 + i];
            const size_t cells = batch * shape.height * shape.width;
            strides.push_back({cells, take(cells * shape.channels), take(cells * 4), take(cells), take(cells)});
            ranks += shape.height * shape.width;
        }
        counts = batch * shapes[0].size() * sizeof(float);
        boxes = counts + batch * sizeof(uint32_t);
        rank_bytes = batch * sizeof(FoundBox);
    }
};

// What was told, on the host; without room that nobody filled.
Buffer fetched(Device& device, const Buffer& told, const Answers& answers, size_t batch) {
    const size_t first = answers.told_bytes(std::min(answers.ranks, boxes_at_once));
    Buffer here(told.bytes());
    device.download(told.data(), here.data(), first);
    const auto* counts = reinterpret_cast<const uint32_t*>(here.data() + answers.counts);
    const size_t all = answers.told_bytes(*std::max_element(counts, counts + batch));
    if (all > first) device.download(told.data() + first, here.data() + first, all - first);
    return here;
}

// The pictures' bytes one after another where the net reads them; those that lie there go no other way.
Buffer placed(std::span<const Picture* const> pictures, const std::shared_ptr<Device>& device) {
    const size_t bytes = pictures[0]->rgb.size();
    Buffer all(pictures.size() * bytes, device);
    for (size_t k = 0; k < pictures.size(); ++k) {
        std::byte* to = all.data() + k * bytes;
        if (!device)
            std::memcpy(to, pictures[k]->rgb.data(), bytes);
        else if (pictures[k]->on_device && pictures[k]->on_device->device() == device)
            device->copy(pictures[k]->on_device->data(), to, bytes);
        else
            device->upload(pictures[k]->rgb.data(), to, bytes);
    }
    return all;
}

std::shared_ptr<const Picture> scaled(const std::shared_ptr<const Picture>& picture, int long_side) {
    if (std::max(picture->width, picture->height) == long_side) return picture;
    return std::make_shared<const Picture>(scaled_picture(*picture, long_side));
}

}  // namespace

bool alike(const Picture& a, const Picture& b) {
    if (a.width != b.width || a.height != b.height) return false;
    for (int top = 0; top < a.height; top += field_px) {
        const int bottom = std::min(top + field_px, a.height);
        for (int left = 0; left < a.width; left += field_px) {
            const int bytes = (std::min(left + field_px, a.width) - left) * 3;
            int sum = 0;
            for (int y = top; y < bottom; ++y) {
                const size_t first = (static_cast<size_t>(y) * a.width + left) * 3;
                for (int i = 0; i < bytes; ++i) sum += std::abs(a.rgb[first + i] - b.rgb[first + i]);
            }
            if (sum > noise * bytes * (bottom - top)) return false;
        }
    }
    return true;
}

VisionModel::VisionModel(const std::filesystem::path& model_dir, const ConvOptions& options)
    : VisionModel(read_vision_config(model_dir),
                  std::make_shared<const WeightFile>(WeightFile::open(model_dir / "vision.safetensors")), options) {}

VisionModel::VisionModel(const VisionConfig& config, std::shared_ptr<const WeightFile> weights,
                         const ConvOptions& options)
    : config_(config), net_(config.layers, outputs_of(config), weights, options) {
    check();
}

void VisionModel::check() const {
    const size_t kinds = config_.objects.classes.size();
    require(kinds == row::kinds, "reading the vision part of the model: it knows ", kinds,
            " kinds of objects; expected ", row::kinds, " (COCO's); this model needs another longview");
    const auto side = static_cast<size_t>((config_.input.long_side + config_.input.multiple - 1) /
                                          config_.input.multiple * config_.input.multiple);
    const std::vector<MapShape> shapes = net_.shapes(side, side);
    require(shapes[0] == MapShape{1, 1, row::scenes}, "reading the vision part of the model: the layer ",
            config_.classes, " gives ", shapes[0].size(), " values; expected ", row::scenes,
            "; export the model again");
    const size_t strides = config_.objects.strides.size();
    for (size_t i = 0; i < strides; ++i) {
        const size_t cells = side / static_cast<size_t>(config_.objects.strides[i]);
        require(shapes[1 + i] == MapShape{cells, cells, kinds} && shapes[1 + strides + i] == MapShape{cells, cells, 4},
                "reading the vision part of the model: the layers ", config_.scores[i], " and ", config_.boxes[i],
                " have other sizes than ", kinds, " and 4 channels at stride ", config_.objects.strides[i],
                "; export the model again");
    }
}

std::vector<Sight> VisionModel::look(const Context& context, std::span<const Picture* const> pictures) const {
    std::vector<Picture> made(pictures.size());
    std::vector<const Picture*> scaled(pictures.begin(), pictures.end());
    context.parallel_for(0, pictures.size(), 1, [&](size_t first, size_t last) {
        for (size_t i = first; i < last; ++i) {
            if (std::max(scaled[i]->width, scaled[i]->height) == config_.input.long_side) continue;
            made[i] = scaled_picture(*scaled[i], config_.input.long_side);
            scaled[i] = &made[i];
        }
    });
    std::map<std::pair<int, int>, std::vector<size_t>> sizes;
    for (size_t i = 0; i < scaled.size(); ++i) sizes[{scaled[i]->height, scaled[i]->width}].push_back(i);
    std::vector<Sight> sights(pictures.size());
    for (const auto& [size, members] : sizes) {
        std::vector<const Picture*> from;
        std::vector<Sight*> to;
        for (size_t i : members) {
            from.push_back(scaled[i]);
            to.push_back(&sights[i]);
        }
        look_at_size(context, from, to);
    }
    return sights;
}

void VisionModel::look_at_size(const Context& context, std::span<const Picture* const> pictures,
                               std::span<Sight* const> sights) const {
    const std::shared_ptr<Device>& device = context.shared_device();
    const CanvasShape canvas = canvas_of(*pictures[0], config_.input);
    const size_t batch = pictures.size(), strides = config_.objects.strides.size();
    Buffer bytes = placed(pictures, device);
    const std::shared_ptr<const ConvPlan> plan = net_.plan(context, canvas.canvas_height, canvas.canvas_width);
    const std::vector<MapShape>& shapes = plan->output_shapes();  // classes, scores by stride, boxes by stride
    const Answers answers(shapes, strides, batch);
    Floats worked(answers.worked_values, device);
    Buffer told(answers.told_bytes(answers.ranks), device);
    float* const values = worked.span().data();
    std::vector<float*> outputs{told.as<float>().data()};
    for (const Answers::Stride& stride : answers.strides) outputs.push_back(values + stride.logits);
    for (const Answers::Stride& stride : answers.strides) outputs.push_back(values + stride.sides);
    const auto run_on = [&](auto value) {
        using Value = decltype(value);
        Buffer canvases = Buffer::of<Value>(batch * canvas.canvas_size(), device);
        write_canvases(context, canvas, batch, bytes.as<uint8_t>().data(), canvases.as<Value>().data());
        plan->run(context, batch, canvases.as<const Value>().data(), outputs);
    };
    plan->reads_f16() ? run_on(Half{}) : run_on(float{});

    const std::span<uint32_t> counts{reinterpret_cast<uint32_t*>(told.data() + answers.counts), batch};
    const std::span<FoundBox> boxes{reinterpret_cast<FoundBox*>(told.data() + answers.boxes), answers.ranks * batch};
    for (size_t i = 0; i < strides; ++i) {
        const Answers::Stride& stride = answers.strides[i];
        const std::span<float> best{values + stride.best, stride.cells};
        const std::span<int32_t> kinds{reinterpret_cast<int32_t*>(values + stride.kinds), stride.cells};
        best_columns(context, {values + stride.logits, stride.cells, shapes[1 + i].channels}, best, kinds);
        append_boxes(context,
                     {.pictures = batch,
                      .height = shapes[1 + i].height,
                      .width = shapes[1 + i].width,
                      .stride = static_cast<float>(config_.objects.strides[i]),
                      .scores = best.data(),
                      .kinds = kinds.data(),
                      .sides = values + stride.sides,
                      .floor = floor_logit(config_.objects),
                      .picture_height = static_cast<float>(pictures[0]->height),
                      .picture_width = static_cast<float>(pictures[0]->width)},
                     counts, boxes);
    }
    if (device) told = fetched(*device, told, answers, batch);
    const auto* found = reinterpret_cast<const uint32_t*>(told.data() + answers.counts);
    const std::span<const FoundBox> all{reinterpret_cast<const FoundBox*>(told.data() + answers.boxes),
                                        answers.ranks * batch};
    for (size_t k = 0; k < batch; ++k) {
        sights[k]->objects = suppressed(listed_objects(all, batch, k, found[k]), config_.objects);
        sights[k]->scene = scene_of(told.as<const float>().subspan(k * row::scenes, row::scenes));
    }
}

EncodedFrames Encoder::encode(const Context& context, std::span<const Frame> frames) {
    EncodedFrames out;
    encode(context, frames, out);
    return out;
}

void Encoder::encode(const Context& context, std::span<const Frame> frames, EncodedFrames& out) {
    out.clear();
    // Which pictures are new: each is compared with the last new one, so that slow drift is noticed.
    std::vector<std::shared_ptr<const Picture>> fresh;
    std::vector<bool> repeats;
    std::shared_ptr<const Picture> last = past_.last;
    for (const Frame& frame : frames) {
        require(frame.picture && frame.picture->width > 0, "encoding a frame: it has no picture; expected RGB");
        const std::shared_ptr<const Picture> small = scaled(frame.picture, model_.long_side());
        repeats.push_back(options_.skip_alike && last && (last == small || alike(*last, *small)));
        if (repeats.back()) continue;
        fresh.push_back(small);
        last = small;
    }
    std::vector<const Picture*> pictures;
    for (const auto& picture : fresh) pictures.push_back(picture.get());
    std::vector<Sight> sights = model_.look(context, pictures);

    for (size_t i = 0, k = 0; i < frames.size(); ++i) {
        SeenFrame seen;
        seen.time_us = frames[i].time_us;
        seen.repeated = repeats[i];
        seen.cut = !repeats[i] && (!past_.last || colour_distance(*past_.last, *fresh[k]) > options_.cut_distance);
        if (seen.cut) {
            settle(out);
            past_.tracker.forget();
        }
        waiting_.push_back({std::move(seen), past_});
        if (!repeats[i]) {
            past_.last = fresh[k];
            past_.last_sight = std::move(sights[k]);
            ++past_.looked_at;
            ++k;
        }
        waiting_.back().seen.scene = past_.last_sight.scene;
        if (const auto tracks = past_.tracker.update(past_.last_sight.objects)) tell(*tracks, out);
    }
}

void Encoder::finish(EncodedFrames& out) {
    out.clear();
    settle(out);
}

void Encoder::settle(EncodedFrames& out) {
    while (const auto tracks = past_.tracker.settle()) tell(*tracks, out);
}

// The tracks of the oldest frame that waits.
void Encoder::tell(std::span<const Track> tracks, EncodedFrames& out) {
    SeenFrame& seen = waiting_.front().seen;
    for (const Track& track : tracks) seen.objects.push_back({track.id, track.now});
    seen.first_row = out.rows();
    seen.rows = rows_.append(seen.time_us, tracks, seen.scene, seen.cut, out.values, out.times_us);
    out.frames.push_back(std::move(seen));
    waiting_.pop_front();
}

std::vector<std::byte> Encoder::save() const {
    const Past& past = waiting_.empty() ? past_ : waiting_.front().before;
    StateWriter writer;
    writer.put(state_version);
    writer.put(past.looked_at);
    past.tracker.save(writer);
    rows_.save(writer);
    writer.put<int32_t>(past.last ? past.last->width : 0);
    writer.put<int32_t>(past.last ? past.last->height : 0);
    if (past.last) writer.put_all<uint8_t>(past.last->rgb);
    save_objects(writer, past.last_sight.objects);
    for (const SceneValue& value : past.last_sight.scene) {
        writer.put<int32_t>(value.scene);
        writer.put(value.probability);
    }
    return writer.take();
}

void Encoder::restore(std::span<const std::byte> bytes) {
    StateReader reader(bytes);
    require(reader.get<uint32_t>() == state_version,
            "restoring the state of vision: it was saved by another version; watch the video again");
    Encoder fresh(model_, options_);
    reader.get(fresh.past_.looked_at);
    fresh.past_.tracker.restore(reader);
    fresh.rows_.restore(reader);
    const int32_t width = reader.within<int32_t>(0, 4096), height = reader.within<int32_t>(0, 4096);
    if (width > 0) {
        Picture picture{width, height, reader.get_all<uint8_t>()};
        require(picture.rgb.size() == static_cast<size_t>(width) * height * 3,
                "restoring the state of vision: its picture has another size than it says; save the memory again");
        fresh.past_.last = std::make_shared<const Picture>(std::move(picture));
    }
    fresh.past_.last_sight.objects = restore_objects(reader);
    for (SceneValue& value : fresh.past_.last_sight.scene) {
        value.scene = reader.within<int32_t>(0, row::scenes - 1);
        reader.get(value.probability);
    }
    reader.end();
    waiting_.clear();
    past_ = std::move(fresh.past_);
    rows_ = std::move(fresh.rows_);
}

}  // namespace lv
