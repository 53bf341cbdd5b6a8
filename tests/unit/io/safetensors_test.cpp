// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/safetensors.hpp"

#include <cmath>
#include <limits>

#include "pretext/io/safetensors_writer.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using io_test::content;
using io_test::has;
using io_test::put;
using io_test::thrown;
using io_test::to_bytes;
using namespace std::string_literals;

namespace {

/// A file of this header and this many zero bytes.
std::string file_of(const std::string& json, std::size_t buffer = 0) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(static_cast<unsigned char>(std::uint64_t{json.size()} >> (8 * i)));
  return text + json + std::string(buffer, '\0');
}
std::string refusal(const std::string& file) {
  return thrown([&] { io::parse_safetensors(to_bytes(file), "m.safetensors"); });
}
std::string tensor(const std::string& name, const std::string& type, const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}
std::string one(const std::string& type, const std::string& shape, const std::string& offsets, std::size_t buffer) {
  return file_of("{" + tensor("a", type, shape, offsets) + "}", buffer);
}
std::string written(std::vector<io::tensor_entry> tensors, io::text_pairs metadata) {
  return io::plan_safetensors(tensors, std::move(metadata)).prefix;
}

}  // namespace

TEST_CASE("safetensors: headers are the reference writer's byte for byte", "[io][safetensors][golden]") {
  const float x[24] = {};
  CHECK(written({}, {}) == "\x08\0\0\0\0\0\0\0{}      "s);
  CHECK(written({}, {{"framework", "pt"}}) == "\x28\0\0\0\0\0\0\0{\"__metadata__\":{\"framework\":\"pt\"}}     "s);
  CHECK(written({{"attn.0", io::dtype::f32, {1, 2, 3}, x}}, {}) ==
        "\x40\0\0\0\0\0\0\0{\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],\"data_offsets\":[0,24]}}"s);
  CHECK(written({{"attn0", io::dtype::f32, {1, 1, 2, 3}, x}}, {}) ==
        "\x48\0\0\0\0\0\0\0{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       "s);
}

TEST_CASE("safetensors: the widest types come first, then names, and every tensor is aligned", "[io][safetensors]") {
  const double d[2] = {1, 2};
  const std::vector<io::tensor_entry> tensors = {
      {"b", io::dtype::f32, {1}, d}, {"a", io::dtype::f32, {1}, d}, {"z", io::dtype::boolean, {3}, d}, {"h", io::dtype::bf16, {1}, d},
      {"y", io::dtype::f64, {1}, d}, {"i", io::dtype::i64, {2}, d}, {"g", io::dtype::f16, {1}, d}};
  const auto plan = io::plan_safetensors(tensors, {});
  std::string order;
  for (const std::size_t i : plan.order) order += tensors[i].name;
  CHECK(order == "iyabhgz");
  std::vector<io::tensor_entry> reversed(tensors.rbegin(), tensors.rend());
  CHECK(io::plan_safetensors(reversed, {}).prefix == plan.prefix);
  CHECK(plan.prefix.size() % 8 == 0);
}

TEST_CASE("safetensors: what was written is read back, and Python loaders find format=pt", "[io][safetensors]") {
  io_test::scratch dir;
  const std::string path = dir / "m.safetensors";
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> w = {1.5f, -0.0f, nan, inf, 1e-45f, 6};
  const std::vector<std::int64_t> id = {-1, std::int64_t{1} << 40};
  const double scalar = 0.1;
  const std::vector<io::tensor_entry> tensors = {io::tensor_of<float>("layer.weight", {2, 3}, w), io::tensor_of<std::int64_t>("id", {2}, id),
                                                 {"scalar", io::dtype::f64, {}, &scalar}, {"empty", io::dtype::f32, {2, 0}, nullptr},
                                                 {"é \"q\"\\", io::dtype::u8, {1}, "\x7F"}};
  io::write_safetensors(path, tensors, {{"epoch", "3\n\"x\""}});
  const io::tensor_file file = io::read_safetensors(path);
  CHECK(file.names() == std::vector<std::string>{"empty", "id", "layer.weight", "scalar", "é \"q\"\\"});
  CHECK(file.metadata() == io::text_pairs{{"epoch", "3\n\"x\""}, {"format", "pt"}});
  REQUIRE(file.find_metadata("format") != nullptr);
  CHECK(*file.find_metadata("format") == "pt");
  CHECK(file.find_metadata("none") == nullptr);
  CHECK(file.at("layer.weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.at("scalar").shape.empty());
  CHECK(file.at("empty").shape == std::vector<std::int64_t>{2, 0});
  CHECK(file.at("empty").elements() == 0);
  CHECK(std::memcmp(file.raw("layer.weight").data(), w.data(), 24) == 0);
  const std::vector<float> back = file.read<float>("layer.weight");
  CHECK(std::memcmp(back.data(), w.data(), 24) == 0);
  CHECK(file.read<std::int64_t>("id") == id);
  CHECK(file.read<double>("scalar") == std::vector<double>{0.1});
  CHECK(file.read<float>("empty").empty());
  CHECK(file.find("layer") == nullptr);
  CHECK(has(thrown([&] { file.at("layer"); }), "pretext[io.323] " + path + ": holds no tensor \"layer\" among its 5"));

  // Two ways in, same result; and writing what was read gives the same file.
  const io::tensor_file parsed = io::parse_safetensors(io::read_file(path), "x");
  CHECK(parsed.read<std::int64_t>("id") == id);
  std::vector<io::tensor_entry> again;
  for (const auto& t : file.tensors()) again.push_back({t.name, t.type, t.shape, file.raw(t).data()});
  const std::string before = content(path);
  io::write_safetensors(path, again, file.metadata());  // onto the file it came from
  CHECK(content(path) == before);
  CHECK(file.read<std::int64_t>("id") == id);
}

TEST_CASE("safetensors: a format named by the caller is kept", "[io][safetensors]") {
  io_test::scratch dir;
  io::write_safetensors(dir / "f", {}, {{"format", "np"}});
  CHECK(*io::read_safetensors(dir / "f").find_metadata("format") == "np");
}

TEST_CASE("safetensors: legal oddities are accepted", "[io][safetensors]") {
  CHECK(refusal(file_of("{}")) == "nothing");
  CHECK(refusal(file_of("\n\t\r {} \r\n\t")) == "nothing");
  CHECK(refusal(one("I32", "[]", "[0,4]", 4)) == "nothing");
  CHECK(refusal(one("I32", "[2,0]", "[0,0]", 0)) == "nothing");
  CHECK(refusal(one("F4", "[1,2]", "[0,1]", 1)) == "nothing");
  CHECK(refusal(one("F6_E2M3", "[4]", "[0,3]", 3)) == "nothing");
  CHECK(refusal(one("C64", "[1]", "[0,8]", 8)) == "nothing");
  CHECK(refusal(one(" U8", "[1]", "[0,1]", 1)) != "nothing");
  // Any order in the JSON; an empty tensor at k before the one that starts at k; unaligned; keys in any order.
  const std::string json = R"({"late":{"shape":[1],"data_offsets":[1,5],"dtype":"F32"},"__metadata__":{},)" +
                           tensor("x", "F64", "[0]", "[1,1]") + "," + tensor("first", "U8", "[1]", "[0,1]") + "}";
  const io::tensor_file file = io::parse_safetensors(to_bytes(file_of(json, 1) + "\0\0\x80\x3F"s), "m");
  CHECK(file.tensors()[1].name == "x");
  CHECK(file.read<float>("late") == std::vector<float>{1.0f});
}

TEST_CASE("safetensors: each malformed file has its own id and sentence", "[io][safetensors]") {
  std::string overlap = "{";
  for (int i = 0; i < 10; ++i) overlap += (i ? "," : "") + tensor(std::to_string(i), "F32", "[2,2]", "[0,16]");
  overlap += "}";
  const struct {
    std::string file, id, reason;
  } cases[] = {
      {"", "io.301", "is empty"},
      {"abc", "io.301", "holds only 3 bytes"},
      {"\x3C\0\0\0\0\0\0\0"s, "io.303", "header of 60 bytes is cut off after 0"},
      {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x3C", "io.302", "announces a header of 4395513236313604095 bytes"},
      {"\x01\xE1\xF5\x05\0\0\0\0{}"s, "io.302", "100000001 bytes"},
      {"\x00\xE1\xF5\x05\0\0\0\0{}"s, "io.303", "header of 100000000 bytes is cut off after 2"},
      {"\x3C\0\0\0\0\0\0\0{}"s, "io.303", "cut off after 2"},
      {"\x08\0\0\0\0\0\0\0{}     "s, "io.303", "header of 8 bytes is cut off after 7"},
      {"\0\0\0\0\0\0\0\0"s, "io.201", "header, byte 0: the text ends where an object should be"},
      {file_of("\xFF"), "io.207", "not valid UTF-8"},
      {file_of("{"), "io.201", "the text ends where a key"},
      {file_of("[]"), "io.202", "expected an object, found '['"},
      {file_of("{} x"), "io.210", "text follows"},
      {file_of(overlap, 16), "io.319", "inside the tensor before it, which ends at 16"},
      {one("I32", "[2,2]", "[0,16]", 16 + 34), "io.321", "34 bytes after the last tensor belong to no tensor"},
      {file_of("{}", 1), "io.321", "1 bytes after"},
      {one("I32", "[2,2]", "[0,16]", 14), "io.322", "2 bytes are missing"},
      {one("I32", "[2,2]", "[0,4]", 4), "io.317", "its shape needs 16 bytes, data_offsets give it 4"},
      {one("I32", "[2,18446744073709551614]", "[0,16]", 16), "io.314", "number of elements of its shape overflows"},
      {one("I32", "[2,9223372036854775807]", "[0,16]", 16), "io.315", "the size of 18446744073709551614 elements overflows"},
      {one("F4", "[1,3]", "[0,1]", 1), "io.316", "3 elements of F4 do not fill whole bytes"},
      {one("U8", "[281474976710656,0]", "[0,0]", 0), "io.310", "shape holds 281474976710656, above the format's limit"},
      {one("U8", "[18446744073709551616]", "[0,0]", 0), "io.310", "shape holds 18446744073709551616, above"},
      {one("U8", "[0]", "[281474976710656,281474976710656]", 0), "io.310", "data_offsets holds 281474976710656"},
      {one("U8", "[1]", "[2,1]", 2), "io.318", "it ends at byte 1, before it begins at 2"},
      {one("U8", "[1]", "[1,2]", 2), "io.320", "1 bytes before it belong to no tensor"},
      {file_of("{" + tensor("a", "U8", "[1]", "[0,1]") + "," + tensor("b", "U8", "[1]", "[2,3]") + "}", 3), "io.320", "\"b\": 1 bytes before"},
      {file_of("{" + tensor("a", "U8", "[2]", "[0,2]") + "," + tensor("b", "U8", "[2]", "[1,3]") + "}", 3), "io.319", "\"b\": it begins at byte 1"},
      {one("U8", "[1.0]", "[0,1]", 1), "io.309", "shape holds 1.0"},
      {one("U8", "[1e2]", "[0,100]", 100), "io.309", "shape holds 1e2"},
      {one("U8", "[-0]", "[0,0]", 0), "io.309", "shape holds -0"},
      {one("U8", "[-1]", "[0,0]", 0), "io.309", "shape holds -1"},
      {one("U8", "[1]", "[0,1.0]", 1), "io.309", "data_offsets holds 1.0"},
      {one("U8", "[\"1\"]", "[0,1]", 1), "io.202", "expected a number"},
      {one("U8", "[[1]]", "[0,1]", 1), "io.202", "expected a number"},
      {one("U8", "1", "[0,1]", 1), "io.202", "expected an array"},
      {one("U8", "[1]", "[0]", 1), "io.311", "holds 1 numbers instead of 2"},
      {one("U8", "[1]", "[0,1,2]", 1), "io.311", "holds 3 numbers instead of 2"},
      {one("F31", "[1]", "[0,1]", 1), "io.313", "the type \"F31\" is not known"},
      {one("f32", "[1]", "[0,4]", 4), "io.313", "\"f32\""},
      {file_of(R"({"a":{"dtype":"U8","shape":[0]}})"), "io.311", "the key \"data_offsets\" is missing"},
      {file_of(R"({"a":{"dtype":"U8","data_offsets":[0,0]}})"), "io.311", "the key \"shape\" is missing"},
      {file_of(R"({"a":{"shape":[0],"data_offsets":[0,0]}})"), "io.311", "the key \"dtype\" is missing"},
      {file_of(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"stride":[1]}})"), "io.312", "the key \"stride\" is not part"},
      {file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})"), "io.306", "the key \"dtype\" appears twice"},
      {file_of("{" + tensor("a", "U8", "[0]", "[0,0]") + "," + tensor("a", "U8", "[0]", "[0,0]") + "}"), "io.306", "the tensor \"a\" appears twice"},
      {file_of("{" + tensor("a", "U8", "[0]", "[0,0]") + "," + tensor("\\u0061", "U8", "[0]", "[0,0]") + "}"), "io.306", "the tensor \"a\" appears twice"},
      {file_of(R"({"__metadata__":{"k":"1","k":"2"}})"), "io.306", "metadata key \"k\" appears twice"},
      {file_of(R"({"__metadata__":{},"__metadata__":{}})"), "io.306", "\"__metadata__\" appears twice"},
      {file_of(R"({"__metadata__":{"k":1}})"), "io.308", "the metadata value of \"k\" is an integer, not a string"},
      {file_of(R"({"__metadata__":{"k":null}})"), "io.308", "is null, not a string"},
      {file_of(R"({"__metadata__":[]})"), "io.202", "expected an object"},
      {file_of("{" + tensor("a\\u0000b", "U8", "[0]", "[0,0]") + "}"), "io.307", "\"a?b\" has a control character"},
      {file_of("{" + tensor("a\\n", "U8", "[0]", "[0,0]") + "}"), "io.307", "control character"},
      {file_of("{" + tensor("a\0b"s, "U8", "[0]", "[0,0]") + "}"), "io.205", "control character (byte 0x00)"},
      {file_of("{\"__metadata__\":{\"k\\u0001\":\"\"}}"), "io.307", "metadata key"},
      {file_of("{\"a\":" + std::string(100000, '{')), "io.202", "expected a key"},
      {file_of("{\"a\":" + std::string(100000, '[')), "io.202", "expected an object"},
  };
  for (const auto& c : cases) {
    const std::string what = refusal(c.file);
    INFO(c.file.substr(0, 200) << "\n -> " << what);
    CHECK(has(what, "pretext[" + c.id + "] m.safetensors"));
    CHECK(has(what, c.reason));
  }
}

TEST_CASE("safetensors: refusals of a file on disk are those of its bytes", "[io][safetensors]") {
  io_test::scratch dir;
  const std::string path = dir / "m";
  for (const std::string& bytes : {""s, "abc"s, "\x3C\0\0\0\0\0\0\0"s, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x3C"s, file_of("{", 0), file_of("{}", 3), one("I32", "[2,2]", "[0,16]", 14)}) {
    put(path, bytes);
    CHECK(thrown([&] { io::read_safetensors(path); }) == thrown([&] { io::parse_safetensors(to_bytes(bytes), path); }));
    CHECK(thrown([&] { io::read_safetensors(path); }) != "nothing");
  }
  CHECK(has(thrown([&] { io::read_safetensors(dir / "absent"); }), "pretext[io.101]"));
}

TEST_CASE("safetensors: a huge sparse file is refused before memory is asked for", "[io][safetensors]") {
  io_test::scratch dir;
  put(dir / "m", one("U8", "[4]", "[0,4]", 4));
  if (::truncate((dir / "m").c_str(), off_t{1} << 42) != 0) {
    WARN("skipped: this file system has no sparse files");
    return;
  }
  CHECK(has(thrown([&] { io::read_safetensors(dir / "m"); }), "pretext[io.321]"));
}

TEST_CASE("safetensors: a file cut at any byte is refused", "[io][safetensors]") {
  io_test::scratch dir;
  const float x[6] = {1, 2, 3, 4, 5, 6};
  const std::vector<io::tensor_entry> tensors = {{"w", io::dtype::f32, {2, 3}, x}, {"b", io::dtype::u8, {3}, x}};
  io::write_safetensors(dir / "m", tensors);
  const std::string whole = content(dir / "m");
  REQUIRE(refusal(whole) == "nothing");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n);
    REQUIRE(has(refusal(whole.substr(0, n)), "pretext[io."));
    put(dir / "cut", whole.substr(0, n));
    REQUIRE(has(thrown([&] { io::read_safetensors(dir / "cut"); }), "pretext[io."));
  }
}

TEST_CASE("safetensors: any flipped bit of the header is refused or leaves tensors that cover the buffer", "[io][safetensors]") {
  const float x[6] = {1, 2, 3, 4, 5, 6};
  const std::vector<io::tensor_entry> tensors = {{"w", io::dtype::f32, {2, 3}, x}, {"b", io::dtype::i32, {2}, x}};
  const std::string prefix = written(tensors, {{"format", "pt"}});
  const std::string whole = prefix + std::string(32, '\1');
  int refused = 0, accepted = 0;
  for (std::size_t bit = 0; bit < 8 * prefix.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      const io::tensor_file file = io::parse_safetensors(to_bytes(flipped), "m");
      ++accepted;
      std::uint64_t end = 0;
      for (const auto& t : file.tensors()) {
        REQUIRE(t.begin == end);
        end = t.end;
        REQUIRE(file.raw(t).size() == t.bytes());
      }
      REQUIRE(end == 32);
    } catch (const pretext::error&) {
      ++refused;
    }
  }
  // Names and metadata letters, and U32 for I32, are the only bytes that may change unseen.
  CHECK(refused > 10 * accepted);
  CHECK(accepted > 0);
}

TEST_CASE("safetensors: wrong entries are refused before the file is touched", "[io][safetensors]") {
  io_test::scratch dir;
  const std::string path = dir / "m";
  put(path, "old");
  const float x[4] = {};
  const auto refused = [&](std::vector<io::tensor_entry> tensors, io::text_pairs metadata = {}) {
    return thrown([&] { io::write_safetensors(path, tensors, metadata); });
  };
  CHECK(has(refused({{"a", io::dtype::f32, {1}, x}, {"a", io::dtype::f64, {1}, x}}), "io.327] the tensor \"a\" is given twice"));
  CHECK(has(refused({{"a", io::dtype::f32, {-1}, x}}), "negative extent"));
  CHECK(has(refused({{"a", io::dtype::f32, {1}, nullptr}}), "has no data"));
  CHECK(has(refused({{"a", io::dtype::f4, {3}, x}}), "whole bytes"));
  CHECK(has(refused({{"a", io::dtype::f32, {std::int64_t{1} << 40, std::int64_t{1} << 40}, x}}), "larger than the format allows"));
  CHECK(has(refused({{"a\0b"s, io::dtype::f32, {1}, x}}), "control character"));
  CHECK(has(refused({{"a\xFF", io::dtype::f32, {1}, x}}), "is not UTF-8"));
  CHECK(has(refused({{"__metadata__", io::dtype::f32, {1}, x}}), "reserved"));
  CHECK(has(refused({}, {{"a", "1"}, {"a", "2"}}), "metadata key \"a\" is given twice"));
  CHECK(has(refused({}, {{"a", "\xC0"}}), "not UTF-8"));
  CHECK(has(refused({}, {{"a", std::string(100'000'000, 'x')}}), "pretext[io.326]"));
  CHECK(has(thrown([&] { io::tensor_of<float>("a", {3}, std::span<const float>(x)); }), "pretext[io.327]"));
  CHECK(has(thrown([&] { io::tensor_of<float>("a", {-2, -2}, std::span<const float>(x)); }), "pretext[io.327]"));
  CHECK(content(path) == "old");
  CHECK(dir.files() == 1);
}

TEST_CASE("safetensors: a header of 100 000 tensors on one range is refused without harm", "[io][safetensors]") {
  std::string json = "{";
  for (int i = 0; i < 100000; ++i) json += (i ? "," : "") + tensor("t" + std::to_string(i), "U8", "[1000]", "[0,1000]");
  CHECK(has(refusal(file_of(json + "}", 1000)), "pretext[io.319]"));
}
