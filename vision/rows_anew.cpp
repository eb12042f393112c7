#include "vision/rows_anew.h"

#include <algorithm>
#include <cassert>

#include "vision/token_rows.h"

namespace lv {
namespace {

void clear(std::span<float> row, size_t first, size_t length) {
    std::fill_n(row.begin() + static_cast<std::ptrdiff_t>(first), length, 0.0f);
}

// Which of a one-hot's columns is set; -1: none.
int set_column(std::span<const float> row, size_t first, size_t length) {
    for (size_t i = 0; i < length; ++i)
        if (row[first + i] > 0) return static_cast<int>(i);
    return -1;
}

void set_one_hot(std::span<float> row, size_t first, size_t length, int index) {
    clear(row, first, length);
    row[first + std::min(static_cast<size_t>(index), length - 1)] = 1;
}

void set_events(std::span<float> row, size_t first, uint64_t events) {
    for (const size_t modulus : row::event_moduli) {
        clear(row, first, modulus);
        row[first + events % modulus] = 1;
        first += modulus;
    }
}

void set_time(std::span<float> row, int64_t time_us) {
    std::array<float, row::feature_dim> time;
    write_time_row(time_us, time);
    std::copy_n(time.begin() + row::fourier, 2 * row::periods, row.begin() + row::fourier);
}

// The index of a frame's scene row: the first that is no row of something gone.
size_t scene_row(ConstMatrix rows, size_t first) {
    while (first < rows.rows && !(rows.row(first)[row::is_scene] > 0)) ++first;
    return first;
}

}  // namespace

// Against the frame before a row says the same as ever, but where there is none.
void RowsAnew::make_object(int kind, int32_t count, std::span<float> row) {
    Kind& known = kinds_[static_cast<size_t>(kind)];
    if (frames_ == 0) row[row::appeared] = 1, row[row::more] = row[row::fewer] = 0;
    const bool appears = row[row::appeared] > 0, leaves = row[row::gone] > 0;
    const bool is_new = known.first_rank == 0;
    if (is_new) known.first_rank = ++kinds_seen_;
    known.appeared += appears;
    row[row::first_ever] = is_new;
    if (count > known.most) row[row::record] = 1;
    known.most = std::max(known.most, count);
    set_one_hot(row, row::most, row::counts, known.most);
    set_one_hot(row, row::ordinal, row::ordinals, known.appeared - 1);
    set_one_hot(row, row::first_rank, row::first_ranks, known.first_rank - 1);
    row[row::first_rank_part] = static_cast<float>(known.first_rank) / row::first_rank_unit;
    clear(row, row::previous, row::kinds + 1);  // and no_previous
    if (is_new) {
        row[newest_kind_ < 0 ? row::no_previous : row::previous + static_cast<size_t>(newest_kind_)] = 1;
        newest_kind_ = kind;
    }
    if (appears || leaves) {
        set_events(row, row::events_before, events_);
        set_events(row, row::events_with, ++events_);
    }
}

void RowsAnew::make(ConstMatrix rows, std::vector<float>& out, std::vector<int64_t>& out_us) {
    assert(rows.cols == row::feature_dim);
    out.clear(), out_us.clear();
    size_t scene = 0;  // of the frame at hand, in `out`
    for (size_t i = frames_ == 0 ? scene_row(rows, 0) : 0; i < rows.rows; ++i) {
        const std::span<const float> given = rows.row(i);
        const size_t begin = out.size();
        out.insert(out.end(), given.begin(), given.end());
        const std::span<float> row(out.data() + begin, row::feature_dim);
        out_us.push_back((frames_ - (row[row::gone] > 0)) * period_us);
        set_time(row, out_us.back());
        if (row[row::is_scene] > 0) {
            scene = begin;
            if (frames_ == 0) row[row::cut] = 1;
        } else {
            make_object(set_column(row, row::kind, row::kinds), set_column(row, row::count, row::counts), row);
        }
        if (!(row[row::last_of_frame] > 0)) continue;
        set_events({out.data() + scene, row::feature_dim}, row::events_before, events_);
        ++frames_;
    }
}

}  // namespace lv
