#include "engine/generate.h"
#include "kernels/core/error.h"

namespace lv {

void check_generate_options(const GenerateOptions& options) {
    if (!(options.temperature >= 0 && options.temperature <= 100))
        throw UsageError("The temperature is " + std::to_string(options.temperature) +
                         ", expected 0 (always the likeliest) to 100.");
    if (!(options.top_p > 0 && options.top_p <= 1))
        throw UsageError("top-p is " + std::to_string(options.top_p) + ", expected above 0, at most 1.");
}

Sampler::Sampler(const GenerateOptions& options) : options_(options), random_(options.seed) {
    check_generate_options(options);
}

Picked Sampler::choose(const Context& context, std::span<const float> logits) {
    if (options_.temperature == 0) return likeliest(context, logits);
    return draw(context, logits,
                {.temperature = options_.temperature, .top_k = options_.top_k, .top_p = options_.top_p}, random_());
}

}  // namespace lv
