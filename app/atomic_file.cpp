#include "app/atomic_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "kernels/core/error.h"

namespace lv {
namespace {

[[noreturn]] void fail_to_write(const std::filesystem::path& path, int code) {
    const char* advice = code == ENOSPC || code == EDQUOT ? "; free some space or choose another place with --out"
                         : code == EACCES || code == EROFS || code == EPERM
                             ? "; choose a folder that you may write to with --out"
                             : "; choose another place with --out";
    fail("cannot write ", path.string(), ": ", std::strerror(code), advice);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), partial_(path_) {
    partial_ += ".partial";
    if (std::filesystem::is_directory(path_)) fail_to_write(path_, EISDIR);
    file_.reset(std::fopen(partial_.c_str(), "wb"));
    if (!file_) fail_to_write(path_, errno);
}

AtomicFile::~AtomicFile() {
    if (!file_) return;
    file_.reset();
    std::error_code ignored;
    std::filesystem::remove(partial_, ignored);
}

void AtomicFile::write(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail_to_write(path_, errno);
}

void AtomicFile::flush() {
    if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) fail_to_write(path_, errno);
}

void AtomicFile::commit() {
    flush();
    std::error_code code;
    std::filesystem::rename(partial_, path_, code);
    if (code) fail_to_write(path_, code.value());
    file_.reset();
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

void require_writable_folder(const std::filesystem::path& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code) fail_to_write(folder, code.value());
    if (!std::filesystem::is_directory(folder)) fail_to_write(folder, ENOTDIR);
    AtomicFile probe(folder / ".longview-write-test");
    probe.write("x");
}

}  // namespace lv
