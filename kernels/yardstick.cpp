#include "kernels/yardstick.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>

#include "kernels/core/memory.h"
#include "kernels/gemm.h"
#include "kernels/onednn.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// The shortest of at least three runs within about `seconds`; the first one only warms up.
template <typename Fn>
double shortest(double seconds, Fn fn) {
    double start = now(), best = std::numeric_limits<double>::infinity();
    fn();
    for (int runs = 0; runs < 3 || now() - start < seconds; ++runs) {
        double begin = now();
        fn();
        best = std::min(best, now() - begin);
    }
    return best;
}

}  // namespace

double sgemm_peak(const Context& context, double seconds) {
    constexpr size_t size = 1536;
    Buffer a = Buffer::of<float>(size * size), b = Buffer::of<float>(size * size), c = Buffer::of<float>(size * size);
    for (size_t i = 0; i < size * size; ++i) {
        a.as<float>()[i] = float(i % 7) - 3;
        b.as<float>()[i] = float(i % 5) - 2;
    }
    const float *left = a.as<float>().data(), *right = b.as<float>().data();
    float* to = c.as<float>().data();
    double best = shortest(seconds / 2, [&] {
        context.parallel_for(0, size, size / context.threads() / 4, [&](size_t first, size_t last) {
            gemm({.m = last - first,
                  .n = size,
                  .k = size,
                  .a = left + first * size,
                  .a_row = size,
                  .b = right,
                  .b_stride = size,
                  .c = to + first * size,
                  .c_stride = size});
        });
    });
    if (onednn_sgemm(context.threads(), size, left, right, to))
        best = std::min(best, shortest(seconds / 2, [&] { onednn_sgemm(context.threads(), size, left, right, to); }));
    return 2.0 * size * size * size / best;
}

double copy_bandwidth(const Context& context, size_t bytes, double seconds) {
    Buffer from(bytes / 2), to(bytes / 2);
    double best = shortest(seconds, [&] {
        context.parallel_for(0, from.bytes(), size_t{4} << 20, [&](size_t first, size_t last) {
            std::memcpy(to.data() + first, from.data() + first, last - first);
        });
    });
    return double(2 * from.bytes()) / best;
}

double read_bandwidth(const Context& context, size_t bytes, double seconds) {
    Buffer from(bytes);
    std::memset(from.data(), 1, bytes);
    std::span<const float> values = from.as<float>();
    Buffer sums = Buffer::of<float>(values.size() / (1 << 20) + 1);
    double best = shortest(seconds, [&] {
        context.parallel_for(0, values.size(), size_t{1} << 20, [&](size_t first, size_t last) {
            sums.as<float>()[first >> 20] = simd().sum_of_squares(values.data() + first, last - first);
        });
    });
    return double(bytes) / best;
}

std::string machine_name(const Context& context) {
    std::string name = "unknown processor", line;
    std::ifstream info("/proc/cpuinfo");
    while (std::getline(info, line))
        if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos) {
            name = line.substr(line.find(": ") + 2);
            break;
        }
    return name + ", " + std::to_string(context.threads()) + " threads, vector level " + simd().name;
}

std::string build_name() {
#ifdef NDEBUG
    const char* const kind = "optimised";
#else
    const char* const kind = "with assertions";
#endif
    return std::string("longview " LV_VERSION ", commit " LV_COMMIT ", g++ " __VERSION__ ", ") + kind;
}

}  // namespace lv
