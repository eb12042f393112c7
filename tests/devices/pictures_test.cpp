// Pictures made ready for a net, and what it answers made small, wherever that runs.
#include "kernels/pictures.h"

#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Pictures : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Pictures, everywhere, where_name);

template <typename T>
void expect_top_left(const Context& context) {
    for (const CanvasShape& shape : {CanvasShape{5, 7, 8, 32, 114, 127, 128}, CanvasShape{1, 1, 1, 1, 0, 0, 255},
                                     CanvasShape{3, 96, 32, 96, 255, -1.5f, 0.003f}})
        for (size_t batch : {size_t{0}, size_t{1}, size_t{3}}) {
            std::vector<uint8_t> bytes(batch * shape.picture_bytes());
            for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = uint8_t(i * 37 + i / 256);
            Placed<uint8_t> pictures(context, std::span<const uint8_t>(bytes));
            Placed<T> canvases(context, std::span<const T>(std::vector<T>(batch * shape.canvas_size())));
            write_canvases(context, shape, batch, pictures.span().data(), canvases.span().data());
            const std::vector<T> found = canvases.values();
            for (size_t i = 0; i < found.size(); ++i) {
                const size_t row = i / (shape.canvas_width * 3), col = i % (shape.canvas_width * 3);
                const size_t picture = row / shape.canvas_height, y = row % shape.canvas_height;
                const bool inside = y < shape.height && col < shape.width * 3;
                const uint8_t byte = inside ? bytes[(picture * shape.height + y) * shape.width * 3 + col] : shape.pad;
                const float value = (float(byte) - shape.mean) / shape.std;
                if constexpr (std::is_same_v<T, float>)
                    ASSERT_EQ(found[i], value) << i << " of " << batch;
                else
                    ASSERT_EQ(found[i].bits, to_half(std::min(value, 65504.0f)).bits) << i << " of " << batch;
            }
        }
}

TEST_P(Pictures, LieTopLeftOnTheirCanvas) { expect_top_left<float>(make_context()); }
TEST_P(Pictures, LieThereRoundedToF16) { expect_top_left<Half>(make_context()); }

TEST_P(Pictures, TheFirstOfTheBestColumnsIsFound) {
    const Context context = make_context();
    for (size_t cols : {size_t{1}, size_t{2}, size_t{31}, size_t{32}, size_t{33}, size_t{80}, size_t{1000}})
        for (size_t rows : {size_t{1}, size_t{9}}) {
            std::vector<float> values = random_floats(rows * cols, uint32_t(cols));
            for (float& value : values) value = std::round(value);  // the best value stands in several columns
            values[0] = -INFINITY;
            if (rows > 1)
                for (size_t col = 0; col < cols; ++col) values[cols + col] = -INFINITY;
            PlacedMatrix x(context, values, rows, cols);
            Placed<float> best(context, std::span<const float>(std::vector<float>(rows)));
            Placed<int32_t> columns(context, std::span<const int32_t>(std::vector<int32_t>(rows)));
            best_columns(context, x.view(), best.span(), columns.span());
            for (size_t row = 0; row < rows; ++row) {
                const auto first = values.begin() + long(row * cols);
                const auto expected = std::max_element(first, first + long(cols));
                EXPECT_EQ(best.values()[row], *expected) << cols;
                EXPECT_EQ(columns.values()[row], expected - first) << cols << ", row " << row;
            }
        }
}

}  // namespace
}  // namespace lv::test
