#include "tools/bench/retention_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/core/device.h"
#include "kernels/core/memory.h"
#include "kernels/retention.h"

namespace lv {

namespace {

using Clock = std::chrono::steady_clock;

float bench_value(uint32_t kind, uint32_t index) {
    uint32_t bits = index + kind * 0x9e3779b9u;
    bits = (bits ^ bits >> 16) * 0x7feb352du;
    bits = (bits ^ bits >> 15) * 0x846ca68bu;
    return float((bits ^ bits >> 16) >> 8) * 0x1p-23f - 1;
}

// In the memory of the context: factor * (u(kind, i) + added).
Floats bench_values(const Context& context, uint32_t kind, size_t count, float factor, float added = 0) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = factor * (bench_value(kind, uint32_t(i)) + added);
    return Floats(values, context.shared_device());
}

}  // namespace

nlohmann::ordered_json measure_retention(const Context& context, const Config& config,
                                         std::span<const size_t> lengths) {
    const size_t heads = config.n_self_heads, head_dim = config.self_head_dim(), dim = heads * head_dim;
    auto out = nlohmann::ordered_json::array();
    for (const size_t rows : lengths) {
        const Floats q = bench_values(context, 1, rows * dim, 1), v = bench_values(context, 3, rows * dim, 1);
        const Floats k = bench_values(context, 2, rows * dim, 1 / std::sqrt(float(head_dim)));
        const Floats decay = bench_values(context, 4, rows * heads, 1.0f / 64, -1);
        Floats made(rows * dim, context.shared_device());
        const RetentionInput input{.heads = heads,
                                   .q = {q.span().data(), rows, dim},
                                   .k = {k.span().data(), rows, dim},
                                   .v = {v.span().data(), rows, dim},
                                   .log_decay = {decay.span().data(), rows, heads}};
        const Matrix to(made.span().data(), rows, dim);
        const auto read_all = [&](size_t times) {
            Floats state(heads * head_dim * head_dim, context.shared_device());
            if (context.device()) context.device()->wait();
            const auto begin = Clock::now();
            for (size_t i = 0; i < times; ++i) retention_chunk(context, input, state.span(), to);
            if (context.device()) context.device()->wait();
            return std::chrono::duration<double>(Clock::now() - begin).count() / double(times);
        };
        read_all(1);
        const std::vector<float> all = made.fetch();       // of an empty state
        const size_t at_once = context.device() ? 10 : 1;  // so that calling costs little beside it
        double shortest = read_all(at_once);
        for (int run = 0; run < 4; ++run) shortest = std::min(shortest, read_all(at_once));
        const auto last = all.begin() + ptrdiff_t((rows - 1) * dim);
        out.push_back({{"rows", rows},
                       {"heads", heads},
                       {"head_dim", head_dim},
                       {"seconds", shortest},
                       {"rows_per_second", double(rows) / shortest},
                       {"last_row", std::vector<float>(last, last + ptrdiff_t(head_dim))}});
    }
    return out;
}

}  // namespace lv
