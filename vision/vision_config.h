// What config.json says about vision ("vision"): picture geometry, the conv net's layers, how its maps become objects.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lv {

struct InputConfig {
    int long_side = 320;  // px, of the scaled picture; 32..4096
    int multiple = 32;    // sides of the canvas are multiples of this
    int pad = 114;        // grey of the canvas around the picture, 0..255
    float mean = 127;     // value = (byte - mean) / std
    float std = 128;
};

struct NetLayer {
    enum class Op { conv, add, upsample2, global_pool, linear };
    enum class Act { none, relu6, silu };
    std::string name;
    Op op = Op::conv;
    std::vector<std::string> in;  // "image" or names of earlier layers
    Act act = Act::none;          // conv, add
    size_t kernel = 1, stride = 1, groups = 1;
    size_t in_channels = 0, out_channels = 0;  // conv, linear
    size_t top = 0, left = 0, bottom = 0, right = 0;  // conv: zeros around the map
};

struct ObjectConfig {
    std::vector<int> strides;          // px a cell, one for each pair of maps
    std::vector<std::string> classes;  // 80 names
    float score_floor = 0.1f;
    float iou_same_class = 0.5f;
    float iou_any_class = 0.8f;
    float iou_fused = 1;  // 1: boxes stay where they are
    int max_boxes = 64;
};

struct VisionConfig {
    InputConfig input;
    std::vector<NetLayer> layers;
    std::string classes;              // layer with the scene's logits
    std::vector<std::string> scores;  // layer with class logits, one a stride
    std::vector<std::string> boxes;   // layer with the box sides, one a stride
    ObjectConfig objects;
};

// `json` is a config.json with "vision" inside, or that object itself; `name` is the file for messages.
// Throws Error that names the file, the layer and the key at fault. Shapes are checked when the net is built.
VisionConfig parse_vision_config(std::string_view json, const std::string& name);

// config.json of the model directory; vision.json there where config.json has no "vision" (a net still being trained).
VisionConfig read_vision_config(const std::filesystem::path& model_dir);

}  // namespace lv
