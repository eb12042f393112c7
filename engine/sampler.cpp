#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/generate.h"
#include "kernels/core/error.h"
#include "kernels/sampling.h"

namespace lv {

void check_generate_options(const GenerateOptions& options) {
    if (!(options.temperature >= 0 && options.temperature <= 100))
        throw UsageError("The temperature is " + std::to_string(options.temperature) +
                         ", expected 0 (always the likeliest) to 100.");
    if (!(options.top_p > 0 && options.top_p <= 1))
        throw UsageError("top-p is " + std::to_string(options.top_p) + ", expected above 0, at most 1.");
}

Sampler::Sampler(const GenerateOptions& options, size_t vocab_size) : options_(options), random_(options.seed) {
    check_generate_options(options);
    if (options.temperature > 0) order_.resize(vocab_size);
}

int Sampler::choose(std::span<float> logits) {
    if (options_.temperature == 0) return int(argmax(logits));

    softmax(logits, 1.0f / options_.temperature);
    const bool cut = options_.top_p < 1 || (options_.top_k > 0 && options_.top_k < logits.size());
    size_t count = logits.size();
    if (cut) {
        if (options_.top_k > 0) count = std::min(count, options_.top_k);
        count = top_k(logits, std::span(order_).first(count));
    } else {
        std::iota(order_.begin(), order_.end(), 0u);
    }
    double kept = 0;
    size_t last = 0;
    while (last < count && (kept < options_.top_p || last == 0 || !cut)) kept += logits[order_[last++]];

    double point = std::uniform_real_distribution<double>(0, kept)(random_);
    for (size_t i = 0; i < last; ++i) {
        point -= logits[order_[i]];
        if (point < 0) return int(order_[i]);
    }
    return int(order_[last - 1]);  // rounding
}

}  // namespace lv
