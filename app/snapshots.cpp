#include "app/snapshots.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <fstream>

#include "kernels/core/error.h"
#include "vision/ffmpeg_jpeg.h"

namespace lv {

namespace fs = std::filesystem;

namespace {

constexpr size_t most_remembered = 64;  // of some 200 KB
constexpr size_t longest_name = 60;

}  // namespace

Snapshots::Snapshots(fs::path folder) : folder_(std::move(folder)) {
    if (folder_.empty()) return;
    std::error_code error, none;
    fs::create_directories(folder_, error);
    require(fs::is_directory(folder_, none), "--snapshots ", folder_.string(), ": no folder can be made there",
            error ? " (" + error.message() + ")" : "", "; name one that you may write to");
}

void Snapshots::look(int64_t time_us, std::shared_ptr<const Picture> picture) {
    if (folder_.empty()) return;
    const std::lock_guard lock(mutex_);
    if (seen_.size() == most_remembered) seen_.pop_front();
    seen_.push_back({time_us, std::move(picture)});
}

std::string Snapshots::write(int64_t time_us, const std::string& name) const {
    std::shared_ptr<const Picture> picture;
    {
        const std::lock_guard lock(mutex_);
        const auto later = std::find_if(seen_.begin(), seen_.end(), [&](const Seen& s) { return s.time_us > time_us; });
        if (later == seen_.begin()) return "";
        picture = std::prev(later)->picture;
    }
    const std::vector<uint8_t> bytes = jpeg_of(*picture);
    fs::path file = folder_ / (name + ".jpg");
    std::error_code none;  // what cannot even be looked for cannot be written either
    for (int again = 2; fs::exists(file, none); ++again) file = folder_ / (name + "-" + std::to_string(again) + ".jpg");
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    require(out.good(), "--snapshots: cannot write ", file.string(), "; make room, or give the folder back its rights");
    return file.string();
}

std::string snapshot_name(int64_t wall_us, const std::string& text) {
    const auto wall_s = static_cast<std::time_t>(wall_us / 1'000'000);
    std::tm parts{};
    localtime_r(&wall_s, &parts);
    std::array<char, 24> stamp{};
    std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &parts);
    std::string name = std::string(stamp.data()) + "-";
    for (const char c : text) {
        if (name.size() >= longest_name) break;
        if (std::isalnum(static_cast<unsigned char>(c)))
            name += c;
        else if (name.back() != '-')
            name += '-';
    }
    if (name.back() == '-') name.pop_back();
    return name;
}

}  // namespace lv
