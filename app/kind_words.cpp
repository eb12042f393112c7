#include "app/kind_words.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <sstream>
#include <utility>

namespace lv {
namespace {

struct Synonyms {
    std::string_view name;
    std::string_view words;  // with commas between
};

constexpr std::array<Synonyms, 36> synonyms{{
    {"person",
     "persons,man,men,woman,women,human,humans,pedestrian,pedestrians,guy,guys,child,children,walker,walkers,boy,boys,"
     "girl,girls"},
    {"bicycle", "bike,bikes,cycle,cycles,push bike,push bikes"},
    {"car", "automobile,automobiles,taxi,taxis,cab,cabs"},
    {"motorcycle", "motorbike,motorbikes,scooter,scooters,moped,mopeds"},
    {"airplane", "plane,planes,aeroplane,aeroplanes,aircraft"},
    {"bus", "coach,coaches"},
    {"train", "locomotive,locomotives,tram,trams"},
    {"truck", "lorry,lorries,van,vans"},
    {"boat", "ship,ships"},
    {"traffic light", "stoplight,stoplights"},
    {"fire hydrant", "hydrant,hydrants"},
    {"cat", "kitten,kittens"},
    {"dog", "puppy,puppies"},
    {"horse", "pony,ponies"},
    {"sheep", "lamb,lambs"},
    {"cow", "bull,bulls,cattle"},
    {"backpack", "rucksack,rucksacks"},
    {"handbag", "purse,purses,bag,bags"},
    {"tie", "necktie,neckties"},
    {"suitcase", "luggage,trolley case,trolley cases"},
    {"sports ball", "ball,balls,football,footballs"},
    {"cup", "mug,mugs"},
    {"wine glass", "glass,glasses"},
    {"donut", "doughnut,doughnuts"},
    {"couch", "sofa,sofas,settee,settees"},
    {"chair", "seat,seats,armchair,armchairs"},
    {"potted plant", "plant,plants,houseplant,houseplants"},
    {"dining table", "table,tables,desk,desks"},
    {"tv", "television,televisions,telly,tellies,monitor,monitors,screen,screens"},
    {"laptop", "notebook computer,notebook computers,computer,computers"},
    {"remote", "remote control,remote controls"},
    {"cell phone", "phone,phones,mobile phone,mobile phones,smartphone,smartphones,mobile,mobiles"},
    {"refrigerator", "fridge,fridges"},
    {"teddy bear", "teddy,teddies,stuffed animal,stuffed animals"},
    {"hair drier", "hair dryer,hair dryers,hairdryer,hairdryers"},
    {"clock", "wall clock,wall clocks"},
}};

constexpr std::array<std::string_view, 9> numbers{"none", "one", "two",   "three",          "four",
                                                  "five", "six", "seven", "more than seven"};

// Insertions, removals and replacements that make one word of the other.
size_t edits(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
        size_t corner = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t changed = corner + (a[i] == b[j] ? 0 : 1);
            corner = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string plural_name(std::string_view name) {
    static constexpr std::array<std::array<std::string_view, 2>, 7> odd{{{"person", "people"},
                                                                         {"knife", "knives"},
                                                                         {"mouse", "mice"},
                                                                         {"sheep", "sheep"},
                                                                         {"skis", "skis"},
                                                                         {"scissors", "scissors"},
                                                                         {"broccoli", "broccoli"}}};
    for (const auto& [one, many] : odd)
        if (name == one) return std::string(many);
    const bool hisses = name.ends_with("s") || name.ends_with("sh") || name.ends_with("ch") || name.ends_with("x");
    return std::string(name) + (hisses ? "es" : "s");
}

std::string with_article(std::string_view name) {
    if (name == "skis" || name == "scissors" || name == "broccoli") return std::string(name);
    return (std::string_view("aeiou").find(name.front()) != std::string_view::npos ? "an " : "a ") + std::string(name);
}

std::string_view number_word(int count) { return numbers[static_cast<size_t>(std::clamp(count, 0, 8))]; }

KindWords::KindWords(std::span<const std::string> names) : names_(names.begin(), names.end()) {
    for (const std::string& name : names_) {
        add(name, name);
        add(plural_name(name), name);
    }
    for (const Synonyms& entry : synonyms) {
        const std::string name(entry.name);
        if (std::find(names_.begin(), names_.end(), name) == names_.end()) continue;
        std::istringstream list{std::string(entry.words)};
        for (std::string word; std::getline(list, word, ',');) add(word, name);
    }
    // "hot dog" before "dog": the longest first.
    std::stable_sort(spellings_.begin(), spellings_.end(),
                     [](const Spelling& a, const Spelling& b) { return a.words.size() > b.words.size(); });
}

void KindWords::add(std::string_view spelling, const std::string& name) {
    Spelling added{.words = {}, .name = name};
    std::istringstream words{std::string(spelling)};
    for (std::string word; words >> word;) added.words.push_back(word);
    spellings_.push_back(std::move(added));
}

std::optional<KindMention> KindWords::find(std::span<const std::string> words) const {
    for (const Spelling& spelling : spellings_)
        if (spelling.words.size() <= words.size() &&
            std::equal(spelling.words.begin(), spelling.words.end(), words.begin()))
            return KindMention{spelling.name, spelling.words.size()};
    return std::nullopt;
}

std::string KindWords::nearest(std::string_view word) const {
    std::string best;
    size_t least = word.size() < 5 ? 2 : 3;  // a slip or two of the finger
    for (const Spelling& spelling : spellings_) {
        if (spelling.words.size() != 1) continue;
        const size_t count = edits(word, spelling.words.front());
        if (count < least) least = count, best = spelling.name;
    }
    return best;
}

}  // namespace lv
