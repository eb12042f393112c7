#include "engine/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "kernels/key_codes.h"
#include "kernels/sampling.h"

namespace lv {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t sample_piece = 4096;  // rows that lie in memory at once
constexpr size_t rows_a_frame = 5;     // of sample_rows

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double median(std::vector<double> values) {
    const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// Multiplications and additions of one row in one layer that sees `visible` rows.
double layer_flops(const Config& c, LayerKind kind, size_t visible) {
    const double dim = double(c.dim), q = double(c.q_dim()), kv = double(c.kv_dim());
    const double feed_forward = 6 * dim * double(c.hidden_dim);
    switch (kind) {
        case LayerKind::retention:
            return feed_forward + 10 * dim * dim + 4 * dim * double(c.self_head_dim());
        case LayerKind::sliding:
            return feed_forward + 4 * dim * (q + kv) + 4 * q * double(std::min(visible, c.sliding_window));
        case LayerKind::full:
            return feed_forward + 4 * dim * (q + kv) + 4 * q * double(visible);
        case LayerKind::cross:
            return feed_forward + 4 * dim * q + 4 * q * double(visible);
    }
    return 0;
}

// Weights that a decode step reads, in bytes.
double decode_weight_bytes(const Model& model) {
    double total = double(model.bridge().bytes() + model.output().bytes());
    for (const Layer& layer : model.layers())
        for (const Linear* linear : {&layer.mix_in, &layer.mix_out, &layer.decay, &layer.gate_up, &layer.down})
            total += double(linear->bytes());
    return total;
}

// What a decode step reads of the caches, in bytes: each cross layer the one cache, or the codes of all its keys
// and the rows of those it chooses (`top_pages`; 0: all), each full layer its own.
double decode_cache_bytes(const Memory& memory, size_t top_pages) {
    const Config& c = memory.model().config();
    const size_t row = 2 * c.kv_dim() * dtype_bytes(memory.options().cache_type);
    const size_t all = memory.rows(), chosen = (top_pages + 1) * memory.options().page_rows;
    const bool chooses = top_pages > 0 && chosen < all;
    const size_t codes = chooses ? key_code_bytes(all, c.n_attn_kv_heads, c.attn_head_dim) : 0;
    return double(c.count(LayerKind::cross) * ((chooses ? chosen : all) * row + codes) +
                  c.count(LayerKind::full) * all * row);
}

}  // namespace

Config config_100m() {
    Config c;
    c.name = "random-100m";
    c.dim = 768;
    c.hidden_dim = 2048;
    c.layers.assign(6, LayerKind::retention);
    c.layers.insert(c.layers.end(), 6, LayerKind::cross);
    c.n_self_heads = 6;
    c.n_attn_heads = 12;
    c.n_attn_kv_heads = 4;
    c.attn_head_dim = 64;
    c.vocab_size = 32000;
    c.scalable_softmax = true;
    c.sliding_window = 1024;
    c.rows = {.feature_dim = 1402, .is_time = 2, .is_future = 1273, .fourier_first = 160, .fourier_count = 16};
    return c;
}

Config config_3b() {
    Config c = config_100m();
    c.name = "random-3b";
    c.dim = 3072;
    c.hidden_dim = 8192;
    c.layers.assign(13, LayerKind::retention);
    c.layers.insert(c.layers.end(), 13, LayerKind::cross);
    c.n_self_heads = 24;
    c.n_attn_heads = 24;
    c.n_attn_kv_heads = 8;
    c.attn_head_dim = 128;
    c.vocab_size = 100288;
    return c;
}

Memory made_up_memory(const std::shared_ptr<const Model>& model, size_t rows, const MemoryOptions& options) {
    const Config& config = model->config();
    const size_t piece = most_rows_at_once(model->device().get()), values = piece * config.kv_dim();
    std::vector<float> random(2 * values);
    std::minstd_rand bits(1);
    for (float& value : random) value = float(bits()) * 0x1p-30f - 1;  // -1 to 1
    const Floats keys(std::span<const float>(random).first(values), model->device());
    const Floats others(std::span<const float>(random).last(values), model->device());
    Memory memory(model, options);
    // The door is read-only for everybody else; `memory` is ours and not const, so this is no lie to the compiler.
    State& state = const_cast<State&>(memory.state());
    for (size_t row = 0; row < rows; row += piece) {
        const size_t count = std::min(piece, rows - row);
        const ConstMatrix k(keys.span().data(), count, config.kv_dim()),
            v(others.span().data(), count, config.kv_dim());
        if (config.has_cross()) state.cache.append(k, v);
        for (size_t layer = 0; layer < state.layers.size(); ++layer) {
            if (config.layers[layer] == LayerKind::full) state.layers[layer].cache.append(k, v);
            if (config.layers[layer] == LayerKind::sliding) state.layers[layer].window.append(k, v);
        }
    }
    state.rows = rows;
    return memory;
}

SampleRows sample_rows(const Config& config, size_t rows, size_t first_row, uint64_t seed) {
    constexpr size_t filled = 20;
    SampleRows out;
    out.features.assign(rows * config.rows.feature_dim, 0.0f);
    out.times_us.resize(rows);
    for (size_t row = 0; row < rows; ++row) {
        out.times_us[row] = int64_t((first_row + row) / rows_a_frame) * 1'000'000;
        std::mt19937_64 random(seed * 1'000'003 + first_row + row);
        for (size_t i = 0; i < filled; ++i)
            out.features[row * config.rows.feature_dim + random() % config.rows.feature_dim] =
                float(random() % 1000) / 1000.0f;
        for (size_t i = 0; i < 2 * config.rows.fourier_count; ++i)
            out.features[row * config.rows.feature_dim + config.rows.fourier_first + i] =
                float(std::sin(double(first_row + row) * double(i + 1)));
    }
    return out;
}

void fill_memory(Workspace& work, Memory& memory, size_t rows) {
    const size_t first = memory.rows();
    for (size_t done = 0; done < rows; done += sample_piece) {
        const SampleRows sample =
            sample_rows(memory.model().config(), std::min(sample_piece, rows - done), first + done);
        memory.append(work, sample.matrix(memory.model().config()), sample.times_us);
    }
}

Rate measure_prefill(Workspace& work, std::shared_ptr<const Model> model, size_t rows, double seconds,
                     const MemoryOptions& options, size_t least) {
    const Config& c = model->config();
    const SampleRows sample = sample_rows(c, std::min(rows, sample_piece));
    const auto read = [&](Memory& memory, size_t count) {
        for (size_t done = 0; done < count; done += sample_piece) {
            const size_t piece = std::min(sample_piece, count - done);
            memory.append(work, sample.matrix(c).slice(0, piece), std::span(sample.times_us).first(piece));
        }
    };
    Memory warm(model, options);
    read(warm, std::min(rows, work.options().chunk_rows));
    std::vector<double> times;
    for (const auto begin = Clock::now(); times.size() < least || seconds_since(begin) < seconds;) {
        Memory memory(model, options);
        const auto start = Clock::now();
        read(memory, rows);
        times.push_back(seconds_since(start));
    }
    Rate out{.seconds = median(times)};
    double flops = 0;
    for (size_t row = 0; row < rows; ++row) flops += prefill_flops(c, row + 1);
    out.rows_per_second = double(rows) / out.seconds;
    out.flops_per_second = flops / out.seconds;
    return out;
}

double measure_append(Workspace& work, const Memory& memory, size_t rows, double seconds) {
    const Config& c = memory.model().config();
    const SampleRows sample = sample_rows(c, rows, memory.rows());
    std::vector<double> times;
    for (const auto begin = Clock::now(); times.empty() || seconds_since(begin) < seconds;) {
        Memory more = memory.fork();
        const auto start = Clock::now();
        more.append(work, sample.matrix(c), sample.times_us);
        times.push_back(seconds_since(start));
    }
    return median(times);
}

Rate measure_decode(Workspace& work, const Memory& memory, size_t steps) {
    Memory turn = memory.fork();
    turn.reserve_text(steps + 2);
    const int id = int(memory.model().config().vocab_size) - 1;
    const auto step = [&] {  // as of an answer that takes the likeliest
        likeliest(work.context(), turn.append_text(work, id, nullptr, no_time, LogitsAt::context).row(0));
    };
    step();
    step();
    std::vector<double> times;
    while (times.size() < std::max<size_t>(steps, 1)) {
        const auto start = Clock::now();
        step();
        times.push_back(seconds_since(start));
    }
    Rate out{.seconds = median(times)};
    out.rows_per_second = 1 / out.seconds;
    out.flops_per_second = decode_flops(memory.model().config(), memory.rows()) / out.seconds;
    const double state = double(memory.bytes().state);
    out.bytes_per_second =
        (decode_weight_bytes(memory.model()) + decode_cache_bytes(memory, work.options().top_pages) + 2 * state) /
        out.seconds;
    return out;
}

double measure_first_token(Workspace& work, const Memory& memory, size_t rows, size_t repeats) {
    const std::vector<PromptRow> prompt(rows, {.id = int(memory.model().config().vocab_size) - 1});
    std::vector<double> times;
    for (size_t i = 0; i <= std::max<size_t>(repeats, 1); ++i) {
        const auto start = Clock::now();
        Memory turn = memory.fork();
        turn.append_prompt(work, prompt);
        if (i > 0) times.push_back(seconds_since(start));  // the first one warms up
    }
    return median(times);
}

double measure_fork(const Memory& memory, size_t repeats) {
    std::vector<double> times;
    for (size_t i = 0; i < std::max<size_t>(repeats, 1); ++i) {
        const auto start = Clock::now();
        const Memory turn = memory.fork();
        times.push_back(seconds_since(start));
    }
    return median(times);
}

MemoryBytes reckon_memory(const Config& config, size_t rows, const MemoryOptions& options) {
    const State empty(config, options.cache_type, options.page_rows);
    const CacheShape page{config.n_attn_kv_heads, config.attn_head_dim, options.page_rows, options.cache_type};
    const size_t caches = config.count(LayerKind::full) + (config.has_cross() ? 1 : 0);
    const size_t frames = rows == 0 ? 0 : (rows - 1) / rows_a_frame;  // complete ones
    return {.state = empty.state_bytes() + FrameIndex(config.rows).state_bytes() + RollCall(config.rows).bytes(),
            .cache = caches * ((rows + options.page_rows - 1) / options.page_rows) * page.page_bytes(),
            .index = PrefixList<int64_t>::bytes_for(rows) + PrefixList<FrameMark>::bytes_for(frames)};
}

double prefill_flops(const Config& c, size_t visible) {
    double total = c.has_cross() ? 4.0 * double(c.dim) * double(c.kv_dim()) : 0;
    for (size_t layer = 0; layer < c.self_layers(); ++layer) {
        // The topmost layer of a plain Transformer only leaves keys and values of rows that nobody samples.
        const bool last = !c.has_cross() && layer + 1 == c.n_layers() && c.layers[layer] != LayerKind::retention;
        total += last ? double(2 * c.dim * (c.q_dim() + 2 * c.kv_dim())) : layer_flops(c, c.layers[layer], visible);
    }
    return total;
}

double decode_flops(const Config& c, size_t visible) {
    double total = 2.0 * double(c.dim) * double(c.vocab_size) + (c.has_cross() ? 4.0 * double(c.dim * c.kv_dim()) : 0);
    for (LayerKind kind : c.layers) total += layer_flops(c, kind, visible);
    return total;
}

}  // namespace lv
