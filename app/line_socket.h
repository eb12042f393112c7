// A Unix socket that takes lines from several programs at once and gives lines back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace lv {

// Listens from construction on, in a thread of its own; only this user may connect. At most 16 callers, lines of at
// most 64 KiB. Who does not read what it is sent loses its connection, so that nobody waits for it.
class LineSocket {
   public:
    using LineFunction = std::function<void(uint64_t caller, const std::string& line)>;

    // `take` runs in the socket's thread. A path left over by a program that is gone is taken over. Throws Error.
    LineSocket(std::string path, LineFunction take);
    ~LineSocket();
    LineSocket(const LineSocket&) = delete;
    LineSocket& operator=(const LineSocket&) = delete;

    // Any thread; adds the line end. To a caller that has left: nothing.
    void send(uint64_t caller, std::string_view line);

   private:
    struct Caller {
        int fd = -1;
        std::string in, out;  // out is guarded by mutex_
        bool ended = false;   // sends no more; leaves once it has read all
    };
    void run();
    void accept_one();
    bool read_some(uint64_t number, Caller& caller);
    bool write_some(Caller& caller);
    void wake() const;

    const std::string path_;
    const LineFunction take_;
    int listen_fd_ = -1, wake_fd_ = -1;
    bool closing_ = false;  // guarded by mutex_
    std::mutex mutex_;      // guards which callers there are, and what waits for them
    std::map<uint64_t, Caller> callers_;
    uint64_t last_caller_ = 0;
    std::thread thread_;
};

}  // namespace lv
