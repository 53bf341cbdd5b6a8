// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/noise.hpp"

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::extents;
using px::index_t;

namespace {
/// What of a step's scope the draws read.
template <class B>
struct small_scope {
  px::context<B, float> ctx;
  px::step_inputs* inputs;
};
template <class B = px::backend::reference, class... A>
std::vector<float> noise(std::uint64_t seed, std::uint64_t step, unsigned round, index_t rows, index_t columns, A... a) {
  B be(a...);
  alignas(64) static std::byte block[1 << 16];
  px::workspace memory(block, sizeof block);
  px::comm::null alone;
  px::step_inputs inputs{};
  inputs.seed = seed;
  inputs.step = step;
  const small_scope<B> s{{&be, &memory, &alone, &inputs}, &inputs};
  std::vector<float> x(static_cast<std::size_t>(rows * columns), 1.0f);
  px::method::add_noise(s, px::tensor_view<float>{x.data(), {rows, columns}}, -0.5, 0.25, round);
  return x;
}
}  // namespace

TEST_CASE("noise: is added, and lies in its range", "[method][noise]") {
  double sum = 0;
  const auto x = noise(1, 0, 0, 300, 7);
  for (const float v : x) {
    CHECK((v >= 0.5f && v <= 1.25f));
    sum += static_cast<double>(v);
  }
  CHECK(sum / static_cast<double>(x.size()) == Approx(0.875).margin(0.02));
}

TEST_CASE("noise: seed, step, round and row each make other draws", "[method][noise]") {
  const auto x = noise(1, 5, 0, 400, 3);
  CHECK(x == noise(1, 5, 0, 400, 3));
  CHECK(x != noise(2, 5, 0, 400, 3));
  CHECK(x != noise(1, 6, 0, 400, 3));
  CHECK(x != noise(1, 5 + (std::uint64_t{1} << 24), 0, 400, 3));
  CHECK(x != noise(1, 5, 1, 400, 3));
  for (const std::size_t row : {1u, 255u, 256u, 399u}) CHECK(x[3 * row] != x[0]);
  const auto fewer = noise(1, 5, 0, 10, 3);  // a row does not know how many there are
  CHECK(std::equal(fewer.begin(), fewer.end(), x.begin()));
}

TEST_CASE("noise: every back end and number of threads draws the same", "[method][noise]") {
  const auto x = noise(3, 1, 2, 100, 5);
  for (const int threads : {1, 2, 5}) CHECK(noise<px::backend::simd<>>(3, 1, 2, 100, 5, threads) == x);
}
