// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/dtype.hpp"

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "pretext/io/safetensors.hpp"
#include "pretext/io/safetensors_writer.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using io::dtype;
using io_test::has;
using io_test::thrown;

namespace {

/// A file in memory with one tensor of these values, stored as `type`.
template <class T>
io::tensor_file file_with(dtype type, const std::vector<T>& values) {
  const std::vector<io::tensor_entry> t = {
      {"t", type, {static_cast<std::int64_t>(values.size())}, values.data()}};
  const std::string prefix = io::plan_safetensors(t, {}).prefix;
  std::vector<std::byte> bytes = io_test::to_bytes(prefix);
  const auto* first = reinterpret_cast<const std::byte*>(values.data());
  bytes.insert(bytes.end(), first, first + values.size() * sizeof(T));
  return io::parse_safetensors(std::move(bytes), "m");
}

template <class To, class From>
bool exact(const std::vector<From>& values) {
  const std::vector<To> read = file_with(io::dtype_of<From>(), values).template read<To>("t");
  for (std::size_t i = 0; i < values.size(); ++i)
    if (read[i] != static_cast<To>(values[i])) return false;
  return read.size() == values.size();
}

template <class To, class From>
std::string refusal(const std::vector<From>& values) {
  return thrown([&] { file_with(io::dtype_of<From>(), values).template read<To>("t"); });
}

}  // namespace

static_assert(io::dtype_of<float>() == dtype::f32 && io::dtype_of<double>() == dtype::f64 && io::dtype_of<bool>() == dtype::boolean);
static_assert(io::dtype_of<std::int8_t>() == dtype::i8 && io::dtype_of<std::uint16_t>() == dtype::u16 && io::dtype_of<long>() == dtype::i64);
static_assert(io::dtype_count == 22 && io::name_of(dtype::u64) == "U64" && io::bits_of(dtype::c64) == 64 && io::bits_of(dtype::f4) == 4);

TEST_CASE("dtype: every name leads back to its type", "[io][dtype]") {
  for (std::size_t i = 0; i < io::dtype_count; ++i) {
    dtype found{};
    CHECK(io::dtype_from_name(io::name_of(static_cast<dtype>(i)), found));
    CHECK(found == static_cast<dtype>(i));
  }
  dtype untouched = dtype::f16;
  CHECK_FALSE(io::dtype_from_name("F128", untouched));
  CHECK(untouched == dtype::f16);
}

TEST_CASE("dtype: numbers arrive in every type that can hold them", "[io][dtype]") {
  const std::vector<int> small = {0, 1, 7, 127};
  const auto each = [&]<class From>(From) {
    std::vector<From> values(small.begin(), small.end());
    return exact<float>(values) && exact<double>(values) && exact<std::int8_t>(values) && exact<std::uint8_t>(values) &&
           exact<std::int16_t>(values) && exact<std::uint16_t>(values) && exact<std::int32_t>(values) &&
           exact<std::uint32_t>(values) && exact<std::int64_t>(values) && exact<std::uint64_t>(values);
  };
  CHECK(each(float{}));
  CHECK(each(double{}));
  CHECK(each(std::int8_t{}));
  CHECK(each(std::uint8_t{}));
  CHECK(each(std::int16_t{}));
  CHECK(each(std::uint16_t{}));
  CHECK(each(std::int32_t{}));
  CHECK(each(std::uint32_t{}));
  CHECK(each(std::int64_t{}));
  CHECK(each(std::uint64_t{}));
}

TEST_CASE("dtype: halves and booleans are widened", "[io][dtype]") {
  const std::vector<std::uint16_t> half = {0x3C00, 0xC000, 0x0001, 0x7C00};
  CHECK(file_with(dtype::f16, half).read<float>("t") == std::vector<float>{1.0f, -2.0f, 0x1p-24f, std::numeric_limits<float>::infinity()});
  const std::vector<std::uint16_t> brain = {0x3F80, 0xC000, 0x7F80};
  CHECK(file_with(dtype::bf16, brain).read<double>("t") == std::vector<double>{1.0, -2.0, std::numeric_limits<double>::infinity()});
  const std::vector<std::uint8_t> yes = {0, 1, 1};
  CHECK(file_with(dtype::boolean, yes).read<float>("t") == std::vector<float>{0, 1, 1});
  CHECK(file_with(dtype::boolean, yes).read<std::uint8_t>("t") == yes);
  const std::vector<std::uint8_t> bad = {0, 1, 2};
  CHECK(has(thrown([&] { file_with(dtype::boolean, bad).read<std::uint8_t>("t"); }), "pretext[io.325] m: tensor \"t\": element 2 (BOOL)"));
}

TEST_CASE("dtype: a double rounds into a float, but a finite one never becomes infinite", "[io][dtype]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(file_with(dtype::f64, std::vector<double>{0.1, 1e-60, inf}).read<float>("t") == std::vector<float>{0.1f, 0.0f, std::numeric_limits<float>::infinity()});
  const float nan = file_with(dtype::f64, std::vector<double>{std::numeric_limits<double>::quiet_NaN()}).read<float>("t")[0];
  CHECK(nan != nan);
  CHECK(has(refusal<float>(std::vector<double>{1.0, 1e39}), "pretext[io.325] m: tensor \"t\": element 1 (F64) cannot be held by F32"));
}

TEST_CASE("dtype: integers arrive exactly or not at all", "[io][dtype]") {
  using lim = std::numeric_limits<std::int64_t>;
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  CHECK(exact<float>(std::vector<std::int64_t>{16777216, 33554432, lim::min()}));
  CHECK(has(refusal<float>(std::vector<std::int64_t>{0, 16777217}), "element 1 (I64) cannot be held by F32"));
  CHECK(exact<double>(std::vector<std::int64_t>{odd - 1, lim::min()}));
  CHECK(has(refusal<double>(std::vector<std::int64_t>{odd}), "io.325"));
  CHECK(has(refusal<double>(std::vector<std::uint64_t>{std::numeric_limits<std::uint64_t>::max()}), "io.325"));
  CHECK(has(refusal<std::int32_t>(std::vector<std::int64_t>{lim::max()}), "io.325"));
  CHECK(has(refusal<std::uint64_t>(std::vector<std::int64_t>{-1}), "io.325"));
  CHECK(has(refusal<std::int64_t>(std::vector<std::uint64_t>{std::uint64_t{1} << 63}), "io.325"));
  CHECK(exact<std::int64_t>(std::vector<double>{-0x1p63, 0x1p62, -0.0}));
  CHECK(exact<std::uint64_t>(std::vector<double>{0x1p63, 0.0}));
  CHECK(has(refusal<std::int64_t>(std::vector<double>{0x1p63}), "io.325"));
  CHECK(has(refusal<std::uint64_t>(std::vector<double>{0x1p64}), "io.325"));
  CHECK(has(refusal<std::uint8_t>(std::vector<float>{-1.0f}), "io.325"));
  CHECK(has(refusal<std::int32_t>(std::vector<float>{1.5f}), "io.325"));
  CHECK(has(refusal<std::int32_t>(std::vector<float>{std::numeric_limits<float>::quiet_NaN()}), "io.325"));
}

TEST_CASE("dtype: what cannot be converted is named and still available as bytes", "[io][dtype]") {
  const io::tensor_file file = file_with(dtype::f8_e4m3, std::vector<std::uint8_t>{1, 2});
  CHECK(has(thrown([&] { file.read<float>("t"); }), "pretext[io.324] m: tensor \"t\": elements of type F8_E4M3 cannot be converted"));
  CHECK(file.raw("t").size() == 2);
  std::vector<float> three(3);
  CHECK(has(thrown([&] { file_with(dtype::f32, std::vector<float>{1, 2}).read_into<float>("t", three); }), "pretext[io.328] m: tensor \"t\": holds 2 elements where 3 are wanted"));
}
