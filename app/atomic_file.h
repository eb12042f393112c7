// A file that appears whole or not at all: written aside, then renamed.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace lv {

// Writes to "<name>.partial" beside the final name. commit() flushes and renames over an older file of the
// final name; without commit() the partial file is removed, also while an error passes through. Not for several
// threads. Every failure (no folder, no permission, disk full) throws Error that names the file and the cause.
class AtomicFile {
   public:
    explicit AtomicFile(std::filesystem::path path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::string_view bytes);
    // Brings what was written to the disk: after it, commit() no longer meets a full disk.
    void flush();
    void commit();

   private:
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::filesystem::path path_;
    std::filesystem::path partial_;
    std::unique_ptr<std::FILE, CloseFile> file_;
};

// One call for a file that is at hand.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Makes the folder (and its parents) and proves that a file can be written there, so that hours of work do not end at
// an unwritable place. Throws Error otherwise.
void require_writable_folder(const std::filesystem::path& folder);

}  // namespace lv
