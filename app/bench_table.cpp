#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "app/bench.h"

namespace lv {
namespace {

std::string print(const char* format, double value) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

std::string number(double value) {
    const double size = std::abs(value);
    if (size >= 1e6) return print("%.3g", value / 1e6) + " M";
    return print(size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
}

std::string bytes_text(double bytes) {
    static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
    return print(unit == 0 || bytes >= 100 ? "%.0f " : "%.1f ", bytes) + units[unit];
}

std::string count_text(double value) {
    std::string digits = print("%.0f", value);
    for (size_t at = digits.size(); at > 3 && digits[at - 4] != '-'; at -= 3) digits.insert(at - 3, ",");
    return digits;
}

const char* unit_name(BenchUnit unit) {
    static constexpr std::array<const char*, 11> names{"",    "",        "bytes", "us",    "ms",   "s",
                                                       "1/s", "GFLOP/s", "x",     "share", "share"};
    return names[static_cast<size_t>(unit)];
}

}  // namespace

std::string cell_text(const nlohmann::json& cell, BenchUnit unit) {
    if (cell.is_null()) return "-";
    if (cell.is_string()) return cell.get<std::string>();
    const double value = cell.get<double>();
    switch (unit) {
        case BenchUnit::text:
        case BenchUnit::count:
            return count_text(value);
        case BenchUnit::bytes:
            return bytes_text(value);
        case BenchUnit::us:
            return number(value) + " us";
        case BenchUnit::ms:
            return number(value) + " ms";
        case BenchUnit::seconds:
            return number(value) + " s";
        case BenchUnit::per_second:
            return number(value) + "/s";
        case BenchUnit::gflops:
            return number(value) + " GFLOP/s";
        case BenchUnit::times:
            return number(value) + "x";
        case BenchUnit::percent:
            return print("%.2f", 100 * value) + " %";
        case BenchUnit::share:
            break;
    }
    return print("%.2f", value);
}

std::string table_text(const BenchTable& table) {
    std::vector<std::vector<std::string>> lines(1);
    for (const BenchColumn& column : table.columns) lines[0].push_back(column.name);
    for (const auto& row : table.rows) {
        lines.emplace_back();
        for (size_t i = 0; i < row.size(); ++i) lines.back().push_back(cell_text(row[i], table.columns[i].unit));
    }
    std::vector<size_t> widths(table.columns.size(), 0);
    for (const auto& line : lines)
        for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    std::string text = table.name + ": " + table.title + "\n";
    for (const auto& line : lines) {
        text += " ";
        for (size_t i = 0; i < line.size(); ++i) {
            const std::string space(widths[i] - line[i].size(), ' ');
            text += " " + (table.columns[i].unit == BenchUnit::text ? line[i] + space : space + line[i]) + " ";
        }
        text.erase(text.find_last_not_of(' ') + 1);
        text += "\n";
    }
    for (const std::string& note : table.notes) text += "  " + note + "\n";
    return text;
}

nlohmann::ordered_json table_json(const BenchTable& table) {
    nlohmann::ordered_json object;
    object["name"] = table.name;
    object["title"] = table.title;
    object["columns"] = nlohmann::ordered_json::array();
    for (const BenchColumn& column : table.columns)
        object["columns"].push_back({{"name", column.name}, {"unit", unit_name(column.unit)}, {"drawn", column.drawn}});
    if (table.picture == BenchPicture::heat) object["picture"] = "heat";
    object["rows"] = table.rows;
    object["notes"] = table.notes;
    return object;
}

}  // namespace lv
