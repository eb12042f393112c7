// Test bodies that run wherever kernels run: on the host, on a GPU in exact f32, and on its tensor cores.
//
// Linked with the kernels compiled for tests/cuda_emulation the GPU is the emulated one; else it is a real one, and
// without one those tests skip with the reason.
#pragma once

#include "kernels/core/context.h"
#include "kernels/core/device.h"
#include "kernels/core/memory.h"
#include "tests/support.h"

namespace lv::test {

enum class Where { host, exact_gpu, gpu };

inline std::string where_name(const testing::TestParamInfo<Where>& info) {
    return info.param == Where::host ? "host" : info.param == Where::exact_gpu ? "exact_gpu" : "gpu";
}

inline const auto everywhere = testing::Values(Where::host, Where::exact_gpu, Where::gpu);

// A Context of each place; one device for the whole program, as in longview itself.
class Everywhere : public testing::TestWithParam<Where> {
   protected:
    void SetUp() override {
        if (GetParam() != Where::host && !why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
    }
    Context make_context() const {
        if (on_host()) return Context(3);
        static const std::shared_ptr<Device> exact = open_cuda({.exact = true}), fast = open_cuda({});
        return Context(2, GetParam() == Where::exact_gpu ? exact : fast);
    }
    bool on_host() const { return GetParam() == Where::host; }
    // What is tested everywhere, and on the host more of it: there it costs little, emulated it is slow.
    template <typename T>
    std::vector<T> sizes(std::vector<T> everywhere, const std::vector<T>& host_too) const {
        if (on_host()) everywhere.insert(everywhere.end(), host_too.begin(), host_too.end());
        return everywhere;
    }
    // Of an input of the tensor cores; where there are none, of f32.
    double epsilon(double rounded) const { return GetParam() == Where::gpu ? rounded : epsilon_f32; }
};

// All values together: |found - expected| <= 2 epsilon |expected|, in the Euclidean norm. Where inputs are rounded a
// bound on each value is wide; this one notices a missing term.
inline void expect_close(const std::vector<float>& found, const reference::Doubles& expected, double epsilon,
                         const std::string& what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    double error = 0, size = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        error += (found[i] - expected[i]) * (found[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    EXPECT_LE(std::sqrt(error), 2 * epsilon * std::sqrt(size)) << what;
}

// Values in the memory of a context, and back.
template <typename T>
class Placed {
   public:
    Placed(const Context& context, std::span<const T> values)
        : device_(context.shared_device()), block_(Buffer::of<T>(values.size(), device_)), size_(values.size()) {
        if (device_)
            device_->upload(values.data(), block_.data(), values.size_bytes());
        else if (!values.empty())
            std::copy(values.begin(), values.end(), block_.template as<T>().begin());
    }
    std::span<T> span() { return block_.template as<T>().first(size_); }
    std::vector<T> values() const {
        std::vector<T> out(size_);
        if (device_)
            device_->download(block_.data(), out.data(), size_ * sizeof(T));
        else
            std::copy_n(block_.template as<T>().begin(), size_, out.begin());
        return out;
    }

   private:
    std::shared_ptr<Device> device_;
    Buffer block_;
    size_t size_;
};

// A matrix there, with a gap of NaN between its rows.
class PlacedMatrix {
   public:
    PlacedMatrix(const Context& context, const std::vector<float>& values, size_t rows, size_t cols, size_t gap = 3)
        : shape_(values, rows, cols, gap), memory_(context, std::span<const float>(shape_.memory)) {}
    PlacedMatrix(const Context& context, size_t rows, size_t cols, size_t gap = 3)
        : PlacedMatrix(context, std::vector<float>(rows * cols, 0.0f), rows, cols, gap) {}

    Matrix view() { return {memory_.span().data(), shape_.view.rows, shape_.view.cols, shape_.view.stride}; }
    std::vector<float> values() {
        fetch();
        return shape_.values();
    }
    bool gaps_untouched() {
        fetch();
        return shape_.gaps_untouched();
    }

   private:
    void fetch() {
        const std::vector<float> now = memory_.values();
        std::copy(now.begin(), now.end(), shape_.memory.begin());
    }
    Padded shape_;
    Placed<float> memory_;
};

}  // namespace lv::test
