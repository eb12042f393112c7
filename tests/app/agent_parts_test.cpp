// What the agent writes and runs beside answers: its pictures, its file of events, its commands.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/agent_loop.h"
#include "app/agent_options.h"
#include "app/command_runner.h"
#include "app/snapshots.h"
#include "kernels/core/error.h"
#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {

TEST(AgentSnapshots, AreErrorsWhereAFileSystemTakesNoSuchName) {
    const TemporaryFolder folder;
    const std::string endless(300, 'x');
    EXPECT_THROW(Snapshots(folder / endless), Error);
    Snapshots pictures(folder.path());
    pictures.look(0, std::make_shared<const Picture>(Picture{32, 32, std::vector<uint8_t>(32 * 32 * 3)}));
    EXPECT_EQ(pictures.write(0, "a"), (folder / "a.jpg").string());
    EXPECT_EQ(pictures.write(0, "a"), (folder / "a-2.jpg").string());
    EXPECT_THROW(pictures.write(0, endless), Error);
}

// No file of this process grows beyond so many bytes, as on a disk that is full.
class FullDisk {
   public:
    explicit FullDisk(rlim_t bytes) : taker_(std::signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, taker_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

   private:
    void (*const taker_)(int);
    rlimit before_{};
};

TEST(AgentEvents, ALineThatFoundNoRoomLeavesNoPieceBehind) {
    const TemporaryFolder folder;
    const std::string file = (folder / "events.jsonl").string();
    const nlohmann::ordered_json first{{"number", 1}}, second{{"number", 2}}, third{{"number", 3}};
    EventFile events(file);
    EXPECT_TRUE(events.write(first));
    bool told = true, again = false;
    {
        const FullDisk full(20);  // bytes: one line and a half
        told = events.write(second);
        again = events.write(second);
    }
    EXPECT_FALSE(told);
    EXPECT_TRUE(again) << "it is told once";
    EXPECT_TRUE(events.write(third));
    EXPECT_EQ(read_text(file), "{\"number\":1}\n{\"number\":3}\n");
}

TEST(AgentCommands, AreSplitAndFilledWithoutAShell) {
    EXPECT_EQ(split_command("say  'a b' \"c \\\" d\"e\\ f ''"),
              (std::vector<std::string>{"say", "a b", "c \" de f", ""}));
    EXPECT_THROW(split_command("say \"x"), UsageError);
    EXPECT_EQ(filled_word("{text} at {time}, {what}", {{"text", "{time}; rm"}, {"time", "0:01"}}),
              "{time}; rm at 0:01, {what}");
}

TEST(AgentCommands, RunAtMostSoManyAtOnceAndTellHowTheyFailed) {
    CommandRunner missing({"/nowhere/at-all"}, 1);
    EXPECT_EQ(count(missing.start({}), "cannot run /nowhere/at-all"), 1u);
    int ends[2];
    ASSERT_EQ(pipe2(ends, 0), 0);  // the command runs until the pipe is closed
    const std::string in = std::to_string(ends[0]), out = std::to_string(ends[1]);
    CommandRunner busy({"sh", "-c", "exec " + out + ">&-; read x <&" + in + "; exit 3"}, 1);
    EXPECT_EQ(busy.start({}), "");
    EXPECT_EQ(count(busy.start({}), "1 commands still run"), 1u);
    close(ends[1]);
    close(ends[0]);
    std::vector<std::string> failures;
    while ((failures = busy.failures()).empty()) std::this_thread::yield();
    EXPECT_EQ(failures, std::vector<std::string>{"--exec: sh ended with status 3"});
}

}  // namespace
}  // namespace lv::test
