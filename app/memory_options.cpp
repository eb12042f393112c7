#include "app/memory_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>

#include "app/byte_text.h"
#include "engine/memory_file.h"
#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"

namespace lv {

namespace fs = std::filesystem;

DType parse_cache(const std::string& text) {
    if (text == "f16") return DType::f16;
    if (text == "int8") return DType::i8;
    if (text == "f32") return DType::f32;
    throw UsageError("--cache: found '" + text + "', expected f16, int8 or f32");
}

size_t parse_attend(const std::string& text) {
    constexpr std::string_view top = "top:";
    size_t pages = 0;
    if (text == "exact") return 0;
    if (text.starts_with(top)) {
        const char *first = text.data() + top.size(), *last = text.data() + text.size();
        const auto [end, code] = std::from_chars(first, last, pages);
        if (code == std::errc() && end == last && pages > 0) return pages;
    }
    throw UsageError("--attend: found '" + text + "', expected exact, or top:N for the N best pages, such as top:64");
}

void add_memory_options(CLI::App& command, MemoryChoice& choice, MemoryText& text) {
    command.add_option("--save", choice.save, "Keep what was watched in this file (.lvm)")->type_name("FILE");
    command.add_option("--load", choice.load, "Start from what an earlier run has kept; a VIDEO then joins it")
        ->type_name("FILE");
    command
        .add_option(
            "--budget", text.budget,
            "The memory stays below this, such as 1GiB; the oldest is forgotten (default: none; the agent 256MiB)")
        ->type_name("SIZE");
    command
        .add_option("--cache", text.cache, "Precision of the cache: f16, int8 (0.6 of its size) or f32 (default: f16)")
        ->type_name("TYPE");
    command.add_option("--attend", text.attend, "exact, or top:N: answers read the N best pages only (default: exact)")
        ->type_name("HOW");
}

void read_memory_options(const MemoryText& text, MemoryChoice& choice) {
    if (!text.budget.empty()) choice.budget_bytes = parse_bytes(text.budget, "--budget");
    if (!text.cache.empty()) choice.cache = parse_cache(text.cache);
    if (!text.attend.empty()) choice.top_pages = parse_attend(text.attend);
}

namespace {

bool is_memory(const fs::path& file) {
    try {
        read_memory_info(file);
        return true;
    } catch (const Error&) {
        return false;
    }
}

// An older memory may be replaced, also a damaged one; what else has a name of its own somebody wants to keep: above
// all the video.
void require_replaceable(const std::string& file) {
    std::error_code none;
    const fs::path target = fs::weakly_canonical(file, none);  // where a link leads
    const bool kept = fs::is_regular_file(target, none) && fs::file_size(target, none) > 0;
    require(!kept || target.extension() == ".lvm" || is_memory(target), "--save ", file,
            ": this file is there already and is no saved memory; name another, such as ",
            fs::path(file).replace_extension(".lvm").string(), ", or remove it first");
}

}  // namespace

std::string attend_text(size_t top_pages) { return top_pages == 0 ? "exact" : "top:" + std::to_string(top_pages); }

std::string cache_name(DType type) { return type == DType::f32 ? "f32" : type == DType::i8 ? "int8" : "f16"; }

void require_writable(const std::string& file) {
    const fs::path folder = fs::path(file).has_parent_path() ? fs::path(file).parent_path() : fs::path(".");
    std::error_code none;
    require(fs::is_directory(folder, none) && access(folder.c_str(), W_OK) == 0, "--save ", file,
            ": nothing can be written to ", folder.string(),
            "; name a file in a folder that is there and that you may write to");
    require(!fs::is_directory(file, none), "--save ", file, ": this is a folder; name a file, such as ", file,
            "/day.lvm");
    require_replaceable(file);
    const AtomicFile probe(file, "name another file with --save");  // what else may be in its way: the name's length
}

}  // namespace lv
