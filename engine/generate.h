// Answers: chooses token after token, streams text, and says which moments of the video the answer rests on.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dialogue.h"
#include "engine/evidence.h"
#include "engine/memory.h"
#include "engine/prompt.h"
#include "engine/video_clock.h"
#include "kernels/sampling.h"

namespace lv {

struct GenerateOptions {
    float temperature = 0;  // 0: greedy, always the likeliest
    size_t top_k = 0;       // choose among the k likeliest; 0: all
    float top_p = 1;        // choose among the likeliest that together reach this probability
    uint64_t seed = 0;
    size_t most_tokens = 160;  // of an answer
    EvidenceOptions evidence{};
    VideoClock clock{};  // of the memory: how times are read in a question and written in its answer
};

struct Answer {
    std::string text;
    std::vector<int> ids;          // without the end
    std::vector<Moment> evidence;  // best first
    std::vector<AttentionPoint> attention;
    bool complete = false;  // reached its end: neither stopped nor cut off at most_tokens
    size_t prompt_rows = 0;
    float first_probability = 0;  // of its first token: how sure a yes, a no or a number is
    int64_t first_token_us = 0;   // from the call to the first token
    int64_t total_us = 0;
};

// Throws UsageError for a temperature below 0, a top_p outside (0, 1].
void check_generate_options(const GenerateOptions& options);

// Chooses one token after the other; the same seed draws the same. Allocates nothing.
class Sampler {
   public:
    explicit Sampler(const GenerateOptions& options);
    // Of logits [vocab], which lie where the context runs; its probability is that at temperature 1.
    Picked choose(const Context& context, std::span<const float> logits);

   private:
    GenerateOptions options_;
    std::mt19937_64 random_;
};

// Calls `piece` in this thread with each addition to the text. `turn` (a fork of the video's memory) holds prompt and
// answer afterwards. A step after the first allocates nothing. Returns early, incomplete, when `stop` is asked for.
Answer generate(Workspace& work, Memory& turn, std::span<const PromptRow> prompt, const GenerateOptions& options = {},
                const std::function<void(std::string_view piece)>& piece = {}, std::stop_token stop = {});

// Fork, roll call (unless `video` has called it), prompt and generate in one: what the command line does with a
// question. `earlier`: the turns before it, oldest first; the memory does not see them.
Answer ask(Workspace& work, const Memory& video, std::string_view question, const GenerateOptions& options = {},
           const std::function<void(std::string_view piece)>& piece = {}, std::stop_token stop = {},
           std::span<const Turn> earlier = {});

}  // namespace lv
