#include "kernels/core/atomic_file.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "kernels/core/error.h"
#include "tests/support.h"

namespace lv {
namespace {

namespace fs = std::filesystem;
using test::read_text;
using test::TemporaryFolder;
using test::write_text;
using Names = std::vector<std::string>;

// What the Error says that `action` throws.
template <typename Action>
std::string refusal(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(AtomicFile, AppearsOnlyOnCommit) {
    const TemporaryFolder folder;
    AtomicFile file(folder / "a.srt");
    file.write("hel");
    file.write("lo");
    EXPECT_FALSE(fs::exists(folder / "a.srt"));
    file.commit();
    EXPECT_EQ(read_text(folder / "a.srt"), "hello");
    EXPECT_EQ(folder.names(), Names{"a.srt"});
}

TEST(AtomicFile, AnErrorLeavesTheOldFileAndNothingElse) {
    const TemporaryFolder folder;
    write_file_atomically(folder / "a.srt", "old");
    EXPECT_EQ(refusal([&] {
                  AtomicFile file(folder / "a.srt");
                  file.write("new");
                  file.flush();
                  fail("something went wrong");
              }),
              "something went wrong");
    EXPECT_EQ(read_text(folder / "a.srt"), "old");
    EXPECT_EQ(folder.names(), Names{"a.srt"});
}

TEST(AtomicFile, WhatAKilledWriterLeftIsGoneAfterTheNextSave) {
    const TemporaryFolder folder;
    write_text(folder / "a.lvm.partial", std::string(100'000, 'x'));
    write_file_atomically(folder / "a.lvm", "short");
    EXPECT_EQ(read_text(folder / "a.lvm"), "short");
    EXPECT_EQ(folder.names(), Names{"a.lvm"});
}

TEST(AtomicFile, ASecondWriterOfTheSameNameIsRefusedAndHarmsNothing) {
    const TemporaryFolder folder;
    AtomicFile first(folder / "a.lvm");
    first.write("first");
    const std::string said = refusal([&] { AtomicFile second(folder / "a.lvm"); });
    EXPECT_NE(said.find("another program is writing it"), std::string::npos) << said;
    first.commit();
    EXPECT_EQ(read_text(folder / "a.lvm"), "first");
    write_file_atomically(folder / "a.lvm", "second");
    EXPECT_EQ(read_text(folder / "a.lvm"), "second");
}

TEST(AtomicFile, ReplacesWhatALinkPointsToNotTheLink) {
    const TemporaryFolder folder;
    fs::create_directory(folder / "disk");
    fs::create_symlink("disk/big", folder / "link");
    write_file_atomically(folder / "link", "one");
    write_file_atomically(folder / "link", "two");
    EXPECT_TRUE(fs::is_symlink(folder / "link"));
    EXPECT_EQ(read_text(folder / "disk/big"), "two");
    fs::create_symlink("round", folder / "round");
    EXPECT_NE(refusal([&] { AtomicFile file(folder / "round"); }).find("Too many levels"), std::string::npos);
    EXPECT_EQ(folder.names(), (Names{"disk", "link", "round"}));
}

TEST(AtomicFile, PlacesThatTakeNoFileAreNamedWithAdvice) {
    const TemporaryFolder folder;
    const auto said = [&](const fs::path& path) {
        return refusal([&] { AtomicFile(path, "take --save elsewhere").write("x"); });
    };
    EXPECT_EQ(said(folder / "none/a"), "cannot write " + (folder / "none/a").string() +
                                           ": No such file or directory; make its folder first or take --save "
                                           "elsewhere");
    fs::create_directory(folder / "taken");
    EXPECT_NE(said(folder / "taken").find("Is a directory; take --save elsewhere"), std::string::npos);
    EXPECT_NE(said("/dev/null").find("it is a device"), std::string::npos);
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
    EXPECT_EQ(folder.names(), Names{"taken"});
}

TEST(AtomicFile, AFolderThatMayNotBeWrittenIsNamedWithAdvice) {
    const TemporaryFolder folder;
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
    const uid_t user = geteuid();
    constexpr uid_t nobody = 65534;
    if (user == 0 && seteuid(nobody) != 0) GTEST_SKIP() << "root may write everywhere and cannot become nobody";
    const std::string said = refusal([&] { AtomicFile file(folder / "a"); });
    if (user == 0) {
        ASSERT_EQ(seteuid(user), 0);
    }
    fs::permissions(folder.path(), fs::perms::owner_all);
    EXPECT_NE(said.find("Permission denied; get the right to write there or choose another"), std::string::npos)
        << said;
}

TEST(AtomicFile, AFullDiskIsToldAndLeavesTheOldFile) {
    const TemporaryFolder folder;
    const fs::path disk = folder / "disk";
    fs::create_directory(disk);
    if (mount("none", disk.c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "only root may mount a small disk";
    write_text(disk / "day.lvm", "old");
    const std::string said = refusal([&] { write_file_atomically(disk / "day.lvm", std::string(100'000, 'x')); });
    const std::string left = read_text(disk / "day.lvm");
    const auto files = std::distance(fs::directory_iterator(disk), {});
    umount(disk.c_str());
    EXPECT_NE(said.find("No space left on device; free some space or choose another place"), std::string::npos) << said;
    EXPECT_EQ(left, "old");
    EXPECT_EQ(files, 1);
}

TEST(AtomicFile, ALimitOnTheSizeOfFilesIsToldAndLeavesTheOldFile) {
    const TemporaryFolder folder;
    write_text(folder / "day.lvm", "old");
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{4096, before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string said = refusal([&] { write_file_atomically(folder / "day.lvm", std::string(100'000, 'x')); });
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_NE(said.find("File too large; raise the limit"), std::string::npos) << said;
    EXPECT_EQ(read_text(folder / "day.lvm"), "old");
    EXPECT_EQ(folder.names(), Names{"day.lvm"});
}

TEST(AtomicFile, AWritableFolderIsMadeAndLeftEmpty) {
    const TemporaryFolder folder;
    require_writable_folder(folder / "deep/er", "choose another");
    EXPECT_TRUE(fs::is_empty(folder / "deep/er"));
}

TEST(AtomicFile, AFileInTheFoldersPlaceIsRefused) {
    const TemporaryFolder folder;
    write_text(folder / "subs", "x");
    EXPECT_THROW(require_writable_folder(folder / "subs", "choose another"), Error);
    EXPECT_THROW(require_writable_folder(folder / "subs/more", "choose another"), Error);
}

}  // namespace
}  // namespace lv
