// Files that are not what they say: every damage is an Error that names the block, none is more than that.
// Run under -DLV_SANITIZE=address,undefined too.
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/memory_file.h"
#include "kernels/core/error.h"
#include "kernels/core/weight_file.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// One memory with every kind of block: i8 pages, a window with scales, retention, a full layer's cache, notes.
class Damage : public testing::Test {
   protected:
    void SetUp() override {
        Memory memory(model, {.cache_type = DType::i8, .page_rows = 16});
        memory.begin_video("one");
        watch(work, memory, 0, 53);
        memory.begin_video("two");
        save_memory(memory, {{{"encoder", std::vector<std::byte>(300, std::byte(1))}}}, path);
        good = read_text(path);
    }

    // Loads the file, and when that works uses all of it. The Error's message; empty: none.
    std::string refusal() {
        try {
            read_memory_info(path);
            Memory memory = std::move(load_memory(context, model, path).memory);
            if (memory.cache_rows() > 1000) memory.thin(memory.bytes().total() * 3 / 4);
            for (size_t row = 0; row < memory.cache_rows(); ++row) memory.row_time_us(row);
            watch(work, memory, 53, 80);
            memory.append_prompt(work, some_prompt(5, config.vocab_size));
            save_memory(memory, {}, folder / "again.lvm");
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    }

    // The file once more with checksums that fit, after `change` of its tensors and of the JSON in its header.
    struct Parts {
        std::vector<TensorSource> tensors;
        std::map<std::string, std::string> metadata;
        Json header;
        TensorSource& tensor(const std::string& name) {
            return *std::ranges::find(tensors, name, [](const TensorSource& tensor) { return tensor.name; });
        }
    };
    template <typename Change>
    void forge(Change change) {
        write_text(path, good);
        const WeightFile file = WeightFile::open(path);
        Parts parts{{}, file.metadata(), Json::parse(file.metadata().at("memory"))};
        for (const TensorView& tensor : file.tensors())
            if (tensor.name != "checksums")
                parts.tensors.push_back({tensor.name, tensor.dtype, tensor.shape, {tensor.bytes}});
        const Json before = parts.header;
        change(parts);
        if (parts.header != before) parts.metadata["memory"] = parts.header.dump();
        write_weight_file(path, parts.tensors, parts.metadata, {.checksums = true});
    }
    // A few words of a tensor become others.
    void forge_words(const std::string& name, std::mt19937& random) {
        std::vector<std::byte> bytes;
        forge([&](Parts& parts) {
            TensorSource& tensor = parts.tensor(name);
            bytes.assign(tensor.chunks[0].begin(), tensor.chunks[0].end());
            for (uint32_t hits = 1 + random() % 3; hits > 0; --hits) {
                const std::array values{0u, 1u, 17u, 0x7fffffffu, 0x80000000u, 0xffffffffu, uint32_t(random())};
                std::memcpy(bytes.data() + random() % (bytes.size() / 4) * 4, &values[random() % 7], 4);
            }
            tensor.chunks[0] = bytes;
        });
    }
    std::vector<std::string> tensor_names() {
        write_text(path, good);
        std::vector<std::string> names;
        const WeightFile file = WeightFile::open(path);
        for (const TensorView& tensor : file.tensors())
            if (tensor.name != "checksums") names.push_back(tensor.name);
        return names;
    }

    const Config config = all_mixes()[3];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{1};
    Workspace work{context, config, {.chunk_rows = 64, .sampled = 1}};
    const TemporaryFolder folder;
    const fs::path path = folder / "day.lvm";
    std::string good;
};

}  // namespace

TEST_F(Damage, forging_nothing_is_accepted) {
    forge([](Parts&) {});
    EXPECT_EQ(refusal(), "");
    EXPECT_EQ(tensor_names().size(), 15u) << "a new block wants a look at these tests";
}

TEST_F(Damage, a_flip_in_any_block_names_it_and_says_what_to_do) {
    for (const std::string& name : tensor_names()) {
        write_text(path, good);
        size_t at = 0, bytes = 0;
        {
            const WeightFile file = WeightFile::open(path);
            at = size_t(file.get(name).bytes.data() - file.head().data());
            bytes = file.get(name).bytes.size();
        }
        ASSERT_GT(bytes, 0u) << name;
        for (size_t offset : {size_t{0}, bytes / 2, bytes - 1}) {
            std::string bad = good;
            bad[at + offset] ^= 16;
            write_text(path, bad);
            const std::string said = refusal();
            EXPECT_TRUE(says(said, "day.lvm: its block \"" + name + "\" is damaged; take an older copy")) << offset;
        }
    }
}

TEST_F(Damage, a_flip_anywhere_in_the_file_is_refused) {
    std::mt19937 random(2);
    for (int round = 0; round < 500; ++round) {
        std::string bad = good;
        const size_t at = round < 200 ? random() % 2000 : random() % bad.size();  // most of it the header
        bad[at] = char(bad[at] ^ 1 << random() % 8);
        write_text(path, bad);
        EXPECT_NE(refusal(), "") << "at " << at;
    }
}

TEST_F(Damage, a_file_cut_anywhere_is_refused) {
    for (size_t size = 0; size < good.size(); size += 1 + size / 50) {
        write_text(path, good.substr(0, size));
        EXPECT_TRUE(says(refusal(), "take an older copy of it, or watch the video again")) << size;
    }
    write_text(path, good.substr(0, good.size() - 1));
    EXPECT_TRUE(says(refusal(), "tensor \"notes.encoder\"")) << "the block that is cut";
    write_text(path, good + "x");
    EXPECT_NE(refusal(), "");
}

TEST_F(Damage, random_bytes_are_refused) {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        std::string noise(random() % 3000, '\0');
        for (char& c : noise) c = char(random());
        if (round % 2 && noise.size() > 8) std::fill_n(noise.begin() + 2, 6, '\0');  // a header length that may fit
        if (round % 3 == 0) std::copy_n(noise.begin(), std::min(noise.size(), good.size()), good.begin() + 700);
        write_text(path, round % 3 ? noise : good);
        EXPECT_NE(refusal(), "") << round;
    }
}

TEST_F(Damage, other_files_and_missing_ones_are_told_apart) {
    fs::remove(path);
    EXPECT_TRUE(says(refusal(), "No such file"));
    fs::create_directory(path);
    EXPECT_TRUE(says(refusal(), "not a regular file"));
    fs::remove(path);
    write_weight_file(path, std::vector<TensorSource>{{"w", DType::f32, {0}, {}}});
    EXPECT_TRUE(says(refusal(), "it is no saved memory; give a file that was written with --save"));
}

TEST_F(Damage, another_version_is_refused_politely) {
    forge([](Parts& parts) { parts.metadata["version"] = "5"; });
    EXPECT_TRUE(says(refusal(), "it was saved by a newer longview (format 5, this one reads 4); update longview"));
    forge([](Parts& parts) { parts.metadata["version"] = "3"; });
    EXPECT_TRUE(says(refusal(), "by an older longview (format 3, this one reads 4); load it with that one, or watch"));
    for (const char* version : {"", "0", "-1", "1x", "99999999999999", "one"}) {
        forge([&](Parts& parts) { parts.metadata["version"] = version; });
        EXPECT_NE(refusal(), "") << version;
    }
}

TEST_F(Damage, another_model_is_refused_with_both_names) {
    Config other_config = config;
    other_config.name = "large";
    const auto other = Model::random(other_config, 4);
    const std::string said = error_of([&] { load_memory(context, other, path); });
    EXPECT_TRUE(says(said, "made by the model \"small\" (" + model->digest() + ")"));
    EXPECT_TRUE(says(said, "this one is \"large\" (" + other->digest() + ")"));
}

// Each field missing, of another type, and at the edges of what numbers there are, once: mostly refused, never more.
TEST_F(Damage, every_wrong_field_of_the_header_is_refused_or_harmless) {
    std::vector<Json::json_pointer> fields;
    forge([&](Parts& parts) {
        const Json flat = parts.header.flatten();
        for (const auto& [pointer, value] : flat.items()) fields.emplace_back(pointer);
        for (const char* whole : {"/model", "/cache", "/cache/dropped_rows", "/open_frame", "/forgotten", "/videos",
                                  "/videos/0", "/model/layers", ""})
            fields.emplace_back(whole);
    });
    const std::vector<Json> wrong{
        nullptr,    true, -1,    1,  17,    int64_t{1} << 40, INT64_MAX,      INT64_MIN,
        UINT64_MAX, 0.5,  1e300, "", "F16", Json::array(),    Json::object(), Json::array({1, "x", nullptr})};
    size_t accepted = 0, tried = 0;
    for (const Json::json_pointer& field : fields) {
        for (const Json& value : wrong) {
            forge([&](Parts& parts) { parts.header[field] = value; });
            accepted += refusal().empty();
            ++tried;
        }
        if (field.empty()) continue;
        forge([&](Parts& parts) {
            Json& parent = parts.header[field.parent_pointer()];
            if (parent.is_array())
                parent.erase(size_t(std::stoul(field.back())));
            else
                parent.erase(field.back());
        });
        accepted += refusal().empty();
        ++tried;
    }
    EXPECT_LT(accepted * 3, tried) << "numbers that are only told, such as what was forgotten, may be others";
    for (const char* text : {"", "{", "[]", "nul", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}"}) {
        forge([&](Parts& parts) { parts.metadata["memory"] = text; });
        EXPECT_NE(refusal(), "") << text;
    }
    forge([](Parts& parts) { parts.metadata["memory"] = std::string(100'000, '['); });
    EXPECT_NE(refusal(), "");
}

TEST_F(Damage, every_tensor_missing_renamed_or_of_another_shape_is_refused) {
    for (const std::string& name : tensor_names()) {
        forge([&](Parts& parts) {
            std::erase_if(parts.tensors, [&](const TensorSource& tensor) { return tensor.name == name; });
        });
        if (!name.starts_with("notes.")) {
            EXPECT_TRUE(says(refusal(), name)) << "missing";
        }
        forge([&](Parts& parts) { parts.tensor(name).name += "x"; });
        if (!name.starts_with("notes.")) {
            EXPECT_NE(refusal(), "") << name << " renamed";
        }
        forge([&](Parts& parts) {
            TensorSource& tensor = parts.tensor(name);
            tensor.shape.insert(tensor.shape.begin(), 1);
        });
        EXPECT_NE(refusal(), "") << name << " with one more size";
        forge([&](Parts& parts) {
            parts.tensor(name).dtype = DType::boolean;
            parts.tensor(name).shape = {parts.tensor(name).chunks[0].size()};
        });
        EXPECT_NE(refusal(), "") << name << " of another type";
        forge([&](Parts& parts) {
            TensorSource& tensor = parts.tensor(name);
            const size_t row = tensor.chunks[0].size() / tensor.shape[0];
            tensor.chunks[0] = tensor.chunks[0].subspan(row);
            --tensor.shape[0];
        });
        if (!name.starts_with("notes.")) {
            EXPECT_NE(refusal(), "") << name << " with one row less";
        }
    }
    forge([](Parts& parts) { parts.tensors.push_back({"more", DType::f32, {0}, {}}); });
    EXPECT_TRUE(says(refusal(), "its block \"more\" is unknown"));
}

// Lists of whole numbers decide about sizes; other values are only read as numbers.
TEST_F(Damage, wrong_values_behind_right_checksums_are_refused_or_harmless) {
    std::mt19937 random(4);
    for (const std::string& name : tensor_names())
        for (int round = 0; round < 40; ++round) {
            forge_words(name, random);
            refusal();
        }
    forge([](Parts& parts) { parts.header["rows"] = 54; });
    EXPECT_EQ(refusal(), "") << "a row more of text";
}

TEST_F(Damage, caches_that_are_not_alike_are_refused) {
    forge([](Parts& parts) {
        parts.header["rows"] = 54;
        parts.header["cache"]["dropped_rows"]["cache"] = 1;
    });
    EXPECT_TRUE(says(refusal(), "its caches have other pages"));
    std::vector<int32_t> rows;
    forge([&](Parts& parts) {
        TensorSource& tensor = parts.tensor("cache.page_rows");
        rows.resize(tensor.shape[0]);
        std::memcpy(rows.data(), tensor.chunks[0].data(), tensor.chunks[0].size());
        --rows[0];
        ++rows.back();
        tensor.chunks[0] = std::as_bytes(std::span(rows));
    });
    EXPECT_TRUE(says(refusal(), "its caches have other pages"));
}

TEST_F(Damage, a_wrong_index_behind_right_checksums_is_thinned_without_harm) {
    Memory memory(model, {.cache_type = DType::i8, .page_rows = 16});
    watch(work, memory, 0, 1600);
    save_memory(memory, {}, path);
    EXPECT_EQ(refusal(), "");
    good = read_text(path);
    std::mt19937 random(5);
    for (const char* name : {"frames.rows", "frames.change", "cache.page_rows", "layers.2.page_rows", "times"})
        for (int round = 0; round < 10; ++round) {
            forge_words(name, random);
            refusal();
        }
    for (int round = 0; round < 10; ++round) {  // sums that stay right
        std::vector<int32_t> rows;
        forge([&](Parts& parts) {
            TensorSource& tensor = parts.tensor(round % 2 ? "frames.rows" : "cache.page_rows");
            rows.resize(tensor.shape[0]);
            std::memcpy(rows.data(), tensor.chunks[0].data(), tensor.chunks[0].size());
            for (int moves = 0; moves < 20; ++moves) {
                int32_t& from = rows[random() % rows.size()];
                int32_t& to = rows[random() % rows.size()];
                const int32_t moved = from / 2;
                from -= moved;
                to += moved;
            }
            tensor.chunks[0] = std::as_bytes(std::span(rows));
        });
        refusal();
    }
}

}  // namespace lv::test
