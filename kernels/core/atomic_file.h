// A file that appears whole or not at all: written aside, flushed to disk, then renamed.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lv {

// Writes to "<name>.partial" beside the final name. commit() brings the bytes to the disk, renames over an older file
// of the final name (who has that one open or mapped keeps it), and brings the folder to the disk. Without commit() the
// partial file is removed, also while an error passes through; what a killed program left of it is overwritten by the
// next one to write the same name. A second writer of the name is refused while the first is at it. A symbolic link is
// followed: the file it points to is replaced, not the link.
//
// One thread at a time. Every failure (no folder, no permission, disk full) throws Error that names the file, the
// cause, and what to do; `elsewhere` is the last part of that advice.
class AtomicFile {
   public:
    explicit AtomicFile(const std::filesystem::path& path, std::string elsewhere = "choose another place");
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
    // Brings what was written to the disk: after it, commit() no longer meets a full disk.
    void flush();
    // Once, as the last call.
    void commit();

   private:
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::filesystem::path path_;
    std::filesystem::path partial_;
    std::string elsewhere_;
    std::unique_ptr<std::FILE, CloseFile> file_;  // holds the lock
};

// One call for a file that is at hand.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Makes the folder (and its parents) and proves that a file can be written there, so that hours of work do not end at
// an unwritable place. Throws Error otherwise.
void require_writable_folder(const std::filesystem::path& folder, const std::string& elsewhere);

}  // namespace lv
