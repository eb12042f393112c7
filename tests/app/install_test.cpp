// The installed program works from anywhere, as a package would lay it.
#include <gtest/gtest.h>

#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {
namespace fs = std::filesystem;

TEST(Install, PutsProgramModelAndPapersWhereAPackageWould) {
    const TemporaryFolder folder;
    const Outcome installed = run_other({"cmake", "--install", LV_BUILD_DIR, "--prefix", (folder / "usr").string()});
    ASSERT_EQ(installed.exit_code, 0) << installed.err;
    for (const char* name : {"bin/longview", "share/longview/models/mini/config.json", "share/longview/models/mini/model.safetensors",
                             "share/longview/models/mini/vision.safetensors", "share/longview/models/mini/tokenizer.model",
                             "share/doc/longview/LICENSE", "share/doc/longview/NOTICE", "share/doc/longview/README.md"})
        EXPECT_TRUE(fs::exists(folder / ("usr/" + std::string(name)))) << name;

    // Through a link, from another folder, without hints in the environment.
    fs::create_symlink(folder / "usr/bin/longview", folder / "lv");
    const Outcome info = run_other({"env", "-C", "/", "-u", "LONGVIEW_MODEL", (folder / "lv").string(), "info"});
    EXPECT_EQ(info.exit_code, 0) << info.err;
    EXPECT_NE(info.out.find((folder / "usr/share/longview/models/mini").string()), std::string::npos) << info.out;
}

TEST(Install, TheEnvironmentNamesAModel) {
    RunRequest request;
    request.arguments = {"info"};
    request.settings = {"LONGVIEW_MODEL=/nowhere/at/all"};
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_NE(outcome.err.find("$LONGVIEW_MODEL"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("/nowhere/at/all"), std::string::npos) << outcome.err;
}

TEST(Help, TeachesByExample) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"}, {"ask", "--help"},
                                                      {"caption", "--help"}, {"info", "--help"}, {"bench", "--help"}}) {
        const Outcome outcome = run_longview(arguments);
        EXPECT_EQ(outcome.exit_code, 0);
        EXPECT_EQ(outcome.err, "");
        EXPECT_NE(outcome.out.find("  longview "), std::string::npos) << outcome.out;
    }
}

TEST(Help, IsNamedWhereNoWindowCanOpen) {
    RunRequest request;
    request.settings = {"DISPLAY=", "WAYLAND_DISPLAY="};
    const Outcome outcome = run_longview(request);
    EXPECT_NE((outcome.out + outcome.err).find("--help"), std::string::npos) << outcome.out << outcome.err;
}

}  // namespace
}  // namespace lv::test
