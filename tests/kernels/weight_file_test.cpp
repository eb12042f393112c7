#include "kernels/core/weight_file.h"

#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "kernels/core/error.h"
#include "tests/support.h"

namespace lv {
namespace {

using test::TemporaryFolder;

std::string length_of(uint64_t length) {
    std::string bytes(8, '\0');
    for (size_t i = 0; i < 8; ++i) bytes[i] = char(length >> (8 * i) & 0xff);
    return bytes;
}

void put(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

// What open() says about a file with this header and so many bytes of data; empty when it takes it.
std::string refusal(const std::string& header, size_t data_bytes) {
    TemporaryFolder folder;
    auto path = folder / "model.safetensors";
    put(path, length_of(header.size()) + header + std::string(data_bytes, '\1'));
    try {
        WeightFile::open(path);
        return "";
    } catch (const Error& error) {
        std::string message = error.what();
        EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
        return message;
    }
}

void expect_refused(const std::string& header, size_t data_bytes, const std::string& because) {
    std::string message = refusal(header, data_bytes);
    EXPECT_NE(message.find(because), std::string::npos) << "for " << header << "\nfound: " << message;
}

TEST(WeightFile, WhatIsWrittenIsReadBack) {
    TemporaryFolder folder;
    auto path = folder / "m.safetensors";
    std::vector<float> floats{1, -2, 3.5f, 4, 5, 6};
    std::vector<Half> halves{to_half(0.5f), to_half(-7), to_half(9)};
    std::vector<int64_t> times{-1, 1ll << 60};
    auto bytes = [](auto& values, size_t first, size_t count) {
        return std::as_bytes(std::span(values).subspan(first, count));
    };
    std::vector<TensorSource> tensors{
        {"b.half", DType::f16, {3, 1}, {bytes(halves, 0, 3)}},
        {"a \"quoted\" \xc3\xbc", DType::f32, {2, 3}, {bytes(floats, 0, 2), bytes(floats, 2, 4)}},
        {"times", DType::i64, {2}, {bytes(times, 0, 2)}},
        {"empty", DType::f32, {0, 5}, {}},
        {"scalar", DType::f32, {}, {bytes(floats, 2, 1)}},
    };
    write_weight_file(path, tensors, {{"format", "1"}, {"note", "line\nbreak"}});
    WeightFile file = WeightFile::open(path);
    EXPECT_EQ(file.tensors().size(), 5u);
    EXPECT_EQ(file.metadata().at("note"), "line\nbreak");
    EXPECT_EQ(file.bytes(), std::filesystem::file_size(path));
    auto read = file.values<float>("a \"quoted\" \xc3\xbc", {2, 3});
    EXPECT_EQ(std::vector<float>(read.begin(), read.end()), floats);
    EXPECT_EQ(file.values<int64_t>("times", {2})[1], 1ll << 60);
    EXPECT_EQ(file.floats("b.half", {3, 1}), (std::vector<float>{0.5f, -7, 9}));
    EXPECT_EQ(file.get("empty").size(), 0u);
    EXPECT_EQ(file.floats("scalar", {}), std::vector<float>{3.5f});
    EXPECT_EQ(file.get("b.half").describe(), "b.half F16 [3, 1]");
    EXPECT_EQ(file.find("c"), nullptr);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(WeightFile, AFileOfAnotherModelIsExplained) {
    TemporaryFolder folder;
    auto path = folder / "m.safetensors";
    std::vector<float> floats(6);
    write_weight_file(path, std::vector<TensorSource>{{"w", DType::f32, {2, 3}, {std::as_bytes(std::span(floats))}}});
    WeightFile file = WeightFile::open(path);
    auto message = [&](auto call) {
        try {
            call();
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("nothing");
    };
    EXPECT_NE(message([&] { file.get("v"); }).find("no tensor \"v\""), std::string::npos);
    EXPECT_NE(message([&] { file.get("w", {3, 2}); }).find("found w F32 [2, 3], expected [3, 2]"), std::string::npos);
    EXPECT_NE(message([&] { file.values<Half>("w", {2, 3}); }).find("expected F16"), std::string::npos);
}

TEST(WeightFile, UnalignedTensorsAreCopiedButNotViewed) {
    TemporaryFolder folder;
    auto path = folder / "m.safetensors";
    std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    while ((header.size() + 8) % 4 != 1) header += ' ';
    float value = 2.5f;
    put(path, length_of(header.size()) + header + std::string(reinterpret_cast<char*>(&value), 4));
    WeightFile file = WeightFile::open(path);
    EXPECT_EQ(file.floats("w", {1}), std::vector<float>{2.5f});
    EXPECT_THROW(file.values<float>("w", {1}), Error);
}

TEST(WeightFile, EveryFieldOfTheHeaderIsCheckedOnce) {
    auto one = [](const std::string& fields) { return "{\"w\":{" + fields + "}}"; };
    EXPECT_EQ(refusal(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[0,24])"), 24), "");
    EXPECT_EQ(refusal(R"({"__metadata__":{"a":"b"},"w":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}  )", 1), "");

    expect_refused(one(R"("shape":[2,3],"data_offsets":[0,24])"), 24, "no field \"dtype\"");
    expect_refused(one(R"("dtype":"F32","data_offsets":[0,24])"), 24, "no field \"shape\"");
    expect_refused(one(R"("dtype":"F32","shape":[2,3])"), 24, "no field \"data_offsets\"");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[0,24],"x":1)"), 24, "unknown field \"x\"");
    expect_refused(one(R"("dtype":"F33","shape":[2,3],"data_offsets":[0,24])"), 24, "dtype \"F33\" is unknown");
    expect_refused(one(R"("dtype":32,"shape":[2,3],"data_offsets":[0,24])"), 24, "dtype is not a text");
    expect_refused(one(R"("dtype":"F16","shape":[2,3],"data_offsets":[0,24])"), 24, "takes 12 bytes");
    expect_refused(one(R"("dtype":"F32","shape":[2,4],"data_offsets":[0,24])"), 24, "takes 32 bytes");
    expect_refused(one(R"("dtype":"F32","shape":6,"data_offsets":[0,24])"), 24, "shape is not a list");
    expect_refused(one(R"("dtype":"F32","shape":[2,-3],"data_offsets":[0,24])"), 24, "no size");
    expect_refused(one(R"("dtype":"F32","shape":[2,3.0],"data_offsets":[0,24])"), 24, "no size");
    expect_refused(one(R"("dtype":"F32","shape":["2",3],"data_offsets":[0,24])"), 24, "no size");
    expect_refused(one(R"("dtype":"F32","shape":[4294967296,4294967296,6],"data_offsets":[0,24])"), 24,
                   "larger than any");
    expect_refused(one(R"("dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,24])"), 24, "no size");
    expect_refused(one(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,6],"data_offsets":[0,24])"), 24,
                   "list of sizes");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[0,25])"), 25, "the header gives it 25");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[0,24])"), 23, "holds 23 bytes");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[24,0])"), 24, "at 24 to 0");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[-1,23])"), 24, "not [begin, end]");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[0])"), 24, "not [begin, end]");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":24)"), 24, "not [begin, end]");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[18446744073709551600,18446744073709551615])"), 24,
                   "holds 24");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[0,24])"), 30, "6 bytes of no tensor at the end");
    expect_refused(one(R"("dtype":"F32","shape":[2,3],"data_offsets":[4,28])"), 28, "4 bytes of no tensor before");
    expect_refused(R"({"w":7})", 0, "not described by an object");
    expect_refused(
        R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[4],"data_offsets":[2,6]}})",
        6, "overlaps");
    expect_refused(
        R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}})",
        8, "\"a\" twice");
    expect_refused(R"({"a":{"dtype":"I8","dtype":"I8","shape":[4],"data_offsets":[0,4]}})", 4, "\"dtype\" twice");
    expect_refused(R"({"__metadata__":{"a":1}})", 0, "not a text");
    expect_refused(R"({"__metadata__":[]})", 0, "not an object of texts");
    expect_refused("[]", 0, "not a JSON object");
    expect_refused("", 0, "not JSON");
    expect_refused(R"({"a":)", 0, "not JSON");
    expect_refused("{\"\xff\":1}", 0, "not JSON");
    expect_refused(std::string(100000, '['), 0, "deeper than");
}

TEST(WeightFile, AnAbsurdHeaderLengthIsRefusedBeforeAnythingIsRead) {
    TemporaryFolder folder;
    auto path = folder / "m.safetensors";
    for (uint64_t length : {uint64_t{1}, uint64_t{1} << 32, uint64_t{101} << 20, ~uint64_t{0}, ~uint64_t{0} - 7}) {
        put(path, length_of(length));
        EXPECT_THROW(WeightFile::open(path), Error) << length;
    }
    for (size_t bytes = 0; bytes < 8; ++bytes) {
        put(path, std::string(bytes, '\0'));
        EXPECT_THROW(WeightFile::open(path), Error) << bytes;
    }
    EXPECT_THROW(WeightFile::open(folder / "missing"), Error);
    EXPECT_THROW(WeightFile::open(folder.path()), Error);
}

// Run under -fsanitize=address,undefined as well: no damage may do more than throw Error.
TEST(WeightFile, DamagedAndRandomBytesNeverDoMoreThanThrow) {
    TemporaryFolder folder;
    auto path = folder / "m.safetensors";
    std::string header = R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                         R"("b":{"dtype":"F16","shape":[4],"data_offsets":[16,24]}})";
    std::string good = length_of(header.size()) + header + std::string(24, '\2');
    std::mt19937 random(1);
    size_t accepted = 0;
    for (int round = 0; round < 1200; ++round) {
        std::string bytes = good;
        if (round % 3 == 0) {
            bytes.resize(random() % (good.size() + 8));
        } else if (round % 3 == 1) {
            for (uint32_t hits = 1 + random() % 4; hits > 0; --hits)
                bytes[random() % (header.size() + 8)] = char(random());
        } else {
            std::string noise(random() % 200, '\0');
            for (char& c : noise) c = char(random());
            bytes = random() % 2 ? noise : length_of(noise.size()) + noise + std::string(8, '\0');
        }
        put(path, bytes);
        try {
            WeightFile file = WeightFile::open(path);
            for (const TensorView& tensor : file.tensors())
                if (tensor.dtype == DType::f32 || tensor.dtype == DType::f16) to_floats(tensor);
            ++accepted;
        } catch (const Error&) {
        }
    }
    EXPECT_LT(accepted, 400u);  // a byte inside a name or the metadata may change
}

TEST(WeightFile, WritingThatFailsLeavesTheOldFile) {
    TemporaryFolder folder;
    auto path = folder / "m.safetensors";
    std::vector<float> floats(6);
    std::vector<TensorSource> tensors{{"w", DType::f32, {2, 3}, {std::as_bytes(std::span(floats))}}};
    write_weight_file(path, tensors);
    auto size = std::filesystem::file_size(path);
    tensors[0].shape = {7};
    EXPECT_THROW(write_weight_file(path, tensors), Error);
    tensors[0].shape = {6};
    tensors.push_back(tensors[0]);
    EXPECT_THROW(write_weight_file(path, tensors), Error) << "twice the same name";
    tensors.pop_back();
    EXPECT_THROW(write_weight_file(folder / "no/such/folder/m", tensors), Error);
    std::filesystem::create_directory(folder / "taken");
    EXPECT_THROW(write_weight_file(folder / "taken", tensors), Error) << "a folder is in the way";
    EXPECT_EQ(std::filesystem::file_size(path), size);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2) << "no part files are left";
}

}  // namespace
}  // namespace lv
