#include "tests/app/rtsp_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/app/loopback.h"

namespace lv::test {
namespace {

constexpr size_t most_unread = 4 << 20;  // bytes that wait for a reader; more is not relayed to it

struct Track {
    int channel = -1;   // of RTP; RTCP has the next one; -1: not over TCP
    int udp_port = -1;  // of RTP
};

struct Peer {
    explicit Peer(int fd_) : fd(fd_) {}
    ~Peer() { close(fd); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    const int fd;
    std::string in{}, out{};
    std::map<int, Track> tracks{};  // by the number at the end of what SETUP names
    bool sends = false, plays = false, leaves = false;
};

struct Request {
    std::string method, url, text, body;

    // Empty: there is no such header.
    std::string header(const std::string& name) const {
        size_t at = text.find("\r\n" + name + ":");
        if (at == std::string::npos) return "";
        at = text.find_first_not_of(' ', at + name.size() + 3);
        return text.substr(at, text.find("\r\n", at) - at);
    }
    // Of "rtsp://host:port/yard/streamid=0": "yard".
    std::string path() const {
        const size_t host = url.find('/', url.find("//") + 2);
        return host == std::string::npos ? "" : url.substr(host + 1, url.find('/', host + 1) - host - 1);
    }
    int track() const {
        const size_t digits = url.find_last_not_of("0123456789") + 1;
        return digits == url.size() ? 0 : std::stoi(url.substr(digits));
    }
    // "5" of "...;interleaved=5-6".
    int in_transport(const std::string& name) const {
        const std::string transport = header("Transport");
        const size_t at = transport.find(name + "=");
        return at == std::string::npos ? -1 : std::stoi(transport.substr(at + name.size() + 1));
    }
};

}  // namespace

struct RtspServer::Parts {
    RtspHabits habits;
    int listens = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int stop = eventfd(0, EFD_CLOEXEC);
    int port = 0, datagram_port = 0;
    std::vector<std::unique_ptr<Peer>> peers{};
    std::string path{}, sdp{};  // of what is recorded
    std::mutex mutex{};         // guards habits.mute and what follows
    std::condition_variable changed{};
    bool recording = false;
    std::string played_by{};
    std::thread thread{};

    void run();
    void accept_one();
    bool read_some(Peer& peer);
    bool take_request(Peer& peer);
    void answer(Peer& peer, const Request& request);
    std::string setup(Peer& peer, const Request& request, std::string& status) const;
    void relay(const Peer& sender, const std::string& packet);
    void end_stream();
};

RtspServer::RtspServer(RtspHabits habits, int port) : parts_(new Parts{.habits = std::move(habits)}) {
    const int yes = 1;  // a port is taken again right after a server was killed
    setsockopt(parts_->listens, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    parts_->port = bind_to_loopback(parts_->listens, port);
    parts_->datagram_port = bind_to_loopback(parts_->datagrams, 0);
    if (listen(parts_->listens, 8) != 0) std::abort();
    parts_->thread = std::thread([this] { parts_->run(); });
}

RtspServer::~RtspServer() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(parts_->stop, &one, sizeof one);
    parts_->thread.join();
    for (int fd : {parts_->listens, parts_->datagrams, parts_->stop}) close(fd);
}

int RtspServer::port() const { return parts_->port; }

std::string RtspServer::url(const std::string& path) const {
    return "rtsp://127.0.0.1:" + std::to_string(parts_->port) + "/" + path;
}

void RtspServer::wait_for_sender() {
    std::unique_lock lock(parts_->mutex);
    parts_->changed.wait(lock, [&] { return parts_->recording; });
}

void RtspServer::mute() {
    const std::lock_guard lock(parts_->mutex);
    parts_->habits.mute = true;
}

std::string RtspServer::played_by() const {
    const std::lock_guard lock(parts_->mutex);
    return parts_->played_by;
}

void RtspServer::Parts::run() {
    while (true) {
        std::vector<pollfd> waits{{stop, POLLIN, 0}, {listens, POLLIN, 0}};
        for (const auto& peer : peers) {
            const int events = POLLIN | (peer->out.empty() ? 0 : POLLOUT);
            waits.push_back({peer->fd, static_cast<short>(events), 0});
        }
        if (poll(waits.data(), waits.size(), -1) < 0) continue;
        if (waits[0].revents) return;
        if (waits[1].revents) accept_one();
        for (size_t i = 2; i < waits.size(); ++i) {
            Peer& peer = *peers[i - 2];
            if ((waits[i].revents & (POLLIN | POLLHUP | POLLERR)) && !read_some(peer)) peer.leaves = true;
            while (peer.in.size() > 0 && take_request(peer)) {
            }
        }
        for (const auto& peer : peers) {
            if (!peer->out.empty()) {
                const ssize_t sent = send(peer->fd, peer->out.data(), peer->out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
                if (sent > 0) peer->out.erase(0, static_cast<size_t>(sent));
            }
            if (peer->leaves && peer->sends) end_stream();
        }
        std::erase_if(peers, [](const auto& peer) { return peer->leaves; });
    }
}

void RtspServer::Parts::accept_one() {
    const int fd = accept4(listens, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) peers.push_back(std::make_unique<Peer>(fd));
}

bool RtspServer::Parts::read_some(Peer& peer) {
    std::array<char, 65536> chunk;
    const ssize_t count = recv(peer.fd, chunk.data(), chunk.size(), 0);
    if (count > 0) peer.in.append(chunk.data(), static_cast<size_t>(count));
    return count > 0;
}

// False when what has come is not whole.
bool RtspServer::Parts::take_request(Peer& peer) {
    if (peer.in[0] == '$') {  // a packet between requests: '$', channel, size in two bytes, bytes
        if (peer.in.size() < 4) return false;
        const size_t size = 4 + (static_cast<uint8_t>(peer.in[2]) << 8 | static_cast<uint8_t>(peer.in[3]));
        if (peer.in.size() < size) return false;
        if (peer.sends) relay(peer, peer.in.substr(0, size));
        peer.in.erase(0, size);
        return true;
    }
    const size_t end = peer.in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    Request request;
    request.text = peer.in.substr(0, end + 2);
    const std::string length = request.header("Content-Length");
    const size_t size = end + 4 + (length.empty() ? 0 : std::stoul(length));
    if (peer.in.size() < size) return false;
    request.body = peer.in.substr(end + 4, size - end - 4);
    const size_t space = request.text.find(' ');
    request.method = request.text.substr(0, space);
    request.url = request.text.substr(space + 1, request.text.find(' ', space + 1) - space - 1);
    peer.in.erase(0, size);
    answer(peer, request);
    return true;
}

void RtspServer::Parts::answer(Peer& peer, const Request& request) {
    if (request.method == habits.silent_at) return;
    std::string status = "200 OK", headers, body;
    const bool sender = request.method == "ANNOUNCE" || request.method == "RECORD" || peer.sends;
    const bool known = !sdp.empty() && request.path() == path;
    if (request.method == "ANNOUNCE") {
        path = request.path();
        sdp = request.body;
        peer.sends = true;
    } else if (!sender && !habits.authorization.empty() && request.method != "OPTIONS" &&
               request.header("Authorization") != habits.authorization) {
        status = "401 Unauthorized";
        headers = "WWW-Authenticate: Basic realm=\"yard\"\r\n";
    } else if (request.method == "OPTIONS") {
        headers = "Public: OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, TEARDOWN, GET_PARAMETER\r\n";
    } else if (request.method == "DESCRIBE") {
        if (!known) status = "404 Not Found";
        if (known) headers = "Content-Base: " + request.url + "/\r\nContent-Type: application/sdp\r\n", body = sdp;
    } else if (request.method == "SETUP") {
        headers = setup(peer, request, status);
    } else if (request.method == "RECORD") {
        const std::lock_guard lock(mutex);
        recording = true;
        changed.notify_all();
    } else if (request.method == "PLAY") {
        peer.plays = true;
        const std::lock_guard lock(mutex);
        played_by = peer.tracks.begin()->second.channel >= 0 ? "tcp" : "udp";
    } else if (request.method == "TEARDOWN") {
        peer.leaves = true;
    } else if (request.method != "GET_PARAMETER") {
        status = "501 Not Implemented";
    }
    peer.out += "RTSP/1.0 " + status + "\r\nCSeq: " + request.header("CSeq") + "\r\nSession: 4711\r\n" + headers +
                (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
}

// The answer's headers.
std::string RtspServer::Parts::setup(Peer& peer, const Request& request, std::string& status) const {
    const std::string transport = request.header("Transport");
    const bool tcp = transport.find("/TCP") != std::string::npos;
    if (!peer.sends && !(tcp ? habits.tcp : habits.udp)) {
        status = "461 Unsupported Transport";
        return "";
    }
    Track& track = peer.tracks[request.track()];
    track.channel = tcp ? request.in_transport("interleaved") : -1;
    track.udp_port = tcp ? -1 : request.in_transport("client_port");
    const std::string ports = std::to_string(datagram_port) + "-" + std::to_string(datagram_port + 1);
    return "Transport: " + transport + (tcp ? "" : ";server_port=" + ports) + "\r\n";
}

void RtspServer::Parts::relay(const Peer& sender, const std::string& packet) {
    {
        const std::lock_guard lock(mutex);
        if (habits.mute) return;
    }
    const int channel = static_cast<uint8_t>(packet[1]);
    const auto from = std::find_if(sender.tracks.begin(), sender.tracks.end(),
                                   [&](const auto& track) { return track.second.channel == channel / 2 * 2; });
    if (from == sender.tracks.end()) return;
    for (const auto& peer : peers) {
        const auto to = peer->tracks.find(from->first);
        if (!peer->plays || to == peer->tracks.end()) continue;
        if (to->second.udp_port > 0) {
            const sockaddr_in address = loopback(to->second.udp_port + channel % 2);
            sendto(datagrams, packet.data() + 4, packet.size() - 4, 0, reinterpret_cast<const sockaddr*>(&address),
                   sizeof address);
        } else if (peer->out.size() < most_unread) {
            std::string copy = packet;
            copy[1] = static_cast<char>(to->second.channel + channel % 2);
            peer->out += copy;
        }
    }
}

// Its sender has left.
void RtspServer::Parts::end_stream() {
    path.clear(), sdp.clear();
    for (const auto& peer : peers) peer->leaves = peer->leaves || peer->plays;
    const std::lock_guard lock(mutex);
    recording = false;
}

}  // namespace lv::test
