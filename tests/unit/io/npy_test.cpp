// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/npy.hpp"

#include <string>
#include <vector>

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

std::string file_of(const std::string& dict, const std::string& data, int version = 1) {
  std::string text = "\x93NUMPY"s + static_cast<char>(version) + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) text += static_cast<char>(static_cast<unsigned char>(dict.size() >> (8 * i)));
  return text + dict + data;
}
std::string dict_of(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}
io::npy_array parse(const std::string& file) { return io::parse_npy(to_bytes(file), "a.npy"); }
std::string refusal(const std::string& file) {
  return thrown([&] { parse(file); });
}
template <class T>
std::string raw(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

TEST_CASE("npy: arrays of every version are read", "[io][npy]") {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  for (const int version : {1, 2, 3}) {
    const io::npy_array a = parse(file_of(dict_of("<f4", "(2, 3)"), raw(x), version));
    CHECK(a.type == io::dtype::f32);
    CHECK(a.shape == std::vector<std::int64_t>{2, 3});
    CHECK(a.read<float>() == x);
    CHECK(a.read<int>() == std::vector<int>{1, 2, 3, 4, 5, 6});
  }
}

TEST_CASE("npy: the header may have its keys in any order, any spacing, either quotes and any length", "[io][npy]") {
  const std::string data = raw(std::vector<double>{1, 2});
  for (const std::string& dict : {
           R"({"shape":(2,),'fortran_order':False,"descr":'<f8'})"s, "  { 'fortran_order' :\tFalse , 'descr' : '<f8','shape' : ( 2 , ) , } \n "s,
           dict_of("<f8", "(2L,)"), dict_of("<f8", "(2,)") + std::string(60000, ' '),
           // 246 bytes: a signed length byte has been read as 65526 by others.
           dict_of("<f8", "(2,)") + std::string(246 - dict_of("<f8", "(2,)").size(), ' ')}) {
    INFO(dict.substr(0, 80));
    CHECK(parse(file_of(dict, data)).read<double>() == std::vector<double>{1, 2});
  }
}

TEST_CASE("npy: every element type is read, from either byte order", "[io][npy]") {
  const auto check = [](const std::string& code, auto zero, io::dtype type) {
    using value = decltype(zero);
    const std::vector<value> x = {value{0}, value{1}, value{100}};
    std::string data = raw(x), swapped;
    for (std::size_t i = 0; i < data.size(); i += sizeof(value)) swapped += std::string(data.rend() - static_cast<std::ptrdiff_t>(i + sizeof(value)), data.rend() - static_cast<std::ptrdiff_t>(i));
    const io::npy_array little = parse(file_of(dict_of("<" + code, "(3,)"), data));
    const io::npy_array big = parse(file_of(dict_of(">" + code, "(3,)"), swapped));
    CHECK(little.type == type);
    CHECK(little.read<value>() == x);
    CHECK(big.read<value>() == x);
    CHECK(parse(file_of(dict_of("=" + code, "(3,)"), data)).read<value>() == x);
  };
  check("i1", std::int8_t{}, io::dtype::i8);
  check("u1", std::uint8_t{}, io::dtype::u8);
  check("i2", std::int16_t{}, io::dtype::i16);
  check("u2", std::uint16_t{}, io::dtype::u16);
  check("i4", std::int32_t{}, io::dtype::i32);
  check("u4", std::uint32_t{}, io::dtype::u32);
  check("i8", std::int64_t{}, io::dtype::i64);
  check("u8", std::uint64_t{}, io::dtype::u64);
  check("f4", float{}, io::dtype::f32);
  check("f8", double{}, io::dtype::f64);
  CHECK(parse(file_of(dict_of("|b1", "(2,)"), "\1\0"s)).read<int>() == std::vector<int>{1, 0});
  CHECK(parse(file_of(dict_of("<f2", "(1,)"), "\x00\x3C"s)).read<float>() == std::vector<float>{1.0f});
  CHECK(parse(file_of(dict_of(">f2", "(1,)"), "\x3C\x00"s)).read<float>() == std::vector<float>{1.0f});
  const io::npy_array complex = parse(file_of(dict_of(">c8", "(1,)"), "\x3F\x80\0\0\x40\0\0\0"s));
  CHECK(io::text_of(complex.bytes) == "\0\0\x80\x3F\0\0\0\x40"s);  // the parts keep their order
  CHECK(has(thrown([&] { complex.read<float>(); }), "pretext[io.409]"));
}

TEST_CASE("npy: scalars and empty arrays are arrays", "[io][npy]") {
  CHECK(parse(file_of(dict_of("<i4", "()"), "\7\0\0\0"s)).read<int>() == std::vector<int>{7});
  const io::npy_array none = parse(file_of(dict_of("<f4", "(2, 0, 3)", "True"), ""));
  CHECK(none.shape == std::vector<std::int64_t>{2, 0, 3});
  CHECK(none.read<float>().empty());
}

TEST_CASE("npy: column-major arrays are brought into row-major order", "[io][npy]") {
  // a(i,j,k) = 100 i + 10 j + k, stored with the first index running fastest.
  std::vector<std::int16_t> stored, wanted;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) stored.push_back(static_cast<std::int16_t>(100 * i + 10 * j + k));
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k) wanted.push_back(static_cast<std::int16_t>(100 * i + 10 * j + k));
  CHECK(parse(file_of(dict_of("<i2", "(2, 3, 4)", "True"), raw(stored))).read<std::int16_t>() == wanted);
  CHECK(parse(file_of(dict_of("<i2", "(24,)", "True"), raw(stored))).read<std::int16_t>() == stored);
}

TEST_CASE("npy: each malformed file has its own sentence", "[io][npy]") {
  const std::string four(4, '\0');
  const struct {
    std::string file, id, reason;
  } cases[] = {
      {"", "io.401", "is empty"},
      {"\x93NUMPX\1\0"s, "io.401", "does not begin with the .npy mark"},
      {"\x93NUMPY"s, "io.403", "cut off before the header"},
      {"\x93NUMPY\1\0\x10"s, "io.403", "cut off before the header"},
      {"\x93NUMPY\2\0\xFF\xFF\xFF\xFF"s, "io.403", "header of 4294967295 bytes is cut off after 0"},
      {"\x93NUMPY\4\0\0\0"s, "io.402", "version 4.0"},
      {"\x93NUMPY\1\1\0\0"s, "io.402", "version 1.1"},
      {file_of("", ""), "io.404", "expected a dict at its byte 0"},
      {file_of("{'descr': '<f4'", ""), "io.404", "',' or '}'"},
      {file_of("{'descr' '<f4'}", ""), "io.404", "':'"},
      {file_of("{'descr: 3}", ""), "io.404", "closing quote"},
      {file_of("{'descr': '\\x3cf4'}", ""), "io.404", "without escapes"},
      {file_of("{descr: 3}", ""), "io.404", "a key in quotes"},
      {file_of("{'fortran_order': 0}", ""), "io.404", "True or False"},
      {file_of(dict_of("<f4", "(1,)") + "x", four), "io.404", "nothing more"},
      {file_of(dict_of("<f4", "(1)"), four), "io.404", "',' after the only extent"},
      {file_of(dict_of("<f4", "1"), four), "io.404", "a tuple"},
      {file_of(dict_of("<f4", "(-1,)"), four), "io.404", "a non-negative integer"},
      {file_of(dict_of("<f4", "(1.0,)"), four), "io.404", "',' after the only extent"},
      {file_of(dict_of("<f4", "(1,,)"), four), "io.404", "a non-negative integer"},
      {file_of(dict_of("<f4", "(1, 1 1)"), four), "io.404", "',' or ')'"},
      {file_of("{'descr': '<f4', 'shape': (1,)}", four), "io.405", "\"fortran_order\" is missing"},
      {file_of("{'descr': '<f4', 'fortran_order': False}", four), "io.405", "\"shape\" is missing"},
      {file_of("{'shape': (1,), 'fortran_order': False}", four), "io.405", "\"descr\" is missing"},
      {file_of("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", four), "io.405", "\"descr\" appears twice"},
      {file_of("{'descr': '<f4', 'order': 'C'}", four), "io.405", "\"order\" is not part"},
      {file_of(dict_of("|O", "(1,)"), "\x80\x04"), "io.406", "Python objects"},
      {file_of("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", four), "io.406", "structured array"},
      {file_of(dict_of("<U3", "(1,)"), four), "io.406", "\"<U3\" is not supported"},
      {file_of(dict_of("|S4", "(1,)"), four), "io.406", "\"|S4\""},
      {file_of(dict_of("<M8[ns]", "(1,)"), four), "io.406", "\"<M8[ns]\""},
      {file_of(dict_of("<f16", "(1,)"), four), "io.406", "\"<f16\""},
      {file_of(dict_of("|f4", "(1,)"), four), "io.406", "\"|f4\""},
      {file_of(dict_of("f4", "(1,)"), four), "io.406", "\"f4\""},
      {file_of(dict_of("", "(1,)"), four), "io.406", "\"\""},
      {file_of(dict_of("<f8", "(9223372036854775808,)"), ""), "io.407", "does not fit into 63 bits"},
      {file_of(dict_of("<f8", "(99999999999999999999999,)"), ""), "io.407", "does not fit into 63 bits"},
      {file_of(dict_of("<f8", "(4294967296, 4294967296)"), ""), "io.407", "overflows 64 bits"},
      {file_of(dict_of("<f8", "(4611686018427387904,)"), ""), "io.407", "overflows 64 bits"},
      {file_of(dict_of("<f4", "(1000000000,)"), four), "io.408", "needs 4000000000 bytes, only 4 are there"},
      {file_of(dict_of("<f4", "(1,)"), four + "x"), "io.408", "1 bytes follow"},
  };
  for (const auto& c : cases) {
    const std::string what = refusal(c.file);
    INFO(c.file << "\n -> " << what);
    CHECK(has(what, "pretext[" + c.id + "] a.npy: "));
    CHECK(has(what, c.reason));
  }
  CHECK(has(thrown([&] { parse(file_of(dict_of("<f8", "(2,)"), raw(std::vector<double>{1, 1.5}))).read<int>(); }),
            "pretext[io.409] a.npy: element 1 (F64) cannot be held by I32"));
}

TEST_CASE("npy: what was written is read back", "[io][npy]") {
  io_test::scratch dir;
  const std::vector<float> x = {1, -2.5f, 3, 4, 5, 6};
  io::write_npy<float>(dir / "a.npy", {3, 2}, x);
  const std::string file = content(dir / "a.npy");
  CHECK(file.substr(0, 10) == "\x93NUMPY\1\0\x76\0"s);  // as NumPy writes it
  CHECK(has(file, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"));
  CHECK(file.size() == 128 + 24);
  CHECK(file[127] == '\n');
  const io::npy_array a = io::read_npy(dir / "a.npy");
  CHECK(a.shape == std::vector<std::int64_t>{3, 2});
  CHECK(a.read<float>() == x);

  io::write_npy<float>(dir / "a.npy", {6}, x);
  CHECK(has(content(dir / "a.npy"), "'shape': (6,), }"));
  CHECK(io::read_npy(dir / "a.npy").shape == std::vector<std::int64_t>{6});
  io::write_npy<std::int64_t>(dir / "a.npy", {}, std::vector<std::int64_t>{7});
  CHECK(has(content(dir / "a.npy"), "'shape': (), }"));
  CHECK(io::read_npy(dir / "a.npy").read<int>() == std::vector<int>{7});
  io::write_npy<double>(dir / "a.npy", {0, 5}, std::vector<double>{});
  CHECK(io::read_npy(dir / "a.npy").shape == std::vector<std::int64_t>{0, 5});
  for (const io::dtype type : {io::dtype::boolean, io::dtype::u8, io::dtype::i8, io::dtype::u16, io::dtype::i16, io::dtype::f16, io::dtype::u32,
                               io::dtype::i32, io::dtype::f32, io::dtype::u64, io::dtype::i64, io::dtype::f64, io::dtype::c64}) {
    io::write_npy(dir / "a.npy", type, {2}, x.data());
    const io::npy_array back = io::read_npy(dir / "a.npy");
    CHECK(back.type == type);
    CHECK(std::memcmp(back.bytes.data(), x.data(), back.bytes.size()) == 0);
  }
  // A shape that a 16-bit header length cannot hold.
  const std::vector<std::int64_t> ones(30000, 1);
  io::write_npy<float>(dir / "a.npy", ones, std::vector<float>{9});
  CHECK(content(dir / "a.npy")[6] == 2);
  CHECK(io::read_npy(dir / "a.npy").shape == ones);
}

TEST_CASE("npy: what cannot be written is refused before the file is touched", "[io][npy]") {
  io_test::scratch dir;
  put(dir / "a.npy", "old");
  const std::vector<float> x = {1, 2};
  CHECK(has(thrown([&] { io::write_npy<float>(dir / "a.npy", {3}, x); }), "pretext[io.410]"));
  CHECK(has(thrown([&] { io::write_npy<float>(dir / "a.npy", {-1, -2}, x); }), "pretext[io.410]"));
  CHECK(has(thrown([&] { io::write_npy(dir / "a.npy", io::dtype::bf16, {2}, x.data()); }), "NumPy has no element type BF16"));
  CHECK(has(thrown([&] { io::write_npy(dir / "a.npy", io::dtype::f32, {2}, nullptr); }), "no data"));
  CHECK(content(dir / "a.npy") == "old");
}

TEST_CASE("npy: a file cut at any byte, or with any header bit flipped, is refused or sound", "[io][npy]") {
  const std::string head = file_of(dict_of("<f4", "(2, 3)"), "");
  const std::string whole = head + raw(std::vector<float>{1, 2, 3, 4, 5, 6});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n);
    REQUIRE(has(refusal(whole.substr(0, n)), "pretext[io.40"));
  }
  for (std::size_t bit = 0; bit < 8 * head.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      const io::npy_array a = parse(flipped);
      std::uint64_t elements = 1;
      for (const std::int64_t e : a.shape) elements *= static_cast<std::uint64_t>(e);
      REQUIRE(elements == a.elements());
      REQUIRE(a.bytes.size() == 24);
    } catch (const pretext::error&) {
    }
  }
}
