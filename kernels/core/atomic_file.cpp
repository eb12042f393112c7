#include "kernels/core/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "kernels/core/error.h"

namespace lv {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as the kernel follows

[[noreturn]] void fail_to_write(const fs::path& path, int code, const std::string& elsewhere) {
    const char* advice = "";
    if (code == ENOSPC || code == EDQUOT) advice = "free some space or ";
    if (code == EFBIG) advice = "raise the limit on the size of files or ";
    if (code == EACCES || code == EROFS || code == EPERM) advice = "get the right to write there or ";
    if (code == ENOENT) advice = "make its folder first or ";
    fail("cannot write ", path.string(), ": ", std::strerror(code), "; ", advice, elsewhere);
}

bool same_file(int file, const fs::path& path) {
    struct stat opened {
    }, named{};
    return ::fstat(file, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

// Opens the file and holds it against other writers until it is closed, by us or by our death.
int open_alone(const fs::path& partial, const fs::path& path, const std::string& elsewhere) {
    while (true) {
        const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (file < 0) fail_to_write(path, errno, elsewhere);
        const bool taken = ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        // Between our open and our lock another writer may have renamed or removed it.
        if (!taken && same_file(file, partial)) return file;
        ::close(file);
        require(!taken, "cannot write ", path.string(), ": another program is writing it at this moment; wait or ",
                elsewhere);
    }
}

// The rename itself must reach the disk too. A folder that cannot be opened for reading or flushed is no failure (the
// file is whole and in place); a disk that fails is.
void flush_folder(const fs::path& path, const std::string& elsewhere) {
    const fs::path folder = path.parent_path();
    const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0) return;
    const int code = ::fsync(handle) == 0 ? 0 : errno;
    ::close(handle);
    if (code == EIO || code == ENOSPC || code == EDQUOT) fail_to_write(path, code, elsewhere);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path, std::string elsewhere) : path_(path), elsewhere_(std::move(elsewhere)) {
    std::error_code code;
    for (int links = 0; fs::is_symlink(path_, code); ++links) {
        if (links == most_links) fail_to_write(path, ELOOP, elsewhere_);
        path_ = path_.parent_path() / fs::read_symlink(path_, code);  // absolute targets replace the folder
    }
    const fs::file_status there = fs::status(path_, code);
    if (fs::is_directory(there)) fail_to_write(path_, EISDIR, elsewhere_);
    require(!fs::exists(there) || fs::is_regular_file(there), "cannot write ", path_.string(),
            ": it is a device or a pipe, expected a file; ", elsewhere_);
    partial_ = path_;
    partial_ += ".partial";
    const int file = open_alone(partial_, path_, elsewhere_);
    if (::ftruncate(file, 0) == 0) file_.reset(::fdopen(file, "wb"));
    if (file_) return;
    const int error = errno;
    ::unlink(partial_.c_str());
    ::close(file);
    fail_to_write(path_, error, elsewhere_);
}

AtomicFile::~AtomicFile() {
    // Removed while it is locked: so it is ours.
    if (file_) ::unlink(partial_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    assert(file_);
    if (bytes.empty()) return;  // fwrite() takes no null, not even for nothing
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
        fail_to_write(path_, errno, elsewhere_);
}

void AtomicFile::flush() {
    assert(file_);
    if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) fail_to_write(path_, errno, elsewhere_);
}

void AtomicFile::commit() {
    flush();
    if (::rename(partial_.c_str(), path_.c_str()) != 0) fail_to_write(path_, errno, elsewhere_);
    file_.reset();
    flush_folder(path_, elsewhere_);
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

void require_writable_folder(const fs::path& folder, const std::string& elsewhere) {
    std::error_code code;
    fs::create_directories(folder, code);
    if (code) fail_to_write(folder, code.value(), elsewhere);
    if (!fs::is_directory(folder)) fail_to_write(folder, ENOTDIR, elsewhere);
    AtomicFile probe(folder / ".longview-write-test", elsewhere);
    probe.write("x");
}

}  // namespace lv
