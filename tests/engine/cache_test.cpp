#include "engine/cache.h"

#include "engine/state.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

constexpr size_t kv_dim = 3;

// Rows whose values say which row they are.
std::vector<float> numbered(size_t first, size_t count, float sign = 1) {
    std::vector<float> out;
    for (size_t row = first; row < first + count; ++row)
        for (size_t i = 0; i < kv_dim; ++i) out.push_back(sign * float(row * 10 + i));
    return out;
}

void add(Cache& cache, size_t first, size_t count) {
    const std::vector<float> k = numbered(first, count), v = numbered(first, count, -1);
    cache.append({k.data(), count, kv_dim}, {v.data(), count, kv_dim});
}

float value(const KvPiece& piece, const void* store, size_t row, size_t col) {
    const size_t at = row * piece.stride + col;
    return piece.dtype == DType::f32 ? static_cast<const float*>(store)[at]
                                     : to_float(static_cast<const Half*>(store)[at]);
}

// The first value of every key, read through the pieces.
std::vector<size_t> rows_in(const Cache& cache) {
    std::vector<KvPiece> pieces;
    cache.add_pieces(pieces);
    std::vector<size_t> out;
    for (const KvPiece& piece : pieces) {
        EXPECT_EQ(piece.first_row, out.size());
        for (size_t row = 0; row < piece.rows; ++row) {
            EXPECT_EQ(value(piece, piece.values, row, 2), -value(piece, piece.keys, row, 2));
            out.push_back(size_t(value(piece, piece.keys, row, 0)) / 10);
        }
    }
    return out;
}

std::vector<size_t> counted(std::initializer_list<std::pair<size_t, size_t>> runs) {
    std::vector<size_t> out;
    for (auto [first, count] : runs)
        for (size_t i = 0; i < count; ++i) out.push_back(first + i);
    return out;
}

}  // namespace

TEST(PrefixList, grows_over_many_blocks_and_keeps_every_item) {
    PrefixList<size_t> list;
    for (size_t i = 0; i < 5000; ++i) list.push_back(i * 3);
    ASSERT_EQ(list.size(), 5000u);
    for (size_t i = 0; i < 5000; ++i) ASSERT_EQ(list[i], i * 3);
}

TEST(PrefixList, a_copy_sees_its_prefix_and_grows_apart) {
    PrefixList<int> parent;
    for (int i = 0; i < 20; ++i) parent.push_back(i);
    PrefixList<int> copy = parent;
    const int* item = &parent[3];
    parent.push_back(100);
    copy.push_back(200);
    copy.push_back(201);
    EXPECT_EQ(parent[20], 100);
    EXPECT_EQ(copy[20], 200);
    EXPECT_EQ(copy.size(), 22u);
    EXPECT_EQ(&copy[3], item) << "the prefix is shared";
    EXPECT_FALSE(copy.owns(19));
    EXPECT_TRUE(copy.owns(20));

    PrefixList<int> again = copy;
    again.truncate(21);
    again.push_back(300);
    EXPECT_EQ(again[20], 200);
    EXPECT_EQ(again[21], 300);
    EXPECT_EQ(copy[21], 201);

    PrefixList<int> moved = std::move(copy);
    moved.push_back(202);
    EXPECT_EQ(moved[22], 202);
    EXPECT_TRUE(moved.owns(22));
}

TEST(PrefixList, an_empty_list_can_be_copied_and_reserved) {
    PrefixList<int> empty, copy = empty;
    copy.reserve(40);
    for (int i = 0; i < 40; ++i) copy.push_back(i);
    EXPECT_EQ(empty.size(), 0u);
    EXPECT_EQ(copy[39], 39);
}

TEST(Cache, pages_hold_what_was_appended_at_any_boundary) {
    for (DType type : {DType::f32, DType::f16})
        for (size_t page_rows : {1, 3, 4, 5, 100}) {
            Cache cache({1, kv_dim, page_rows, type});
            size_t rows = 0;
            for (size_t count : {1, 4, 0, 3, 7, 1}) {
                add(cache, rows, count);
                rows += count;
            }
            EXPECT_EQ(cache.rows(), 16u);
            EXPECT_EQ(rows_in(cache), counted({{0, 16}}));
            EXPECT_EQ(cache.bytes(), (16 + page_rows - 1) / page_rows * cache.shape().page_bytes());
        }
}

TEST(Cache, a_copy_and_its_source_never_see_each_others_rows) {
    for (size_t page_rows : {1, 4, 5, 8, 100}) {
        Cache source({1, kv_dim, page_rows, DType::f32});
        add(source, 0, 10);
        Cache copy = source, second = source;
        add(copy, 100, 7);
        add(source, 200, 3);
        add(second, 300, 1);
        Cache deep = copy;
        add(copy, 110, 2);
        add(deep, 400, 5);
        EXPECT_EQ(rows_in(source), counted({{0, 10}, {200, 3}}));
        EXPECT_EQ(rows_in(copy), counted({{0, 10}, {100, 7}, {110, 2}}));
        EXPECT_EQ(rows_in(second), counted({{0, 10}, {300, 1}}));
        EXPECT_EQ(rows_in(deep), counted({{0, 10}, {100, 7}, {400, 5}}));
    }
}

TEST(Cache, a_copy_shares_whole_pages_and_outlives_its_source) {
    Cache copy;
    const void* first_page = nullptr;
    {
        Cache source({1, kv_dim, 4, DType::f16});
        add(source, 0, 9);
        std::vector<KvPiece> pieces;
        source.add_pieces(pieces);
        first_page = pieces[0].keys;
        copy = source;
    }
    add(copy, 9, 1);
    std::vector<KvPiece> pieces;
    copy.add_pieces(pieces);
    EXPECT_EQ(pieces[0].keys, first_page);
    EXPECT_EQ(rows_in(copy), counted({{0, 10}}));
}

TEST(Cache, reserving_changes_nothing_that_can_be_seen) {
    Cache source({1, kv_dim, 4, DType::f32});
    add(source, 0, 6);
    Cache copy = source;
    copy.reserve(10);
    EXPECT_EQ(copy.bytes(), source.bytes());
    Cache other = copy;  // takes no spare page along
    add(copy, 6, 10);
    add(other, 50, 4);
    add(source, 90, 3);
    EXPECT_EQ(rows_in(copy), counted({{0, 16}}));
    EXPECT_EQ(rows_in(other), counted({{0, 6}, {50, 4}}));
    EXPECT_EQ(rows_in(source), counted({{0, 6}, {90, 3}}));
}

TEST(Window, always_holds_the_rows_that_can_still_be_seen) {
    for (size_t size : {1, 2, 7, 300}) {
        Window window(size, 1, kv_dim, DType::f32);
        const size_t bytes = window.bytes();
        size_t rows = 0;
        for (size_t round = 0; round < 40; ++round) {
            const size_t count = 1 + round * 37 % most_chunk_rows;
            const std::vector<float> k = numbered(rows, count), v = numbered(rows, count, -1);
            window.append({k.data(), count, kv_dim}, {v.data(), count, kv_dim});
            rows += count;
            const KvPiece piece = window.piece();
            ASSERT_EQ(piece.first_row + piece.rows, rows);
            ASSERT_GE(piece.rows, std::min(rows, size - 1 + count));
            for (size_t row = 0; row < piece.rows; ++row) {
                ASSERT_EQ(value(piece, piece.keys, row, 0), float((piece.first_row + row) * 10));
                ASSERT_EQ(value(piece, piece.values, row, 0), -float((piece.first_row + row) * 10));
            }
        }
        EXPECT_EQ(window.bytes(), bytes);
        Window copy = window;
        const std::vector<float> more = numbered(0, 1);
        copy.append({more.data(), 1, kv_dim}, {more.data(), 1, kv_dim});
        EXPECT_EQ(window.piece().first_row + window.piece().rows, rows);
        EXPECT_EQ(value(copy.piece(), copy.piece().keys, copy.piece().rows - 1, 1), 1.0f);
    }
}

}  // namespace lv::test
