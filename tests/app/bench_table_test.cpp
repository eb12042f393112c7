#include <gtest/gtest.h>

#include "app/bench.h"

namespace lv {
namespace {

TEST(BenchTable, CellsReadWell) {
    EXPECT_EQ(cell_text(nullptr, BenchUnit::ms), "-");
    EXPECT_EQ(cell_text("mini", BenchUnit::text), "mini");
    EXPECT_EQ(cell_text(65536, BenchUnit::count), "65,536");
    EXPECT_EQ(cell_text(1234567, BenchUnit::count), "1,234,567");
    EXPECT_EQ(cell_text(999, BenchUnit::count), "999");
    EXPECT_EQ(cell_text(512, BenchUnit::bytes), "512 B");
    EXPECT_EQ(cell_text(1.5 * (1 << 20), BenchUnit::bytes), "1.5 MiB");
    EXPECT_EQ(cell_text(0.5, BenchUnit::share), "0.50");
    EXPECT_EQ(cell_text(12.34, BenchUnit::ms), "12.3 ms");
    EXPECT_EQ(cell_text(250, BenchUnit::us), "250 us");
    EXPECT_EQ(cell_text(0.0042, BenchUnit::percent), "0.42 %");
    EXPECT_EQ(cell_text(120.4, BenchUnit::times), "120x");
}

TEST(BenchTable, ColumnsStandInLines) {
    const BenchTable table{.name = "t",
                           .title = "a table",
                           .columns = {{"model", BenchUnit::text}, {"bytes", BenchUnit::bytes, true}},
                           .rows = {{"mini", 1024}, {"x", 5}},
                           .notes = {"a note"}};
    EXPECT_EQ(table_text(table), "t: a table\n  model    bytes\n  mini   1.0 KiB\n  x          5 B\n  a note\n");
    const auto json = table_json(table);
    EXPECT_EQ(json["columns"][1]["unit"], "bytes");
    EXPECT_EQ(json["columns"][1]["drawn"], true);
    EXPECT_EQ(json["rows"][0][1], 1024);
    EXPECT_FALSE(json.contains("picture"));
}

TEST(BenchTable, UnitsHaveTheirOwnNames) {
    const BenchTable table{.name = "t",
                           .title = "a field",
                           .columns = {{"a", BenchUnit::us}, {"b", BenchUnit::ms}, {"c", BenchUnit::share}},
                           .rows = {},
                           .notes = {},
                           .picture = BenchPicture::heat};
    const auto json = table_json(table);
    EXPECT_EQ(json["columns"][0]["unit"], "us");
    EXPECT_EQ(json["columns"][1]["unit"], "ms");
    EXPECT_EQ(json["columns"][2]["unit"], "share");
    EXPECT_EQ(json["picture"], "heat");
}

}  // namespace
}  // namespace lv
