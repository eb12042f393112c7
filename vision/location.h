// What a source's location says by itself: whether it is a network's, comes at its own pace, holds a password.
#pragma once

#include <string>

namespace lv {

// Reached over a network.
bool is_network(const std::string& location);
// A device, or a stream that is sent but once. What an endless http stream is shows only when it is open.
bool comes_by_itself(const std::string& location);
// As it may be shown, told and written down: "rtsp://name:***@camera/1". Nothing else changes.
std::string without_password(const std::string& location);

}  // namespace lv
