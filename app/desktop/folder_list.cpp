#include "app/desktop/folder_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 24> video_extensions{
    ".mp4", ".mkv", ".webm", ".mov", ".avi",  ".m4v", ".ts",   ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv",
    ".flv", ".ogv", ".3gp",  ".gif", ".h264", ".264", ".hevc", ".265", ".y4m",  ".vob", ".mxf",  ".f4v"};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
bool digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string extension_of(const fs::path& path) {
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), lower);
    return extension;
}

// Digits from `at` on without leading zeros; `at` moves behind them.
std::string_view number_at(const std::string& text, size_t& at) {
    while (at < text.size() && text[at] == '0') ++at;
    const size_t first = at;
    while (at < text.size() && digit(text[at])) ++at;
    return std::string_view(text).substr(first, at - first);
}

}  // namespace

bool looks_like_video(const fs::path& path) {
    return std::find(video_extensions.begin(), video_extensions.end(), extension_of(path)) != video_extensions.end();
}

bool names_a_stream(const std::string& text) {
    return text.find("://") != std::string::npos || text.starts_with("camera:") || text.starts_with("screen:") ||
           text.starts_with("test:");
}

bool looks_like_memory(const fs::path& path) { return extension_of(path) == ".lvm"; }

bool name_before(const std::string& a, const std::string& b) {
    size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (digit(a[i]) && digit(b[j])) {
            const std::string_view x = number_at(a, i), y = number_at(b, j);
            if (x.size() != y.size()) return x.size() < y.size();
            if (x != y) return x < y;
        } else {
            const char x = lower(a[i++]), y = lower(b[j++]);
            if (x != y) return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
        }
    }
    if ((i < a.size()) != (j < b.size())) return i == a.size();
    return a < b;
}

FolderList list_folder(const fs::path& folder) {
    FolderList list;
    std::error_code code;
    list.folder = fs::absolute(folder, code).lexically_normal();
    if (list.folder.has_relative_path() && !list.folder.has_filename()) list.folder = list.folder.parent_path();
    fs::directory_iterator at(list.folder, fs::directory_options::skip_permission_denied, code);
    for (; !code && at != fs::directory_iterator(); at.increment(code)) {
        const std::string name = at->path().filename().string();
        std::error_code ignored;
        FolderEntry entry{name, at->is_directory(ignored), looks_like_memory(name), 0};
        if (name.starts_with('.') || (!entry.is_folder && !entry.is_memory && !looks_like_video(name))) continue;
        if (!entry.is_folder) entry.bytes = at->file_size(ignored);
        if (ignored) entry.bytes = 0;
        list.entries.push_back(std::move(entry));
    }
    if (code) list.error = "The folder " + list.folder.string() + " cannot be read: " + code.message() + ".";
    std::sort(list.entries.begin(), list.entries.end(), [](const FolderEntry& a, const FolderEntry& b) {
        return a.is_folder != b.is_folder ? a.is_folder : name_before(a.name, b.name);
    });
    return list;
}

std::vector<std::string> videos_in(const fs::path& folder) {
    std::vector<std::string> videos;
    for (const FolderEntry& entry : list_folder(folder).entries)
        if (!entry.is_folder && !entry.is_memory) videos.push_back((folder / entry.name).string());
    return videos;
}

}  // namespace lv
