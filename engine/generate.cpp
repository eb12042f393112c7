#include "engine/generate.h"

#include <chrono>

#include "kernels/core/device.h"

namespace lv {

namespace {

int64_t elapsed_us(std::chrono::steady_clock::time_point since) {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - since).count();
}

}  // namespace

Answer generate(Workspace& work, Memory& turn, std::span<const PromptRow> prompt, const GenerateOptions& options,
                const std::function<void(std::string_view)>& piece, std::stop_token stop) {
    const auto begin = std::chrono::steady_clock::now();
    const Tokenizer& tokenizer = turn.model().tokenizer();
    const size_t most_rows = turn.cache_rows() + prompt.size() + options.most_tokens;
    Sampler sampler(options);
    AnswerText text(tokenizer, options.clock);
    CarriedTime carried(tokenizer, prompt.back().time_us);
    Answer answer;
    answer.prompt_rows = prompt.size();
    answer.ids.reserve(options.most_tokens);
    turn.reserve_text(prompt.size() + options.most_tokens);
    std::optional<EvidenceSum> evidence;
    const Context& context = work.context();
    if (options.evidence.most_moments > 0)
        evidence.emplace(tokenizer, options.evidence, most_rows, context.shared_device());
    AttentionMass* const mass = evidence ? &evidence->mass() : nullptr;

    ConstMatrix logits = turn.append_prompt(work, prompt, 1, mass, LogitsAt::context);
    while (!stop.stop_requested()) {
        const Picked picked = sampler.choose(context, logits.row(0));
        const int id = int(picked.index);
        if (answer.ids.empty()) {
            answer.first_probability = picked.probability;
            answer.first_token_us = elapsed_us(begin);
        }
        if (evidence) evidence->emitted(id);
        if (id == tokenizer.end()) {
            answer.complete = true;
            break;
        }
        answer.ids.push_back(id);
        const std::string_view added = text.push(id);
        if (piece && !added.empty()) piece(added);
        if (answer.ids.size() >= options.most_tokens) break;
        logits = turn.append_text(work, id, mass, carried.push(id), LogitsAt::context);
    }
    const std::string_view added = text.finish();
    if (piece && !added.empty()) piece(added);
    answer.text = text.text();
    if (evidence) {
        const std::vector<float> rows = evidence->rows();
        answer.evidence = moments_of(turn, rows, options.evidence.most_moments, options.clock);
        if (options.evidence.curve_points > 0)
            answer.attention = attention_curve(turn, rows, options.evidence.curve_points, options.clock);
    }
    if (context.device()) context.device()->wait();  // a step may be under way, and the turn may change hands
    answer.total_us = elapsed_us(begin);
    return answer;
}

Answer ask(Workspace& work, const Memory& video, std::string_view question, const GenerateOptions& options,
           const std::function<void(std::string_view)>& piece, std::stop_token stop, std::span<const Turn> earlier) {
    const std::vector<PromptRow> prompt = dialogue_prompt(video.model().tokenizer(), earlier, question,
                                                          video.last_time_us(), {.prompt = {.clock = options.clock}});
    const auto begin = std::chrono::steady_clock::now();
    Memory turn = video.fork();
    if (!turn.roll_called()) turn.call_roll(work);
    const int64_t before_us = elapsed_us(begin);
    Answer answer = generate(work, turn, prompt, options, piece, stop);
    answer.first_token_us += before_us;
    answer.total_us += before_us;
    return answer;
}

}  // namespace lv
