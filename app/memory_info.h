// `longview info day.lvm`: what is in a saved memory.
#pragma once

#include <filesystem>
#include <string>

namespace lv {

// As text, or one JSON object. Reads the header only; no model is needed. Throws Error as read_memory_info does.
std::string memory_info(const std::filesystem::path& file, bool json);

}  // namespace lv
