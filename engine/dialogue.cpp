#include "engine/dialogue.h"

#include <algorithm>

namespace lv {

int64_t CarriedTime::push(int id) {
    if (id == tokenizer_.time()) {
        parts_ = 0;
        seconds_ = 0;
        return about_us_;
    }
    const auto value = parts_ >= 0 ? tokenizer_.two_digits_value(id) : std::nullopt;
    if (!value) {
        parts_ = -1;
        return about_us_;
    }
    seconds_ = seconds_ * 60 + *value;
    if (++parts_ == 3) {
        about_us_ = seconds_ * 1'000'000;
        parts_ = -1;
    }
    return about_us_;
}

std::vector<PromptRow> dialogue_prompt(const Tokenizer& tokenizer, std::span<const Turn> earlier,
                                       std::string_view question, int64_t now_us, const DialogueOptions& options) {
    std::vector<std::vector<PromptRow>> turns;
    int64_t about_us = now_us;
    for (const Turn& turn : earlier) {
        PromptOptions asked = options.prompt;
        asked.about_us = turns.empty() ? turn.asked_at_us : about_us;
        std::vector<PromptRow> rows = question_rows(tokenizer, turn.question, turn.asked_at_us, asked);
        CarriedTime carried(tokenizer, rows.back().time_us);
        for (int id : turn.answer) rows.push_back({id, carried.push(id)});
        about_us = carried.push(tokenizer.end());
        rows.push_back({tokenizer.end(), about_us});
        turns.push_back(std::move(rows));
    }
    PromptOptions asked = options.prompt;
    asked.about_us = about_us;
    turns.push_back(question_rows(tokenizer, question, now_us, asked));

    size_t first = turns.size() - 1, rows = 1 + turns[first].size();
    while (first > 0 && turns.size() - first <= options.most_turns &&
           rows + turns[first - 1].size() <= options.most_rows)
        rows += turns[--first].size();
    std::vector<PromptRow> out{{-1, now_us}};
    for (size_t turn = first; turn < turns.size(); ++turn)
        out.insert(out.end(), turns[turn].begin(), turns[turn].end());
    return out;
}

}  // namespace lv
