#include "engine/memory_header.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "kernels/core/error.h"
#include "kernels/core/shallow_json.h"
#include "kernels/core/weight_checksums.h"

namespace lv {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format_name = "longview memory";
constexpr int64_t most_rows = int64_t{1} << 40, most_page_rows = 1 << 20, most_bytes = int64_t{1} << 60;

// One JSON object of the header with the words for its errors.
class Fields {
   public:
    Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
        require(object_.is_object(), where_, " is ", object_.type_name(), ", expected an object; ", memory_file_remedy,
                ".");
    }

    const Json& at(const char* name) const {
        require(object_.contains(name), where_, ", ", name, " is missing; ", memory_file_remedy, ".");
        return object_.at(name);
    }
    int64_t whole(const char* name, int64_t least, int64_t most) const {
        const Json& value = at(name);
        const bool fits = value.is_number_integer() &&
                          (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t(most)) &&
                          value.get<int64_t>() >= least && value.get<int64_t>() <= most;
        if (!fits) refuse(name, value, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
        return value.get<int64_t>();
    }
    size_t size(const char* name, int64_t least, int64_t most) const { return size_t(whole(name, least, most)); }
    // A time, or null for no_time.
    int64_t time_us(const char* name) const { return at(name).is_null() ? no_time : whole(name, -most_us, most_us); }
    bool flag(const char* name) const {
        if (!at(name).is_boolean()) refuse(name, at(name), "true or false");
        return at(name).get<bool>();
    }
    std::string text(const char* name) const {
        if (!at(name).is_string()) refuse(name, at(name), "a text");
        return at(name).get<std::string>();
    }
    const Json& list(const char* name) const {
        if (!at(name).is_array()) refuse(name, at(name), "a list");
        return at(name);
    }
    Fields object(const char* name) const { return Fields(at(name), where_ + ", " + name); }
    const Json& items() const { return object_; }
    const std::string& where() const { return where_; }

   private:
    [[noreturn]] void refuse(const char* name, const Json& value, const std::string& expected) const {
        fail(where_, ", ", name, " is ", value.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 80),
             ", expected ", expected, "; ", memory_file_remedy, ".");
    }
    const Json& object_;
    std::string where_;
};

Json time_or_null(int64_t time_us) { return time_us == no_time ? Json() : Json(time_us); }

Json parse(const std::string& text, const std::string& where) {
    Json json = parse_shallow<Json>(text, 4);
    require(!json.is_discarded() && json.is_object(), where, " is no JSON object; ", memory_file_remedy, ".");
    return json;
}

int version_of(const std::string& text, const std::string& where) {
    int version = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), version);
    require(code == std::errc() && end == text.data() + text.size() && version > 0, where, ": its version is \"",
            text.substr(0, 20), "\", expected a number; ", memory_file_remedy, ".");
    require(version <= memory_file_version, where, ": it was saved by a newer longview (format ", version,
            ", this one reads ", memory_file_version, "); update longview to load it.");
    require(version == memory_file_version, where, ": it was saved by an older longview (format ", version,
            ", this one reads ", memory_file_version, "); load it with that one, or watch the video again.");
    return version;
}

std::string metadata_of(const WeightFile& file, const char* name) {
    const auto found = file.metadata().find(name);
    return found == file.metadata().end() ? "" : found->second;
}

}  // namespace

std::map<std::string, std::string> header_text(const MemoryHeader& header) {
    const MemoryFileInfo& info = header.info;
    const MemoryOptions& options = info.options;
    Json videos = Json::array(), dropped = Json::object();
    for (const VideoPart& video : info.videos)
        videos.push_back({{"name", video.name}, {"first_us", time_or_null(video.first_us)}});
    for (const auto& [name, rows] : header.dropped) dropped[name] = rows;
    const Json json = {
        {"model",
         {{"name", info.model_name}, {"digest", info.model_digest}, {"dim", info.dim}, {"layers", info.layers}}},
        {"cache",
         {{"type", dtype_name(options.cache_type)},
          {"page_rows", options.page_rows},
          {"budget_bytes", options.budget_bytes},
          {"rows", info.cache_rows},
          {"dropped_rows", dropped}}},
        {"rows", info.rows},
        {"frames", info.frames},
        {"first_us", info.first_us},
        {"last_us", info.last_us},
        {"last_time_us", header.last_time_us},
        {"open_frame",
         {{"rows", header.open.rows}, {"time_us", time_or_null(header.open.time_us)}, {"first", header.open.first}}},
        {"videos", videos},
        {"forgotten",
         {{"frames", info.forgotten.frames},
          {"rows", info.forgotten.rows},
          {"first_us", info.forgotten.first_us},
          {"last_us", info.forgotten.last_us}}},
    };
    return {{"format", format_name},
            {"version", std::to_string(memory_file_version)},
            {"memory", json.dump(-1, ' ', false, Json::error_handler_t::replace)}};
}

MemoryHeader read_header(const WeightFile& file) {
    const std::string reading = "Reading the memory " + file.path().string();
    require(metadata_of(file, "format") == format_name, reading, ": it is no saved memory",
            file.metadata().contains("format") ? " of this kind" : "", "; give a file that was written with --save.");
    require(!damage_of_header(file), reading, ": its block \"header\" is damaged; ", memory_file_remedy, ".");

    MemoryHeader out;
    MemoryFileInfo& info = out.info;
    info.version = version_of(metadata_of(file, "version"), reading);
    const std::string where = reading + ": its header";
    const Json json = parse(metadata_of(file, "memory"), where);
    const Fields fields(json, where);

    const Fields model = fields.object("model");
    info.model_name = model.text("name");
    info.model_digest = model.text("digest");
    info.dim = model.size("dim", 1, most_rows);
    for (const Json& layer : model.list("layers")) {
        require(layer.is_string(), model.where(), ", layers holds something else than names; ", memory_file_remedy,
                ".");
        info.layers.push_back(layer.get<std::string>());
    }

    info.rows = fields.size("rows", 0, most_rows);
    const Fields cache = fields.object("cache");
    const std::string type = cache.text("type");
    const auto known = dtype_from_name(type);
    require(known == DType::f32 || known == DType::f16 || known == DType::i8, cache.where(), ", type is ",
            type.substr(0, 20), ", expected F32, F16 or I8; ", memory_file_remedy, ".");
    info.options = {.cache_type = *known,
                    .page_rows = cache.size("page_rows", 1, most_page_rows),
                    .budget_bytes = cache.size("budget_bytes", 0, most_bytes)};
    info.cache_rows = cache.size("rows", 0, int64_t(info.rows));
    const Fields dropped = cache.object("dropped_rows");
    for (const auto& [name, rows] : dropped.items().items())
        out.dropped[name] = dropped.size(name.c_str(), 0, int64_t(info.rows - info.cache_rows));

    info.frames = fields.whole("frames", 0, int64_t(info.cache_rows));
    info.first_us = fields.whole("first_us", -most_us, most_us);
    info.last_us = fields.whole("last_us", -most_us, most_us);
    out.last_time_us = fields.whole("last_time_us", -most_us, most_us);
    const Fields open = fields.object("open_frame");
    out.open.rows = uint32_t(open.size("rows", 0, std::min<int64_t>(int64_t(info.cache_rows), UINT32_MAX)));
    out.open.time_us = open.time_us("time_us");
    out.open.first = open.flag("first");
    for (const Json& item : fields.list("videos")) {
        const Fields video(item, where + ", a video");
        info.videos.push_back({video.text("name"), video.time_us("first_us")});
    }
    const Fields forgotten = fields.object("forgotten");
    info.forgotten = {.frames = forgotten.whole("frames", 0, most_rows),
                      .rows = forgotten.size("rows", 0, most_rows),
                      .first_us = forgotten.whole("first_us", -most_us, most_us),
                      .last_us = forgotten.whole("last_us", -most_us, most_us)};
    return out;
}

}  // namespace lv
