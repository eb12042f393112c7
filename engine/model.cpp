// A model's own small parts: rows of a video, of a time and of text as vectors, and what it takes.
#include "engine/model.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/prompt.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"

namespace lv {

namespace {

constexpr int64_t second_us = 1'000'000;

// y += factor * x; 4 lanes at least on every machine, and the rows are few.
void add_scaled(std::span<const float> x, float factor, std::span<float> y) {
#pragma omp simd
    for (size_t i = 0; i < y.size(); ++i) y[i] += factor * x[i];
}

template <typename Values>
size_t bytes_of(const Values& values) {
    return values.size() * sizeof(float);
}

}  // namespace

const Tokenizer& Model::tokenizer() const {
    require(tokenizer_ != nullptr, "Reading text: the model \"", config_.name,
            "\" was made without a tokenizer; load a model directory that has tokenizer.model.");
    return *tokenizer_;
}

std::array<uint32_t, 3> Model::time_rows(int64_t time_us) const {
    const int64_t whole = std::max<int64_t>(time_us, 0) / second_us;
    return {uint32_t(std::min<int64_t>(whole / 3600, 99)), uint32_t(100 + whole / 60 % 60), uint32_t(200 + whole % 60)};
}

void Model::place_rows(const std::shared_ptr<Device>& device) {
    const size_t dim = config_.dim;
    device_projector_ =
        Linear(ConstMatrix(projector_.data(), config_.rows.feature_dim, dim), DType::f32, projector_bias_);
    device_projector_.place(device);
    device_time_table_ = Floats(time_table_, device);
    device_ = device;
}

void Model::add_time(int64_t time_us, std::span<float> x) const {
    for (const uint32_t row : time_rows(time_us))
        add_scaled(std::span(time_table_).subspan(row * config_.dim, config_.dim), 1.0f, x);
}

void Model::feature_rows(const Context& context, ConstMatrix features, std::span<const int64_t> times_us,
                         Matrix x) const {
    require(features.cols == config_.rows.feature_dim, "Reading rows: a row has ", features.cols,
            " features, the model \"", config_.name, "\" expects ", config_.rows.feature_dim,
            "; the vision part and the model do not belong together.");
    assert(times_us.size() == features.rows && x.rows == features.rows && x.cols == config_.dim);
    const size_t dim = config_.dim;
    if (Device* device = context.device()) {
        if (features.rows == 0) return;
        // Dense: a product with all features is still little beside one layer.
        const size_t row_bytes = features.cols * sizeof(float);
        Buffer there(features.rows * row_bytes, device_);
        if (features.stride == features.cols) device->upload(features.data, there.data(), there.bytes());
        std::vector<uint32_t> times;
        for (size_t row = 0; row < features.rows; ++row) {
            if (features.stride != features.cols)
                device->upload(features.row(row).data(), there.data() + row * row_bytes, row_bytes);
            const auto own = time_rows(times_us[row]);
            times.insert(times.end(), own.begin(), own.end());
        }
        device_projector_.apply(context, {there.as<float>().data(), features.rows, features.cols}, x);
        device->add_picked({device_time_table_.span().data(), 300, dim}, times, 3, x);
        return;
    }
    context.parallel_for(0, features.rows, 16, [&](size_t first, size_t last) {
        for (size_t row = first; row < last; ++row) {
            const std::span<float> out = x.row(row);
            std::ranges::copy(projector_bias_, out.begin());
            const std::span<const float> from = features.row(row);
            for (size_t col = 0; col < from.size(); ++col)
                if (from[col] != 0.0f) add_scaled(std::span(projector_).subspan(col * dim, dim), from[col], out);
            add_time(times_us[row], out);
        }
    });
}

void Model::time_row(int64_t time_us, bool future, std::span<float> x) const {
    std::ranges::copy(projector_bias_, x.begin());
    add_scaled(projector_column(config_.rows.is_time), 1.0f, x);
    if (future && config_.rows.is_future) add_scaled(projector_column(config_.rows.is_future), 1.0f, x);
    add_time_part(time_us, x);
}

std::span<const float> Model::projector_column(size_t column) const {
    return std::span(projector_).subspan(column * config_.dim, config_.dim);
}

void Model::add_time_part(int64_t time_us, std::span<float> x) const {
    const RowLayout& layout = config_.rows;
    double period_s = layout.first_period_s;
    for (size_t i = 0; i < layout.fourier_count; ++i, period_s *= layout.period_ratio) {
        const double angle = 2 * std::numbers::pi * (double(time_us) / second_us) / period_s;
        add_scaled(projector_column(layout.fourier_first + 2 * i), float(std::sin(angle)), x);
        add_scaled(projector_column(layout.fourier_first + 2 * i + 1), float(std::cos(angle)), x);
    }
    add_time(time_us, x);
}

void Model::text_row(int id, int64_t time_us, std::span<float> x) const {
    assert(id >= 0 && size_t(id) < config_.vocab_size);
    const size_t first = size_t(id) * config_.dim;
    if (embedding_type_ == DType::f32)
        std::ranges::copy(embedding_.as<float>().subspan(first, config_.dim), x.begin());
    else if (embedding_type_ == DType::f16)
        convert(embedding_.as<Half>().subspan(first, config_.dim), x);
    else
        convert(embedding_.as<BFloat16>().subspan(first, config_.dim), x);
    const float factor = std::sqrt(float(config_.dim));
    for (float& value : x) value *= factor;
    if (time_us != no_time) add_time_part(time_us, x);
}

std::vector<ModelPart> Model::parts() const {
    const Config& c = config_;
    ModelPart embedding{"embedding", c.vocab_size * c.dim, embedding_.bytes()};
    const ModelPart projector{"projector", (c.rows.feature_dim + 1) * c.dim + 3 * c.dim * c.dim,
                              bytes_of(projector_) + bytes_of(projector_bias_) + bytes_of(time_table_) +
                                  device_projector_.bytes() + bytes_of(device_time_table_)};
    ModelPart self{"self-decoder"}, cross{"cross-decoder"};
    for (size_t index = 0; index < layers_.size(); ++index) {
        const Layer& layer = layers_[index];
        ModelPart& part = index < c.self_layers() ? self : cross;
        const size_t vectors =
            layer.mix_norm.size() + layer.ffn_norm.size() + layer.logit_scale.size() + layer.sink.size();
        part.parameters += vectors + layer.decay.bias().size();
        part.bytes += vectors * sizeof(float);
        for (const Linear* linear : {&layer.mix_in, &layer.mix_out, &layer.decay, &layer.gate_up, &layer.down}) {
            part.parameters += linear->in() * linear->out();
            part.bytes += linear->bytes();
        }
    }
    // What the output matrix takes, tied or not, is its own packed copy.
    const ModelPart output{"output", (c.tied_output ? 0 : c.vocab_size * c.dim) + c.dim,
                           output_.bytes() + bytes_of(final_norm_)};
    std::vector<ModelPart> out{embedding, projector, self};
    if (c.has_cross()) {
        out.push_back({"bridge", bridge_.in() * bridge_.out() + c.dim, bridge_.bytes() + bytes_of(bridge_norm_)});
        out.push_back(cross);
    }
    out.push_back(output);
    return out;
}

size_t Model::bytes() const {
    size_t total = 0;
    for (const ModelPart& part : parts()) total += part.bytes;
    return total;
}

}  // namespace lv
