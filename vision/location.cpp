#include "vision/location.h"

#include <algorithm>
#include <initializer_list>

namespace lv {

bool is_network(const std::string& location) {
    return location.find("://") != std::string::npos && !location.starts_with("file:");
}

bool comes_by_itself(const std::string& location) {
    const std::initializer_list<const char*> prefixes{"camera:", "screen:", "rtsp", "rtmp",
                                                      "udp:",    "srt:",    "rtp:", "tcp:"};
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const char* prefix) { return location.starts_with(prefix); });
}

std::string without_password(const std::string& location) {
    if (!is_network(location)) return location;
    const size_t host = location.find("://") + 3;
    const size_t at = location.substr(0, location.find_first_of("/?#", host)).rfind('@');
    const size_t colon = location.find(':', host);
    if (at == std::string::npos || colon >= at) return location;
    return location.substr(0, colon + 1) + "***" + location.substr(at);
}

}  // namespace lv
