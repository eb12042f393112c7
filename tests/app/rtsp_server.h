// A small RTSP server (RFC 2326) on the loopback: who records to it (ffmpeg -f rtsp) is relayed to all who play.
#pragma once

#include <memory>
#include <string>

namespace lv::test {

// What real servers do, and what they should not.
struct RtspHabits {
    std::string silent_at{};      // a method that is never answered: "OPTIONS", "DESCRIBE", "PLAY"; empty: none
    std::string authorization{};  // who plays must send this, "Basic bmFtZTp3b3Jk"; empty: anybody may
    bool tcp = true, udp = true;  // transports that it plays by
    bool mute = false;            // answers everything, and sends no picture
};

// Serves in a thread of its own from construction on. One stream at a time, under the path that its sender chose; none:
// 404. Its readers leave with the sender.
class RtspServer {
   public:
    // port 0: a free one.
    explicit RtspServer(RtspHabits habits = {}, int port = 0);
    // As kill -9 leaves it: every connection breaks.
    ~RtspServer();
    RtspServer(const RtspServer&) = delete;
    RtspServer& operator=(const RtspServer&) = delete;

    int port() const;
    std::string url(const std::string& path = "yard") const;
    // Until a sender records.
    void wait_for_sender();
    // From now on nothing is relayed, though every connection holds.
    void mute();
    // Over which transport somebody played last: "tcp", "udp"; empty: nobody did.
    std::string played_by() const;

   private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace lv::test
