// SPDX-License-Identifier: BSD-3-Clause
// build: O2
// The precision of a recipe, from its name to the ops: who rounds, who does not, and what a run in it computes.
#include "pretext/precision/bf16.hpp"

#include "../train/tiny.hpp"
#include "pretext/backend/audit.hpp"
#include "pretext/backend/report.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/backend/strict.hpp"
#include "pretext/train/describe.hpp"
#include "support/catch.hpp"

namespace {

namespace px = pretext;
using px::index_t;
using simd = px::backend::simd<>;

struct in_bf16 : tiny::simclr {
  using precision = px::precision::bf16;
};
struct in_float : tiny::simclr {
  using precision = px::precision::float32;
};
std::vector<float> numbers(index_t n, std::uint64_t seed) {
  px::rng::stream draw(px::rng::key{.seed = seed});
  std::vector<float> v(static_cast<std::size_t>(n));
  for (float& x : v) x = static_cast<float>(draw.uniform(-1, 1));
  return v;
}

/// c = a b on B, through a context of a precision.
template <class B, class Precision>
std::vector<float> product(index_t m, index_t n, index_t k) {
  const auto a = numbers(m * k, 1), b = numbers(k * n, 2);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  B be;
  px::comm::null alone;
  px::workspace plan;
  const auto compute = [&](px::workspace& memory) {
    const px::context<B, float, px::comm::null, px::precision::rounding_of<Precision>> ctx{&be, &memory, &alone};
    ctx(px::op::matmul, px::tensor_view<const float>{a.data(), {m, k}}, px::tensor_view<const float>{b.data(), {k, n}},
        px::tensor_view<float>{c.data(), {m, n}}, px::op::matmul_options{});
  };
  compute(plan);
  std::vector<std::byte> block(plan.peak() + 64);
  px::workspace memory(block.data(), block.size());
  compute(memory);
  return c;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (static_cast<double>(a[i]) - static_cast<double>(b[i])) * (static_cast<double>(a[i]) - static_cast<double>(b[i]));
    scale += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return std::sqrt(squares / scale);
}

template <class Recipe>
using trainer_of = px::train::trainer<Recipe, simd>;

template <class Recipe>
std::vector<double> losses(int steps) {
  using trainer = trainer_of<Recipe>;
  trainer t(tiny::settings<trainer>(24));
  const auto set = tiny::pictures(24);
  const tiny::batch all(set);
  std::vector<double> seen;
  for (int i = 0; i < steps; ++i) seen.push_back(static_cast<double>(t.step(all.list()).loss));
  return seen;
}

static_assert(std::is_same_v<px::precision::rounding_of<px::precision::float32>, void>);
static_assert(std::is_same_v<trainer_of<in_bf16>::value_type, float>, "parameters, gradients and optimizer stay float");
static_assert(px::op::rounds<px::precision::bf16, px::op::conv2d_op> && !px::op::rounds<px::precision::bf16, px::op::contrastive_forward_op>);

}  // namespace

TEST_CASE("precision bf16: the SIMD back end rounds products, within 5e-3; the reference and float32 do not", "[precision][bf16]") {
  const auto exact = product<simd, px::precision::float32>(31, 40, 257), rounded = product<simd, px::precision::bf16>(31, 40, 257);
  CHECK(distance(rounded, exact) < px::precision::bf16::allowed);
  CHECK(distance(rounded, exact) > 1e-4);
  CHECK(product<px::backend::reference, px::precision::bf16>(7, 5, 13) == product<px::backend::reference, px::precision::float32>(7, 5, 13));
  CHECK(product<px::backend::strict<simd>, px::precision::bf16>(31, 40, 257) == rounded);
  CHECK(product<px::backend::strict<px::backend::reference>, px::precision::bf16>(1, 2, 3).size() == 2);
}

TEST_CASE("precision bf16: an audited training run has no failures", "[precision][bf16]") {
  using checked = px::backend::audit<simd>;
  using trainer = px::train::trainer<in_bf16, checked>;
  checked be(2);
  trainer t(tiny::settings<trainer>(12), be);
  const auto set = tiny::pictures(12);
  const tiny::batch all(set);
  for (int i = 0; i < 3; ++i) t.step(all.list());
  INFO(be.first_failure());
  CHECK(be.checked() > 50);
  CHECK(be.failures() == 0);
}

TEST_CASE("precision bf16: losses follow those of float32", "[precision][bf16]") {
  const auto exact = losses<in_float>(40), rounded = losses<in_bf16>(40);
  CHECK(exact != rounded);
  // The first step differs by rounding alone; later ones by what it did to the parameters since.
  CHECK(std::fabs(rounded[0] - exact[0]) < 1e-3 * exact[0]);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO("step " << i << ": " << exact[i] << " and " << rounded[i]);
    CHECK(std::fabs(rounded[i] - exact[i]) < 1e-2 * exact[i]);
  }
}

TEST_CASE("precision bf16: same bits for any number of threads, and memory as planned", "[precision][bf16]") {
  using trainer = trainer_of<in_bf16>;
  const auto set = tiny::pictures(24);
  const tiny::batch all(set);
  std::string first;
  for (int threads : {1, 3}) {
    simd be(threads);
    trainer t(tiny::settings<trainer>(24), be);
    for (int i = 0; i < 3; ++i) t.step(all.list());
    const std::string bytes = tiny::state(t);
    if (first.empty()) first = bytes;
    CHECK(tiny::differences(bytes, first) == 0);
    CHECK(px::train::planned_memory<trainer>(t.settings(), be).workspace == t.planned_bytes());
  }
}

TEST_CASE("precision bf16: it is part of what a recipe is called and of what a checkpoint is held to", "[precision][bf16]") {
  using trainer = trainer_of<in_bf16>;
  CHECK_THAT(px::train::describe<trainer>({.batch_size = 8}).text(), Catch::Contains("on simd, bf16, batch 8"));
  trainer rounded(tiny::settings<trainer>(8));
  trainer_of<in_float> exact(tiny::settings<trainer_of<in_float>>(8));
  const auto [theirs, mine] = px::train::detail::first_difference(px::train::structure(exact), px::train::structure(rounded));
  CHECK(theirs == "precision f32");
  CHECK(mine == "precision bf16");
}

TEST_CASE("precision bf16: report says how products are multiplied", "[precision][bf16]") {
  const std::string text = px::backend::report<simd, px::precision::bf16>();
  CHECK_THAT(text, Catch::Matches("[^]*matmul +native, bfloat16 [^]*conv2d_weight_gradient +native, bfloat16 [^]*max_pool2d +native\n[^]*"));
  CHECK_THAT(px::backend::report<simd>(), !Catch::Contains("bfloat16"));
  CHECK_THAT((px::backend::report<px::backend::reference, px::precision::bf16>()), !Catch::Contains("bfloat16"));
}
