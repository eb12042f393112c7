// The file browser without its window: what a folder holds that can be opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lv {

struct FolderEntry {
    std::string name;
    bool is_folder = false;
    bool is_memory = false;  // a saved memory (.lvm)
    uint64_t bytes = 0;      // of a file
};

struct FolderList {
    std::filesystem::path folder;      // absolute
    std::vector<FolderEntry> entries;  // folders first, then files, each by name, case aside
    std::string error;                 // a sentence, when it cannot be read
};

// Videos, saved memories and folders; hidden names are left out. Never throws.
FolderList list_folder(const std::filesystem::path& folder);

// By its extension.
bool looks_like_video(const std::filesystem::path& path);
bool looks_like_memory(const std::filesystem::path& path);

// The videos of a folder in order of their names ("part 2" before "part 10"), for a playlist; not of its subfolders.
std::vector<std::string> videos_in(const std::filesystem::path& folder);

// "rtsp://...", "camera:0", "screen:", "test:...": a source that is no file.
bool names_a_stream(const std::string& text);

// Whether a comes before b: case aside, runs of digits by their value.
bool name_before(const std::string& a, const std::string& b);

}  // namespace lv
