#include "vision/vision_config.h"

#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/core/error.h"
#include "kernels/core/shallow_json.h"

namespace lv {
namespace {

using Json = nlohmann::json;

constexpr size_t max_layers = 4096;
constexpr size_t max_channels = 1 << 16;

// An object of the file and where it stands, for messages.
class Node {
   public:
    Node(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
        require(json_.is_object(), "reading ", where_, ": expected an object { }, found ", json_.type_name(),
                "; export the model again");
    }

    const Json& at(const char* key) const {
        const auto found = json_.find(key);
        require(found != json_.end(), "reading ", where_, ": \"", key, "\" is missing; export the model again");
        return *found;
    }
    Node child(const char* key) const { return {at(key), where_ + ", \"" + key + "\""}; }
    bool has(const char* key) const { return json_.contains(key); }

    double number(const char* key, double low, double high) const {
        const Json& value = at(key);
        const double found = value.is_number() ? value.get<double>() : NAN;
        require(found >= low && found <= high, "reading ", where_, ": \"", key, "\" is ", value.dump(),
                "; expected a number from ", low, " to ", high, "; export the model again");
        return found;
    }
    size_t whole(const char* key, size_t low, size_t high) const { return whole_of(at(key), key, low, high); }
    std::string text(const char* key) const {
        const Json& value = at(key);
        require(value.is_string() && !value.get_ref<const std::string&>().empty(), "reading ", where_, ": \"", key,
                "\" is ", value.dump(), "; expected a text; export the model again");
        return value;
    }
    std::vector<std::string> texts(const char* key) const {
        const Json& value = at(key);
        if (value.is_string()) return {text(key)};
        bool good = value.is_array() && !value.empty();
        for (const Json& part : value) good = good && part.is_string();
        require(good, "reading ", where_, ": \"", key, "\" is ", value.dump(),
                "; expected a list of texts; export the model again");
        return value.get<std::vector<std::string>>();
    }
    std::vector<size_t> wholes(const char* key, size_t low, size_t high) const {
        const Json& value = at(key);
        require(value.is_array(), "reading ", where_, ": \"", key, "\" is ", value.dump(),
                "; expected a list of whole numbers; export the model again");
        std::vector<size_t> list;
        for (const Json& part : value) list.push_back(whole_of(part, key, low, high));
        return list;
    }
    const std::string& where() const { return where_; }

   private:
    size_t whole_of(const Json& value, const char* key, size_t low, size_t high) const {
        const bool good = value.is_number_unsigned() && value.get<uint64_t>() >= low && value.get<uint64_t>() <= high;
        require(good, "reading ", where_, ": \"", key, "\" holds ", value.dump(), "; expected a whole number from ", low,
                " to ", high, "; export the model again");
        return value.get<size_t>();
    }

    const Json& json_;
    std::string where_;
};

NetLayer::Act act_of(const Node& node) {
    const std::string act = node.has("act") ? node.text("act") : "none";
    if (act == "none") return NetLayer::Act::none;
    if (act == "relu6") return NetLayer::Act::relu6;
    require(act == "silu", "reading ", node.where(), ": act is ", act,
            "; expected none, relu6 or silu; this model needs a newer longview");
    return NetLayer::Act::silu;
}

NetLayer layer_of(const Node& node) {
    NetLayer layer;
    layer.name = node.text("name");
    layer.in = node.texts("in");
    const std::string op = node.text("op");
    if (op == "conv") {
        layer.act = act_of(node);
        layer.kernel = node.whole("kernel", 1, 31);
        layer.stride = node.whole("stride", 1, 31);
        layer.groups = node.whole("groups", 1, max_channels);
        const std::vector<size_t> pad = node.wholes("pad", 0, 31);
        require(pad.size() == 4, "reading ", node.where(), ": \"pad\" has ", pad.size(),
                " numbers; expected 4: top, left, bottom, right; export the model again");
        layer.top = pad[0], layer.left = pad[1], layer.bottom = pad[2], layer.right = pad[3];
    } else if (op == "add") {
        layer.op = NetLayer::Op::add;
        layer.act = act_of(node);
    } else if (op == "upsample2") {
        layer.op = NetLayer::Op::upsample2;
    } else if (op == "global_pool") {
        layer.op = NetLayer::Op::global_pool;
    } else if (op == "linear") {
        layer.op = NetLayer::Op::linear;
    } else {
        fail("reading ", node.where(), ": op is ", op,
             "; expected conv, add, upsample2, global_pool or linear; this model needs a newer longview");
    }
    if (op == "conv" || op == "linear") {
        layer.in_channels = node.whole("in_channels", 1, max_channels);
        layer.out_channels = node.whole("out_channels", 1, max_channels);
        require(layer.in_channels % layer.groups == 0 && layer.out_channels % layer.groups == 0, "reading ",
                node.where(), ": ", layer.groups, " groups do not divide ", layer.in_channels, " and ",
                layer.out_channels, " channels; export the model again");
    }
    const size_t inputs = op == "add" ? 2 : 1;
    require(layer.in.size() == inputs, "reading ", node.where(), ": op ", op, " has ", layer.in.size(),
            " inputs; expected ", inputs, "; export the model again");
    return layer;
}

std::vector<NetLayer> layers_of(const Json& list, const std::string& where) {
    require(list.is_array() && !list.empty() && list.size() <= max_layers, "reading ", where,
            ": \"layers\" must be a list of 1 to ", max_layers, " layers; export the model again");
    std::vector<NetLayer> layers;
    std::set<std::string> known{"image"};
    for (const Json& json : list) {
        const bool named = json.is_object() && json.contains("name") && json["name"].is_string();
        const std::string name = named ? json["name"].get<std::string>() : std::to_string(layers.size());
        layers.push_back(layer_of(Node(json, where + ", layer " + name)));
        for (const std::string& in : layers.back().in)
            require(known.count(in), "reading ", where, ", layer ", name, ": its input ", in,
                    " is no earlier layer; export the model again");
        require(known.insert(layers.back().name).second, "reading ", where, ", layer ", name,
                ": the name stands twice; export the model again");
    }
    return layers;
}

InputConfig input_of(const Node& node) {
    InputConfig input;
    input.multiple = static_cast<int>(node.whole("multiple", 1, 256));
    input.long_side = static_cast<int>(node.whole("long_side", 32, 4096));
    input.pad = static_cast<int>(node.whole("pad", 0, 255));
    input.mean = static_cast<float>(node.number("mean", -1000, 1000));
    input.std = static_cast<float>(node.number("std", 1e-3, 1000));
    if (node.has("order"))
        require(node.text("order") == "RGB", "reading ", node.where(), ": order is ", node.text("order"),
                "; expected RGB; export the model again");
    return input;
}

ObjectConfig objects_of(const Node& node) {
    ObjectConfig objects;
    for (size_t stride : node.wholes("strides", 1, 1024)) objects.strides.push_back(static_cast<int>(stride));
    objects.classes = node.texts("classes");
    objects.score_floor = static_cast<float>(node.number("score_floor", 0.001, 1));
    objects.iou_same_class = static_cast<float>(node.number("iou_same_class", 0, 1));
    objects.iou_any_class = static_cast<float>(node.number("iou_any_class", 0, 1));
    if (node.has("iou_fused")) objects.iou_fused = static_cast<float>(node.number("iou_fused", 0, 1));
    objects.max_boxes = static_cast<int>(node.whole("max_boxes", 1, 1000));
    return objects;
}

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    require(file.good(), "opening ", path.string(),
            ": cannot be read; expected a model directory with config.json; check --model");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    require(!file.bad(), "reading ", path.string(), ": the disk failed; copy the model again");
    return text;
}

Json parsed(std::string_view json, const std::string& name) {
    Json root = parse_shallow<Json>(json, 12);
    require(!root.is_discarded(), "reading ", name, ": this is not JSON; export or copy the model again");
    return root;
}

}  // namespace

VisionConfig parse_vision_config(std::string_view json, const std::string& name) {
    const Json root = parsed(json, name);
    const bool whole = root.is_object() && root.contains("vision");
    const Node node(whole ? root["vision"] : root, whole ? name + ", \"vision\"" : name);
    VisionConfig config;
    config.input = input_of(node.child("input"));
    config.layers = layers_of(node.at("layers"), node.where());
    const Node outputs = node.child("outputs");
    config.classes = outputs.text("classes");
    config.scores = outputs.texts("scores");
    config.boxes = outputs.texts("boxes");
    config.objects = objects_of(node.child("objects"));
    require(config.scores.size() == config.boxes.size() && config.boxes.size() == config.objects.strides.size(),
            "reading ", node.where(), ": ", config.scores.size(), " score maps, ", config.boxes.size(), " box maps and ",
            config.objects.strides.size(), " strides; expected as many of each; export the model again");
    return config;
}

VisionConfig read_vision_config(const std::filesystem::path& model_dir) {
    const std::filesystem::path config = model_dir / "config.json", separate = model_dir / "vision.json";
    std::error_code none;
    if (std::filesystem::exists(config, none)) {
        const std::string text = text_of(config);
        const Json root = parsed(text, config.string());
        if (!std::filesystem::exists(separate, none) || (root.is_object() && root.contains("vision")))
            return parse_vision_config(text, config.string());
    }
    return parse_vision_config(text_of(std::filesystem::exists(separate, none) ? separate : config),
                               std::filesystem::exists(separate, none) ? separate.string() : config.string());
}

}  // namespace lv
