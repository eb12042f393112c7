#include "app/options.h"

#include <gtest/gtest.h>

#include "kernels/core/error.h"

namespace lv {
namespace {

template <typename... Words>
Command parse(Words... words) {
    const std::vector<const char*> argv{"longview", words...};
    return parse_options(static_cast<int>(argv.size()), argv.data());
}

template <typename... Words>
std::string refusal(Words... words) {
    try {
        parse(words...);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "accepted";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Options, NoCommandShowsTheHelp) {
    const std::string text = std::get<ShowText>(parse()).text;
    for (const char* word : {"ask", "caption", "info", "bench", "Examples"}) EXPECT_TRUE(contains(text, word)) << word;
}

TEST(Options, EveryCommandHelpsByExample) {
    for (const char* command : {"ask", "caption", "info", "bench"})
        EXPECT_TRUE(contains(std::get<ShowText>(parse(command, "--help")).text, std::string("  longview ") + command));
    EXPECT_TRUE(contains(std::get<ShowText>(parse("--version")).text, "longview "));
}

TEST(Options, AskTakesAVideoAndQuestions) {
    const auto ask = std::get<AskOptions>(parse("ask", "a.mp4", "one?", "two?", "--json", "--fps", "0.5", "--from", "1:00", "--to",
                                                "2m", "--threads", "3", "--model", "m", "--device", "cpu", "--quiet", "--keyframes"));
    EXPECT_EQ(ask.video, "a.mp4");
    EXPECT_EQ(ask.questions, (std::vector<std::string>{"one?", "two?"}));
    EXPECT_TRUE(ask.json && ask.quiet && ask.sampling.keyframes && !ask.ask_from_stdin);
    EXPECT_EQ(ask.sampling.fps, 0.5);
    EXPECT_EQ(ask.sampling.from_us, 60'000'000);
    EXPECT_EQ(ask.sampling.to_us, 120'000'000);
    EXPECT_EQ(ask.model.threads, 3);
    EXPECT_EQ(ask.model.dir, "m");
}

TEST(Options, AskReadsQuestionsFromStandardInput) {
    const auto ask = std::get<AskOptions>(parse("ask", "a.mp4", "--ask-from", "-"));
    EXPECT_TRUE(ask.ask_from_stdin);
    EXPECT_EQ(ask.video, "a.mp4");
    EXPECT_EQ(std::get<AskOptions>(parse("ask", "-", "what?")).video, "-");
}

TEST(Options, AMemoryIsSavedLoadedAndBounded) {
    const auto day = std::get<AskOptions>(parse("ask", "day.mp4", "--save", "day.lvm", "--budget", "256MiB", "--cache", "int8",
                                                "--attend", "top:64"));
    EXPECT_EQ(day.memory.save, "day.lvm");
    EXPECT_EQ(day.memory.budget_bytes, 256u << 20);
    EXPECT_EQ(day.memory.cache, DType::i8);
    EXPECT_EQ(day.memory.top_pages, 64u);
    const auto later = std::get<AskOptions>(parse("ask", "--load", "day.lvm", "When does a dog first appear?", "Where?"));
    EXPECT_EQ(later.video, "");
    EXPECT_EQ(later.questions.size(), 2u);
    const auto more = std::get<AskOptions>(parse("ask", "more.mp4", "--load", "day.lvm", "Where?"));
    EXPECT_EQ(more.video, "more.mp4");
    EXPECT_EQ(more.questions.size(), 1u);
    EXPECT_EQ(std::get<AskOptions>(parse("ask", "test:duration=5", "--load", "day.lvm", "Where?")).video, "test:duration=5");
}

TEST(Options, AConversationNeedsNoQuestion) {
    EXPECT_TRUE(std::get<AskOptions>(parse("ask", "a.mp4", "--chat")).chat);
    EXPECT_EQ(std::get<AskOptions>(parse("ask", "a.mp4", "--chat", "first?")).questions.size(), 1u);
}

TEST(Options, CaptionWritesSrtIntoAFolderAndTxtToTheTerminal) {
    EXPECT_EQ(std::get<CaptionOptions>(parse("caption", "a.mp4")).formats, std::vector{CaptionFormat::txt});
    const auto caption = std::get<CaptionOptions>(parse("caption", "a.mp4", "b.mp4", "--out", "d", "--every", "30s", "--jobs", "2", "--resume"));
    EXPECT_EQ(caption.formats, std::vector{CaptionFormat::srt});
    EXPECT_EQ(caption.videos.size(), 2u);
    EXPECT_EQ(caption.every_us, 30'000'000);
    EXPECT_EQ(caption.jobs, 2);
    EXPECT_TRUE(caption.resume);
}

TEST(Options, BenchTakesLengthsInTokens) {
    const auto bench = std::get<BenchOptions>(parse("bench", "memory", "--lengths", "1M,1000,4K,4096", "--threads", "2"));
    EXPECT_EQ(bench.lengths, (std::vector<size_t>{1000, 4096, 1 << 20}));
    EXPECT_EQ(bench.model.threads, 2);
    EXPECT_EQ(bench.needles, (std::vector<size_t>{1, 2, 4, 8}));
    const auto needle = std::get<BenchOptions>(parse("bench", "needle", "--cache", "int8", "--attend", "exact,top:64",
                                                     "--depths", "5", "--needles", "2,1", "--trials", "3", "--seed", "9"));
    EXPECT_TRUE(needle.cache == DType::i8 && needle.depths == 5 && needle.trials == 3);
    EXPECT_EQ(needle.attends, (std::vector<size_t>{0, 64}));
    EXPECT_EQ(bench.attends, std::vector<size_t>{0});
    EXPECT_EQ(needle.needles, (std::vector<size_t>{1, 2}));
    EXPECT_EQ(needle.seed, 9u);
    EXPECT_TRUE(contains(refusal("bench", "--cache", "int4"), "int8"));
    EXPECT_TRUE(contains(refusal("bench", "--attend", "best"), "top:64"));
    EXPECT_TRUE(contains(refusal("bench", "--attend", "top:"), "--attend"));
    EXPECT_TRUE(contains(refusal("bench", "--attend", "exact,"), "--attend"));
    EXPECT_TRUE(contains(refusal("bench", "--needles", "33"), "--needles"));
    EXPECT_TRUE(contains(refusal("bench", "--depths", "0"), "--depths"));
    for (const char* bad : {"4Q", "", "4K,", "0", "-1K", "99999999999999999999", "100"})
        EXPECT_TRUE(contains(refusal("bench", "--lengths", bad), "--lengths")) << bad;
}

TEST(Options, ANumberIsPlainDigitsWithinItsBounds) {
    struct Number {
        std::vector<const char*> command;
        const char* option;
    };
    const std::vector<Number> numbers{
        {{"ask", "a", "q"}, "--threads"},   {{"ask", "a", "q"}, "--fps"},
        {{"ask", "a", "q"}, "--from"},      {{"ask", "a", "q"}, "--to"},
        {{"ask", "a", "q"}, "--budget"},    {{"ask", "a", "q"}, "--attend"},
        {{"caption", "a"}, "--every"},      {{"caption", "a"}, "--fps"},
        {{"caption", "a"}, "--threads"},    {{"caption", "a", "--out", "d"}, "--jobs"},
        {{"agent", "a"}, "--confirm"},      {{"agent", "a"}, "--exec-limit"},
        {{"agent", "a"}, "--retries"},      {{"agent", "a"}, "--deadline"},
        {{"agent", "a"}, "--hold-off"},     {{"agent", "a"}, "--tell-every"},
        {{"agent", "a"}, "--speed"},        {{"agent", "a"}, "--fps"},
        {{"agent", "a"}, "--budget"},       {{"agent", "a", "--record", "r.mkv"}, "--segment"},
        {{"agent", "a"}, "--threads"},      {{"agent", "a", "--save", "s.lvm"}, "--save-every"},
        {{"bench", "needle"}, "--seed"},    {{"bench", "needle"}, "--depths"},
        {{"bench", "needle"}, "--trials"},  {{"bench", "needle"}, "--lengths"},
        {{"bench", "needle"}, "--needles"}, {{"bench", "needle"}, "--attend"},
        {{"bench", "needle"}, "--threads"}};
    for (const Number& number : numbers)
        for (const char* bad : {"-1", "99999999999999999999999", "nan", "inf", "", "1e9", "3x", "3 x", "0x10", "+3", " 3"}) {
            std::vector<const char*> argv{"longview"};
            argv.insert(argv.end(), number.command.begin(), number.command.end());
            argv.insert(argv.end(), {number.option, bad});
            std::string said = "accepted";
            try {
                parse_options(static_cast<int>(argv.size()), argv.data());
            } catch (const UsageError& error) {
                said = error.what();
            }
            EXPECT_TRUE(contains(said, number.option)) << number.option << " '" << bad << "': " << said;
            EXPECT_TRUE(*bad == '\0' || contains(said, bad)) << number.option << " '" << bad << "': " << said;
        }
    EXPECT_EQ(std::get<AskOptions>(parse("ask", "a", "q", "--threads", "010")).model.threads, 10) << "not octal";
    EXPECT_EQ(std::get<BenchOptions>(parse("bench", "--seed", "18446744073709551615")).seed, UINT64_MAX);
}

TEST(Options, MisuseIsASentenceThatSaysWhatToDo) {
    EXPECT_TRUE(contains(refusal("ask"), "VIDEO"));
    EXPECT_TRUE(contains(refusal("ask", "a.mp4"), "no question"));
    EXPECT_TRUE(contains(refusal("street.mp4"), "longview ask street.mp4"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--bogus"), "longview ask --help"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--fps", "0"), "--fps"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--fps", "x"), "--fps"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--from", "2:00", "--to", "1:00"), "--to must be later"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--from", "soon"), "--from"));
    EXPECT_TRUE(contains(refusal("ask", "-", "--ask-from", "-"), "standard input"));
    EXPECT_TRUE(contains(refusal("ask", "-", "--chat"), "standard input"));
    EXPECT_TRUE(contains(refusal("ask", "--load", "a.lvm"), "no question"));
    EXPECT_TRUE(contains(refusal("ask", "--load", "a.lvm", "where is it?", "--fps", "2"), "no video is named"));
    EXPECT_TRUE(contains(refusal("ask", "", "where is it?"), "empty"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--budget", "much"), "--budget"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--cache", "f64"), "--cache"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--attend", "top:0"), "--attend"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--attend", "best"), "--attend"));
    EXPECT_TRUE(contains(refusal("ask", "a", "--chat", "--ask-from", "-"), "leave --ask-from out"));
    EXPECT_TRUE(contains(refusal("ask", "a", "--ask-from", "file"), "--ask-from"));
    EXPECT_TRUE(contains(refusal("ask", "a", "q", "--device", "tpu"), "--device"));
    EXPECT_TRUE(contains(refusal("caption"), "VIDEO"));
    EXPECT_TRUE(contains(refusal("caption", "a", "--format", "srt,doc"), "doc"));
    EXPECT_TRUE(contains(refusal("caption", "a", "--format", "srt,vtt"), "--out"));
    EXPECT_TRUE(contains(refusal("caption", "a", "b", "--format", "srt"), "--out"));
    EXPECT_TRUE(contains(refusal("caption", "a", "--resume"), "--out"));
    EXPECT_TRUE(contains(refusal("caption", "a", "--every", "0"), "--every"));
    EXPECT_TRUE(contains(refusal("caption", "a", "--jobs", "0"), "--jobs"));
    EXPECT_TRUE(contains(refusal("bench", "everything"), "everything"));
}

}  // namespace
}  // namespace lv
